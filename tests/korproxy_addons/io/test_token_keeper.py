"""The task beside the requests: what is due is renewed without anybody asking, and after a sleep at once."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

import pytest

from korproxy_addons.auth.states import LoginError, rejected, unavailable
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.token_keeper import LOOK_EVERY_S, TICK_S, TokenKeeper
from korproxy_addons.providers.resolve import ResolvedAccount
from support.clock import FakeClock
from support.token_roads import HOUR_S, TokenRoad

LIFE_S = 8 * HOUR_S


class Watch:
    """A keeper whose time passes tick by tick, with things to happen at some of them."""

    def __init__(self, road: TokenRoad) -> None:
        self.road = road
        self.monotonic = FakeClock(1000.0)
        self.lost: list[tuple[str, LoginError]] = []
        self.wakes = 0
        self.keeper = TokenKeeper(
            road.broker,
            lambda: (road.way,),
            self._on_lost,
            self._on_wake,
            clock=road.clock,
            monotonic=self.monotonic,
            sleep=self._sleep,
        )
        self.ticks = 0
        self.at: dict[int, Callable[[], object]] = {}

    def run(self, ticks: int) -> None:
        """Let so many ticks pass."""
        self._end = ticks

        async def work() -> None:
            self._done = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self.keeper.run())
            await self._done.wait()
            task.cancel()
            await asyncio.wait([task])
            await self.road.settled()

        asyncio.run(work())

    async def _sleep(self, seconds: float) -> None:
        assert seconds == TICK_S
        await self.road.settled()
        for _ in range(200):  # what was begun beside may use threads
            if not self.keeper._tending:
                break
            await asyncio.wait(set(self.keeper._tending.values()))
        self.ticks += 1
        self.road.clock.advance(seconds)
        self.monotonic.advance(seconds)
        self.at.get(self.ticks, int)()
        if self.ticks >= self._end:
            self._done.set()
            await asyncio.Event().wait()

    def _on_lost(self, way: ResolvedAccount, error: LoginError) -> None:
        self.lost.append((way.id, error))

    def _on_wake(self) -> None:
        self.wakes += 1


def test_what_becomes_due_is_renewed_without_a_request(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S - 300.0 - 20.0))
    watch.run(12)
    assert watch.road.provider.asked == []
    watch = Watch(watch.road)
    watch.run(20)
    assert watch.road.provider.asked == ["refresh-token-0"]
    assert watch.wakes == 0


@pytest.mark.parametrize(("slept_s", "wakes"), [(3600.0, 1), (4.0, 0)])
def test_after_a_sleep_everything_is_looked_at_at_once(
    tmp_path: Path, slept_s: float, wakes: int
) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S - 600.0))
    watch.at[1] = lambda: watch.road.clock.advance(slept_s)
    watch.run(2)
    assert watch.wakes == wakes
    assert LOOK_EVERY_S > 2, "or it would have been looked at anyway"
    assert len(watch.road.provider.asked) == wakes


def test_a_clock_that_is_set_back_counts_as_a_sleep_too(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path))

    def back() -> None:
        watch.road.clock.now -= 3600.0

    watch.at[1] = back
    watch.run(3)
    assert watch.wakes == 1


def test_a_lost_login_is_told_once(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S))
    watch.road.provider.refuses = [rejected("HTTP 400: invalid_grant")]
    watch.run(30)
    assert [name for name, _ in watch.lost] == ["mine"]
    assert len(watch.road.provider.asked) == 1


def test_an_outage_is_not_told_and_tried_again(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S))
    watch.road.provider.refuses = [unavailable("HTTP 503")]
    watch.run(12)
    assert watch.lost == []
    assert len(watch.road.provider.asked) == 2


def test_a_vault_that_cannot_be_read_does_not_end_the_task(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S))
    kept = watch.road.vault.entries.pop("claude")
    watch.at[7] = lambda: watch.road.vault.entries.update(claude=kept)
    watch.run(12)
    assert len(watch.road.provider.asked) == 1


def test_a_mistake_of_ours_is_logged_and_does_not_end_the_task(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S))
    broken = watch.road.broker.tend
    calls = []

    async def tend(way: ResolvedAccount) -> float | None:
        calls.append(way)
        if len(calls) == 1:
            raise LookupError("planted")
        return await broken(way)

    object.__setattr__(watch.road.broker, "tend", tend)
    watch.run(12)
    assert len(calls) > 1
    assert "internal error" in caplog.text


@pytest.mark.parametrize(("days", "warnings"), [(3.5, 0), (2.9, 1)])
def test_an_end_that_no_renewal_moves_is_warned_of_three_days_before(
    tmp_path: Path, days: float, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    road = TokenRoad(tmp_path)
    entry = road.vault.entries["claude"]
    object.__setattr__(entry, "refresh_expires_at", road.clock() + days * 86_400)
    caplog.set_level(logging.WARNING, "korproxy.broker")
    Watch(road).run(30)
    said = [it for it in caplog.records if it.message.startswith("sign-in ends soon")]
    assert len(said) == warnings


def test_a_slow_provider_does_not_keep_other_logins_waiting(tmp_path: Path) -> None:
    """Each account is looked after by a task of its own, and by one at a time."""
    road = TokenRoad(tmp_path, age_s=LIFE_S)
    seen: list[str] = []
    ways = [road.way, road.way]
    stuck = asyncio.Event()

    async def tend(way: ResolvedAccount) -> float | None:
        seen.append(way.id)
        await stuck.wait()
        return None

    object.__setattr__(road.broker, "tend", tend)
    keeper = TokenKeeper(road.broker, lambda: ways, lambda *_: None, monotonic=FakeClock(1000.0))

    async def work() -> None:
        keeper._look()
        await asyncio.sleep(0)
        keeper.wake()
        keeper._look()
        await asyncio.sleep(0)
        assert seen == ["mine"]
        stuck.set()
        await asyncio.gather(*keeper._tending.values())

    asyncio.run(work())


def test_an_error_that_is_not_the_logins_is_not_told(tmp_path: Path) -> None:
    watch = Watch(TokenRoad(tmp_path, age_s=LIFE_S))

    async def tend(way: ResolvedAccount) -> float | None:
        from korproxy_addons.errors import catalogue

        raise KorProxyError(catalogue.SECRET_UNAVAILABLE)

    object.__setattr__(watch.road.broker, "tend", tend)
    watch.run(3)
    assert watch.lost == []
