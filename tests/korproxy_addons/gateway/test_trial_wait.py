"""An account whose rest is over is tried by one request; what the others do meanwhile."""

import asyncio
import dataclasses
from collections.abc import Callable

from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.trial_wait import MOST_TRIAL_LOOKS, TRIAL_LOOK_S
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from support.answers import MESSAGES, answer, refusal
from support.asking import Question, question
from support.fake_sink import FakeSink
from support.fake_upstream import FakeReply, FakeUpstream
from support.legs import Rig, accounts_of, exchange_for

TWO = {"a": MESSAGES, "b": MESSAGES}


def ask() -> Question:
    return question(MESSAGES, "m")


def rig(upstream: FakeUpstream, dialects: dict[str, str] | None = None) -> Rig:
    return Rig(accounts_of(dialects or TWO), upstream)


def cooled(until: float) -> Failure:
    """A provider's own word that an account has had enough."""
    return Failure(
        spec=catalogue.RATE_LIMITED,
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        reset_at=until,
        source=Source.HEADER,
    )


def test_the_trial_of_a_rested_account_is_waited_for_a_moment_and_not_for_ever() -> None:
    upstream = FakeUpstream(a=[answer()])
    one = rig(upstream, {"a": MESSAGES})
    one.pool.failed("a", "m", cooled(one.clock() + 5), one.clock())
    one.clock.advance(6)
    one.pool.began("a", "m", one.clock())
    sink, _ = one.ask(ask())
    assert sink.status == 200
    assert one.slept == [TRIAL_LOOK_S] * MOST_TRIAL_LOOKS


def test_who_waited_for_a_trial_goes_as_soon_as_it_is_over() -> None:
    upstream = FakeUpstream(a=[answer()])
    one = rig(upstream, {"a": MESSAGES})
    one.pool.failed("a", "m", cooled(one.clock() + 5), one.clock())
    one.clock.advance(6)
    one.pool.began("a", "m", one.clock())

    async def sleep(seconds: float) -> None:
        one.slept.append(seconds)
        one.pool.succeeded("a", "m", one.clock())

    one.services = dataclasses.replace(one.services, sleep=sleep)
    sink, _ = one.ask(ask())
    assert (sink.status, one.slept) == (200, [TRIAL_LOOK_S])


def test_what_another_request_is_told_meanwhile_ends_a_second_try() -> None:
    """An answer to it would lift a limit that stands."""
    upstream = FakeUpstream(a=[refusal(500)], b=[answer()])
    one = rig(upstream)

    async def sleep(_seconds: float) -> None:
        one.pool.failed("a", "m", cooled(one.clock() + 600), one.clock())

    one.services = dataclasses.replace(one.services, sleep=sleep)
    sink, _ = one.ask(ask())
    assert (sink.status, upstream.hosts) == (200, ["a", "b"])
    assert not one.pool.usable("a", "m", one.clock())


def test_an_account_that_rested_takes_one_request_and_the_next_finds_another() -> None:
    upstream = FakeUpstream(a=[answer()], b=[answer()])
    one = rig(upstream)
    one.pool.failed("a", "m", cooled(one.clock() + 5), one.clock())
    one.clock.advance(3600)
    one.pool.began("a", "m", one.clock())
    one.ask(ask())
    assert upstream.hosts == ["b"]


def test_a_client_that_leaves_leaves_the_trial_to_the_next() -> None:
    class Hanging(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            assert not one.pool.usable("a", "m", one.clock())
            raise asyncio.CancelledError

    one = rig(Hanging(), {"a": MESSAGES})
    one.pool.failed("a", "m", cooled(one.clock() + 5), one.clock())
    one.clock.advance(6)
    exchange = exchange_for(one.config, ask())
    asyncio.run(one.serve(exchange))
    assert one.pool.usable("a", "m", one.clock())
    assert one.fleet.balancer.load.in_flight("a") == 0


class CrowdedUpstream(FakeUpstream):
    """
    Refuses everybody of a crowd at once, for a second; then answers as it is told.

    Args:
        crowd: So many are refused at first.
        then: What each later request gets.

    Attributes:
        tried: How many later requests came.
        answered: How many of them have had their answer.
        early: How many came while the first of them still waited for its answer.
    """

    def __init__(self, crowd: int, then: Callable[[], FakeReply]) -> None:
        super().__init__()
        self._crowd = crowd
        self._then = then
        self._all_there = asyncio.Event()
        self.tried = self.answered = self.early = 0

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        self.calls.append(call)
        if len(self.calls) <= self._crowd:
            if len(self.calls) == self._crowd:
                self._all_there.set()
            await self._all_there.wait()
            return refusal(429, retry_after="1")
        self.tried += 1
        self.early += self.tried > 1 and not self.answered
        await turns(5)
        self.answered += 1
        return self._then()


async def turns(number: int) -> None:
    """Let the others go on so many times."""
    for _ in range(number):
        await asyncio.sleep(0)


def crowd(upstream: CrowdedUpstream, number: int) -> list[int]:
    """The statuses that clients get who all ask at the same time; each wait takes its time, for all at once."""
    one = Rig(accounts_of({"a": MESSAGES}), upstream)

    async def sleep(seconds: float) -> None:
        due = one.clock() + seconds
        await turns(20)
        one.clock.now = max(one.clock(), due)

    async def all_of_them() -> list[FakeSink]:
        exchanges = [exchange_for(one.config, ask()) for _ in range(number)]
        return await asyncio.gather(*map(one.serve, exchanges))

    one.services = dataclasses.replace(one.services, sleep=sleep)
    return [sink.status for sink in asyncio.run(all_of_them())]


def test_a_crowd_that_was_refused_together_does_not_come_back_together() -> None:
    upstream = CrowdedUpstream(6, answer)
    assert crowd(upstream, 6) == [200] * 6
    assert (upstream.tried, upstream.early) == (6, 0)


def test_what_the_first_of_a_crowd_is_told_the_others_hear_from_it() -> None:
    upstream = CrowdedUpstream(6, lambda: refusal(429, retry_after="600"))
    assert crowd(upstream, 6) == [429] * 6
    assert upstream.tried == 1
