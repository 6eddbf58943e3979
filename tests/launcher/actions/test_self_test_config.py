"""The configuration and its accounts, looked at."""

from pathlib import Path

import pytest

from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import LAST_GOOD_NAME
from korproxy_addons.errors.catalogue import CONFIG_SCHEMA, CONFIG_UNSAFE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.vault_opening import open_vault
from launcher.actions.self_test_config import (
    STATES,
    account_views,
    check_accounts,
    check_config,
    check_secrets,
    find_config,
)
from support.bundled import AT, account

GOOD = "version: 1\naccounts:\n  - {id: a, provider: codex, secret: env:A}\n"
BAD = "version: 1\nlisten:\n  port: many\nzebra: 1\n"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    home = tmp_path / "kp"
    home.mkdir(mode=0o700)
    return home


def write(home: Path, text: str, name: str = "config.yaml", mode: int = 0o600) -> None:
    (home / name).write_text(text)
    (home / name).chmod(mode)


def test_looking_writes_nothing(tmp_path: Path) -> None:
    found = find_config(tmp_path / "none")
    assert (found.is_there, found.spec) == (False, None)
    assert check_config(tmp_path / "none", found).result == "ok"
    assert account_views(tmp_path / "none", found, lambda: open_vault(tmp_path)) == ()
    assert list(tmp_path.iterdir()) == []


def test_one_that_can_be_used_says_how_many_accounts_there_are(home: Path) -> None:
    write(home, GOOD)
    found = check_config(home, find_config(home))
    assert (found.result, found.detail) == ("ok", "can be used; 1 account")


def test_one_that_cannot_is_told_line_by_line(home: Path) -> None:
    write(home, BAD)
    given = find_config(home)
    assert given.config.accounts == ()
    found = check_config(home, given)
    assert found.result == "fail"
    assert found.detail.startswith("KP-CONF-")
    assert "line 3: listen.port: expected a valid integer" in found.detail
    assert [it.partition(":")[0] for it in found.seen] == ["line 3", "line 4"]
    assert not any(LAST_GOOD_NAME in step for step in found.remedy)


def test_the_last_good_one_stands_in_and_is_offered(home: Path) -> None:
    write(home, BAD)
    write(home, GOOD, LAST_GOOD_NAME)
    given = find_config(home)
    assert [it.id for it in given.config.accounts] == ["a"]
    assert given.spec is not None
    assert any(LAST_GOOD_NAME in step for step in check_config(home, given).remedy)


def test_many_problems_are_cut_in_a_line_and_whole_besides(home: Path) -> None:
    write(home, "version: 1\n" + "".join(f"k{it}: 1\n" for it in range(9)))
    found = check_config(home, find_config(home))
    assert found.detail.endswith("and 4 more")
    assert len(found.seen) == 9


@pytest.mark.skipif("os.name != 'posix'", reason="this system has no mode bits")
def test_one_that_others_can_write_is_told_with_its_own_remedy(home: Path) -> None:
    write(home, GOOD, mode=0o666)
    found = check_config(home, find_config(home))
    assert "chmod 600" in found.detail
    assert found.remedy == CONFIG_UNSAFE.remedy


def test_no_account_is_worth_knowing() -> None:
    assert check_accounts(()).detail == "none is connected"
    found = check_accounts((account("disabled"),))
    assert (found.result, found.detail) == ("warn", "all are disabled")
    assert "korproxy account add" in found.remedy[0]


def test_accounts_that_are_ready() -> None:
    found = check_accounts((account(), account("disabled", id="b")))
    assert (found.result, found.detail) == ("ok", "1 ready")
    assert found.seen == ("codex-api-key: ready", "b: disabled")
    unsure = check_accounts((account(),), database_ok=False)
    assert unsure.detail == "1 ready, as far as is known without the database"


@pytest.mark.parametrize(
    "state", ["needs-login", "session-ended", "no-secret", "vault-closed", "retired"]
)
def test_one_that_is_lost_fails_alone_and_warns_beside_another(state: str) -> None:
    lost = account(state)
    assert check_accounts((lost,)).result == "fail"
    found = check_accounts((lost, account(id="b")))
    assert (found.result, found.detail) == ("warn", f"codex-api-key {STATES[state]}")
    assert found.remedy == ("korproxy account add codex",)


def test_one_that_rests_is_worth_knowing() -> None:
    found = check_accounts((account("rate-limited", hint="It rests until noon."),))
    assert (found.result, found.remedy) == ("warn", ("It rests until noon.",))


def test_where_the_configuration_cannot_be_used_nothing_is_said_of_accounts(home: Path) -> None:
    write(home, BAD)
    views = account_views(home, find_config(home), lambda: open_vault(home), lambda: AT)
    assert isinstance(views, KorProxyError)
    assert check_accounts(views).result == "skip"
    assert check_accounts(KorProxyError(CONFIG_SCHEMA)).result == "skip"


def test_accounts_of_a_good_one_are_viewed(home: Path) -> None:
    write(home, GOOD)
    views = account_views(home, find_config(home), lambda: open_vault(home), lambda: AT)
    assert not isinstance(views, KorProxyError)
    assert [it.id for it in views] == ["a"]


TWO = """
version: 1
accounts:
  - {id: a, provider: codex, secret: file:secrets/a}
  - {id: b, provider: codex, secret: env:B_KEY}
  - {id: c, provider: codex, secret: env:C_KEY, disabled: true}
"""


def test_secrets_in_files_and_variables_are_there_or_named_as_missing(home: Path) -> None:
    write(home, TWO)
    config = find_config(home).config
    found = check_secrets(home, config, {"B_KEY": "k"})
    assert found.result == "fail"
    assert found.detail.startswith(f"a: the file {home / 'secrets' / 'a'}: No such file")
    (home / "secrets").mkdir(mode=0o700)
    write(home, "canary", "secrets/a")
    unset = check_secrets(home, config, {})
    assert (unset.result, unset.detail) == ("warn", "b: the environment variable B_KEY is not set")
    good = check_secrets(home, config, {"B_KEY": "k"})
    assert (good.result, good.detail) == ("ok", "2 in files and variables, all there")
    assert "canary" not in str((found, unset, good))
    assert check_secrets(home, Config(), {}).result == "ok"
