"""
mitmproxy's HTTP/1 reader with limits of ours, and refusals that a tool can read.

It leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
"""

import re
from typing import Protocol

from mitmproxy import http
from mitmproxy.connection import ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestHeaders,
    RequestProtocolError,
    ResponseProtocolError,
)
from mitmproxy.proxy.layers.http._http1 import Http1Server

from korproxy_addons.gateway.responses_socket import ResponsesSocket
from korproxy_addons.gateway.socket_history import SocketHistory

type Commands = layer.CommandGenerator[None]

# What may lie unread while a reply is on its way. Nobody's tool sends the next request before it has the reply.
PIPELINED_LIMIT_BYTES = 1024 * 1024
_HEAD_END = re.compile(rb"\n\r?\n")
# Everything but HTTP's blanks and line ends that a head cannot hold.
_CONTROL = bytes(byte for byte in (*range(32), 127) if byte not in b"\t\r\n")
_REQUEST_LINE = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+ [!-~\x80-\xff]+ HTTP/1\.[0-9]\r\n")
_NO_PROXY = "This is no proxy for other addresses: set it as the tool's base URL."
_TLS_RECORD = b"\x16\x03"


class Refusals(Protocol):
    """
    How the layer asks for an answer it cannot word itself (it knows no dialect and no config).

    Attributes:
        sockets: Is told how requests on WebSockets go.
    """

    @property
    def sockets(self) -> SocketHistory: ...

    def body_limit_bytes(self, flow: http.HTTPFlow) -> int:
        """The largest request body this exchange accepts."""

    def header_limit_bytes(self) -> int:
        """The largest request head the gateway reads."""

    def message_limit_bytes(self) -> int:
        """The largest message on a WebSocket."""

    def body_too_large(self, flow: http.HTTPFlow) -> http.Response:
        """The answer to a body over the limit."""

    def addon_failed(self, flow: http.HTTPFlow) -> http.Response:
        """The answer where some addon raised, whoever's it is; must not raise itself."""

    def bad_framing(self, head: bytes, status: int, message: str) -> http.Response:
        """The answer to something that is not a sound HTTP/1 request, or (5xx) that got no sound reply."""


class GatewayHttp1Server(Http1Server):
    """
    Reads one client connection's requests.

    Attributes:
        socket: What reads them since the connection was upgraded; None before.
    """

    def __init__(self, context: Context, refusals: Refusals) -> None:
        super().__init__(context)
        self._refusals = refusals
        self._head = b""
        self._refused = False
        self._opening: http.Request | None = None
        self.socket: ResponsesSocket | None = None

    def _handle_event(self, event: events.Event) -> Commands:
        if self.socket is None:
            yield from super()._handle_event(event)
        else:
            yield from self.socket.handle(event)

    def make_pipe(self) -> Commands:
        """Go on as a WebSocket; only an addon of ours says 101."""
        if self._opening is None or self.stream_id is None:
            yield commands.CloseConnection(self.conn)
            return
        self.socket = ResponsesSocket(
            self.conn,
            self._opening,
            self.stream_id,
            self._refusals.message_limit_bytes(),
            self._refusals.sockets,
        )
        rest = self.buf.maybe_extract_at_most(len(self.buf))
        if rest:
            yield from self.socket.handle(events.DataReceived(self.conn, bytes(rest)))

    def read_headers(self, event: events.ConnectionEvent) -> Commands:
        while bytes(self.buf)[:2] == b"\r\n":
            # Some clients end a body with an empty line that belongs to nothing (RFC 9112, section 2.2).
            self.buf.maybe_extract_at_most(2)
        limit_bytes = self._refusals.header_limit_bytes()
        head = bytes(self.buf)
        self._head = head[:limit_bytes]
        if len(head) > limit_bytes:
            end = _HEAD_END.search(head)
            if end is None or end.end() > limit_bytes:
                yield from self._refuse(431, "The request's head is too large.")
                return
        if head.startswith(_TLS_RECORD):
            yield from self._refuse(400, "This port speaks http://, not https://.")
            return
        if (found := _HEAD_END.search(head)) and not _is_sound(head[: found.end()]):
            yield from self._refuse(400, "The request's head is not valid HTTP/1.1.")
            return
        for command in super().read_headers(event):
            if isinstance(command, commands.SendData) and not self._refused:
                # The only thing it sends itself is a page that says 400: ours says it in JSON.
                yield from self._refuse(400, "The request's head is not valid HTTP/1.1.")
                return
            if isinstance(command, ReceiveHttp) and isinstance(command.event, RequestHeaders):
                self._note_opening(command.event.request)
            yield command

    def _note_opening(self, request: http.Request) -> None:
        """Keep a request for an upgrade as it came: its flow will show no credential, and what follows brings it again."""
        self._opening = request.copy() if "upgrade" in request.headers else None

    def read_body(self, event: events.Event) -> Commands:
        try:
            for command in super().read_body(event):
                if isinstance(command, commands.CloseConnection) and not self._may_close(event):
                    yield from self._broken_body(
                        "The request's body is not framed as its head says."
                    )
                    return
                yield command
        except NotImplementedError:
            yield from self._broken_body("Trailers after a request's body are not supported.")
            return
        if self.state == self.read_body and len(self.buf) > self._refusals.header_limit_bytes():
            yield from self._broken_body("A line between the chunks of the body is too long.")

    def wait(self, event: events.Event) -> Commands:
        if isinstance(event, events.DataReceived) and len(self.buf) > PIPELINED_LIMIT_BYTES:
            yield commands.CloseConnection(self.conn)
            yield self._client_error("too much sent before the reply")
            self.state = self.done
            return
        yield from super().wait(event)

    def send(self, event: HttpEvent) -> Commands:
        if isinstance(event, ResponseProtocolError) and not self._answered:
            status = event.code.http_status_code()
            if status is not None and self.conn.state & ConnectionState.CAN_WRITE:
                message = _NO_PROXY if self._head.startswith(b"CONNECT ") else event.message
                yield from self._refuse(status, message)
                return
        yield from super().send(event)

    @property
    def _answered(self) -> bool:
        """Whether a final head is out; `100 Continue` is none."""
        return self.response is not None and self.response.status_code >= 200

    def _may_close(self, event: events.Event) -> bool:
        # A closing that is no complaint: the exchange is over, or the client itself has gone.
        return self._answered or isinstance(event, events.ConnectionClosed)

    def _broken_body(self, message: str) -> Commands:
        if self._answered:
            yield commands.CloseConnection(self.conn)
            self.state = self.done
        else:
            yield from self._refuse(400, message)
        yield self._client_error(message)

    def _client_error(self, message: str) -> ReceiveHttp:
        return ReceiveHttp(
            RequestProtocolError(self.stream_id, message, ErrorCode.GENERIC_CLIENT_ERROR)
        )

    def _refuse(self, status: int, message: str) -> Commands:
        self._refused = True
        response = self._refusals.bad_framing(self._head, status, message)
        response.headers["connection"] = "close"
        content = response.raw_content or b""
        head = b"HTTP/1.1 %d %s\r\n" % (response.status_code, response.data.reason)
        yield commands.SendData(self.conn, head + bytes(response.headers) + b"\r\n" + content)
        yield commands.CloseConnection(self.conn)
        self.state = self.done


def _is_sound(head: bytes) -> bool:
    """
    Whether everybody reads a head alike.

    Not where a line ends oddly or is folded, where a control character may count as a blank, or where the request line has
    other parts than three (RFC 9112, sections 2.2, 3 and 5.2).
    """
    lines = head.count(b"\r\n")
    return (
        head.count(b"\n") == lines == head.count(b"\r")
        and b"\n " not in head
        and b"\n\t" not in head
        and len(head.translate(None, _CONTROL)) == len(head)
        and _REQUEST_LINE.match(head) is not None
    )
