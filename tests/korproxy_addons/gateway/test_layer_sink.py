import asyncio
import ssl
from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.test import taddons, tflow

from korproxy_addons.gateway.layer import GatewayStream, UpstreamRequest
from korproxy_addons.gateway.layer_sink import ClientGoneError, LayerSink, frame_for
from korproxy_addons.gateway.messages import headers_of, new_response
from korproxy_addons.gateway.sink import HeaderFields
from support.front_door import client, front_door
from support.playbook import Playbook
from support.socket_client import SocketClient, opening

HOST = b"host: localhost:1337\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
EVENTS: HeaderFields = (("content-type", "text/event-stream"),)


async def two_events(sink: LayerSink, _flow: http.HTTPFlow) -> None:
    await sink.head(200, EVENTS)
    await sink.data(b"data: 1\n\n")
    await sink.data(b"")
    await sink.data(b"data: 2\n\n")
    await sink.end()


async def read_reply(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """Head and body of a reply in chunks, the chunks' framing kept."""
    head = await reader.readuntil(b"\r\n\r\n")
    return head, await reader.readuntil(b"0\r\n\r\n")


CHUNKS = b"9\r\ndata: 1\n\n\r\n9\r\ndata: 2\n\n\r\n0\r\n\r\n"


def test_a_stream_reaches_the_client_in_chunks_one_per_piece() -> None:
    async def run() -> None:
        async with front_door(two_events) as door, client(door.port) as (reader, writer):
            for _ in range(3):
                writer.write(GET)
                head, body = await read_reply(reader)
                assert b"\r\ntransfer-encoding: chunked\r\n" in head
                assert body == CHUNKS

    asyncio.run(run())


def test_pieces_behind_tls_are_encrypted_like_the_rest(tmp_path: Path) -> None:
    """The transport of such a client carries TLS, and only the layers know how to speak it."""

    async def run() -> None:
        trusting = ssl.create_default_context()
        trusting.check_hostname = False
        trusting.verify_mode = ssl.CERT_NONE
        async with (
            front_door(two_events, confdir=str(tmp_path)) as door,
            client(door.port, ssl=trusting) as (reader, writer),
        ):
            writer.write(GET)
            assert (await read_reply(reader))[1] == CHUNKS

    asyncio.run(run())


def test_pieces_on_a_websocket_go_out_as_its_messages() -> None:
    """Written past the layers they would lie between two frames."""

    class Upgrader:
        def requestheaders(self, flow: http.HTTPFlow) -> None:
            if flow.request.method == "GET":
                flow.response = http.Response.make(101)
                del flow.response.headers["content-length"]

    async def one_event(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, EVENTS)
        await sink.data(b'data: {"type":"response.completed","response":{"id":"r"}}\n\n')
        await sink.end()

    async def run() -> None:
        async with (
            front_door(one_event, Upgrader()) as door,
            client(door.port) as (reader, writer),
        ):
            socket = SocketClient()
            writer.write(opening("localhost:1337"))
            await reader.readuntil(b"\r\n\r\n")
            for _ in range(2):
                writer.write(socket.message({"type": "response.create", "input": []}))
                while socket.kinds[-1:] != ["response.completed"]:
                    socket.read(await reader.read(100))
                assert socket.kinds == ["korproxy.exchange", "response.completed"]
                socket.said.clear()

    asyncio.run(run())


def test_a_known_length_needs_no_chunks() -> None:
    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, (("content-length", "4"),))
        await sink.data(b"ab")
        await sink.data(b"cd")
        await sink.end()

    async def run() -> None:
        async with front_door(leg) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"transfer-encoding" not in head
            assert await reader.readexactly(4) == b"abcd"

    asyncio.run(run())


def test_an_old_client_reads_to_the_end_of_the_connection() -> None:
    async def run() -> None:
        async with front_door(two_events) as door, client(door.port) as (reader, writer):
            writer.write(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
            head = await reader.readuntil(b"\r\n\r\n")
            assert b"\r\nconnection: close\r\n" in head
            assert b"transfer-encoding" not in head
            assert await reader.read() == b"data: 1\n\ndata: 2\n\n"

    asyncio.run(run())


async def half_a_reply(sink: LayerSink, _flow: http.HTTPFlow) -> None:
    await sink.head(200, EVENTS)
    await sink.data(b"data: 1\n\n")
    await sink.cut("the upstream broke")


def test_a_cut_reply_cannot_pass_for_a_whole_one() -> None:
    async def run() -> None:
        async with front_door(half_a_reply) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.read() == b"9\r\ndata: 1\n\n\r\n"

    asyncio.run(run())


def test_a_cut_reply_without_framing_is_a_reset() -> None:
    """For an old client the end of the connection is the end of the body, unless it is no clean one."""

    async def run() -> None:
        async with front_door(half_a_reply) as door, client(door.port) as (reader, writer):
            writer.write(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n")
            with pytest.raises(ConnectionResetError):
                await reader.read()

    asyncio.run(run())


def test_a_cut_before_the_head_is_an_answer() -> None:
    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        assert not sink.committed
        await sink.cut("nothing came")

    async def run() -> None:
        async with front_door(leg) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            reply = await reader.read()
            assert reply.startswith(b"HTTP/1.1 502 ")
            assert reply.endswith(b'{"refused":"framing"}')

    asyncio.run(run())


def test_a_client_that_leaves_ends_the_leg() -> None:
    left: list[str] = []

    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        gone = asyncio.Event()
        sink.when_gone(gone.set)
        sink.when_gone(lambda: left.append("second"))
        await sink.head(200, EVENTS)
        before = sink.gone
        await gone.wait()
        assert (before, sink.gone) == (False, True)
        sink.when_gone(lambda: left.append("late"))
        await sink.head(200, EVENTS)
        await sink.data(b"for nobody")
        await sink.cut("for nobody")
        await sink.end()
        left.append("done")

    async def run() -> None:
        async with front_door(leg) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            writer.close()

    asyncio.run(run())
    assert left == ["second", "late", "done"]


def test_a_slow_client_holds_the_leg_up() -> None:
    """And so the upstream: nothing piles up in between."""
    piece = bytes(64 * 1024)
    pieces = 512
    sent: list[int] = []
    stalled = asyncio.Event()

    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, (("content-length", str(len(piece) * pieces)),))
        for number in range(pieces):
            write = asyncio.ensure_future(sink.data(piece))
            await asyncio.wait([write], timeout=0.5)
            if not write.done():
                stalled.set()
            await write
            sent.append(number)
        await sink.end()

    async def run() -> None:
        async with front_door(leg) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            await stalled.wait()
            assert len(sent) < pieces // 2
            await reader.readuntil(b"\r\n\r\n")
            left = len(piece) * pieces
            while left:
                left -= len(await reader.read(1 << 20))

    asyncio.run(run())
    assert len(sent) == pieces


class Installs:
    """An addon that does something to each reply's head."""

    def __init__(self, transform: object = None, replacement: http.Response | None = None) -> None:
        self._transform = transform
        self._replacement = replacement
        self.bodies: list[bytes | None] = []

    def responseheaders(self, flow: http.HTTPFlow) -> None:
        if self._replacement is not None:
            flow.response = self._replacement.copy()
        elif callable(self._transform):
            assert flow.response is not None
            flow.response.stream = self._transform

    def response(self, flow: http.HTTPFlow) -> None:
        assert flow.response is not None
        self.bodies.append(flow.response.raw_content)


def test_a_transformer_of_an_addon_sees_every_piece() -> None:
    async def run() -> None:
        addon = Installs(transform=bytes.upper)
        async with front_door(two_events, addon) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            assert (await read_reply(reader))[1] == CHUNKS.replace(b"data", b"DATA")

    asyncio.run(run())


def test_a_transformer_that_raises_ends_reply_and_leg() -> None:
    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, EVENTS)
        await sink.data(b"data: 1\n\n")
        assert sink.gone

    def crash(_: bytes) -> bytes:
        raise ValueError

    async def run() -> None:
        addon = Installs(transform=crash)
        async with front_door(leg, addon) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            await reader.readuntil(b"\r\n\r\n")
            assert await reader.read() == b""

    asyncio.run(run())


@pytest.mark.parametrize("end", ["end", "cut"])
def test_a_reply_that_an_addon_puts_in_place_is_what_goes_out(end: str) -> None:
    """Whole, whatever the leg says after it; and the connection can be used again."""

    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, EVENTS)
        await sink.data(b"data: 1\n\n")
        await (sink.end() if end == "end" else sink.cut("broken"))

    async def run() -> None:
        addon = Installs(replacement=http.Response.make(403, b"replaced"))
        async with front_door(leg, addon) as door, client(door.port) as (reader, writer):
            for _ in range(2):
                writer.write(GET)
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 403 ")
                assert await reader.readexactly(8) == b"replaced"

    asyncio.run(run())


def test_an_empty_reply_in_place_is_a_reply_too() -> None:
    async def run() -> None:
        addon = Installs(replacement=http.Response.make(403, b""))
        async with front_door(two_events, addon) as door, client(door.port) as (reader, writer):
            writer.write(GET + GET)
            for _ in range(2):
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 403 ")

    asyncio.run(run())


def test_a_killed_flow_ends_the_leg() -> None:
    class Kills:
        def responseheaders(self, flow: http.HTTPFlow) -> None:
            flow.kill()

    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        await sink.head(200, EVENTS)
        assert sink.gone
        await sink.data(b"x")

    async def run() -> None:
        async with front_door(leg, Kills()) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            assert await reader.read() == b""

    asyncio.run(run())


@pytest.mark.parametrize("stored", [True, False])
def test_a_body_is_kept_where_the_user_wants_it_kept(stored: bool) -> None:
    async def run() -> None:
        addon = Installs()
        async with (
            front_door(two_events, addon, store_streamed_bodies=stored) as door,
            client(door.port) as (reader, writer),
        ):
            writer.write(GET)
            assert (await read_reply(reader))[1] == CHUNKS
            await asyncio.gather(*door.legs)
        assert addon.bodies == [b"data: 1\n\ndata: 2\n\n" if stored else None]

    asyncio.run(run())


def test_the_head_is_out_when_head_returns() -> None:
    """Also where a hook takes its time: what follows is written past the layer."""
    order: list[str] = []

    class Slow:
        async def responseheaders(self, _flow: http.HTTPFlow) -> None:
            for _ in range(10):
                await asyncio.sleep(0)
            order.append("hook")

    async def leg(sink: LayerSink, flow: http.HTTPFlow) -> None:
        await sink.head(200, EVENTS)
        order.append("head")
        await two_events_after_head(sink)

    async def two_events_after_head(sink: LayerSink) -> None:
        await sink.data(b"data: 1\n\n")
        await sink.data(b"data: 2\n\n")
        await sink.end()

    async def run() -> None:
        async with front_door(leg, Slow()) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            assert (await read_reply(reader))[1] == CHUNKS

    asyncio.run(run())
    assert order == ["hook", "head"]


def test_a_model_may_think_for_longer_than_mitmproxy_waits() -> None:
    async def leg(sink: LayerSink, _flow: http.HTTPFlow) -> None:
        watchdog = sink._handler.timeout_watchdog
        before = watchdog.blocker
        with sink.watch_paused():
            assert watchdog.blocker == before + 1
            assert not watchdog.can_timeout.is_set()
        assert watchdog.blocker == before
        await two_events(sink, _flow)

    async def run() -> None:
        async with front_door(leg) as door, client(door.port) as (reader, writer):
            writer.write(GET)
            await read_reply(reader)

    asyncio.run(run())


def test_a_client_that_left_before_the_leg_began_has_no_sink() -> None:
    async def run() -> None:
        from mitmproxy.addons.proxyserver import Proxyserver

        with taddons.context(Proxyserver()):
            flow = tflow.tflow()
            stream = GatewayStream(Playbook().layer.context.fork(), 1, Playbook().refusals)
            with pytest.raises(ClientGoneError):
                LayerSink.of(UpstreamRequest(flow, stream, flow.server_conn))

    asyncio.run(run())


@pytest.mark.parametrize(
    ("method", "version", "status", "length", "framed"),
    [
        ("GET", "HTTP/1.1", 200, None, "transfer-encoding"),
        ("GET", "HTTP/1.1", 200, "5", None),
        ("HEAD", "HTTP/1.1", 200, None, None),
        ("GET", "HTTP/1.1", 204, None, None),
        ("GET", "HTTP/1.1", 304, None, None),
        ("GET", "HTTP/1.0", 200, None, "connection"),
    ],
)
def test_a_reply_is_framed_as_its_client_can_read_it(
    method: str, version: str, status: int, length: str | None, framed: str | None
) -> None:
    request = http.Request.make(method, "http://localhost/")
    request.http_version = version
    response = new_response(status, headers_of([("content-length", length)] if length else []))
    frame_for(request, response)
    assert [name for name in response.headers if name != "content-length"] == (
        [framed] if framed else []
    )
