"""The launcher and its icon together, with a toy for the icon and a real gateway."""

import sys
import threading
import webbrowser
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL.Image import Image

from launcher.actions.recording import start_recording
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
    monkeypatch.setattr(module, "LOOK_S", 0.5)
    saved = home / "saved"
    saved.mkdir()
    monkeypatch.setattr(module, "bundle_folder", lambda _person: saved)
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

    def shows(tooltip: str) -> bool:
        return tray.tooltips[-1:] == [f"KorProxy: {tooltip}"]

    def tells(title: str) -> bool:
        return any(it.startswith(f"{title}: ") for it in tray.notes)

    try:
        tray.wait_for(lambda: shows("Running · Default"))
        choose(Action.COPY_ENDPOINT, "http://localhost:1")
        choose(Action.OPEN_PAGE)
        choose(Action.INSPECT)
        for action, argument, seen in (
            (Action.PAUSE, "", partial(shows, "Paused · Default")),
            (Action.RESUME, "", partial(shows, "Running · Default")),
            (Action.USE_PROFILE, "work", partial(shows, "Running · Work")),
            (Action.USE_PROFILE, "nobody", partial(tells, "KorProxy could not do that")),
            (Action.CHECK_UPDATES, "", partial(tells, "There is no release feed")),
            (Action.DEBUG_BUNDLE, "", partial(tells, "Debug bundle written")),
            (Action.STOP, "", partial(shows, "Stopped · Work")),
            (Action.START, "", partial(shows, "Running · Work")),
        ):
            choose(action, argument)
            tray.wait_for(seen)
        start_recording(home)
        tray.wait_for(lambda: shows("Running, recording · Work"))
        choose(Action.STOP_RECORDING)
        tray.wait_for(lambda: shows("Running · Work"))
    finally:
        choose(Action.QUIT)
        runs.join(PATIENCE_S)
    assert not runs.is_alive()
    assert copied == ["http://localhost:1"]
    assert [it.suffix for it in saved.iterdir()] == [".zip"]
    assert "/login?ticket=" in opened[0]
    assert commands[0][-3:] == ["inspect", "--home", str(home)]


def test_however_much_changes_it_is_shown_once_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = TrayApp(Launch(home=tmp_path), ToyTray, "dark", lambda _argv: None)
    seen: list[str] = []

    class Ending:
        """Ends after three looks; notes each wait."""

        def is_set(self) -> bool:
            return seen.count("shown") == 3

        def wait(self, seconds: float) -> None:
            seen.append(f"waited {seconds:g}")

    monkeypatch.setattr(app, "_ended", Ending())

    def facts() -> Facts:
        app._changed.set()
        return UP

    monkeypatch.setattr(app, "_facts", facts)
    monkeypatch.setattr(app._face, "show", lambda _facts: seen.append("shown"))
    app._show()
    assert seen == ["shown", "waited 1"] * 3
