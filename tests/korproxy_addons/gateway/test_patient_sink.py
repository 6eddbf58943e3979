import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.patient_sink import KEPT_WAITING, PatientSink
from korproxy_addons.gateway.vigil import Vigil
from support.asking import question
from support.fake_sink import FakeSink
from support.legs import accounts_of, exchange_for

BEAT = b": keep-alive\n\n"
VIGIL = Vigil(hold_s=30.0, beat=BEAT, beat_s=15.0)


@dataclass
class Call:
    at: float
    run: Callable[[], None]
    off: bool = False

    def cancel(self) -> None:
        self.off = True


@dataclass
class Timers:
    """Time that passes when the test says so."""

    now: float = 0.0
    calls: list[Call] = field(default_factory=list)

    def later(self, seconds: float, run: Callable[[], None]) -> Call:
        call = Call(self.now + seconds, run)
        self.calls.append(call)
        return call

    async def pass_by(self, seconds: float) -> None:
        until = self.now + seconds
        while due := [it for it in self.calls if it.at <= until and not it.off]:
            call = min(due, key=lambda it: it.at)
            self.calls.remove(call)
            self.now = call.at
            call.run()
            for _ in range(5):
                await asyncio.sleep(0)
        self.now = until

    @property
    def pending(self) -> int:
        return sum(not it.off for it in self.calls)


@dataclass
class Rig:
    """A client that waits."""

    vigil: Vigil = VIGIL
    sink: FakeSink = field(default_factory=FakeSink)
    timers: Timers = field(default_factory=Timers)

    def __post_init__(self) -> None:
        asked = question("openai-chat", "m", stream=True)
        self.exchange: Exchange = exchange_for(accounts_of({"a": "openai-chat"}), asked)
        self.patient = PatientSink(self.sink, self.exchange, self.vigil, self.timers.later)


def played(work: Callable[[Rig], Awaitable[None]], vigil: Vigil = VIGIL) -> Rig:
    async def run() -> Rig:
        rig = Rig(vigil)
        await work(rig)
        return rig

    return asyncio.run(run())


def test_an_answer_in_time_has_its_own_head_and_no_beat() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(29)
        await rig.patient.head(200, [("x-own", "1")])
        await rig.timers.pass_by(1000)
        await rig.patient.data(b"hello")
        await rig.patient.end()

    rig = played(work)
    assert rig.sink.headers == {"x-own": "1"}
    assert rig.sink.body == b"hello"
    assert rig.sink.ended
    assert (rig.patient.begun, rig.exchange.why, rig.timers.pending) == (False, [], 0)


def test_a_client_that_waits_for_long_gets_a_head_and_then_beats() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(30)
        assert rig.sink.pieces == [BEAT]
        await rig.timers.pass_by(14)
        assert rig.sink.pieces == [BEAT]
        await rig.timers.pass_by(1)
        assert rig.sink.pieces == [BEAT, BEAT]
        committed = [rig.patient.committed]
        await rig.patient.head(200, [("x-korproxy-account", "A")])
        assert [*committed, rig.patient.committed] == [False, True]
        await rig.patient.data(b"hello")
        await rig.timers.pass_by(1000)
        await rig.patient.end()

    rig = played(work)
    assert rig.sink.body == BEAT + BEAT + b"hello"
    assert rig.sink.status == 200
    assert rig.sink.headers["content-type"] == "text/event-stream"
    assert rig.sink.ended
    assert rig.timers.pending == 0


def test_a_head_that_goes_out_early_names_nobody() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(30)
        assert rig.exchange.undecided
        await rig.patient.head(200, [])

    rig = played(work)
    assert rig.sink.headers["x-korproxy-account"] == ""
    assert rig.sink.why == [KEPT_WAITING, "undecided"]
    assert rig.sink.headers["x-korproxy-request-id"] == rig.exchange.id
    # the record of the exchange does say who it was
    assert not rig.exchange.undecided
    assert rig.exchange.why == [KEPT_WAITING]


def test_an_error_before_the_time_is_up_still_has_a_status() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(29)
        assert not await rig.patient.settle()
        await rig.timers.pass_by(100)
        await rig.patient.head(429, [])
        await rig.patient.end()

    assert played(work).sink.status == 429


def test_after_it_whoever_settles_knows_that_it_is_too_late_for_one() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(30)
        assert await rig.patient.settle()
        await rig.timers.pass_by(100)

    assert played(work).sink.body == BEAT


def test_a_client_that_is_never_kept_waiting_costs_no_timer() -> None:
    async def work(rig: Rig) -> None:
        assert rig.timers.pending == 0
        await rig.timers.pass_by(1000)
        await rig.patient.head(200, [])

    assert played(work, Vigil(None, b"", 15.0)).sink.pieces == []


def test_nothing_is_sent_to_a_client_that_left_or_for_whom_nobody_works() -> None:
    async def left(rig: Rig) -> None:
        rig.sink.leave()
        assert rig.patient.gone
        await rig.timers.pass_by(100)

    async def closed(rig: Rig) -> None:
        rig.patient.close()
        await rig.timers.pass_by(100)

    assert (played(left).sink.status, played(closed).sink.status) == (0, 0)


def test_a_cut_ends_the_waiting() -> None:
    async def work(rig: Rig) -> None:
        await rig.timers.pass_by(30)
        await rig.patient.cut("no more")
        await rig.timers.pass_by(100)

    rig = played(work)
    assert (rig.sink.cut_reason, rig.sink.body) == ("no more", BEAT)


class SlowSink(FakeSink):
    """A client that reads nothing until it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = asyncio.Event()

    async def data(self, chunk: bytes) -> None:
        await self.reads.wait()
        await super().data(chunk)


def test_a_beat_that_is_half_written_is_whole_before_anything_follows_it() -> None:
    async def work() -> FakeSink:
        sink = SlowSink()
        rig = Rig(VIGIL, sink)
        await rig.timers.pass_by(30)
        answering = asyncio.ensure_future(rig.patient.head(200, []))
        for _ in range(5):
            await asyncio.sleep(0)
        assert not answering.done()
        sink.reads.set()
        await answering
        await rig.patient.data(b"hello")
        return sink

    assert asyncio.run(work()).body == BEAT + b"hello"


def test_a_beat_that_fails_is_logged_and_hangs_nobody(caplog: pytest.LogCaptureFixture) -> None:
    class BrokenSink(FakeSink):
        async def data(self, chunk: bytes) -> None:
            raise RuntimeError("broken")

    async def work() -> None:
        rig = Rig(VIGIL, BrokenSink())
        await rig.timers.pass_by(100)
        assert await rig.patient.settle()
        assert rig.timers.pending == 0

    with caplog.at_level(logging.ERROR):
        asyncio.run(work())
    assert "keep-alive failed" in caplog.text


def test_whoever_waits_for_the_client_to_go_is_told() -> None:
    async def work(rig: Rig) -> None:
        told: list[int] = []
        rig.patient.when_gone(lambda: told.append(1))
        rig.sink.leave()
        assert told == [1]

    played(work)
