import sys
from pathlib import Path

import pytest
import typer

from launcher.cli import lifecycle
from launcher.cli import tray as module
from launcher.foreground import Launch
from launcher.single_instance import AlreadyRunningError, Reach, SingleInstance
from launcher.tray import app, host, icon
from launcher.tray.icon import NoTrayError
from support.waiting import until


def test_a_second_launch_shows_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Path] = []
    monkeypatch.setattr(lifecycle, "open_page", lambda home, as_json: opened.append(home))
    with SingleInstance(tmp_path) as instance:
        instance.say(Reach(7, "http://127.0.0.1:9", "k"))
        module.tray(tmp_path)
    assert opened == [tmp_path]


def test_without_a_place_for_icons_it_runs_in_the_foreground(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[Path] = []
    monkeypatch.setattr(host, "has_tray_host", lambda: False)
    monkeypatch.setattr(module, "run", lambda home, as_json: ran.append(home))
    module.tray(tmp_path)
    assert ran == [tmp_path]
    assert "nothing in this session would show an icon" in capsys.readouterr().err


def test_a_library_that_does_not_load_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[Path] = []

    def fail(*_: object) -> None:
        raise NoTrayError("no display")

    monkeypatch.setattr(host, "has_tray_host", lambda: True)
    monkeypatch.setattr(icon, "PystrayIcon", fail)
    monkeypatch.setattr(module, "run", lambda home, as_json: ran.append(home))
    module.tray(tmp_path)
    assert ran == [tmp_path]


class ToyApp:
    def __init__(self, launch: Launch, make: object, bar: str, run_command: object) -> None:
        assert launch.home.exists()
        assert callable(make)
        assert bar == ("template" if sys.platform == "darwin" else "dark")
        assert run_command is module._in_background

    def run(self) -> None:
        raise AlreadyRunningError(None)


def test_one_that_starts_at_the_same_moment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(host, "has_tray_host", lambda: True)
    monkeypatch.setattr(app, "TrayApp", ToyApp)
    with pytest.raises(typer.Exit):
        module.tray(tmp_path)
    assert "runs already" in capsys.readouterr().err


def test_what_the_menu_starts_is_on_its_own(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    module._in_background([sys.executable, "-c", f"open({str(mark)!r}, 'w').write('x')"])
    until(mark.exists)
