import asyncio

import pytest

from korproxy_addons.gateway.tape import CaughtBody, Supply, Tape
from korproxy_addons.io.upstream import UpstreamCall
from support.fake_sink import FakeSink
from support.upstream_calls import PATIENT


def body(limit_bytes: int = 10, supply_bytes: int = 100) -> tuple[CaughtBody, Supply]:
    supply = Supply(supply_bytes)
    return CaughtBody(limit_bytes, supply), supply


def tape(supply: Supply | None = None, *, limit_bytes: int = 10) -> Tape:
    return Tape(
        shapes=False,
        limit_bytes=limit_bytes,
        supply=supply or Supply(1000),
        takes=lambda _tool: True,
    )


def call(data: bytes = b"sent") -> UpstreamCall:
    return UpstreamCall(
        method="POST", url="https://h.example/x", headers=(("a", "b"),), body=data, budgets=PATIENT
    )


def test_a_body_is_kept_as_it_comes() -> None:
    caught, _ = body()
    for part in (b"one", b"two", b""):
        caught.add(part)
    assert (caught.parts, caught.taken_bytes, caught.cut_bytes, caught.ended) == (
        [b"one", b"two"],
        6,
        0,
        True,
    )


def test_a_long_body_is_cut_once() -> None:
    """What comes behind the gap is counted and not kept, though there may be room again."""
    caught, supply = body(limit_bytes=5)
    for part in (b"one", b"two", b"three"):
        caught.add(part)
    assert (caught.parts, caught.cut_bytes, caught.ended) == ([b"one", b"tw"], 6, False)
    assert supply.take(1000) == 95


def test_memory_for_all_is_bounded() -> None:
    supply = Supply(7)
    first, second = CaughtBody(100, supply), CaughtBody(100, supply)
    first.add(b"12345")
    second.add(b"12345")
    assert (second.parts, second.cut_bytes) == ([b"12"], 3)
    supply.give_back(first.taken_bytes)
    second.add(b"6")
    assert (second.parts, second.cut_bytes) == ([b"12"], 4)


def test_a_tape_gives_its_memory_back() -> None:
    supply = Supply(100)
    caught = tape(supply)
    caught.sent(1, call())
    hear = caught.heard(200, ())
    hear(b"reply")
    caught.caught(b"asked")
    assert supply.take(1000) == 100 - len(b"sent" + b"reply" + b"asked")
    caught.erase()
    caught.erase()
    assert supply.take(1000) == len(b"sent" + b"reply" + b"asked")
    assert caught.attempts[0].body.parts == []


def test_each_attempt_has_its_reply() -> None:
    caught = tape(limit_bytes=100)
    caught.sent(1, call(b"first"))
    caught.sent(2, call(b"second"))
    hear = caught.heard(200, (("c", "d"),))
    hear(b"some")
    hear(b"")
    first, second = caught.attempts
    assert (first.number, first.body.parts, first.reply_status, first.reply) == (
        1,
        [b"first"],
        None,
        None,
    )
    assert (second.url, second.headers, second.reply_status) == (
        "https://h.example/x",
        (("a", "b"),),
        200,
    )
    assert second.reply is not None
    assert (second.reply.parts, second.reply.ended) == ([b"some"], True)
    assert repr(caught) == "Tape(2 attempts)"


def test_the_client_is_told_the_same_with_a_tape() -> None:
    async def run() -> None:
        sink = FakeSink()
        caught = tape(limit_bytes=100)
        beside = caught.beside(sink)
        assert (beside.gone, beside.committed) == (False, False)
        await beside.head(200, (("a", "b"),))
        assert beside.committed
        await beside.data(b"one")
        await beside.data(b"two")
        await beside.end()
        assert (sink.body, sink.ended) == (b"onetwo", True)
        assert caught.told is not None
        assert (caught.told.parts, caught.told.ended) == ([b"one", b"two"], True)

    asyncio.run(run())


@pytest.mark.parametrize("cut", [True, False])
def test_what_did_not_reach_the_client_is_not_on_the_tape(cut: bool) -> None:
    async def run() -> None:
        sink = FakeSink(leaves_after=None if cut else 1)
        caught = tape(limit_bytes=100)
        beside = caught.beside(sink)
        gone: list[bool] = []
        beside.when_gone(lambda: gone.append(True))
        await beside.head(200, ())
        await beside.data(b"one")
        if cut:
            await beside.cut("broke off")
            assert sink.cut_reason == "broke off"
        else:
            assert (beside.gone, gone) == (True, [True])
            await beside.data(b"two")
            await beside.end()
        assert caught.told is not None
        assert (caught.told.parts, caught.told.ended) == ([b"one"], False)

    asyncio.run(run())
