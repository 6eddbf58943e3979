"""The launcher and its icon together, with a toy for the icon and a real gateway."""

import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL.Image import Image

from launcher.foreground import Launch
from launcher.supervisor.states import State, Status
from launcher.tray import app as module
from launcher.tray.app import Face, TrayApp
from launcher.tray.facts import Facts, ProfileFact
from launcher.tray.menu import Action, Item
from support.gateway import free_port

PATIENCE_S = 60.0


class ToyTray:
    """Notes what it is told to show."""

    def __init__(self, on_choice: Callable[[Item], None] = lambda _item: None) -> None:
        self.choose = on_choice
        self.images: list[Image] = []
        self.tooltips: list[str] = []
        self.menus: list[tuple[Item, ...]] = []
        self.notes: list[str] = []
        self._news = threading.Condition()
        self._ended = threading.Event()

    def show(self, image: Image | None, tooltip: str, menu: tuple[Item, ...] | None) -> None:
        with self._news:
            self.tooltips.append(tooltip)
            self.images += [] if image is None else [image]
            self.menus += [] if menu is None else [menu]
            self._news.notify_all()

    def notify(self, title: str, text: str) -> None:
        with self._news:
            self.notes.append(f"{title}: {text}")
            self._news.notify_all()

    def run(self, on_ready: Callable[[], None]) -> None:
        on_ready()
        self._ended.wait(PATIENCE_S)

    def stop(self) -> None:
        self._ended.set()

    def wait_for(self, seen: Callable[[], bool]) -> None:
        with self._news:
            assert self._news.wait_for(seen, PATIENCE_S), (self.tooltips, self.notes)


UP = Facts(
    Status(state=State.HEALTHY, port=1337), (ProfileFact("default", "Default", active=True),)
)


def test_only_what_changed_is_shown() -> None:
    """Every new menu is a new menu to the desktop: an open one would close under the person's hand."""
    tray = ToyTray()
    face = Face(tray, "dark")
    face.show(UP)
    assert (len(tray.images), len(tray.tooltips), len(tray.menus)) == (1, 1, 1)
    face.show(replace(UP, status=replace(UP.status, latency_ms=9.9)))
    assert (len(tray.images), len(tray.tooltips), len(tray.menus)) == (1, 1, 1)
    face.show(replace(UP, status=replace(UP.status, state=State.PAUSED)))
    assert (len(tray.images), len(tray.tooltips), len(tray.menus)) == (2, 2, 2)
    face.show(
        replace(UP, status=replace(UP.status, state=State.FAILED, detail="port 1337 is taken"))
    )
    assert tray.notes == ["KorProxy can't start: port 1337 is taken"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(
        f"version: 1\nlisten: {{port: {free_port()}}}\nadmin: {{port: 0}}\n"
        "profiles:\n- {id: default, name: Default}\n- {id: work, name: Work}\n"
    )
    (tmp_path / "config.yaml").chmod(0o600)
    return tmp_path


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX sockets are handed over")
def test_a_day_in_the_tray(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It comes up, copies, pauses, switches the profile, opens the page, and quits with its gateway."""
    monkeypatch.setattr(module, "listen_for_signals", lambda *_: None)
    monkeypatch.setattr(module, "LEAST_S", 0.05)
    copied: list[str] = []
    opened: list[str] = []
    commands: list[list[str]] = []

    def copy(text: str) -> bool:
        copied.append(text)
        return True

    monkeypatch.setattr(module, "copy", copy)
    monkeypatch.setattr(webbrowser, "open", opened.append)
    app = TrayApp(Launch(home=home), ToyTray, "dark", commands.append)
    tray = app._tray
    assert isinstance(tray, ToyTray)
    runs = threading.Thread(target=app.run)
    runs.start()

    def choose(action: Action, argument: str = "") -> None:
        tray.choose(Item("x", action, argument))

    try:
        tray.wait_for(lambda: tray.tooltips[-1:] == ["KorProxy: Running · Default"])
        choose(Action.COPY_ENDPOINT, "http://localhost:1")
        choose(Action.OPEN_PAGE)
        choose(Action.INSPECT)
        choose(Action.PAUSE)
        tray.wait_for(lambda: tray.tooltips[-1] == "KorProxy: Paused · Default")
        choose(Action.RESUME)
        choose(Action.USE_PROFILE, "work")
        tray.wait_for(lambda: tray.tooltips[-1] == "KorProxy: Running · Work")
        choose(Action.USE_PROFILE, "nobody")
        tray.wait_for(lambda: any("could not do that" in it for it in tray.notes))
        choose(Action.STOP)
        tray.wait_for(lambda: tray.tooltips[-1].startswith("KorProxy: Stopped"))
        choose(Action.START)
        tray.wait_for(lambda: tray.tooltips[-1].startswith("KorProxy: Running"))
    finally:
        choose(Action.QUIT)
        runs.join(PATIENCE_S)
    assert not runs.is_alive()
    assert copied == ["http://localhost:1"]
    assert "/login?ticket=" in opened[0]
    assert commands[0][-3:] == ["inspect", "--home", str(home)]
