"""When the machine counts as offline, and when it is back; on a clock of the test's own."""

import asyncio
from collections.abc import Awaitable, Callable

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.gateway.reachability import (
    BURST,
    BURST_S,
    FIRST_PAUSE_S,
    LONGEST_PAUSE_S,
    Reachability,
)


class World:
    """Doors that are open or not, and time that passes when somebody waits for it."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.open = False
        self.knocks = 0
        self.told: list[bool] = []
        self.pauses: list[float] = []
        self.may_go_on = asyncio.Semaphore(0)
        self.reach = Reachability(
            self._knock, self.told.append, clock=lambda: self.now, sleep=self._sleep
        )

    async def _knock(self) -> bool:
        self.knocks += 1
        return self.open

    async def _sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        await self.may_go_on.acquire()
        self.now += seconds

    async def pause_ends(self) -> None:
        """The pause that is under way is over."""
        self.may_go_on.release()
        await settle()

    async def fail(self, times: int = BURST, apart_s: float = 1.0) -> None:
        """So many connections fail."""
        for _ in range(times):
            self.reach.failed()
            self.now += apart_s
        await settle()


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def in_world(act: Callable[[World], Awaitable[None]]) -> World:
    async def run() -> World:
        world = World()
        try:
            await act(world)
        finally:
            world.reach.stop()
            await settle()
        return world

    return asyncio.run(run())


def test_a_burst_of_failures_with_every_door_shut_is_offline_once() -> None:
    async def act(world: World) -> None:
        await world.fail(BURST - 1)
        assert world.knocks == 0
        await world.fail(1)
        assert world.reach.offline
        await world.fail(20)
        assert world.told == [True]
        assert world.knocks == 1, "requests that fail meanwhile cause no more knocking"

    in_world(act)


def test_one_provider_that_is_down_is_not_the_network() -> None:
    async def act(world: World) -> None:
        world.open = True
        await world.fail()
        assert world.knocks == 1
        assert not world.reach.offline
        assert world.told == []
        await world.fail(BURST - 1)
        assert world.knocks == 1, "a new burst is needed"

    in_world(act)


def test_a_success_between_the_failures_or_much_time_makes_them_no_burst() -> None:
    async def act(world: World) -> None:
        for _ in range(5):
            await world.fail(BURST - 1)
            world.reach.reached()
        await world.fail(10, apart_s=BURST_S)
        assert world.knocks == 0

    in_world(act)


def test_it_knocks_ever_less_often_until_a_door_opens() -> None:
    async def act(world: World) -> None:
        await world.fail()
        for _ in range(8):
            await world.pause_ends()
        world.open = True
        await world.pause_ends()
        assert not world.reach.offline
        assert world.told == [True, False]
        knocks = world.knocks
        await world.pause_ends()
        assert world.knocks == knocks, "once it is back, nobody is knocked at"

    world = in_world(act)
    assert world.pauses[:5] == [FIRST_PAUSE_S * 2**it for it in range(5)]
    assert world.pauses[-1] == LONGEST_PAUSE_S


def test_the_first_request_that_gets_through_ends_it() -> None:
    async def act(world: World) -> None:
        await world.fail()
        world.reach.reached()
        assert not world.reach.offline
        assert world.told == [True, False]
        await world.pause_ends()
        assert world.knocks == 1
        await world.fail()
        assert world.told == [True, False, True], "it can be lost again"

    in_world(act)


def test_lost_again_at_once_it_is_said_at_once() -> None:
    """The long pause of the time before holds nobody up."""

    async def act(world: World) -> None:
        await world.fail()
        for _ in range(8):
            await world.pause_ends()
        world.reach.reached()
        await world.fail()
        assert world.told == [True, False, True]
        assert world.pauses[-1] == FIRST_PAUSE_S

    in_world(act)


def test_a_request_that_gets_through_while_doors_are_knocked_at_is_believed() -> None:
    async def act(world: World) -> None:
        async def knock() -> bool:
            world.knocks += 1
            asyncio.get_running_loop().call_soon(world.reach.reached)
            await asyncio.sleep(0)
            return False

        world.reach._knock = knock
        await world.fail()
        assert world.knocks == 1
        assert not world.reach.offline
        assert world.told == []

    in_world(act)


def test_another_network_is_tried_at_once() -> None:
    async def act(world: World) -> None:
        world.reach.wake()
        await settle()
        assert world.knocks == 0, "nobody thinks it is offline"
        await world.fail()
        world.open = True
        world.reach.wake()
        await settle()
        assert world.knocks == 2
        assert world.told == [True, False]

    in_world(act)


@given(st.lists(st.sampled_from(["fail", "reach", "wake", "pause", "open", "shut"]), max_size=60))
def test_what_is_told_always_alternates_and_is_what_is_so(steps: list[str]) -> None:
    async def act(world: World) -> None:
        for step in steps:
            match step:
                case "fail":
                    await world.fail(1)
                case "reach":
                    world.reach.reached()
                case "wake":
                    world.reach.wake()
                case "pause" if world.pauses:
                    await world.pause_ends()
                case _:
                    world.open = step == "open"
            await settle()
            assert world.told == [index % 2 == 0 for index in range(len(world.told))]
            assert world.reach.offline == bool(len(world.told) % 2)

    in_world(act)
