"""A user's addon that raises, in a real mitmproxy, by its own walk over the addons and by our plan."""

import asyncio
import logging

import pytest
from mitmproxy import ctx, http
from mitmproxy.proxy.layers.http._hooks import HttpRequestHook
from mitmproxy.test import tflow

from korproxy_addons.gateway.addon_failures import listen_for_failures, watch
from korproxy_addons.gateway.fastpath import CachedDispatch
from korproxy_addons.gateway.layer_sink import LayerSink
from support.front_door import client, front_door

HOST = b"host: localhost:1337\r\n"
POST = b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 5\r\n\r\nhello"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
CANARY = "canary-of-an-addon"


class Plans:
    """Puts the cached dispatch in front, as our own process does."""

    def running(self) -> None:
        CachedDispatch(ctx.master).install()


class Crashes:
    """Raises in one hook; waits before it does, if it is to."""

    def __init__(self, hook: str) -> None:
        setattr(self, hook, self._crash)

    def _crash(self, _flow: http.HTTPFlow) -> None:
        raise ValueError(CANARY)


class CrashesLater(Crashes):
    async def _crash(self, _flow: http.HTTPFlow) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        raise ValueError(CANARY)


async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
    await sink.head(200, (("content-type", "text/plain"),))
    await sink.data(b"from upstream")
    await sink.end()


async def asked(addon: object, *extra: object, request: bytes = POST) -> tuple[bytes, int]:
    """The reply, and how many requests were ready to go upstream."""
    async with (
        front_door(leg, addon, *extra) as door,
        client(door.port) as (reader, writer),
    ):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if b"\r\ntransfer-encoding: chunked\r\n" in head:
            return head + await reader.readuntil(b"0\r\n\r\n"), len(door.flows)
        length = int(head.partition(b"content-length: ")[2].partition(b"\r")[0])
        return head + await reader.readexactly(length), len(door.flows)


@pytest.mark.parametrize("dispatch", ["stock", "planned"])
@pytest.mark.parametrize("kind", [Crashes, CrashesLater])
@pytest.mark.parametrize("hook", ["requestheaders", "request", "responseheaders"])
@pytest.mark.parametrize("request_bytes", [POST, GET], ids=["body", "no body"])
def test_an_addon_that_raises_ends_the_exchange(
    hook: str, kind: type[Crashes], dispatch: str, request_bytes: bytes
) -> None:
    """mitmproxy would send the request on as it is, or the reply."""
    extra = [Plans()] if dispatch == "planned" else []
    reply, upstream = asyncio.run(asked(kind(hook), *extra, request=request_bytes))
    assert reply.startswith(b"HTTP/1.1 500 ")
    assert reply.endswith(b'{"refused":"addon"}')
    assert CANARY.encode() not in reply
    assert upstream == (1 if hook == "responseheaders" else 0)


def test_what_another_addon_refused_stays_refused() -> None:
    class Refuses:
        def requestheaders(self, flow: http.HTTPFlow) -> None:
            flow.response = http.Response.make(401, b"no")

    reply, upstream = asyncio.run(asked(Refuses(), Crashes("requestheaders")))
    assert reply.startswith(b"HTTP/1.1 401 ")
    assert upstream == 0


@pytest.mark.parametrize("hook", ["response", "client_connected", "nothing"])
def test_an_addon_that_raises_where_nothing_can_be_undone_changes_nothing(hook: str) -> None:
    reply, upstream = asyncio.run(asked(Crashes(hook)))
    assert reply.startswith(b"HTTP/1.1 200 ")
    assert b"from upstream" in reply
    assert upstream == 1


def test_one_client_s_failure_is_not_another_s() -> None:
    class CrashesOnce:
        def __init__(self) -> None:
            self.seen = 0

        async def request(self, _flow: http.HTTPFlow) -> None:
            self.seen += 1
            number = self.seen
            for _ in range(3):
                await asyncio.sleep(0)
            if number == 2:
                raise ValueError(CANARY)

    async def run() -> list[bytes]:
        async with front_door(leg, CrashesOnce()) as door:

            async def one() -> bytes:
                async with client(door.port) as (reader, writer):
                    writer.write(POST)
                    return (await reader.readuntil(b"\r\n\r\n"))[:12]

            return await asyncio.gather(*(one() for _ in range(4)))

    assert sorted(asyncio.run(run())) == [b"HTTP/1.1 200"] * 3 + [b"HTTP/1.1 500"]


def test_listening_twice_is_listening_once() -> None:
    logger = logging.getLogger("mitmproxy.addonmanager")
    listen_for_failures()
    before = list(logger.handlers)
    listen_for_failures()
    assert logger.handlers == before


def test_only_an_exception_counts() -> None:
    listen_for_failures()
    hook = HttpRequestHook(tflow.tflow())
    found = watch(hook)
    logger = logging.getLogger("mitmproxy.addonmanager")

    async def run() -> None:
        assert hook.args() == [hook.flow]
        logger.error("an error that is no exception")
        logger.warning("a warning", exc_info=ValueError())
        assert not found.failed
        logger.error("an exception", exc_info=ValueError())

    asyncio.run(run())
    assert found.failed
