import asyncio
from collections.abc import Awaitable, Callable

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.io.upstream import Budgets, UpstreamReply
from support.raw_upstream import RawUpstream, Visit, raw_upstream
from support.upstream_calls import PATIENT, failure, post, upstream_client

HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n"
type Look = Callable[[UpstreamReply, RawUpstream], Awaitable[None]]


def with_reply(*pieces: bytes, look: Look, stays: bool = False, budgets: Budgets = PATIENT) -> None:
    """Look at the reply of a server that sends `pieces`, all but the first when its head was read; then it stays or goes."""
    headed = asyncio.Event()

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(pieces[0])
        await headed.wait()
        for piece in pieces[1:]:
            await visit.send(piece)
        if stays:
            await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            async with asyncio.timeout(20):
                reply = await client.send(post(server.port, budgets=budgets))
                headed.set()
                try:
                    await look(reply, server)
                finally:
                    reply.abort()

    asyncio.run(run())


def test_a_body_comes_as_it_comes() -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        parts = []
        while part := await reply.read():
            parts.append(part)
        assert b"".join(parts) == b"data: 1\n\ndata: 2\n\n"
        assert await reply.read() == b""

    with_reply(CHUNKED, b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n0\r\n\r\n", look=look)


def test_a_listener_hears_what_is_read() -> None:
    """Each piece, and the end, which is empty; nothing where nobody read on."""

    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        heard: list[bytes] = []
        reply.listener = heard.append
        read = [await reply.read()]
        while read[-1]:
            read.append(await reply.read())
        assert heard == read
        assert b"".join(heard) == b"data: 1\n\ndata: 2\n\n"

    with_reply(CHUNKED, b"9\r\ndata: 1\n\n\r\n", b"9\r\ndata: 2\n\n\r\n0\r\n\r\n", look=look)


def test_the_first_piece_is_there_before_the_second_is_sent() -> None:
    """A stream is no stream if somebody collects it."""

    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert await reply.read() == b"data: 1\n\n"

    with_reply(CHUNKED, b"9\r\ndata: 1\n\n\r\n", look=look, stays=True)


def test_headers_keep_their_order_their_repetition_and_their_bytes() -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert reply.headers[:3] == (("X-One", "1"), ("x-two", "é"), ("X-One", "\udcff"))
        assert reply.header("x-one") == "1"
        assert reply.header("x-three") is None

    head = HEAD + b"X-One: 1\r\nx-two: \xc3\xa9\r\nX-One: \xff\r\ncontent-length: 0\r\n\r\n"
    with_reply(head, look=look)


def test_a_compressed_body_is_left_as_it_is() -> None:
    """Taking its coding off is `gateway/coding.py`'s, which has limits."""

    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert await reply.read_all(100) == b"\x1f\x8bxx"

    with_reply(HEAD + b"content-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8bxx", look=look)


def test_a_body_may_last_until_the_connection_ends() -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert await reply.read_all(100) == b"to the end"

    with_reply(HEAD + b"\r\n", b"to the ", b"end", look=look)


@pytest.mark.parametrize(
    "broken",
    [
        (HEAD + b"content-length: 100\r\n\r\nab",),
        (CHUNKED + b"9\r\ndata: 1\n\n\r\n",),
        (CHUNKED + b"9\r\ndata",),
        (CHUNKED + b"2\r\nok\r\n", b"garbage\r\n"),
    ],
)
def test_a_body_that_breaks_off_is_no_whole_one(broken: tuple[bytes, ...]) -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        await failure(reply.read_all(1000), catalogue.STREAM_CUT)

    with_reply(*broken, look=look)


def test_what_came_before_a_break_is_not_lost() -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert await reply.read() == b"data: 1\n\n"
        await failure(reply.read(), catalogue.STREAM_CUT)

    with_reply(CHUNKED + b"9\r\ndata: 1\n\n\r\n", look=look, stays=False)


def test_a_body_that_falls_silent_is_given_up() -> None:
    async def look(reply: UpstreamReply, server: RawUpstream) -> None:
        assert await reply.read() == b"ok"
        assert await failure(reply.read(), catalogue.IDLE_TIMEOUT) == "no data for 0.05 s"
        await server.left.wait()

    budgets = Budgets(connect_s=10, first_byte_s=10, idle_s=0.05)
    with_reply(CHUNKED + b"2\r\nok\r\n", look=look, stays=True, budgets=budgets)


def test_ticks_come_while_it_is_silent_and_count_against_its_patience() -> None:
    async def look(reply: UpstreamReply, _server: RawUpstream) -> None:
        assert await reply.read(tick_s=0.02) == b"ok"
        ticks: list[None] = []

        async def tick() -> None:
            while (piece := await reply.read(tick_s=0.02)) is None:
                ticks.append(piece)

        await failure(tick(), catalogue.IDLE_TIMEOUT)
        assert 1 <= len(ticks) <= 5

    budgets = Budgets(connect_s=10, first_byte_s=10, idle_s=0.1)
    with_reply(CHUNKED + b"2\r\nok\r\n", look=look, stays=True, budgets=budgets)


def test_a_body_that_is_too_large_is_given_up() -> None:
    async def look(reply: UpstreamReply, server: RawUpstream) -> None:
        detail = await failure(reply.read_all(10), catalogue.UPSTREAM_INVALID_REPLY)
        assert detail == "the reply is larger than 10 bytes"
        await server.left.wait()

    with_reply(CHUNKED + b"b\r\n01234567890\r\n", look=look, stays=True)


def test_an_aborted_reply_frees_the_upstream() -> None:
    async def look(reply: UpstreamReply, server: RawUpstream) -> None:
        reply.abort()
        await server.left.wait()

    with_reply(CHUNKED + b"2\r\nok\r\n", look=look, stays=True)


def test_a_reader_that_waits_holds_the_sender_up() -> None:
    """50 MB that nobody reads must not be in memory."""
    sent: list[int] = []

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(HEAD + b"content-length: 52428800\r\n\r\n")
        for number in range(800):
            await visit.send(bytes(65_536))
            sent.append(number)

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            reply = await client.send(post(server.port))
            before = -1
            while len(sent) > before:
                before = len(sent)
                await asyncio.wait([asyncio.ensure_future(asyncio.Event().wait())], timeout=0.2)
            assert len(sent) < 400
            assert len(await reply.read_all(1 << 30)) == 52_428_800

    asyncio.run(run())
