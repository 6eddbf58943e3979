"""`korproxy safe-mode`."""

from pathlib import Path

import pytest

from support.command import Output, called, failed, printed
from support.routing_home import routing_home


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return routing_home(tmp_path / "home")


def test_on_off_and_on_again(home: Path, capsys: Output) -> None:
    on = {"enabled": True, "model": "claude/m", "group": "cheap"}
    given = ("--model", "claude/m", "--group", "cheap")
    assert called(home, capsys, "safe-mode", "on", *given)["safe_mode"] == on
    off = {**on, "enabled": False}
    assert called(home, capsys, "safe-mode", "off")["safe_mode"] == off
    assert called(home, capsys, "safe-mode", "on")["safe_mode"] == on
    assert called(home, capsys, "safe-mode", "status")["safe_mode"] == on


def test_for_people(home: Path, capsys: Output) -> None:
    assert "Safe mode is off." in printed(home, capsys, "safe-mode", "status")
    text = printed(home, capsys, "safe-mode", "on", "--group", "cheap")
    assert "all requests go to group cheap" in text


def test_without_a_fallback_it_stays_off(home: Path, capsys: Output) -> None:
    code, text = failed(home, capsys, "safe-mode", "on")
    assert (code, "where all shall go" in text) == (1, True)
    assert "off" in printed(home, capsys, "safe-mode", "status")
