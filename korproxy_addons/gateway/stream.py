"""
One request and its reply, as mitmproxy's stream sees them, with what the gateway needs otherwise.

It leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
"""

import logging
from collections.abc import Callable, Generator, Iterable
from typing import Any

from mitmproxy import http
from mitmproxy.proxy import events
from mitmproxy.proxy.commands import StartHook
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import DropStream, HttpStream, SendHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import (
    HttpRequestHeadersHook,
    HttpRequestHook,
    HttpResponseHeadersHook,
)

from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.addon_failures import watch
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.reader import Commands, Refusals

log = logging.getLogger("korproxy.stream")

# What a refused client may still send before its connection is closed: enough for any ordinary upload in flight to
# finish and the refusal to be read, too little to be a burden.
DISCARD_LIMIT_BYTES = 16 * 1024 * 1024

_WATCHED = (HttpRequestHeadersHook, HttpRequestHook, HttpResponseHeadersHook)

type Transform = Callable[[bytes], Iterable[bytes] | bytes]


class TransformFailedError(Exception):
    """A `response.stream` callable of some addon raised."""


class GatewayStream(HttpStream):
    """
    One request and its reply.

    Attributes:
        over_socket: Whether the reply's body goes out as messages of a WebSocket.
        gone: Whether nothing more can be said to the client.
        on_gone: Called once when that comes true.
        on_head_written: Called when the reply's head is written, or replaced by an addon.
    """

    def __init__(self, context: Context, stream_id: int, refusals: Refusals) -> None:
        super().__init__(context, stream_id)
        self._refusals = refusals
        self._discarded_bytes = 0
        self.over_socket = False
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.on_head_written: Callable[[], None] | None = None

    def _handle_event(self, event: events.Event) -> Commands:
        steps = super()._handle_event(event)
        reply: Any = None
        while True:
            try:
                command = steps.send(reply)
            except StopIteration:
                return
            if isinstance(command, _WATCHED):
                watched = watch(command)
                reply = yield command
                if watched.failed:
                    self._addon_failed(command)
            else:
                reply = yield command

    def _addon_failed(self, hook: StartHook) -> None:
        """Let nothing go on that some addon did not finish with; a refusal of another one stays."""
        exchange = Exchange.of(self.flow)
        fields = {"request_id": "" if exchange is None else exchange.id, "hook": hook.name}
        log.error("addon failed", extra={"fields": fields})
        if self.flow.response is None or isinstance(hook, HttpResponseHeadersHook):
            self.flow.response = self._refusals.addon_failed(self.flow)

    def client_gone(self) -> None:
        """Mark the client as gone and tell the leg, once."""
        if not self.gone:
            self.gone = True
            if self.on_gone is not None:
                self.on_gone()

    def handle_protocol_error(
        self, event: RequestProtocolError | ResponseProtocolError
    ) -> Commands:
        if isinstance(event, RequestProtocolError):
            self.client_gone()
        yield from super().handle_protocol_error(event)

    # The request

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        yield from super().state_wait_for_request_headers(event)
        reading = self.client_state == self.state_consume_request_body
        response = self.flow.response
        if reading and response is not None and not event.end_stream:
            yield from self._answer_before_body(response)

    def start_request_stream(self) -> Commands:
        # Whatever asked for it: a request leaves when it is whole, as it may have to leave twice.
        self.flow.request.stream = False
        self.client_state = self.state_consume_request_body
        yield from ()

    def check_body_size(self, request: bool) -> Generator[Any, Any, bool]:  # noqa: FBT001 - mitmproxy's
        if request:
            return False  # the limit is ours, see below
        return (yield from super().check_body_size(request))

    def state_consume_request_body(self, event: events.Event) -> Commands:
        if isinstance(event, RequestData):
            size_bytes = len(self.request_body_buf) + len(event.data)
            if size_bytes > self._refusals.body_limit_bytes(self.flow):
                self.request_body_buf.clear()
                self.flow.response = self._refusals.body_too_large(self.flow)
                yield from self._answer_before_body(self.flow.response)
                return
        yield from super().state_consume_request_body(event)

    def _answer_before_body(self, response: http.Response) -> Commands:
        """Answer at once and let the rest of the body run into the ground, so that the client can read the answer."""
        self.client_state = self.state_discard_request_body
        response.headers["connection"] = "close"
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        if self.flow.response is not None:  # another one, perhaps
            self.flow.response.headers["connection"] = "close"
        yield from self.send_response()

    def state_discard_request_body(self, event: events.Event) -> Commands:
        """Read and drop the rest of a refused body."""
        if isinstance(event, RequestData):
            self._discarded_bytes += len(event.data)
            if self._discarded_bytes > DISCARD_LIMIT_BYTES:
                self.client_state = self.state_errored
                self.flow.live = False
                yield SendHttp(
                    ResponseProtocolError(self.stream_id, "request refused", ErrorCode.KILL),
                    self.context.client,
                )
        elif isinstance(event, RequestEndOfMessage):
            self.client_state = self.state_done
            yield from self.flow_done()

    # The reply

    def flow_done(self) -> Commands:
        response = self.flow.response
        if response is None or response.status_code != 101:
            yield from super().flow_done()
            return
        # The reader goes on as a WebSocket. mitmproxy would want a layer below this stream, and its options allow none.
        self.flow.live = False
        yield DropStream(self.stream_id)
        yield SendHttp(ResponseEndOfMessage(self.stream_id), self.context.client)

    def state_wait_for_response_headers(self, event: ResponseHeaders) -> Commands:
        yield from super().state_wait_for_response_headers(event)
        if self.server_state == self.state_errored:
            # Killed by an addon, or mitmproxy found fault with the head: nobody waits for the body.
            self.client_gone()
        if self.on_head_written is not None:
            self.on_head_written()

    def start_response_stream(self) -> Commands:
        response = self.flow.response
        if response is not None and callable(response.stream):
            response.stream = guarded(response.stream)
        yield from super().start_response_stream()

    def state_stream_response_body(self, event: events.Event) -> Commands:
        try:
            yield from super().state_stream_response_body(event)
        except TransformFailedError as failed:
            exchange = Exchange.of(self.flow)
            if exchange is not None:
                exchange.stream_error = catalogue.INTERNAL.code
            fields = {"request_id": "" if exchange is None else exchange.id}
            log.error(  # noqa: TRY400 - the cause, not the wrapping, is of interest
                "response transformer failed", exc_info=failed.__cause__, extra={"fields": fields}
            )
            self.client_gone()
            # In mitmproxy the exception would end the generator and leave the client waiting.
            yield from self.handle_protocol_error(
                ResponseProtocolError(self.stream_id, "transformer failed", ErrorCode.KILL)
            )


def guarded(transform: Transform) -> Callable[[bytes], list[bytes]]:
    """
    `transform`, so that it raises nothing but `TransformFailedError` and gives no empty piece.

    In mitmproxy 12.2.3 an empty piece is written as the chunk that ends the body.
    """

    def run(data: bytes) -> list[bytes]:
        try:
            given = transform(data)
            pieces = [given] if isinstance(given, bytes) else list(given)
            return [bytes(memoryview(piece)) for piece in pieces if piece]
        except Exception as error:
            raise TransformFailedError from error

    return run
