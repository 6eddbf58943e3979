"""The walk through a desktop, on this one; macOS and Windows are its real aim."""

import subprocess
import sys
from pathlib import Path

import pytest

import check_desktop
from check_desktop import Check, alive, ask, main

COMMAND = [sys.executable, "-m", "launcher"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(check_desktop.SETTINGS)
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="sockets are handed over")
def test_a_killed_launcher_leaves_no_orphan(home: Path) -> None:
    check = Check(COMMAND, home)
    assert check.leaves_no_orphan() == ""
    assert check.starts_and_stops() == ""
    assert check.restarts() == ""


def test_the_entry_at_login_is_written_and_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "config"))
    monkeypatch.setenv("HOME", str(home))
    check = Check(COMMAND, home)
    assert check.starts_at_login() == ""
    assert check.say("autostart", "on")["autostart"] is True
    assert check.starts_at_login().startswith("skipped")


def test_a_program_that_is_none_fails_every_check(tmp_path: Path) -> None:
    check = Check([sys.executable, "-c", "print()"], tmp_path)
    assert check.starts_and_stops() == "None, then None"
    assert check.leaves_no_orphan() == "no gateway was started"
    assert check.restarts() == "None, process None, then None"


def test_a_restart_that_changes_nothing_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = Check(COMMAND, tmp_path)
    monkeypatch.setattr(check, "say", lambda *_words: {"state": "healthy", "pid": 7})
    assert check.restarts() == "it is process 7 still"


def test_a_process_that_ended_is_not_alive() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert alive(child.pid)
        child.communicate(b"\n")
    assert not alive(child.pid)


@pytest.mark.parametrize(
    ("said", "trouble"), [("y", ""), ("Yes ", ""), ("", "no answer"), ("it blinks", "it blinks")]
)
def test_a_person_says_what_is_wrong(said: str, trouble: str) -> None:
    assert ask("Is it there?", lambda _prompt: said) == trouble


def test_the_exit_code_tells_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("starts_and_stops", "restarts", "leaves_no_orphan", "starts_at_login"):
        monkeypatch.setattr(Check, name, lambda _self: "")
        getattr(Check, name).__name__ = name
    skipped = lambda _self: "skipped: none here"  # noqa: E731 - beside the others
    skipped.__name__ = "serves"
    monkeypatch.setattr(Check, "serves", skipped)
    assert main(["korproxy"]) == 0
    assert "- serves : skipped" in capsys.readouterr().out
    failing = lambda _self: "broken"  # noqa: E731
    failing.__name__ = "serves"
    monkeypatch.setattr(Check, "serves", failing)
    assert main(["korproxy"]) == 1
