"""
The leg's view of its client, whichever proxy front carries it.

The upstream leg (`gateway/leg.py`) feeds one reply through these five calls and knows nothing else of the client side.
`GatewayLayer` is the first front behind them; a leaner one can follow without touching the leg.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

type HeaderFields = Sequence[tuple[str, str]]


class ClientSink(Protocol):
    """
    One client request's way back.

    Order of calls: `head` once, `data` any number of times, then `end` or `cut` once. After the client has gone every
    call returns at once and does nothing.
    """

    @property
    def gone(self) -> bool:
        """True once the client has closed its connection."""

    @property
    def committed(self) -> bool:
        """True once a head was handed over: from here on no other account can be tried."""

    def when_gone(self, callback: Callable[[], None]) -> None:
        """Have `callback` run, once, when the client goes away; at once if it already has."""

    async def head(self, status: int, headers: HeaderFields) -> None:
        """Send status and headers, and return when the client front has written them."""

    async def data(self, chunk: bytes) -> None:
        """Send body bytes, and return when the client's transport can take more (backpressure)."""

    async def end(self) -> None:
        """End the body cleanly."""

    async def cut(self, reason: str) -> None:
        """Drop the client's connection, so that a body which is not whole cannot pass for a whole one."""
