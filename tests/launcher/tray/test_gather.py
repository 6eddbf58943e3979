from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from launcher.actions.recording import start_recording
from launcher.supervisor.states import State, Status
from launcher.tray import gather as module
from launcher.tray.facts import Facts
from launcher.tray.gather import gather, moment

NOW = 1_790_000_000.0
UP = Status(state=State.HEALTHY)
CONFIG = """version: 1
accounts:
- {id: a, provider: claude, label: Claude work, secret: "env:A"}
- {id: b, provider: codex, secret: "env:B"}
- {id: off, provider: qwen, secret: "env:C", disabled: true}
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(CONFIG)
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


def health(account: str, state: str, **more: Any) -> dict[str, Any]:
    return {"account": account, "model": "*", "state": state, "until": None, "code": "", **more}


def facts(home: Path, *healths: dict[str, Any]) -> Facts:
    return gather(home, UP, healths, starts_at_login=False, now=NOW)


def test_accounts_and_profiles_are_those_of_the_config(home: Path) -> None:
    found = facts(home)
    assert [(it.id, it.label, it.state) for it in found.accounts or ()] == [
        ("a", "Claude work", ""), ("b", "b", ""),
    ]  # fmt: skip
    assert [(it.id, it.active) for it in found.profiles] == [("default", True)]


def test_what_stands_in_an_account_s_way_is_said(home: Path) -> None:
    found = facts(
        home,
        health("a", "needs_login", code="KP-AUTH-003"),
        health("b", "rate_limited", until=NOW + 60),
    )
    assert (found.accounts or ())[0].state == "needs login"
    assert (found.accounts or ())[1].state == f"cooling until {moment(NOW + 60, NOW)}"


def test_a_limit_of_one_model_is_not_the_account_s(home: Path) -> None:
    limited = health("a", "rate_limited", until=NOW + 60) | {"model": "claude-opus-*"}
    assert (facts(home, limited).accounts or ())[0].state == ""


def test_until_when_what_passes_is_recorded_is_said(home: Path) -> None:
    assert facts(home).recording == ""
    start_recording(home, minutes=10, now=NOW)
    assert facts(home).recording == moment(NOW + 600, NOW)
    (home / "config.yaml").write_text("accounts: no\n")
    assert facts(home).recording == moment(NOW + 600, NOW), "whatever the config is like"
    assert gather(home, UP, (), starts_at_login=None, now=NOW + 601).recording == ""


def test_the_tightest_window_is_shown(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    windows = [
        SimpleNamespace(name="weekly", remaining_percent=70.0, reset_in_s=3600 * 30),
        SimpleNamespace(name="5h", remaining_percent=12.0, reset_in_s=600),
        SimpleNamespace(name="credits", remaining_percent=None, reset_in_s=None),
    ]
    left = [SimpleNamespace(id="a", windows=windows), SimpleNamespace(id="b", windows=[])]
    monkeypatch.setattr(module, "quotas", lambda _home, clock: left)
    first, second = facts(home).accounts or ()
    assert (first.window, first.remaining_percent) == ("5h", 12.0)
    assert first.resets == moment(NOW + 600, NOW)
    assert (second.window, second.remaining_percent, second.resets) == ("", None, "")


def test_a_config_that_cannot_be_read_hides_nothing_of_the_gateway(home: Path) -> None:
    (home / "config.yaml").write_text("accounts: no\n")
    assert facts(home) == Facts(UP, starts_at_login=False)


def test_another_day_is_named() -> None:
    assert ":" in moment(NOW, NOW)
    assert " " not in moment(NOW, NOW)
    assert len(moment(NOW + 3 * 86400, NOW).split()) == 2
