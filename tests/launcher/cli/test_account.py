import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from launcher.actions.accounts import AccountView
from launcher.cli import lifecycle, run
from launcher.cli.account import _print_list

CONFIG = """\
accounts:
  - {id: one, provider: claude, secret: env:ONE}  # first
  - {id: old, provider: qwen, access: oauth, secret: env:OLD}
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "home"
    folder.mkdir(mode=0o700)
    (folder / "config.yaml").write_text(CONFIG)
    (folder / "config.yaml").chmod(0o600)
    monkeypatch.setenv("KORPROXY_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "120")
    return folder


def said(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert run(["account", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_accounts_are_listed_with_how_they_stand(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = said(capsys, "list")["accounts"]
    assert [(it["id"], it["state"]) for it in found] == [("one", "ready"), ("old", "retired")]
    assert run(["account", "list"]) == 0
    shown = capsys.readouterr().out
    assert "one" in shown
    assert "2026-04-15" in shown  # why the retired one is


def test_whose_an_account_is_is_never_cut_off() -> None:
    console = Console(width=80, file=StringIO(), highlight=False)
    email = "somebody.with.a.long.name@department.example.com"
    view = AccountView(
        id="codex-chatgpt", provider="codex", access="chatgpt", provider_name="Codex (OpenAI)",
        access_name="ChatGPT plan", label="codex-chatgpt", kind="login", state="ready", hint="",
        secret=None, email=email, plan="plus", organization="", expires_at=None,
        login_ends_at=None, renews=True, route_state=None, route_since=None, route_reason=None,
        models=None,
    )  # fmt: skip
    _print_list(console, (view,))
    assert isinstance(console.file, StringIO)
    heading, *lines = console.file.getvalue().splitlines()
    begin, end = heading.index("who"), heading.index("state")
    assert "".join(line[begin:end].strip() for line in lines) == f"{email}, plus"


def test_an_empty_list_says_how_to_begin(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "config.yaml").write_text("")
    assert run(["account", "list"]) == 0
    assert "korproxy account add" in capsys.readouterr().out


def test_one_account_is_shown(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "show", "one")["account"]["secret"] == "env:ONE"
    assert run(["account", "show", "old"]) == 0
    shown = capsys.readouterr().out
    assert "Qwen, Qwen login" in shown
    assert "korproxy account remove old" in shown


def test_changes_are_made_and_said(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = home / "config.yaml"
    assert said(capsys, "rename", "one", "Work") == {"id": "one", "label": "Work"}
    assert said(capsys, "disable", "one") == {"id": "one", "disabled": True}
    assert '"label": Work, "disabled": true}  # first' in file.read_text()
    assert said(capsys, "enable", "one") == {"id": "one", "disabled": False}
    assert said(capsys, "remove", "old") == {"id": "old", "removed": True, "secret_deleted": False}
    assert "old" not in file.read_text()
    for arguments, words in (
        (["rename", "one", "Home"], "one is now called Home."),
        (["disable", "one"], "one is kept, but not used."),
        (["enable", "one"], "one is used again."),
        (["remove", "one"], "one was removed; no secret of it was in the vault."),
    ):
        assert run(["account", *arguments]) == 0
        assert capsys.readouterr().out.strip() == words


@pytest.mark.parametrize("verb", ["show", "disable", "enable", "remove", "rename"])
def test_an_account_that_is_not_there_is_exit_code_1(
    home: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    more = ["x"] if verb == "rename" else []
    assert run(["account", verb, "nope", *more]) == 1
    assert "KP-CONF-210" in capsys.readouterr().err
    assert run(["account", verb]) == 2


def test_a_config_that_is_wrong_is_said_and_not_touched(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "config.yaml").write_text("accounts: 7\n")
    assert run(["account", "list"]) == 1
    assert "config.yaml:1" in capsys.readouterr().err


def test_an_account_is_given_another_chance(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[object] = []

    class Api:
        def post(self, path: str, body: dict[str, str]) -> dict[str, str]:
            asked.append((path, body))
            return body

    monkeypatch.setattr(lifecycle, "running", lambda folder: Api() if folder == home else None)
    assert said(capsys, "reset", "one") == {"id": "one", "reset": True}
    assert asked == [("accounts/reset", {"account": "one"})]


def test_without_korproxy_there_is_nothing_to_reset(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["account", "reset", "one"]) == 1
    assert "KP-SYS-509" in capsys.readouterr().err
