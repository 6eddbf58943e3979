"""Stops clients that repeat themselves without end, and says which and why."""

from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.usage.runaway import RepeatWatch, call_loop

# A conversation is looked through for a loop only once its client has asked so often in this time.
_TURNS_S = 600.0
# Pictures make bodies of many megabytes, whose middle is not worth the time.
_HASHED_BYTES = 256 * 1024


class RunawayGuard:
    """What the clients of one process have asked lately: numbers that stand for it, never what it was."""

    def __init__(self) -> None:
        self._bodies = RepeatWatch()
        self._turns = RepeatWatch()

    def check(self, exchange: Exchange, now: float) -> None:
        """
        Let a request pass that is no endless repetition.

        Args:
            exchange: Read, with its session; nothing of it has been asked yet.
            now: Unix seconds.
        Raises:
            KorProxyError: RUNAWAY.
        """
        settings = exchange.config.runaway
        who = (exchange.local_key.id if exchange.local_key else "", exchange.tool)
        body = exchange.client.body
        if settings.repeats and body:
            what = (*who, exchange.client.path, _print_of(body))
            times, until = self._bodies.times(what, now, settings.window_s)
            if times > settings.repeats:
                raise KorProxyError(
                    catalogue.RUNAWAY,
                    f"rule “runaway.repeats” allows the same request {settings.repeats} times in"
                    f" {settings.window_s:g} s; this was number {times}; resets in {until - now:.0f} s",
                    retry_after_s=max(1.0, until - now),
                )
        if settings.tool_calls and exchange.session:
            turns, _ = self._turns.times((*who, exchange.session), now, _TURNS_S)
            if turns >= settings.tool_calls and turns % settings.tool_calls == 0:
                _check_loop(exchange, settings.tool_calls, settings.window_s)


def _print_of(body: bytes) -> int:
    """A number that is the same for the same body; of a large one, both ends and the length count."""
    if len(body) <= _HASHED_BYTES:
        return hash(body)
    half = _HASHED_BYTES // 2
    return hash((len(body), body[:half], body[-half:]))


def _check_loop(exchange: Exchange, most: int, window_s: float) -> None:
    peek, inbound = exchange.peek, exchange.inbound
    if peek is None or inbound is None:
        return
    try:
        request = dialect(peek.body_dialect or exchange.dialect).decode_request(inbound)
    except KorProxyError:
        return  # it will be said where it is read
    name, times = call_loop(request.messages)
    if times >= most:
        raise KorProxyError(
            catalogue.RUNAWAY,
            f"rule “runaway.tool_calls” allows {most} equal calls in a row; tool “{name[:80]}” was called {times}"
            " times with the same arguments and the same result; resets when the conversation goes on differently",
            retry_after_s=window_s,
        )
