"""
Gateways of a folder that outlived their launcher.

Such a one knows that nobody keeps it: the end of its control pipe told it. It finishes what it serves, and ends; until then the
port is its own, whether it still answers or not. So it is known by its process, not by its answers.
"""

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from launcher.gateway_command import kept_by_launcher

if TYPE_CHECKING:
    import psutil

LOOK_S = 0.05


async def until_gone(
    home: Path,
    *,
    finish_s: float,
    kill_s: float,
    wanted: Callable[[], bool],
    on_found: Callable[[], None],
) -> None:
    """
    Wait until no gateway of a folder is left over; returns at once where none is.

    Args:
        home: The KorProxy folder; no other launcher keeps it.
        finish_s: After so long one that is still there is told to end.
        kill_s: After so much longer it is killed, and after as long again nobody waits for it any more.
        wanted: Whether it is still waited for.
        on_found: Called once, if there is one.
    """
    began = time.monotonic()
    told = terminated = killed = False
    while found := await asyncio.to_thread(left_over, home):
        if not told:
            told = True
            on_found()
        while found := [it for it in found if _lives(it)]:
            late = time.monotonic() - began - finish_s
            if not wanted() or (killed and late >= 2 * kill_s):
                return
            if late >= 0.0 and not terminated:
                terminated = True
                _end(found, "terminate")
            if late >= kill_s:
                killed = True
                _end(found, "kill")
            await asyncio.sleep(LOOK_S)


def left_over(home: Path) -> "list[psutil.Process]":
    """
    The gateways that another launcher kept for this folder and that are still there.

    May take tens of milliseconds.
    """
    import psutil  # noqa: PLC0415 - needed only when a port is taken

    folder = home.resolve()
    found: list[psutil.Process] = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            kept = kept_by_launcher(process.cmdline())
            if kept is None or kept.parent == os.getpid():
                continue
            if Path(process.cwd(), kept.home).resolve() == folder:
                found.append(process)
    return found


def _lives(process: "psutil.Process") -> bool:
    import psutil  # noqa: PLC0415 - it is there already

    try:
        # Ids are used again: it is itself only if it began when it did.
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _end(processes: "Iterable[psutil.Process]", how: str) -> None:
    import psutil  # noqa: PLC0415 - it is there already

    for process in processes:
        with contextlib.suppress(psutil.Error):
            kept = kept_by_launcher(process.cmdline())
            # One whose launcher is still its parent was not left by it.
            if kept is not None and process.ppid() != kept.parent:
                getattr(process, how)()
