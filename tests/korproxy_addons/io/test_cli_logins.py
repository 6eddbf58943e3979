"""Logins of the official tools: read again when they change or end, never renewed by us."""

import json
from pathlib import Path

import pytest

from korproxy_addons.config.secret_ref import CLI_TOOLS
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.cli_places import TOOLS, CliPlaces, Found
from support import cli_logins
from support.cli_logins import EARLIER_MS, FILES, LATER_MS, NOW, leave, leave_all
from support.clock import FakeClock
from support.keyrings import keyring_of


class CountedPlaces(CliPlaces):
    """Counts how often something is read."""

    reads: list[str]

    def read(self, tool: str) -> Found:
        self.reads.append(tool)
        return super().read(tool)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountedPlaces:
    monkeypatch.setattr(CountedPlaces, "reads", [], raising=False)
    return CountedPlaces({}, tmp_path, "linux", keyring_of(), lambda *_: None)


@pytest.fixture
def logins(places: CountedPlaces, clock: FakeClock) -> CliLogins:
    return CliLogins(places, clock)


def token(logins: CliLogins, tool: str = "claude") -> str:
    return logins.load(tool).credential.get_secret_value()


def failure(logins: CliLogins, tool: str, spec: ErrorSpec) -> str:
    with pytest.raises(KorProxyError) as caught:
        logins.load(tool)
    assert caught.value.spec is spec
    assert "canary" not in f"{caught.value}{caught.value!r}"
    return caught.value.detail


@pytest.mark.parametrize("tool", CLI_TOOLS)
def test_each_is_read_once_until_its_file_changes(
    logins: CliLogins, places: CountedPlaces, tmp_path: Path, tool: str
) -> None:
    leave_all(tmp_path)
    first = logins.load(tool)
    assert logins.load(tool) is first
    assert places.reads == [tool]
    content = json.loads((tmp_path / FILES[tool]).read_text())
    leave(tmp_path, FILES[tool], json.dumps(content, indent=1))
    assert logins.load(tool) == first
    assert places.reads == [tool, tool]


def test_a_login_that_the_tool_renews_is_picked_up(logins: CliLogins, tmp_path: Path) -> None:
    leave(tmp_path, FILES["claude"], cli_logins.claude(token="first"))
    assert token(logins) == "first"
    leave(tmp_path, FILES["claude"], cli_logins.claude(LATER_MS + 1000, "second"))
    assert token(logins) == "second"


def test_one_that_has_run_out_is_read_again_and_then_its_owner_must_act(
    logins: CliLogins, places: CountedPlaces, clock: FakeClock, tmp_path: Path
) -> None:
    leave(tmp_path, FILES["claude"], cli_logins.claude())
    token(logins)
    clock.advance(3600)
    detail = failure(logins, "claude", catalogue.CLI_LOGIN_EXPIRED)
    assert detail == "Claude Code's login ended at 2027-01-15 09:00 UTC: run `claude` once"
    assert places.reads == ["claude", "claude"]
    leave(tmp_path, FILES["claude"], cli_logins.claude(LATER_MS + 7_200_000, "renewed"))
    assert token(logins) == "renewed"


@pytest.mark.parametrize("tool", CLI_TOOLS)
def test_where_nobody_signed_in_the_tool_to_run_is_named(logins: CliLogins, tool: str) -> None:
    detail = failure(logins, tool, catalogue.CLI_LOGIN_MISSING)
    assert TOOLS[tool].name in detail
    assert f"run `{TOOLS[tool].command}` once" in detail
    assert FILES[tool] in detail


def test_a_sign_out_is_respected_at_once(logins: CliLogins, tmp_path: Path) -> None:
    leave_all(tmp_path)
    token(logins)
    (tmp_path / FILES["claude"]).unlink()
    failure(logins, "claude", catalogue.CLI_LOGIN_MISSING)
    leave(tmp_path, FILES["claude"], {"mcpOAuth": {}})
    assert "no accessToken" in failure(logins, "claude", catalogue.CLI_LOGIN_MISSING)


def test_a_file_that_is_just_being_written_costs_no_request(
    logins: CliLogins, clock: FakeClock, tmp_path: Path
) -> None:
    """Codex writes its file in place: for a moment it is empty, or half."""
    leave(tmp_path, FILES["codex"], cli_logins.codex())
    first = token(logins, "codex")
    whole = json.dumps(cli_logins.codex(NOW + 9000, "second"))
    for half in ("", whole[:100]):
        leave(tmp_path, FILES["codex"], half)
        assert token(logins, "codex") == first
    leave(tmp_path, FILES["codex"], whole)
    second = token(logins, "codex")
    assert second != first
    leave(tmp_path, FILES["codex"], "")
    clock.advance(9000)
    failure(logins, "codex", catalogue.CLI_LOGIN_MISSING)


def test_what_was_refused_is_read_again(
    logins: CliLogins, places: CountedPlaces, tmp_path: Path
) -> None:
    leave_all(tmp_path)
    for tool in ("claude", "codex"):
        logins.load(tool)
    logins.forget("claude")
    logins.load("claude")
    logins.load("codex")
    assert places.reads == ["claude", "codex", "claude"]
    logins.forget()
    logins.load("codex")
    assert places.reads[-1] == "codex"
    logins.forget("qwen")


def test_looking_shows_an_ended_login_too(logins: CliLogins, tmp_path: Path) -> None:
    leave(tmp_path, FILES["gemini"], cli_logins.gemini(EARLIER_MS))
    found = logins.look("gemini")
    assert found.tokens.expires_at == EARLIER_MS / 1000
    assert found.place == str(tmp_path / FILES["gemini"])
    assert "canary" not in repr(found)
    failure(logins, "gemini", catalogue.CLI_LOGIN_EXPIRED)
