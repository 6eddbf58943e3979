import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import CliPlaces
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.vault_opening import VaultDoor
from support import cli_logins
from support.cli_logins import FILES, NOW, leave
from support.clock import FakeClock
from support.keyrings import keyring_of
from support.vaults import KEY, Machine, api_key, login, vault_in


@pytest.fixture
def learned() -> list[SecretStr]:
    return []


@pytest.fixture
def store(tmp_path: Path, learned: list[SecretStr]) -> SecretStore:
    return SecretStore(tmp_path, learned.extend)


def test_a_secret_is_read_once_and_the_log_is_told_first(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("sk-first")
    ref = SecretRef.parse("file:key")
    assert store.load(ref) == SecretStr("sk-first")
    (tmp_path / "key").write_text("sk-second")
    assert store.load(ref) == SecretStr("sk-first")
    assert learned == [SecretStr("sk-first")]


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_forgotten_secret_is_read_anew(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path, all_of_them: bool
) -> None:
    ref = SecretRef.parse("file:key")
    for value in ("sk-first", "sk-second"):
        (tmp_path / "key").write_text(value)
        assert store.load(ref) == SecretStr(value)
        store.forget(None if all_of_them else ref)
    assert learned == [SecretStr("sk-first"), SecretStr("sk-second")]


def test_forgetting_one_secret_keeps_the_others(store: SecretStore, tmp_path: Path) -> None:
    one, other = SecretRef.parse("file:one"), SecretRef.parse("file:other")
    for name in ("one", "other"):
        (tmp_path / name).write_text("sk-before")
    store.load(one)
    store.load(other)
    for name in ("one", "other"):
        (tmp_path / name).write_text("sk-after")
    store.forget(one)
    store.forget(one)
    assert store.load(one) == SecretStr("sk-after")
    assert store.load(other) == SecretStr("sk-before")


def test_a_secret_that_is_not_there_is_looked_for_again(
    store: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    ref = SecretRef.parse("file:key")
    with pytest.raises(KorProxyError) as found:
        store.load(ref)
    assert found.value.spec is catalogue.SECRET_UNAVAILABLE
    assert learned == []
    (tmp_path / "key").write_text("sk-later")
    assert store.load(ref) == SecretStr("sk-later")


@pytest.fixture
def with_logins(tmp_path: Path, learned: list[SecretStr]) -> SecretStore:
    """With a vault, and a user who has signed in to official tools."""
    door = VaultDoor(tmp_path, KEY, learned.extend)
    places = CliPlaces({}, tmp_path, "linux", keyring_of(), lambda *_: None)
    logins = CliLogins(places, FakeClock(NOW))
    return SecretStore(tmp_path, learned.extend, door=door, cli_logins=logins)


def test_the_vaults_entries_are_those_of_the_moment(
    with_logins: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    """Another process may write them, so nothing is remembered here."""
    ref = SecretRef.parse("vault:work")
    with pytest.raises(KorProxyError, match="holds no entry work") as found:
        with_logins.load(ref)
    assert found.value.spec is catalogue.SECRET_UNAVAILABLE
    stamps = [with_logins.vault_stamp()]
    vault_in(tmp_path).save("work", api_key("sk-first"))
    stamps += [with_logins.vault_stamp(), with_logins.vault_stamp()]
    assert stamps[0] is None
    assert stamps[1] == stamps[2]
    assert with_logins.load(ref) == SecretStr("sk-first")
    assert SecretStr("sk-first") in learned
    vault_in(tmp_path).save("work", login("access", "refresh"))
    assert with_logins.load(ref) == SecretStr("access")
    assert SecretStr("refresh") in learned
    assert with_logins.vault().load("work") == login("access", "refresh")


def test_a_vault_that_does_not_open_costs_only_its_own_accounts(
    tmp_path: Path, learned: list[SecretStr]
) -> None:
    vault_in(tmp_path).save("work", api_key("sk-first"))
    (tmp_path / "key").write_text("sk-in-a-file")
    door = VaultDoor(tmp_path, Machine().keys(), learned.extend)
    store = SecretStore(tmp_path, learned.extend, door=door)
    with pytest.raises(KorProxyError) as found:
        store.load(SecretRef.parse("vault:work"))
    assert found.value.spec is catalogue.VAULT_KEY_MISSING
    assert store.load(SecretRef.parse("file:key")) == SecretStr("sk-in-a-file")


def test_a_new_config_has_the_vault_opened_before_a_request_wants_it(
    tmp_path: Path, learned: list[SecretStr]
) -> None:
    door = VaultDoor(tmp_path, KEY, learned.extend)
    store = SecretStore(tmp_path, learned.extend, door=door)
    vault_in(tmp_path).save("work", api_key("sk-first"))
    store.forget()
    door.wait(30)
    assert learned == [SecretStr("sk-first")]


def test_an_official_tools_login_is_read_as_it_lies(
    with_logins: SecretStore, learned: list[SecretStr], tmp_path: Path
) -> None:
    ref = SecretRef.parse("cli:claude")
    with pytest.raises(KorProxyError) as found:
        with_logins.load(ref)
    assert found.value.spec is catalogue.CLI_LOGIN_MISSING
    leave(tmp_path, FILES["claude"], cli_logins.claude(token="first"))
    assert with_logins.load(ref) == SecretStr("first")
    assert learned == [SecretStr("first"), SecretStr("sk-ant-ort01-canary-claude-refresh")]
    leave(tmp_path, FILES["claude"], cli_logins.claude(token="second-one"))
    assert with_logins.load(ref) == SecretStr("second-one")


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_refused_login_is_read_anew(
    with_logins: SecretStore, tmp_path: Path, all_of_them: bool
) -> None:
    ref = SecretRef.parse("cli:claude")
    file = leave(tmp_path, FILES["claude"], cli_logins.claude(token="first"))
    with_logins.load(ref)
    before = file.stat()
    file.write_text(file.read_text().replace("first", "again"))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert with_logins.load(ref) == SecretStr("first"), "nothing shows that the file is another one"
    with_logins.forget(None if all_of_them else ref)
    assert with_logins.load(ref) == SecretStr("again")


def test_by_default_the_places_are_this_machines(
    tmp_path: Path, learned: list[SecretStr], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.null.Keyring")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for name in ("CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR"):
        monkeypatch.delenv(name, raising=False)
    store = SecretStore(tmp_path, learned.extend)
    assert store.vault().names() == ()
    with pytest.raises(KorProxyError) as found:
        store.load(SecretRef.parse("cli:claude"))
    assert str(tmp_path) in found.value.detail
