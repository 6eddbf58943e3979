"""Puts a reply on the wire, whole or spoiled in a chosen way, and notes what became of it."""

import asyncio
import gzip
import os
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import formatdate

from aiohttp import web

from launcher.simulator.call import Headers, Reply
from launcher.simulator.ledger import Entry, Ledger
from launcher.simulator.told import MOST_BYTES, told


@dataclass
class Emission:
    """
    How a reply leaves.

    Args:
        head_delay_s: Silence before the head.
        held: Silence until all are released: behind `held_after` frames of a stream, else before the head.
        delay_ms: Pause before each frame.
        split_bytes: Cut the bytes of a stream into pieces of this size, across frames and characters.
        stop_after: Frames (of a stream) or bytes (of a whole body) after which `stop` happens.
        stop: `close` ends the message properly, `drop` closes the connection in the middle of it, `reset` resets it,
            `stall` keeps silent until the client goes or `stall_s` is over, then closes properly; `report` sends the
            dialect's mid-stream error, then closes properly.
        stop_held: It happens when all are released.
        raw: Bytes instead of an HTTP reply.
        date_skew_s: How wrong the `Date` header is.
    """

    head_delay_s: float = 0.0
    held: bool = False
    held_after: int | None = None
    delay_ms: float = 0.0
    split_bytes: int | None = None
    stop_after: int | None = None
    stop: str = ""
    stall_s: float | None = None
    stop_held: bool = False
    raw: bytes | None = None
    reset_before_head: bool = False
    gzip: bool = False
    date_skew_s: float = 0.0
    headers: Headers = field(default_factory=list)


class Sender:
    """
    Sends one reply on one connection.

    Args:
        now: Unix seconds by the provider's clock.
        released: What held replies wait for.
    """

    def __init__(
        self,
        request: web.Request,
        entry: Entry,
        ledger: Ledger,
        now: float,
        released: asyncio.Event,
    ) -> None:
        self._request = request
        self._entry = entry
        self._ledger = ledger
        self._now = now
        self._released = released
        self._sent = bytearray()

    async def send(self, reply: Reply, emission: Emission) -> web.StreamResponse:
        """
        Send the reply; the ledger's entry ends here whatever happens.

        Raises:
            OSError: the connection was cut, by the emission or by the client.
            asyncio.CancelledError: the client went away.
        """
        self._entry.status = reply.status
        self._entry.frames = len(reply.frames or ())
        # What is compressed as a whole is told as a whole, or not at all.
        plain = b"".join(reply.frames or [reply.body]) if emission.gzip else None
        try:
            response = await self._send(reply, emission)
        except (asyncio.CancelledError, ConnectionError):
            self._entry.told = told(bytes(self._sent))
            self._ledger.close(self._entry, client_gone=True)
            raise
        self._entry.told = told(bytes(self._sent) if plain is None else plain)
        self._ledger.close(self._entry)
        return response

    async def _send(self, reply: Reply, emission: Emission) -> web.StreamResponse:
        if emission.head_delay_s:
            await asyncio.sleep(emission.head_delay_s)
        if emission.held and (emission.held_after is None or reply.frames is None):
            await self._hold()
        if emission.reset_before_head:
            return self._cut(reset=True)
        if emission.raw is not None:
            return await self._send_raw(emission.raw)
        if reply.websocket is not None:
            return await self._talk(*reply.websocket)
        response = web.StreamResponse(
            status=reply.status, headers=_headers(reply, emission, self._now)
        )
        body = reply.body
        if reply.frames is None:
            if emission.gzip:
                body = gzip.compress(body)
            response.content_length = len(body)
        elif emission.gzip:
            reply.frames = [gzip.compress(b"".join(reply.frames))]
        await response.prepare(self._request)
        if reply.frames is None:
            return await self._send_whole(response, body, emission)
        return await self._send_frames(response, reply, emission)

    async def _send_whole(
        self, response: web.StreamResponse, body: bytes, emission: Emission
    ) -> web.StreamResponse:
        if emission.stop:
            half = len(body) // 2 if emission.stop_after is None else emission.stop_after
            await self._write(response, body[:half])
            # A whole body has a length: ending early can only be a cut connection.
            return await self._stop(response, Reply(200), emission)
        if body and self._request.method != "HEAD":
            await self._write(response, body)
        await response.write_eof()
        return response

    async def _send_frames(
        self, response: web.StreamResponse, reply: Reply, emission: Emission
    ) -> web.StreamResponse:
        frames = reply.frames or []
        stop_after = len(frames)
        if emission.stop:
            # Never later than before the last frame: the terminal marker is what goes missing.
            wished = len(frames) // 2 if emission.stop_after is None else emission.stop_after
            stop_after = min(wished, len(frames) - 1)
        pause_s = (emission.delay_ms or reply.delay_ms) / 1000
        for data in _cut_into(frames[:stop_after], emission.split_bytes):
            if pause_s:
                await asyncio.sleep(pause_s)
            if emission.held_after == self._entry.sent_frames:
                await self._hold()
            await self._write(response, data)
            self._entry.sent_frames += 1
        if emission.stop:
            return await self._stop(response, reply, emission)
        await response.write_eof()
        return response

    async def _stop(
        self, response: web.StreamResponse, reply: Reply, emission: Emission
    ) -> web.StreamResponse:
        self._ledger.touch()
        if emission.stop_held:
            await self._hold()
        if emission.stop == "stall":
            await asyncio.sleep(3600 if emission.stall_s is None else emission.stall_s)
        if emission.stop == "report" and reply.broken is not None:
            for frame in reply.broken(self._entry.sent_frames):
                await self._write(response, frame)
        if emission.stop in {"drop", "reset"} or reply.frames is None:
            return self._cut(reset=emission.stop == "reset", response=response)
        await response.write_eof()
        return response

    async def _hold(self) -> None:
        self._ledger.touch()
        await self._released.wait()

    async def _write(self, response: web.StreamResponse, data: bytes) -> None:
        await response.write(data)
        self._entry.sent_bytes += len(data)
        if len(self._sent) <= MOST_BYTES:
            self._sent += data

    async def _talk(self, texts: tuple[str, ...], close_code: int) -> web.StreamResponse:
        """Answer the first message on a WebSocket, then close it."""
        socket_ = web.WebSocketResponse()
        await socket_.prepare(self._request)
        await socket_.receive()
        for text in texts:
            await socket_.send_str(text)
        await socket_.close(code=close_code)
        return socket_

    async def _send_raw(self, raw: bytes) -> web.StreamResponse:
        transport = self._request.transport
        if transport is not None:
            transport.write(raw)
            self._entry.sent_bytes += len(raw)
        return self._cut(reset=False)

    def _cut(
        self, *, reset: bool, response: web.StreamResponse | None = None
    ) -> web.StreamResponse:
        """Close the connection under the reply; aiohttp then has nobody to write to."""
        transport = self._request.transport
        if transport is not None:
            if reset:
                raw = transport.get_extra_info("socket")
                # An abrupt close: no lingering, of the length each system's structure wants.
                linger = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                transport.abort()
            else:
                transport.close()
        return response if response is not None else _Gone()


class _Gone(web.StreamResponse):
    """A reply for a connection that is closed already: sends nothing."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to end."""


def _headers(reply: Reply, emission: Emission, now: float) -> Headers:
    headers = [*reply.headers, *emission.headers, ("date", _http_date(now + emission.date_skew_s))]
    if reply.content_type is not None:
        headers.append(("content-type", reply.content_type))
    if emission.gzip:
        headers.append(("content-encoding", "gzip"))
    return headers


def _http_date(at: float) -> str:
    return formatdate(at, usegmt=True)


def _cut_into(frames: list[bytes], size: int | None) -> Iterator[bytes]:
    if not size:
        yield from frames
        return
    data = b"".join(frames)
    for at in range(0, len(data), size):
        yield data[at : at + size]
