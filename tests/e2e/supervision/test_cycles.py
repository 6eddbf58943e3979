"""Starting and stopping, many times over, leaves nothing behind; 200 times by `dev.py cycles`."""

import asyncio
import os
from collections.abc import Iterator

import psutil
import pytest

from launcher.foreground import Place
from launcher.supervisor.keeper import Keeper
from launcher.supervisor.signals import Wish
from launcher.supervisor.states import State
from support.gateway import free_port

pytestmark = pytest.mark.e2e

WARM = 2
CYCLES = int(os.environ.get("KORPROXY_START_CYCLES", "20"))
# In parts, so that a part's length tells a machine that is slow from one that hangs.
PARTS = 4

type Size = tuple[int, int, int]


class House:
    """One keeper, all the time, and what this process holds after each of its stops."""

    def __init__(self, keeper: Keeper) -> None:
        self.keeper = keeper
        self.sizes: list[Size] = []

    async def cycle(self, times: int) -> None:
        """Start and stop so often."""
        this = psutil.Process()
        for _ in range(times):
            self.keeper.wish(Wish.START)
            await self.keeper.until(lambda it: it.state is State.HEALTHY)
            self.keeper.wish(Wish.STOP)
            await self.keeper.until(lambda it: it.state is State.STOPPED)
            self.sizes.append((this.num_fds(), this.num_threads(), len(this.children())))


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="module")
def house(loop: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    async def opened() -> House:
        home = tmp_path_factory.mktemp("home")
        found = House(Keeper(home, Place(home, free_port())))
        await found.cycle(WARM)
        return found

    it = loop.run(opened())
    yield it
    loop.run(it.keeper.close())


@pytest.mark.parametrize("part", range(PARTS))
def test_starts_and_stops_leave_nothing_behind(
    loop: asyncio.Runner, house: House, part: int
) -> None:
    """No process, no open file and no thread more than after the first."""
    first = house.sizes[WARM - 1]
    assert first[2] == 0
    times = CYCLES // PARTS + (1 if part < CYCLES % PARTS else 0)
    loop.run(house.cycle(times))
    assert len(house.sizes) >= WARM + times
    assert house.sizes[-1] == first
