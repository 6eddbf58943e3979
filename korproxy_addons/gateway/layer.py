"""
A client stream of mitmproxy whose upstream leg is one non-blocking hook.

mitmproxy reads the client, runs the addons and keeps the flow. Where it would open an upstream connection, `GatewayLayer`
hands the stream a virtual one: the finished request becomes a single `UpstreamHook`, and a task of ours feeds the reply
back as `LegEvent`s. The proxy core is never paused, so a client that leaves is noticed at once.

Everything here leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mitmproxy import http
from mitmproxy.connection import ConnectionState, Server
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import (
    GetHttpConnection,
    GetHttpConnectionCompleted,
    HttpLayer,
    HTTPMode,
    HttpStream,
    SendHttp,
)
from mitmproxy.proxy.layers.http._base import HttpConnection, HttpEvent
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseHeaders,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._hooks import HttpResponseHeadersHook
from mitmproxy.proxy.layers.http._http1 import Http1Server
from mitmproxy.proxy.utils import ReceiveBuffer

type Commands = layer.CommandGenerator[None]

# What a refused client may still send before its connection is closed: enough for any ordinary upload in flight to
# finish and the refusal to be read, too little to be a burden.
DISCARD_LIMIT_BYTES = 16 * 1024 * 1024


class Refusals(Protocol):
    """How the layer asks for an answer it cannot word itself (it knows no dialect and no config)."""

    def body_limit_bytes(self, flow: http.HTTPFlow) -> int:
        """The largest request body this exchange accepts."""

    def header_limit_bytes(self) -> int:
        """The largest request head the gateway reads."""

    def body_too_large(self, flow: http.HTTPFlow) -> http.Response:
        """The answer to a body over the limit."""

    def bad_framing(self, head: bytes, status: int, message: str) -> http.Response:
        """The answer to something that is not a sound HTTP/1 request."""


@dataclass
class UpstreamRequest:
    """A request that is ready to leave: its flow, and the stream to feed the reply to."""

    flow: http.HTTPFlow
    stream: "GatewayStream"
    server: Server


@dataclass
class UpstreamHook(commands.StartHook):
    """
    The whole request is here: the hook starts the task that owns the upstream leg, and returns.

    Non-blocking, so that mitmproxy goes on listening to the client while the task works.
    """

    name = "korproxy_upstream"
    blocking = False
    request: UpstreamRequest


@dataclass
class LegEvent(events.Event):
    """One piece of the reply, on its way from the leg's task into the client's stream."""

    http: HttpEvent


class VirtualUpstream(HttpConnection):
    """What mitmproxy takes for the upstream connection: collects the request's events, then fires the hook once."""

    def __init__(self, context: Context, server: Server, stream: "GatewayStream") -> None:
        super().__init__(context, server)
        self._server = server
        self._stream = stream

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, RequestEndOfMessage):
            yield UpstreamHook(UpstreamRequest(self._stream.flow, self._stream, self._server))
        elif isinstance(event, RequestProtocolError):
            self._stream.client_gone()
        # The head and the body are in the flow already: nothing to do until the request is whole.


class GatewayStream(HttpStream):
    """One request and its reply."""

    def __init__(self, context: Context, stream_id: int, refusals: Refusals) -> None:
        super().__init__(context, stream_id)
        self._refusals = refusals
        self._discarded_bytes = 0
        self.gone = False
        self.on_gone: Callable[[], None] | None = None
        self.on_head_written: Callable[[], None] | None = None

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

    def state_wait_for_request_headers(self, event: RequestHeaders) -> Commands:
        yield from super().state_wait_for_request_headers(event)
        reading = self.client_state == self.state_consume_request_body
        if reading and self.flow.response is not None and not event.end_stream:
            yield from self._answer_before_body()

    def state_consume_request_body(self, event: events.Event) -> Commands:
        if isinstance(event, RequestData):
            size_bytes = len(self.request_body_buf) + len(event.data)
            if size_bytes > self._refusals.body_limit_bytes(self.flow):
                self.request_body_buf = ReceiveBuffer()
                self.flow.response = self._refusals.body_too_large(self.flow)
                yield from self._answer_before_body()
                return
        yield from super().state_consume_request_body(event)

    def _answer_before_body(self) -> Commands:
        """Answer at once and let the rest of the body run into the ground, so that the client can read the answer."""
        assert self.flow.response is not None
        self.client_state = self.state_discard_request_body
        self.flow.response.headers["connection"] = "close"
        yield HttpResponseHeadersHook(self.flow)
        if (yield from self.check_killed(True)):
            return
        yield from self.send_response()

    def state_discard_request_body(self, event: events.Event) -> Commands:
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

    def state_wait_for_response_headers(self, event: ResponseHeaders) -> Commands:
        yield from super().state_wait_for_response_headers(event)
        if self.on_head_written is not None:
            self.on_head_written()


class GatewayHttp1Server(Http1Server):
    """mitmproxy's HTTP/1 reader, with a limit on the head and errors that a tool can read."""

    def __init__(self, context: Context, refusals: Refusals) -> None:
        super().__init__(context)
        self._refusals = refusals
        self._head = b""

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        limit_bytes = self._refusals.header_limit_bytes()
        head = bytes(self.buf)
        self._head = head[:limit_bytes]
        end = head.find(b"\r\n\r\n")
        if len(head) > limit_bytes and not 0 <= end <= limit_bytes:
            yield from self._refuse(431, "The request's head is too large.")
            return
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData):
                # The only thing it sends itself is a page that says 400: ours says it in JSON.
                yield from self._refuse(400, "The request's head is not valid HTTP/1.1.")
                return
            yield command

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseProtocolError) and self.response is None:
            status = event.code.http_status_code()
            if status is not None and self.conn.state & ConnectionState.CAN_WRITE:
                yield from self._refuse(status, event.message)
                return
        yield from super().send(event)

    def _refuse(self, status: int, message: str) -> Commands:
        response = self._refusals.bad_framing(self._head, status, message)
        response.headers["connection"] = "close"
        content = response.raw_content or b""
        head = b"HTTP/1.1 %d %s\r\n" % (response.status_code, response.data.reason)
        yield commands.SendData(self.conn, head + bytes(response.headers) + b"\r\n" + content)
        yield commands.CloseConnection(self.conn)
        self.state = self.done


class GatewayLayer(HttpLayer):
    """HTTP towards the client as mitmproxy does it; towards the provider, our own leg."""

    def __init__(self, context: Context, refusals: Refusals) -> None:
        super().__init__(context, HTTPMode.transparent)
        self._refusals = refusals

    def _handle_event(self, event: events.Event) -> Commands:
        if isinstance(event, LegEvent):
            stream = self.streams.get(event.http.stream_id)
            if stream is not None:
                yield from self.event_to_child(stream, event.http)
            return
        if isinstance(event, events.Start):
            self.connections[self.context.client] = GatewayHttp1Server(
                self.context.fork(), self._refusals
            )
        yield from super()._handle_event(event)

    def make_stream(self, stream_id: int) -> Commands:
        self.streams[stream_id] = GatewayStream(self.context.fork(), stream_id, self._refusals)
        yield from self.event_to_child(self.streams[stream_id], events.Start())

    def get_connection(self, event: GetHttpConnection, *, reuse: bool = True) -> Commands:
        stream: Any = self.command_sources.pop(event)
        server = Server(address=event.address)
        server.state = ConnectionState.OPEN
        # One virtual connection per request and none kept: a long keep-alive connection must not collect them.
        for connection in [c for c in self.connections if isinstance(c, Server)]:
            del self.connections[connection]
        self.connections[server] = VirtualUpstream(self.context.fork(), server, stream)
        yield from self.event_to_child(stream, GetHttpConnectionCompleted(event, (server, None)))
