from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.config.document import Document
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import ACCOUNT_UNKNOWN, VAULT_LOCKED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import CliPlaces
from korproxy_addons.io.database import open_database
from korproxy_addons.io.vault import Vault
from launcher.actions.accounts import (
    AccountView,
    account_entry,
    list_accounts,
    remove_account,
    rename_account,
    set_enabled,
    show_account,
)
from support.cli_logins import FILES, codex, leave
from support.clock import FakeClock
from support.vaults import api_key, vault_in

NOW = 1_800_000_000.0
DAY_S = 86_400.0
CONFIG = """\
version: 1
accounts:
  # the first
  - id: key
    provider: claude
    secret: vault:key   # in the vault
  - id: plan
    provider: codex
    access: siwc
    label: My plan
    secret: vault:plan
  - {id: cli, provider: codex, access: chatgpt, consent: true, secret: "cli:codex"}
  - {id: tool, provider: claude, access: own-login}
  - {id: env, provider: gemini, secret: env:GEMINI_API_KEY}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "config.yaml").chmod(0o600)
    return folder


@pytest.fixture
def vault(home: Path) -> Vault:
    made = vault_in(home)
    made.save("key", api_key("sk-planted"))
    made.save("plan", tokens(refresh_token=SecretStr("rt-planted"), facts={"email": "m@x"}))
    return made


def tokens(**words: Any) -> TokenSet:
    return TokenSet(
        access_token=SecretStr("at-planted"), expires_at=NOW + 60, obtained_at=NOW, **words
    )


def tools_of(home: Path) -> CliLogins:
    """The official tools' logins of a user who lives beside the KorProxy folder."""
    return CliLogins(CliPlaces({}, home.parent, "linux"), FakeClock(NOW))


def views(home: Path, vault: Vault) -> dict[str, AccountView]:
    leave(home.parent, FILES["codex"], codex())
    found = list_accounts(home, lambda: vault, FakeClock(NOW), tools_of(home))
    return {it.id: it for it in found}


def test_every_account_is_shown_as_what_it_is(home: Path, vault: Vault) -> None:
    found = views(home, vault)
    assert list(found) == ["key", "plan", "cli", "tool", "env"]
    assert {it.id: it.kind for it in found.values()} == {
        "key": "key", "plan": "login", "cli": "cli", "tool": "tool", "env": "key",
    }  # fmt: skip
    assert {it.state for it in found.values()} == {"ready"}
    plan = found["plan"]
    assert (plan.label, plan.email, plan.renews) == ("My plan", "m@x", True)
    assert plan.expires_at == "2027-01-15T08:01:00+00:00"
    assert plan.route_state == "works"
    assert found["tool"].secret is None
    assert found["cli"].secret == "cli:codex"
    assert "planted" not in str([asdict(it) for it in found.values()])


def test_an_official_tool_s_login_says_whose_it_is_and_how_it_stands(
    home: Path, vault: Vault
) -> None:
    """As the gateway finds it at the next request: no menu shows a login that is dead."""

    def cli() -> AccountView:
        return show_account(home, "cli", lambda: vault, FakeClock(NOW), tools_of(home))

    missing = cli()
    assert missing.state == "no-secret"
    assert "run `codex login` once" in missing.hint
    leave(home.parent, FILES["codex"], codex())
    ready = cli()
    assert (ready.state, ready.hint) == ("ready", "")
    assert (ready.email, ready.plan, ready.renews) == ("mina@example.com", "plus", False)
    assert ready.expires_at == "2027-01-15T09:00:00+00:00"
    leave(home.parent, FILES["codex"], codex(NOW - 60))
    over = cli()
    assert (over.state, over.email) == ("session-ended", "mina@example.com")
    assert "run `codex login` once" in over.hint
    set_enabled(home, "cli", enabled=False)
    assert cli().state == "disabled"


def test_the_vault_stays_shut_where_nobody_needs_it(home: Path) -> None:
    (home / "config.yaml").write_text("accounts:\n  - {id: e, provider: claude, secret: env:E}\n")

    def locked() -> Vault:
        raise AssertionError("the vault was opened")

    assert [it.state for it in list_accounts(home, locked)] == ["ready"]


@pytest.mark.parametrize(
    ("words", "state"),
    [
        ({"refresh_token": SecretStr("rt")}, "ready"),
        ({"refresh_token": SecretStr("rt"), "refresh_expires_at": NOW + 2 * DAY_S}, "ends-soon"),
        ({"refresh_token": SecretStr("rt"), "refresh_expires_at": NOW - 1}, "session-ended"),
        ({}, "ready"),
    ],
    ids=["fresh", "soon", "over", "cannot-be-renewed-yet"],
)
def test_how_a_login_stands(home: Path, vault: Vault, words: dict[str, Any], state: str) -> None:
    vault.save("plan", tokens(**words))
    found = show_account(home, "plan", lambda: vault, FakeClock(NOW))
    assert found.state == state
    assert ("--replace plan" in found.hint) == (state != "ready")


def test_a_login_that_cannot_be_renewed_ends_with_its_token(home: Path, vault: Vault) -> None:
    vault.save("plan", tokens())
    assert show_account(home, "plan", lambda: vault, FakeClock(NOW + 61)).state == "session-ended"


def test_an_account_whose_secret_is_gone_says_so(home: Path, vault: Vault) -> None:
    vault.remove("key")
    assert views(home, vault)["key"].state == "no-secret"


def test_a_vault_that_cannot_be_opened_hides_no_account(home: Path) -> None:
    def locked() -> Vault:
        raise KorProxyError(VAULT_LOCKED, "the keyring is locked")

    found = {it.id: it for it in list_accounts(home, locked, FakeClock(NOW), tools_of(home))}
    assert [found[it].state for it in ("key", "plan", "env")] == [
        "vault-closed",
        "vault-closed",
        "ready",
    ]
    assert "the keyring is locked" in found["key"].hint


def test_what_stands_in_the_way_is_said(home: Path, vault: Vault) -> None:
    config = home / "config.yaml"
    config.write_text(
        "accounts:\n"
        "  - {id: old, provider: qwen, access: oauth, secret: env:A}\n"
        "  - {id: ask, provider: codex, access: chatgpt, secret: env:A}\n"
        "  - {id: off, provider: claude, secret: env:A, disabled: true}\n"
    )
    found = views(home, vault)
    assert {it.id: it.state for it in found.values()} == {
        "old": "retired",
        "ask": "consent-needed",
        "off": "disabled",
    }
    assert "2026-04-15" in found["old"].hint
    assert "coding-plan" in found["old"].hint
    assert "account enable off" in found["off"].hint


def test_a_route_whose_end_has_come_is_over(home: Path, vault: Vault) -> None:
    """The clock moved past an announced end changes what is said."""
    (home / "registry.json").write_text(
        '{"checked": "2026-11-01", "routes": [{"provider": "codex", "access": "siwc",'
        ' "state": "works", "since": "2026-09-29", "reason": "Fine.", "source": "https://x",'
        ' "replacement": "api-key", "sunset": "2027-01-16"}]}'
    )
    assert views(home, vault)["plan"].state == "ready"
    clock = FakeClock(NOW + 2 * DAY_S)
    later = {it.id: it for it in list_accounts(home, lambda: vault, clock, tools_of(home))}
    assert later["plan"].state == "retired"
    assert "2027-01-16" in later["plan"].hint


def test_a_name_and_a_switch_change_their_own_line_only(home: Path) -> None:
    rename_account(home, "key", "Work: key")
    set_enabled(home, "key", enabled=False)
    text = (home / "config.yaml").read_text()
    added = '    label: "Work: key"\n    disabled: true\n'
    assert text == CONFIG.replace("# in the vault\n", "# in the vault\n" + added)
    set_enabled(home, "key", enabled=True)
    set_enabled(home, "key", enabled=True)  # once more does no harm
    account = ConfigStore(home).load().account("key")
    assert account is not None
    assert (account.label, account.disabled) == ("Work: key", False)


def test_a_removed_account_takes_its_secret_with_it(home: Path, vault: Vault) -> None:
    assert remove_account(home, "key", lambda: vault) is True
    assert vault.names() == ("plan",)
    assert remove_account(home, "env", lambda: vault) is False
    config = ConfigStore(home).load()
    assert [it.id for it in config.accounts] == ["plan", "cli", "tool"]
    assert "# the first" in (home / "config.yaml").read_text()


def test_a_secret_that_another_account_uses_stays(home: Path, vault: Vault) -> None:
    config = home / "config.yaml"
    config.write_text(config.read_text() + "  - {id: two, provider: claude, secret: 'vault:key'}\n")
    assert remove_account(home, "key", lambda: vault) is False
    assert "key" in vault.names()


def test_an_account_that_is_not_there_is_named(home: Path, vault: Vault) -> None:
    for attempt in (
        lambda: show_account(home, "nope", lambda: vault),
        lambda: rename_account(home, "nope", "x"),
        lambda: set_enabled(home, "nope", enabled=True),
        lambda: remove_account(home, "nope", lambda: vault),
        lambda: account_entry(Document(CONFIG), "nope"),
    ):
        with pytest.raises(KorProxyError) as said:
            attempt()
        assert (said.value.spec, said.value.detail) == (ACCOUNT_UNKNOWN, "nope")


def refused(home: Path, account_id: str, at: float) -> None:
    """A gateway has written down that the provider refused an account."""
    database = open_database(home)
    database.open()
    health = Health(State.NEEDS_LOGIN, None, code="KP-AUTH-003", reason="revoked", failed_at=at)
    AccountState(database).save_health(account_id, "*", health)
    assert database.flush()
    database.close()


def test_what_a_gateway_was_refused_is_not_called_ready(home: Path, vault: Vault) -> None:
    for account_id in ("plan", "env"):
        refused(home, account_id, NOW + 1)
    found = views(home, vault)
    assert {it.id for it in found.values() if it.state == "needs-login"} == {"plan", "env"}
    assert "KP-AUTH-003: revoked" in found["plan"].hint
    assert found["plan"].hint.endswith("korproxy account add codex --replace plan")


def test_who_has_signed_in_again_since_is_ready(home: Path, vault: Vault) -> None:
    refused(home, "plan", NOW - 1)
    refused(home, "key", 1.0)
    found = views(home, vault)
    assert (found["plan"].state, found["key"].state) == ("ready", "ready")
