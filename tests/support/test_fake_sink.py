import asyncio
from collections.abc import Awaitable, Callable

import pytest

from support.fake_sink import FakeSink


def test_it_holds_the_leg_to_the_order_of_calls() -> None:
    async def wrong(*calls: str) -> None:
        sink = FakeSink()
        steps: dict[str, Callable[[], Awaitable[None]]] = {
            "head": lambda: sink.head(200, ()),
            "data": lambda: sink.data(b"x"),
            "end": sink.end,
            "cut": lambda: sink.cut("why"),
        }
        for call in calls:
            await steps[call]()

    asyncio.run(wrong("head", "data", "data", "end"))
    asyncio.run(wrong("cut"))
    for calls in (("data",), ("end",), ("head", "head"), ("head", "end", "data"), ("cut", "cut")):
        with pytest.raises(AssertionError):
            asyncio.run(wrong(*calls))


def test_a_client_leaves_when_it_was_told_to() -> None:
    async def run() -> FakeSink:
        sink = FakeSink(leaves_after=1)
        left: list[int] = []
        sink.when_gone(lambda: left.append(1))
        await sink.head(200, [("X-A", "1")])
        assert not sink.gone
        await sink.data(b"a")
        await sink.data(b"b")
        assert left == [1]
        sink.when_gone(lambda: left.append(2))
        assert left == [1, 2]
        return sink

    sink = asyncio.run(run())
    assert (sink.gone, sink.body, sink.headers) == (True, b"a", {"x-a": "1"})
