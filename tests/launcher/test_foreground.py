import asyncio
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from launcher import foreground
from launcher.foreground import Place
from launcher.supervisor.listeners import Where
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import Reason, State, Status


def write(home: Path, text: str) -> None:
    (home / "config.yaml").write_text(f"version: 1\n{text}")
    (home / "config.yaml").chmod(0o600)


def test_the_place_is_what_the_config_says_now(tmp_path: Path) -> None:
    place = Place(tmp_path)
    assert place() == (Where(("127.0.0.1", "::1"), 1337), 30.0)
    write(tmp_path, "listen: {port: 1400, hosts: [127.0.0.1]}\nlimits: {drain_s: 7}\n")
    assert place() == (Where(("127.0.0.1",), 1400), 7.0)


def test_a_broken_config_leaves_the_last_place(tmp_path: Path) -> None:
    """The gateway itself must be started to say what is wrong, and the port must not move meanwhile."""
    write(tmp_path, "listen: {port: 1400}\n")
    place = Place(tmp_path)
    before = place()
    write(tmp_path, "listen: {port: no}\n")
    assert place() == before


def test_a_port_that_was_asked_for_wins(tmp_path: Path) -> None:
    write(tmp_path, "listen: {port: 1400}\n")
    assert Place(tmp_path, 0)()[0].port == 0


class Over(Exception):
    """All looks are done."""


class Watched:
    """A keeper and a journal, and what is seen at each look: the file's signature, and how the gateway stands by then."""

    def __init__(self, *looks: tuple[int, State, Reason]) -> None:
        self._looks = list(looks)
        self.status = Status()
        self.done: list[str] = []

    def look(self, _path: Path) -> tuple[int, int]:
        if not self._looks:
            raise Over
        signature, state, reason = self._looks.pop(0)
        self.status = Status(state=state, reason=reason)
        return signature, 0

    def wish(self, wish: Wish) -> None:
        self.done.append(wish)

    def reload(self) -> None:
        self.done.append("reload")


STARTING = (State.STARTING, Reason.NONE)
HEALTHY = (State.HEALTHY, Reason.NONE)
BROKEN = (State.FAILED, Reason.CONFIG_ERROR)


@pytest.mark.parametrize(
    ("looks", "done"),
    [
        ([(1, *STARTING), (1, *BROKEN), (2, *BROKEN)], ["reload", "start"]),
        ([(1, *STARTING), (2, *STARTING), (2, *BROKEN)], ["reload", "start"]),
        ([(1, *STARTING), (2, *BROKEN), (2, *STARTING), (2, *BROKEN)], ["reload", "start"]),
        ([(1, *HEALTHY), (2, *HEALTHY), (2, *STARTING), (2, *BROKEN)], ["reload"]),
        ([(1, State.FAILED, Reason.CRASH_LOOP), (2, State.FAILED, Reason.CRASH_LOOP)], ["reload"]),
    ],
    ids=["mended", "mended meanwhile", "mended badly", "broken", "no matter of settings"],
)
def test_what_another_config_may_cure_is_tried_once_with_each(
    monkeypatch: pytest.MonkeyPatch, looks: list[tuple[int, State, Reason]], done: list[str]
) -> None:
    watched: Any = Watched(*looks)
    monkeypatch.setattr(foreground, "_signature", watched.look)
    monkeypatch.setattr(foreground, "LOOK_S", 0)
    with pytest.raises(Over):
        asyncio.run(foreground._watch_config(watched, Path("config.yaml"), watched))
    assert watched.done == done


@pytest.mark.skipif(os.name != "posix", reason="POSIX signals")
@pytest.mark.parametrize(
    ("by_nohup", "gone", "done"),
    [(False, False, Wish.RESTART), (False, True, "quit"), (True, True, Wish.RESTART)],
)
def test_a_terminal_that_is_gone_is_the_end_unless_nohup_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, by_nohup: bool, gone: bool, done: Wish | str
) -> None:
    calls: dict[int, Any] = {}
    heard: list[Wish | str] = []
    loop: Any = SimpleNamespace(add_signal_handler=calls.__setitem__)
    house: Any = SimpleNamespace(quit=lambda: heard.append("quit"), wish=heard.append)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if by_nohup else signal.SIG_DFL)
    try:
        monkeypatch.setattr(os, "isatty", lambda _it: True)
        foreground._on_signals(loop, house)
        monkeypatch.setattr(os, "isatty", lambda _it: not gone)
        calls[signal.SIGHUP]()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert heard == [done]
