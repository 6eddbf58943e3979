from dataclasses import asdict
from pathlib import Path

import pytest

from korproxy_addons.config.parse import parse_config
from korproxy_addons.config.secret_ref import CLI_TOOLS, SecretRef
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import CliPlaces
from launcher.actions.cli_logins import FoundLogin, as_offered, find_login, found_logins
from support import cli_logins
from support.cli_logins import EARLIER_MS, FILES, NOW, leave, leave_all
from support.clock import FakeClock
from support.keyrings import keyring_of


@pytest.fixture
def logins(tmp_path: Path) -> CliLogins:
    places = CliPlaces({}, tmp_path, "linux", keyring_of(), lambda *_: None)
    return CliLogins(places, FakeClock(NOW))


def test_what_was_found_names_owner_and_plan_and_no_token(
    logins: CliLogins, tmp_path: Path
) -> None:
    leave_all(tmp_path)
    found = found_logins(logins, FakeClock(NOW))
    assert tuple(it.tool for it in found) == CLI_TOOLS
    assert found[0] == FoundLogin(
        tool="claude",
        name="Claude Code",
        command="claude",
        provider="claude",
        access="subscription",
        secret="cli:claude",
        state="ready",
        place=str(tmp_path / FILES["claude"]),
        email="mina@example.com",
        plan="max",
        organization="Mina's",
        account_id="u-1",
        expires_at="2027-01-15T09:00:00+00:00",
    )
    assert [(it.state, it.email) for it in found[1:3]] == [("ready", "mina@example.com")] * 2
    assert "canary" not in str([asdict(it) for it in found])
    for it in found:
        assert str(SecretRef.parse(it.secret)) == it.secret


def test_what_has_run_out_or_is_not_there_says_what_to_run(
    logins: CliLogins, tmp_path: Path
) -> None:
    leave(tmp_path, FILES["gemini"], cli_logins.gemini(EARLIER_MS))
    ended = find_login("gemini", logins, FakeClock(NOW))
    assert (ended.state, ended.email) == ("expired", "from-claims@example.com")
    assert "run `gemini` once" in ended.problem
    missing = find_login("codex", logins, FakeClock(NOW))
    assert (missing.state, missing.place, missing.provider) == ("missing", "", "codex")
    assert "run `codex login` once" in missing.problem


def test_a_login_that_its_provider_has_ended_is_retired_whatever_its_token_says(
    logins: CliLogins, tmp_path: Path
) -> None:
    leave_all(tmp_path)
    clock = FakeClock(NOW)
    found = {it.tool: it for it in found_logins(logins, clock)}
    nothing = parse_config(b"")
    states = {name: as_offered(it, nothing, tmp_path, clock).state for name, it in found.items()}
    assert [states[it] for it in ("qwen", "iflow")] == ["retired"] * 2
    assert {states[it] for it in ("claude", "codex", "gemini")} == {"ready"}
    over = as_offered(found["qwen"], nothing, tmp_path, clock)
    assert "2026-04-15" in over.problem
    assert "coding-plan" in over.problem
    elsewhere = parse_config(b"providers: {qwen: {base_url: 'https://mirror.example/v1'}}")
    assert as_offered(found["qwen"], elsewhere, tmp_path, clock).state == "ready"
    nobody = find_login("qwen", CliLogins(CliPlaces({}, tmp_path / "empty", "linux"), clock), clock)
    assert as_offered(nobody, nothing, tmp_path, clock) == nobody


def test_codex_with_an_api_key_is_another_way_in(logins: CliLogins, tmp_path: Path) -> None:
    leave(tmp_path, FILES["codex"], {"OPENAI_API_KEY": "sk-canary"})
    found = find_login("codex", logins, FakeClock(NOW))
    assert (found.access, found.state, found.expires_at) == ("api-key", "ready", None)
