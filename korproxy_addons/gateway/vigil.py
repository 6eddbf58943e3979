"""What the patience of one exchange's client allows: budgets for its attempts, and how it is kept waiting."""

import time
from dataclasses import dataclass

from korproxy_addons.config.patience import Patience, Waits, patience_of, told_patience, waits
from korproxy_addons.dialects import dialect
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.upstream import Budgets
from korproxy_addons.providers.outgoing import Operation

TOLD = "x-stainless-timeout"


@dataclass(frozen=True, slots=True)
class Vigil:
    """
    How a client is kept waiting.

    Attributes:
        hold_s: From now on, until its head is sent although nobody has answered; None: never.
        beat: What is sent then, and every `beat_s` seconds; b"" if nothing may be.
        beat_s: See there.
    """

    hold_s: float | None
    beat: bytes
    beat_s: float


def vigil_for(exchange: Exchange, now_s: float | None = None) -> Vigil:
    """
    The vigil over an exchange that is about to be served.

    Args:
        exchange: Read as far as whether it wants a stream.
        now_s: The monotonic clock.
    """
    beat = _beat(exchange)
    timeouts = exchange.config.timeouts
    elapsed_s = _elapsed_s(exchange, now_s)
    found = _waits(exchange, elapsed_s)
    hold_s = None if found.hold_s is None else max(0.0, found.hold_s - elapsed_s)
    return Vigil(hold_s, beat, timeouts.keep_alive_s)


def budgets_for(exchange: Exchange, now_s: float | None = None) -> Budgets:
    """What the next attempt may take: less than the client would wait."""
    found = _waits(exchange, _elapsed_s(exchange, now_s))
    return Budgets(exchange.config.timeouts.connect_s, found.first_byte_s, found.idle_s)


def patience_is_over(exchange: Exchange, now_s: float | None = None) -> bool:
    """Whether the client would not wait for another attempt: it is better told now what has failed."""
    return _waits(exchange, _elapsed_s(exchange, now_s)).over


def _waits(exchange: Exchange, elapsed_s: float) -> Waits:
    timeouts = exchange.config.timeouts
    return waits(
        _patience(exchange),
        first_byte_s=timeouts.first_byte_s,
        idle_s=timeouts.idle_s,
        hold_share=timeouts.hold_share,
        beats=bool(_beat(exchange)),
        elapsed_s=elapsed_s,
    )


def _patience(exchange: Exchange) -> Patience | None:
    client = exchange.client
    told_s = told_patience(client.headers.get_all(TOLD) if TOLD in client.lower else ())
    own = exchange.config.timeouts.tools.get(exchange.tool) if exchange.tool else None
    known = patience_of(exchange.tool, None if own is not None else told_s)
    if own is None:
        return known
    return Patience(
        exchange.tool,
        own.first_byte_s,
        own.first_byte_s if own.idle_s is None else own.idle_s,
        hears_beats=known is None or known.hears_beats,
        source="config.yaml",
    )


def _beat(exchange: Exchange) -> bytes:
    """What may be sent to a client that has nothing yet but a head; b"" where nothing may."""
    wanted, peek, inbound = exchange.wanted, exchange.peek, exchange.inbound
    streams = peek is not None and peek.stream and inbound is not None and inbound.sse
    if not streams or wanted is None or wanted.operation is not Operation.GENERATE:
        return b""
    return dialect(exchange.dialect).keep_alive()


def _elapsed_s(exchange: Exchange, now_s: float | None) -> float:
    now_s = time.monotonic() if now_s is None else now_s
    return max(0.0, now_s - exchange.clock_started_s)
