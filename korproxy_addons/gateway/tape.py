"""
What passes of one exchange while it is recorded: bytes as they come, kept within bounds, looked at by nobody yet.

An exchange that is not recorded has no tape, and pays for that with one look at each of these places. What is on one holds
secrets: it stays in memory until they are taken out (`recording/develop.py`).
"""

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from korproxy_addons.gateway.sink import ClientSink, HeaderFields

if TYPE_CHECKING:
    from mitmproxy import http

    from korproxy_addons.io.upstream import UpstreamCall


class Supply:
    """
    Memory for all tapes of a process: when it is used up, bodies are cut.

    Args:
        bytes_left: So much for all of them together.
    """

    def __init__(self, bytes_left: int) -> None:
        self._left = bytes_left
        # Given back by the thread that writes.
        self._mutex = threading.Lock()

    def take(self, most_bytes: int) -> int:
        """How many of so many bytes there are left, which are then taken."""
        with self._mutex:
            got = min(most_bytes, self._left)
            self._left -= got
            return got

    def give_back(self, bytes_taken: int) -> None:
        """What was taken is free again."""
        with self._mutex:
            self._left += bytes_taken


class CaughtBody:
    """
    A body as it comes.

    Args:
        limit_bytes: Kept of it at most.
        supply: Where the memory comes from.

    Attributes:
        parts: What is kept, in its order.
        cut_bytes: How much is not.
        ended: All of it came.
    """

    __slots__ = ("_left", "_supply", "cut_bytes", "ended", "parts", "taken_bytes")

    def __init__(self, limit_bytes: int, supply: Supply) -> None:
        self._left = limit_bytes
        self._supply = supply
        self.parts: list[bytes] = []
        self.taken_bytes = 0
        self.cut_bytes = 0
        self.ended = False

    def add(self, data: bytes) -> None:
        """Take the next bytes; empty ones are the end."""
        size = len(data)
        if not size:
            self.ended = True
            return
        # What comes behind a gap would be read as if it stood there.
        room = 0 if self.cut_bytes else self._supply.take(min(size, self._left))
        if room < size:
            self.cut_bytes += size - room
            data = data[:room]
        if room:
            self.parts.append(data)
            self._left -= room
            self.taken_bytes += room


class CaughtAttempt:
    """One try upstream: its call, and its reply once that comes."""

    __slots__ = ("body", "headers", "number", "reply", "reply_headers", "reply_status", "url")

    def __init__(self, number: int, call: "UpstreamCall", body: CaughtBody) -> None:
        self.number = number
        self.url = call.url
        self.headers = call.headers
        self.body = body
        self.reply_status: int | None = None
        self.reply_headers: HeaderFields = ()
        self.reply: CaughtBody | None = None


class Tape:
    """
    The tape of one exchange.

    Args:
        shapes: Keep of bodies only what they are like.
        takes: Whether what this tool asks for is to be kept at all; who asked may be known only at the end.
        limit_bytes: Kept of each body at most.
        supply: Memory for all tapes.

    Attributes:
        attempts: In their order; those that never left are not among them.
        told: The reply's body as the client was given it by the leg.
        response: The reply's head as it went out, with its body where the leg did not make it.
        over_socket: The request came as a message on a WebSocket.
        outcome: How the exchange ended, once it has.
    """

    def __init__(
        self, *, shapes: bool, limit_bytes: int, supply: Supply, takes: Callable[[str], bool]
    ) -> None:
        self.shapes = shapes
        self.takes = takes
        self.limit_bytes = limit_bytes
        self._supply = supply
        self.attempts: list[CaughtAttempt] = []
        self._bodies: list[CaughtBody] = []
        self.told: CaughtBody | None = None
        self.response: http.Response | None = None
        self.over_socket = False
        self.outcome = ""

    def __repr__(self) -> str:
        return f"Tape({len(self.attempts)} attempts)"

    def body(self) -> CaughtBody:
        """An empty one."""
        body = CaughtBody(self.limit_bytes, self._supply)
        self._bodies.append(body)
        return body

    def caught(self, data: bytes) -> CaughtBody:
        """One that is there already."""
        body = self.body()
        body.add(data)
        body.ended = True
        return body

    def sent(self, number: int, call: "UpstreamCall") -> None:
        """An attempt is about to leave."""
        self.attempts.append(CaughtAttempt(number, call, self.caught(call.body)))

    def heard(self, status: int, headers: HeaderFields) -> Callable[[bytes], None]:
        """The head of the last attempt's reply has come; whoever reads the body tells what is returned."""
        attempt = self.attempts[-1]
        attempt.reply_status, attempt.reply_headers = status, headers
        attempt.reply = self.body()
        return attempt.reply.add

    def beside(self, sink: ClientSink) -> ClientSink:
        """The client's sink, listened to."""
        self.told = self.body()
        return _ListenedSink(sink, self.told)

    def erase(self) -> None:
        """Give the memory back."""
        for body in self._bodies:
            self._supply.give_back(body.taken_bytes)
            body.taken_bytes = 0
            body.parts = []


class _ListenedSink:
    """A `ClientSink` whose body is heard on its way."""

    def __init__(self, sink: ClientSink, body: CaughtBody) -> None:
        self._sink = sink
        self._body = body

    @property
    def gone(self) -> bool:
        return self._sink.gone

    @property
    def committed(self) -> bool:
        return self._sink.committed

    def when_gone(self, callback: Callable[[], None]) -> None:
        self._sink.when_gone(callback)

    async def head(self, status: int, headers: HeaderFields) -> None:
        await self._sink.head(status, headers)

    async def data(self, chunk: bytes) -> None:
        if chunk and not self._sink.gone:
            self._body.add(chunk)
        await self._sink.data(chunk)

    async def end(self) -> None:
        if not self._sink.gone:
            # The exchange may be over before this returns.
            self._body.ended = True
        await self._sink.end()

    async def cut(self, reason: str) -> None:
        await self._sink.cut(reason)
