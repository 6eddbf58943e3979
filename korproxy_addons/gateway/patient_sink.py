"""
A client that is kept waiting: the head is held back for a while, then it goes out with keep-alives until somebody answers.

While the head is held, an error still has a status of its own. Once it is out, everything but that goes on as before: no
content has been sent, so the next account may be tried; what a client has seen then names nobody (`x-korproxy-account` is
empty, `x-korproxy-why` says `undecided`), and the exchange's record says who it was in the end. If all fail, the error comes
in the stream, in the words of the client's dialect.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from korproxy_addons.dialects import dialect
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import own_headers
from korproxy_addons.gateway.reply_road import stream_headers
from korproxy_addons.gateway.sink import ClientSink, HeaderFields
from korproxy_addons.gateway.vigil import Vigil

log = logging.getLogger("korproxy.vigil")

KEPT_WAITING = "kept-waiting"


class Timer(Protocol):
    """What can be called off."""

    def cancel(self) -> None: ...


type Later = Callable[[float, Callable[[], None]], Timer]


class PatientSink:
    """
    A `ClientSink` on top of the client's own.

    Args:
        sink: The client's.
        exchange: Is told that the client was kept waiting.
        vigil: For how long what is done.
        later: Calls back after so many seconds; the event loop's own by default.

    Attributes:
        begun: A head of ours is out, with status 200: what follows can only be part of a stream.
    """

    def __init__(
        self, sink: ClientSink, exchange: Exchange, vigil: Vigil, later: Later | None = None
    ) -> None:
        self._sink = sink
        self._exchange = exchange
        self._vigil = vigil
        self._later = later
        self._timer: Timer | None = None
        self._beating: asyncio.Task[None] | None = None
        self._settled = False
        self._committed = False
        self.begun = False
        if vigil.hold_s is not None:
            self._arm(vigil.hold_s)

    @property
    def gone(self) -> bool:
        return self._sink.gone

    @property
    def committed(self) -> bool:
        """True once an answer has begun to go out: from here on no other account can be tried."""
        return self._committed

    def when_gone(self, callback: Callable[[], None]) -> None:
        self._sink.when_gone(callback)

    async def settle(self) -> bool:
        """
        End the waiting; from here on nothing is sent that the caller does not send.

        Returns:
            Whether a head is out (`begun`).
        """
        self.close()
        if self._beating is not None:
            # A beat that is half written must be whole before anything follows it.
            await asyncio.wait([self._beating])
        return self.begun

    def close(self) -> None:
        """Nobody waits any more."""
        self._settled = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def head(self, status: int, headers: HeaderFields) -> None:
        begun = await self.settle()
        self._committed = True
        self._exchange.undecided = False
        if not begun:
            await self._sink.head(status, headers)

    async def data(self, chunk: bytes) -> None:
        await self._sink.data(chunk)

    async def end(self) -> None:
        await self.settle()
        await self._sink.end()

    async def cut(self, reason: str) -> None:
        await self.settle()
        await self._sink.cut(reason)

    def _arm(self, seconds: float) -> None:
        later = self._later or asyncio.get_running_loop().call_later
        self._timer = later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self._beating = asyncio.get_running_loop().create_task(self._beat())

    async def _beat(self) -> None:
        if self._settled or self.gone:
            return
        try:
            if not self.begun:
                await self._begin()
            await self._sink.data(self._vigil.beat)
        except Exception:
            # The answer itself will meet the same trouble, where it can be told.
            log.exception("keep-alive failed", extra={"fields": {"request_id": self._exchange.id}})
            return
        if not self._settled:
            self._arm(self._vigil.beat_s)

    async def _begin(self) -> None:
        exchange = self._exchange
        self.begun = True
        exchange.undecided = True
        exchange.note(KEPT_WAITING)
        said = dialect(exchange.dialect).content_type(streamed=True, sse=True)
        await self._sink.head(200, (*stream_headers(said), *own_headers(exchange)))
