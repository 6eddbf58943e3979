"""`korproxy run`: the launcher without a tray. It keeps the gateway alive until it is told to end."""

import asyncio
import os
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from korproxy_addons.config.admin import AdminSettings
from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config, Listen
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from korproxy_addons.control.protocol import Notice
from launcher.admin.server import Serving, admin_listener
from launcher.admin.sessions import Sessions
from launcher.journal import Journal
from launcher.legacy_names import management_key
from launcher.single_instance import Reach, SingleInstance
from launcher.supervisor.keeper import Keeper
from launcher.supervisor.listeners import Where
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import Reason, State, Status
from launcher.timeline import Timeline

LOOK_S = 0.5
_CURED_BY_CONFIG = (Reason.CONFIG_ERROR, Reason.PORT_BUSY, Reason.CANNOT_START)


class Place:
    """
    Where the gateway of a folder listens, read from its config at each start.

    A config that cannot be read leaves the last place in force: the gateway itself says what is wrong with it.

    Args:
        home: The KorProxy folder.
        port: Listen there instead of where the config says.
    """

    def __init__(self, home: Path, port: int | None = None) -> None:
        self._store = ConfigStore(home)
        self._port = port
        self._last = (_where(Listen(), port), Config().limits.drain_s)

    def __call__(self) -> tuple[Where, float]:
        """Address, and how long a drain may take in seconds."""
        try:
            config = self._store.load()
        except ConfigProblems:
            return self._last
        self._last = (_where(config.listen, self._port), config.limits.drain_s)
        return self._last


def _where(listen: Listen, port: int | None) -> Where:
    return Where(listen.hosts, listen.port if port is None else port)


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """
    How the launcher is started.

    Attributes:
        home: The KorProxy folder.
        port: The gateway listens there instead of where the config says.
        admin_port: So does the launcher; 0 takes a free one.
        first: How the gateway is started.
        rules: The supervisor's numbers.
        on_status: Told each new status.
        on_notice: Told what a person should know.
        on_line: Told each line that a gateway writes to stderr.
        on_admin: Told where the page is, once it is there.
        signals: End and restart by signals; only the main thread can.
    """

    home: Path
    port: int | None = None
    admin_port: int | None = None
    first: Wish = Wish.START
    rules: Rules = field(default_factory=Rules)
    on_status: Callable[[Status], None] = lambda _status: None
    on_notice: Callable[[Notice], None] = lambda _notice: None
    on_line: Callable[[str], None] = lambda _line: None
    on_admin: Callable[[Serving], None] = lambda _serving: None
    signals: bool = True


class House(Keeper):
    """The keeper together with the wish to end it all."""

    def __init__(self, launch: Launch, timeline: Timeline, journal: Journal) -> None:
        super().__init__(
            launch.home,
            Place(launch.home, launch.port),
            launch.rules,
            on_status=lambda status: _told(
                status, journal.changed, timeline.changed, launch.on_status
            ),
            on_notice=launch.on_notice,
            on_line=launch.on_line,
        )
        self.ended = asyncio.Event()

    def quit(self) -> None:
        """End the launcher, and the gateway with it."""
        self.ended.set()


def _told(status: Status, *listeners: Callable[[Status], None]) -> None:
    for tell in listeners:
        tell(status)


async def serve(launch: Launch) -> None:
    """
    Keep the gateway of a folder alive until Ctrl-C or SIGTERM; it has finished what was in flight when this returns.

    SIGHUP replaces the gateway, and refuses nobody meanwhile; that of a terminal that is gone is an end, too.

    Raises:
        AlreadyRunningError: another launcher keeps this folder.
    """
    loop = asyncio.get_running_loop()
    with SingleInstance(launch.home) as instance:
        journal = Journal(launch.home)
        journal.begin()
        timeline = Timeline(launch.home)
        timeline.begin()
        house = House(launch, timeline, journal)
        if launch.signals:
            _on_signals(loop, house)
        house.wish(launch.first)
        watch = loop.create_task(_watch_config(house, launch.home / FILE_NAME, journal))
        beat = loop.create_task(timeline.beat())
        # The gateway starts meanwhile: the page's libraries take their time to load.
        key = secrets.token_urlsafe(32)
        sessions = Sessions(key, time.monotonic, management_key())
        port = _admin_port(launch)
        try:
            async with admin_listener(house, port, sessions) as serving:
                instance.say(Reach(os.getpid(), serving.url, key))
                launch.on_admin(serving)
                await house.ended.wait()
        finally:
            watch.cancel()
            beat.cancel()
            await house.close()
            timeline.close()
            journal.close()


def _admin_port(launch: Launch) -> int:
    if launch.admin_port is not None:
        return launch.admin_port
    try:
        return ConfigStore(launch.home).load().admin.port
    except ConfigProblems:
        return AdminSettings().port


async def _watch_config(keeper: Keeper, path: Path, journal: Journal) -> None:
    """Another config means other levels of the log; and what only it can cure is tried again."""
    # What was tried is the file as it was before the start: one that is saved meanwhile may have come too late for it.
    seen = tried = _signature(path)
    while True:
        await asyncio.sleep(LOOK_S)
        before, seen = seen, _signature(path)
        if seen != before:
            journal.reload()
        status = keeper.status
        if status.state is State.FAILED and status.reason in _CURED_BY_CONFIG:
            if seen != tried:
                tried = seen
                keeper.wish(Wish.START)
        elif status.state is not State.STARTING:
            tried = seen


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _on_signals(loop: asyncio.AbstractEventLoop, house: House) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        _on_signal(loop, number, house.quit)
    if hasattr(signal, "SIGHUP"):
        terminal = next((it for it in (0, 1, 2) if os.isatty(it)), None)
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
            terminal = None  # by `nohup`, which wants it to outlive its terminal

        def hang_up() -> None:
            # One word for two things: somebody wants a fresh gateway, or has closed the window in which this runs.
            if terminal is not None and not os.isatty(terminal):
                house.quit()
            else:
                house.wish(Wish.RESTART)

        _on_signal(loop, signal.SIGHUP, hang_up)


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, call: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, call)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
