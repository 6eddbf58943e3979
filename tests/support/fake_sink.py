"""A client without a connection: takes one reply, and holds the leg to the order of calls that `ClientSink` asks for."""

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from korproxy_addons.gateway.sink import HeaderFields


class FakeSink:
    """
    A `ClientSink` that remembers.

    Args:
        leaves_after: The client leaves once it has taken so many pieces of a body; None: it stays.

    Attributes:
        status: Of the head; 0 before it came.
        headers: Of the head, names in lower case.
        pieces: Of the body, each as it came.
        ended: The body ended cleanly.
        cut_reason: Why the connection was dropped; "" if it was not.
    """

    def __init__(self, leaves_after: int | None = None) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.pieces: list[bytes] = []
        self.ended = False
        self.cut_reason = ""
        self._gone = False
        self._leaves_after = leaves_after
        self._callbacks: list[Callable[[], None]] = []
        self._over = asyncio.Event()

    @property
    def body(self) -> bytes:
        """All of the body so far."""
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return msgspec.json.decode(self.body)

    @property
    def why(self) -> list[str]:
        """The reasons in `X-KorProxy-Why`."""
        said = self.headers["x-korproxy-why"]
        return said.split(", ") if said else []

    @property
    def gone(self) -> bool:
        return self._gone

    @property
    def committed(self) -> bool:
        return self.status != 0

    async def over(self) -> None:
        """Wait until the reply has ended, one way or the other."""
        async with asyncio.timeout(10):
            await self._over.wait()

    def leave(self) -> None:
        """The client closes its connection."""
        self._gone = True
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()

    def when_gone(self, callback: Callable[[], None]) -> None:
        if self._gone:
            callback()
        else:
            self._callbacks.append(callback)

    async def head(self, status: int, headers: HeaderFields) -> None:
        assert not self.committed, "a second head"
        self.status = status
        for name, value in headers:
            assert name.lower() not in self.headers, f"{name} twice"
            self.headers[name.lower()] = value

    async def data(self, chunk: bytes) -> None:
        assert self.committed, "a body before its head"
        self._check_open()
        if self._gone or not chunk:
            return
        self.pieces.append(chunk)
        if len(self.pieces) == self._leaves_after:
            self.leave()

    async def end(self) -> None:
        assert self.committed, "an end before the head"
        self._check_open()
        self.ended = True
        self._over.set()

    async def cut(self, reason: str) -> None:
        self._check_open()
        self.cut_reason = reason
        self._over.set()

    def _check_open(self) -> None:
        assert not self.ended, "more after the end"
        assert not self.cut_reason, "more after the connection was dropped"
