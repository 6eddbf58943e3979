"""Upstreams without a network: what each host answers is written down before, what it was sent is read after."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.upstream import Link, UpstreamCall, UpstreamClient, UpstreamReply

JSON = "application/json"
EVENTS = "text/event-stream"

type Piece = bytes | KorProxyError | asyncio.Event | None
"""A piece of a body; None: a tick without one; an error; an event that is waited for before the next piece."""


class FakeReply(UpstreamReply):
    """
    A reply whose head has come.

    Attributes:
        aborted: Its connection was closed before its end.
        released: Its connection was given back.
        ticks: The `tick_s` of each read.
    """

    def __init__(
        self,
        *pieces: Piece,
        status: int = 200,
        content_type: str = JSON,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._pieces = list(pieces)
        self.status = status
        self.link = Link(peername=("192.0.2.1", 443))
        self.headers = tuple({"content-type": content_type, **(headers or {})}.items())
        self.aborted = False
        self.released = False
        self.ticks: list[float | None] = []

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    async def read(self, tick_s: float | None = None) -> bytes | None:
        assert not self.aborted, "read after it was closed"
        self.ticks.append(tick_s)
        while self._pieces:
            piece = self._pieces.pop(0)
            if isinstance(piece, asyncio.Event):
                await piece.wait()
                continue
            if isinstance(piece, KorProxyError):
                raise piece
            return piece
        return b""

    @property
    def unread(self) -> int:
        """How many pieces nobody has asked for."""
        return len(self._pieces)

    def release(self) -> None:
        # As the real one: a connection with unread bytes is of no use to anybody.
        self.aborted = self.aborted or bool(self._pieces)
        self.released = not self.aborted

    def abort(self) -> None:
        self.aborted = not self.released


class FakeUpstream(UpstreamClient):
    """
    The pool.

    Attributes:
        script: By host, the replies, or errors in place of one, in their order.
        calls: What was sent, in its order.
        called: Set once anything was sent.
    """

    def __init__(self, **script: Sequence[FakeReply | KorProxyError]) -> None:
        self.script = {f"{name}.example": list(replies) for name, replies in script.items()}
        self.calls: list[UpstreamCall] = []
        self.called = asyncio.Event()

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        self.calls.append(call)
        self.called.set()
        host = urlsplit(call.url).hostname or ""
        replies = self.script.get(host)
        assert replies, f"nothing is written down for this call to {host}"
        reply = replies.pop(0)
        if isinstance(reply, KorProxyError):
            raise reply
        return reply

    @property
    def hosts(self) -> list[str]:
        """The accounts that were asked, by the first label of their hosts."""
        return [(urlsplit(call.url).hostname or "").partition(".")[0] for call in self.calls]

    def sent(self, number: int = -1) -> Any:
        """The JSON body of one call."""
        return msgspec.json.decode(self.calls[number].body)

    def header(self, name: str, number: int = -1) -> str | None:
        """A header of one call."""
        return next((value for key, value in self.calls[number].headers if key == name), None)


def json_reply(value: Any, status: int = 200, **headers: str) -> FakeReply:
    """A whole JSON body, in one piece."""
    return FakeReply(msgspec.json.encode(value), status=status, headers=_named(headers))


def event_stream(*pieces: Piece, **headers: str) -> FakeReply:
    """A stream of server-sent events."""
    return FakeReply(*pieces, content_type=EVENTS, headers=_named(headers))


def _named(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
