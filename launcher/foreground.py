"""`korproxy run`: the launcher without a tray. It keeps the gateway alive until it is told to end."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.schema import Config, Listen
from korproxy_addons.config.store import FILE_NAME, ConfigStore
from launcher.single_instance import Reach, SingleInstance
from launcher.supervisor.keeper import Keeper
from launcher.supervisor.listeners import Where
from launcher.supervisor.machine import Rules
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import Reason, State, Status

LOOK_S = 0.5
_CURED_BY_CONFIG = (Reason.CONFIG_ERROR, Reason.PORT_BUSY)


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


async def serve(
    home: Path,
    *,
    port: int | None = None,
    first: Wish = Wish.START,
    rules: Rules | None = None,
    on_status: Callable[[Status], None] = lambda _status: None,
    on_line: Callable[[str], None] = lambda _line: None,
    pid: int,
) -> None:
    """
    Keep the gateway of a folder alive until Ctrl-C or SIGTERM; it has finished what was in flight when this returns.

    SIGHUP replaces the gateway, and refuses nobody meanwhile.

    Args:
        home: The KorProxy folder.
        port: Listen there instead of where the config says.
        first: How it is started.
        rules: The supervisor's numbers; by default those of the product.
        on_status: Told each new status.
        on_line: Told each line that a gateway writes to stderr.
        pid: Of this process.
    Raises:
        AlreadyRunningError: another launcher keeps this folder.
    """
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    with SingleInstance(home) as instance:
        for number in (signal.SIGINT, signal.SIGTERM):
            _on_signal(loop, number, ended.set)
        keeper = Keeper(
            home, Place(home, port), rules or Rules(), on_status=on_status, on_line=on_line
        )
        instance.say(Reach(pid))
        keeper.wish(first)
        watch = loop.create_task(_start_when_mended(keeper, home / FILE_NAME))
        if hasattr(signal, "SIGHUP"):
            _on_signal(loop, signal.SIGHUP, lambda: keeper.wish(Wish.RESTART))
        try:
            await ended.wait()
        finally:
            watch.cancel()
            await keeper.close()


async def _start_when_mended(keeper: Keeper, path: Path) -> None:
    """What only the config can cure is tried again as soon as the config is another one."""
    seen = _signature(path)
    while True:
        await asyncio.sleep(LOOK_S)
        before, seen = seen, _signature(path)
        failed = keeper.status.state is State.FAILED
        if failed and seen != before and keeper.status.reason in _CURED_BY_CONFIG:
            keeper.wish(Wish.START)


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _on_signal(loop: asyncio.AbstractEventLoop, number: int, call: Callable[[], None]) -> None:
    try:
        loop.add_signal_handler(number, call)
    except NotImplementedError:  # Windows
        signal.signal(number, lambda *_: loop.call_soon_threadsafe(call))
