"""How pystray is used; the real one, on a real session bus, is in tests/e2e."""

import stat
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from launcher.tray import icon as module
from launcher.tray.art import tray_icon
from launcher.tray.icon import NoTrayError, PystrayIcon
from launcher.tray.menu import SEPARATOR, Action, Item

IMAGE = tray_icon("running", 16, "dark")


class ToyMenu(list[Any]):
    SEPARATOR = "---"

    def __init__(self, *items: Any) -> None:
        super().__init__(items)


class ToyIcon:
    made: ClassVar[list[Any]] = []

    def __init__(self, name: str, image: Any, title: str, menu: Any) -> None:
        self.name, self.icon, self.title, self.menu = name, image, title, menu
        self.visible = False
        self.updates = 0
        self.notes: list[tuple[str, str]] = []
        self.fails = False
        ToyIcon.made.append(self)

    def run(self, setup: Any) -> None:
        setup(self)
        if self.fails:
            raise RuntimeError("GLib.GError: no such service")

    def update_menu(self) -> None:
        self.updates += 1

    def notify(self, text: str, title: str) -> None:
        if self.fails:
            raise RuntimeError("no notification service")
        self.notes.append((title, text))

    def stop(self) -> None:
        self.visible = False


@pytest.fixture
def chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Item]:
    ToyIcon.made.clear()

    def item(label: str, action: Any, **more: Any) -> dict[str, Any]:
        return {"label": label, "action": action, **more}

    toy = SimpleNamespace(Icon=ToyIcon, Menu=ToyMenu, MenuItem=item)
    monkeypatch.setitem(sys.modules, "pystray", toy)
    monkeypatch.setattr(tempfile, "tempdir", None)
    return []


def test_menu_title_and_picture_are_set_and_changed(tmp_path: Path, chosen: list[Item]) -> None:
    icon = PystrayIcon(chosen.append, tmp_path / "private")
    pause = Item("Pause", Action.PAUSE)
    mark = Item("Work", Action.USE_PROFILE, "work", checked=True, radio=True)
    icon.show(IMAGE, "KorProxy: Running", (pause, SEPARATOR, Item("Profiles", items=(mark,))))
    icon.run(lambda: None)
    (toy,) = ToyIcon.made
    assert (toy.name, toy.icon, toy.title, toy.visible) == (
        "korproxy",
        IMAGE,
        "KorProxy: Running",
        True,
    )
    first, line, profiles = toy.menu
    assert (first["label"], line, profiles["label"]) == ("Pause", "---", "Profiles")
    first["action"]("icon", "item")
    assert chosen == [pause]
    (work,) = profiles["action"]
    assert work["checked"](None) is True
    assert work["radio"] is True
    icon.show(None, "KorProxy: Paused", None)
    assert (toy.title, toy.updates) == ("KorProxy: Paused", 0), (
        "a menu that is the same is left alone"
    )
    icon.show(None, "KorProxy: Paused", (mark,))
    assert toy.updates == 1
    icon.notify("Title", "text")
    assert toy.notes == [("Title", "text")]
    icon.stop()
    assert not toy.visible


def test_what_a_session_lacks_is_no_error(tmp_path: Path, chosen: list[Item]) -> None:
    """No notification service: pystray raises when told, and once more at the end."""
    icon = PystrayIcon(chosen.append, tmp_path)
    icon.notify("before", "it runs")
    icon.stop()
    icon.show(IMAGE, "KorProxy", ())

    def fail() -> None:
        ToyIcon.made[0].fails = True

    icon.run(fail)
    icon.notify("Title", "text")


def test_its_files_are_nobody_else_s(tmp_path: Path, chosen: list[Item]) -> None:
    PystrayIcon(chosen.append, tmp_path / "private")
    assert tempfile.tempdir == str(tmp_path / "private")
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o700


def test_whatever_keeps_the_library_from_loading_means_no_tray(
    tmp_path: Path, chosen: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pystray", None)
    with pytest.raises(NoTrayError, match="pystray"):
        PystrayIcon(chosen.append, tmp_path)


def test_on_macos_everything_is_changed_in_the_main_thread(
    tmp_path: Path, chosen: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the system does not allow elsewhere waits until that thread has time."""
    waiting: list[Any] = []

    class MacIcon(ToyIcon):
        pass

    monkeypatch.setattr(module, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(module, "mac_parts", lambda base: (MacIcon, waiting.append))
    icon = PystrayIcon(chosen.append, tmp_path)
    icon.run(lambda: None)
    (toy,) = ToyIcon.made
    assert isinstance(toy, MacIcon)
    icon.show(IMAGE, "KorProxy: Running", ())
    icon.stop()
    assert (toy.icon, toy.title, toy.visible) == (None, "KorProxy", False)
    for call in waiting[:2]:
        call()
    assert (toy.icon, toy.title, toy.visible) == (IMAGE, "KorProxy: Running", True)
    waiting[2]()
    assert not toy.visible
