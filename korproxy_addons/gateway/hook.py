"""
Hooks that fail closed.

mitmproxy logs an exception in an addon's hook and lets the request go on upstream. Ours end the exchange instead, with
a KP error in the client's dialect; what raised goes to the log under the exchange's id and never to the client.
"""

import functools
import logging
from collections.abc import Callable
from typing import Concatenate, Protocol

from mitmproxy import http

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.replies import Reply, error_reply

log = logging.getLogger("korproxy.hook")

type FlowHook[Addon] = Callable[[Addon, http.HTTPFlow], None]


class RequestHook[Addon](Protocol):
    """A request hook as an addon writes it: a reply ends the exchange, None lets it go on."""

    def __call__(self, addon: Addon, exchange: Exchange, /) -> Reply | None: ...


def internal_error(exchange: Exchange, where: str, error: Exception) -> KorProxyError:
    """Log an exception nobody expected, and say no more than that it happened."""
    fields = {"request_id": exchange.id, "where": where}
    log.error("internal error", exc_info=error, extra={"fields": fields})
    spec = catalogue.OUT_OF_MEMORY if isinstance(error, MemoryError) else catalogue.INTERNAL
    return KorProxyError(spec, f"request {exchange.id}")


def request_hook[Addon](
    method: Callable[[Addon, Exchange], Reply | None],
) -> FlowHook[Addon]:
    """
    Make a mitmproxy request hook (`requestheaders`, `request`) of a method that knows only the exchange.

    Skipped where the request is answered already. A `KorProxyError` becomes its error reply, any other exception
    KP-SYS-501.
    """

    @functools.wraps(method)
    def run(self: Addon, flow: http.HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is not None:
            return
        try:
            reply = method(self, exchange)
        except KorProxyError as error:
            reply = error_reply(exchange, error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the request must not go on
            reply = error_reply(exchange, internal_error(exchange, method.__qualname__, error))
        if reply is not None:
            answer(flow, reply)

    return run


def response_hook[Addon](
    method: Callable[Concatenate[Addon, Exchange, http.Response, ...], None],
) -> FlowHook[Addon]:
    """
    Make a mitmproxy `responseheaders` hook of a method that gets the exchange and the reply's head.

    If it raises, the head is replaced by an error reply: nothing of a reply goes out that an addon of ours did not
    finish with.
    """

    @functools.wraps(method)
    def run(self: Addon, flow: http.HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None:
            return
        try:
            method(self, exchange, flow.response)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reply must not go on
            flow.response = error_reply(
                exchange, internal_error(exchange, method.__qualname__, error)
            ).to_response()

    return run


def closing_hook[Addon](method: Callable[[Addon, Exchange], None]) -> FlowHook[Addon]:
    """Make a `response` or `error` hook: the reply is out, so a failure in it is logged and goes no further."""

    @functools.wraps(method)
    def run(self: Addon, flow: http.HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None:
            return
        try:
            method(self, exchange)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next addon must have its turn
            internal_error(exchange, method.__qualname__, error)

    return run


def answer(flow: http.HTTPFlow, reply: Reply) -> None:
    """Let `reply` be the answer to `flow`; a body still to come is not asked for."""
    flow.request.headers.pop("expect", None)
    flow.response = reply.to_response()
    if flow.request.method == "HEAD":
        flow.response.data.content = None
