"""Starting and stopping, many times over, leaves nothing behind."""

import asyncio
import os
from pathlib import Path

import psutil
import pytest

from launcher.foreground import Place
from launcher.supervisor.keeper import Keeper
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import State
from support.gateway import free_port

pytestmark = pytest.mark.e2e

WARM = 2


def test_starts_and_stops_leave_nothing_behind(tmp_path: Path) -> None:
    """No process, no open file and no thread more than after the first; 200 of them by `dev.py cycles`."""
    sizes: list[tuple[int, int, int]] = []

    async def cycle() -> None:
        keeper = Keeper(tmp_path, Place(tmp_path, free_port()))
        this = psutil.Process()
        for _ in range(WARM + int(os.environ.get("KORPROXY_START_CYCLES", "20"))):
            keeper.wish(Wish.START)
            await keeper.until(lambda it: it.state is State.HEALTHY)
            keeper.wish(Wish.STOP)
            await keeper.until(lambda it: it.state is State.STOPPED)
            sizes.append((this.num_fds(), this.num_threads(), len(this.children())))
        await keeper.close()

    asyncio.run(cycle())
    assert sizes[-1] == sizes[WARM]
    assert sizes[-1][2] == 0
