import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from korproxy_addons.errors.catalogue import CLI_LOGIN_MISSING
from launcher.actions import cli_logins
from launcher.actions.cli_logins import FoundLogin
from launcher.cli import run

CODEX = FoundLogin(
    tool="codex", name="Codex CLI", command="codex", provider="codex", access="chatgpt",
    secret="cli:codex", state="ready", email="m@x", plan="plus", place="~/.codex/auth.json",
)  # fmt: skip
CLAUDE = FoundLogin(
    tool="claude", name="Claude Code", command="claude", provider="claude", access="subscription",
    secret="cli:claude", state="expired", problem="It has run out: run `claude` once.",
)  # fmt: skip
QWEN = FoundLogin(
    tool="qwen", name="Qwen Code", command="qwen", provider="qwen", access="oauth",
    secret="cli:qwen", state="missing",
)  # fmt: skip
GEMINI = FoundLogin(
    tool="gemini", name="Gemini CLI", command="gemini", provider="gemini", access="code-assist",
    secret="cli:gemini", state="missing", problem="Gemini CLI is not signed in.",
)  # fmt: skip


class Terminal(io.StringIO):
    """A person at the keyboard."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    monkeypatch.setenv("KORPROXY_HOME", str(folder))
    found = {it.tool: it for it in (CODEX, CLAUDE, QWEN, GEMINI)}
    monkeypatch.setattr(cli_logins, "found_logins", lambda: tuple(found.values()))
    monkeypatch.setattr(cli_logins, "find_login", found.__getitem__)
    return folder


def test_what_there_is_is_listed(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["account", "import"]) == 0
    shown = capsys.readouterr().out
    assert "m@x, plus" in shown
    assert "run `claude` once" in shown
    assert "korproxy account import codex" in shown
    assert run(["account", "import", "--json"]) == 0
    logins = json.loads(capsys.readouterr().out)["logins"]
    assert [it["state"] for it in logins] == ["ready", "expired", "missing", "missing"]


@pytest.mark.parametrize("command", [["import", "codex"], ["add", "codex", "--from-cli"]])
def test_one_is_used_and_stays_the_tool_s(
    home: Path, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    assert run(["account", *command, "--accept-terms", "--json"]) == 0
    account = json.loads(capsys.readouterr().out)["account"]
    assert (account["kind"], account["secret"]) == ("cli", "cli:codex")
    assert not (home / "vault.bin").exists()


def test_terms_come_first(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["account", "import", "codex"]) == 1
    told = capsys.readouterr().err
    assert "Tolerated by OpenAI" in told
    assert "KP-AUTH-011" in told


def test_a_retired_login_is_explained_and_not_used(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["account", "import", "qwen", "--accept-terms"]) == 1
    told = capsys.readouterr().err
    assert "2026-04-15" in told
    assert "coding-plan" in told
    assert "qwen-cli" not in (home / "config.yaml").read_text()


def test_what_has_ended_is_not_offered_for_use(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = "/volumes/of/somebody/a/folder/that/is/rather/far/away/.qwen/oauth_creds.json"
    left = replace(QWEN, state="ready", place=place)
    monkeypatch.setattr(cli_logins, "found_logins", lambda: (left, GEMINI))
    monkeypatch.setenv("COLUMNS", "80")
    assert run(["account", "import"]) == 0
    shown = capsys.readouterr().out
    assert "retired" in shown
    assert "2026-04-15" in shown
    assert "korproxy account import qwen" not in shown
    assert "None can be used" in shown
    assert "…" not in shown


def test_nobody_is_asked_for_consent_to_a_login_that_is_not_there(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert run(["account", "import", "gemini"]) == 1
    told = capsys.readouterr().err
    assert CLI_LOGIN_MISSING.code in told
    assert "all the same" not in told


def test_a_login_that_is_not_there_is_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["account", "import", "gemini", "--accept-terms"]) == 1
    assert CLI_LOGIN_MISSING.code in capsys.readouterr().err
    assert run(["account", "import", "cursor"]) == 2
