import os
from pathlib import Path

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.schema import Config
from korproxy_addons.io.secrets import load_secret
from korproxy_addons.providers.resolve import resolve_accounts
from launcher.demo.settings import demo_accounts, write_settings
from launcher.simulator import Simulator

WAYS = Simulator().urls()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that is not there yet."""
    return tmp_path / "new" / "home"


def written(home: Path, **words: object) -> Config:
    # The simulator that WAYS comes from is not started, so its URLs have no host.
    ways = {
        key: {
            name: f"http://127.0.0.1:9{value}" if value.startswith("/") else value
            for name, value in way.items()
        }
        for key, way in WAYS.items()
    }
    path = write_settings(home, ways, **words)  # type: ignore[arg-type]
    return parse_config(path.read_bytes(), str(path))


def test_what_is_written_is_a_config_that_the_gateway_takes(home: Path) -> None:
    config = written(home)
    accounts = resolve_accounts(config, home)
    assert [it.id for it in accounts] == [it.id for it in demo_accounts(WAYS)]
    assert all(it.local for it in accounts)
    assert all(it.origin == ("127.0.0.1", 9) for it in accounts), (
        "one would go to the real provider"
    )
    for account in accounts:
        if account.access.refreshes:
            assert account.token_url.startswith("http://127.0.0.1:9/"), account.id


def test_every_account_may_be_used_and_has_its_secret(home: Path) -> None:
    for account in resolve_accounts(written(home), home):
        assert account.refusal(account.access.only_for_tool) is None
        assert account.config.secret is not None
        assert load_secret(account.config.secret, home)


def test_every_access_of_the_demo_serves_its_model_in_its_dialect(home: Path) -> None:
    accounts = {it.id: it for it in resolve_accounts(written(home), home)}
    for shown in demo_accounts(WAYS):
        account = accounts[shown.id]
        assert (account.provider.id, account.access.id) == (shown.provider, shown.access)
        assert shown.dialect in account.access.dialects
        assert shown.model in {it.id for it in account.models}


def test_a_pinned_model_asks_for_its_own_account() -> None:
    pinned = [it.pinned_model for it in demo_accounts(WAYS)]
    assert len(set(pinned)) == len(pinned)
    assert "claude@claude-api-key/claude-sonnet-5-5" in pinned


def test_a_login_that_is_kept_for_its_own_tool_is_not_asked_with() -> None:
    kept = [it.id for it in demo_accounts(WAYS) if not it.serves_any_tool]
    assert kept == ["claude-subscription", "gemini-code-assist"]


def test_port_and_further_settings_are_taken(home: Path) -> None:
    config = written(home, port=4711, extra={"allow_degradation": True})
    assert (config.listen.port, config.allow_degradation) == (4711, True)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere files have no such modes")
def test_nobody_else_can_read_what_is_written(home: Path) -> None:
    written(home)
    secrets = list((home / "secrets").iterdir())
    assert len(secrets) == len(demo_accounts(WAYS))
    for path in (home / "config.yaml", *secrets):
        assert path.stat().st_mode & 0o777 == 0o600
    assert home.stat().st_mode & 0o077 == 0
