"""
The WebSocket variant of Responses as one more way to say HTTP requests on a client's connection.

After the 101 this takes the place of the HTTP/1 reader: each `response.create` becomes a POST of its own, with a stream, a
flow and an exchange of its own, so that every addon sees it, and its reply's events go back as messages. What holds for a
POST (keys, routing, failover, limits, accounting, drain) holds here because it is one.

It leans on internals of mitmproxy 12.2; `tests/korproxy_addons/gateway/test_internals.py` names each one.
"""

import secrets
import time
from collections import deque

from mitmproxy import http
from mitmproxy.connection import Connection, ConnectionState
from mitmproxy.proxy import commands, events, layer
from mitmproxy.proxy.layers.http._base import HttpEvent, ReceiveHttp
from mitmproxy.proxy.layers.http._events import (
    ErrorCode,
    RequestData,
    RequestEndOfMessage,
    RequestHeaders,
    RequestProtocolError,
    ResponseData,
    ResponseEndOfMessage,
    ResponseHeaders,
    ResponseProtocolError,
)
from wsproto import ConnectionType
from wsproto.connection import Connection as Socket
from wsproto.connection import ConnectionState as SocketState
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.messages import new_request
from korproxy_addons.gateway.socket_history import SocketHistory, session_of
from korproxy_addons.gateway.socket_talk import SocketTalk, Turn

type Commands = layer.CommandGenerator[None]

# Nobody's tool asks again before it has the answer; one that does waits its turn, within reason.
WAITING_MESSAGES = 4
_CLOSE_SERVICE_RESTART = 1012
_NOT_OF_A_POST = frozenset(
    (
        b"connection", b"upgrade", b"keep-alive", b"content-length", b"transfer-encoding", b"expect",
        b"content-type", b"accept", b"x-request-id", b"x-correlation-id", b"x-korproxy-request-id",
    )
)  # fmt: skip
# The opt-in to this very protocol; other words of that header are the upstream's business.
_OPT_IN = b"responses_websockets="


class ResponsesSocket:
    """
    One client's socket.

    Args:
        connection: The client's.
        opening: Its GET, with the headers as they came.
        stream_id: Number of the last stream before.
        limit_bytes: The longest message.
        history: Is told how each request went.
    """

    def __init__(
        self,
        connection: Connection,
        opening: http.Request,
        stream_id: int,
        limit_bytes: int,
        history: SocketHistory,
    ) -> None:
        self._connection = connection
        self._opening = opening
        self._history = history
        self._session = session_of({k.lower(): v for k, v in opening.headers.items()})
        self._fields = _fields_of_a_post(opening.headers)
        self._stream_id = stream_id
        self._limit_bytes = limit_bytes
        self._socket = Socket(ConnectionType.SERVER)
        self._talk = SocketTalk(lambda: f"resp_{secrets.token_hex(24)}")
        self._pieces: list[str] = []
        self._pieces_bytes = 0
        self._waiting: deque[bytes] = deque()
        self._running = False
        self._good = False
        self._last_reply = False
        self._closed = False

    def handle(self, event: events.Event) -> Commands:
        """Take what the client sent, or what a reply brought."""
        if isinstance(event, HttpEvent):
            if event.stream_id == self._stream_id and self._running:
                yield from self._reply(event)
        elif isinstance(event, events.DataReceived):
            yield from self._received(event.data)
        elif isinstance(event, events.ConnectionClosed):
            yield from self._left()

    # The client

    def _received(self, data: bytes) -> Commands:
        if not self._closed:
            self._socket.receive_data(data)
        for event in self._socket.events():
            if self._closed:
                break
            yield from self._event(event)

    def _event(self, event: Event) -> Commands:
        match event:
            case TextMessage():
                yield from self._text(event)
            case BytesMessage():
                yield from self._close(CloseReason.UNSUPPORTED_DATA, "messages are text")
            case Ping():
                yield from self._write(event.response())
            case CloseConnection() if self._socket.state is SocketState.REMOTE_CLOSING:
                yield from self._write(event.response())
                yield from self._hang_up()
            case CloseConnection():
                # The client said nothing of the kind: what it sent is no frame.
                yield from self._close(event.code, event.reason or "")

    def _text(self, event: TextMessage) -> Commands:
        self._pieces.append(event.data)
        self._pieces_bytes += len(event.data)
        if self._pieces_bytes > self._limit_bytes:
            yield from self._close(CloseReason.MESSAGE_TOO_BIG, "the message is too big")
        elif event.message_finished:
            message = "".join(self._pieces).encode()
            self._pieces.clear()
            self._pieces_bytes = 0
            if not self._running:
                yield from self._take(message)
            elif len(self._waiting) < WAITING_MESSAGES:
                self._waiting.append(message)
            else:
                yield from self._close(CloseReason.POLICY_VIOLATION, "one response at a time")

    def _left(self) -> Commands:
        """The client is gone without a word."""
        self._closed = True
        if self._connection.state is not ConnectionState.CLOSED:
            yield commands.CloseConnection(self._connection)
        yield from self._abandon()

    # A message and its reply

    def _take(self, message: bytes) -> Commands:
        try:
            asked = self._talk.take(message)
        except KorProxyError as error:
            asked = [self._talk.refusal(error)]
        if isinstance(asked, Turn):
            yield from self._post(asked)
        else:
            yield from self._say(asked)

    def _post(self, turn: Turn) -> Commands:
        self._stream_id += 2
        self._running = True
        stream_id, opening = self._stream_id, self._opening
        replaced = {name.encode() for name, _ in turn.headers}
        fields = [it for it in self._fields if it[0].lower() not in replaced]
        fields += [(name.encode(), value.encode()) for name, value in turn.headers]
        fields.append((b"content-length", b"%d" % len(turn.body)))
        request = new_request(
            method="POST",
            scheme=opening.scheme,
            host=opening.host,
            port=opening.port,
            path=opening.path,
            headers=http.Headers(fields),
            content=b"",
            timestamp_start=time.time(),
            timestamp_end=None,
        )
        request.data.content = None
        # All of it is here: nothing is refused in the middle, which over HTTP would cost the connection.
        yield ReceiveHttp(RequestHeaders(stream_id, request, end_stream=True))
        yield ReceiveHttp(RequestData(stream_id, turn.body))
        yield ReceiveHttp(RequestEndOfMessage(stream_id))

    def _reply(self, event: HttpEvent) -> Commands:
        match event:
            case ResponseHeaders():
                if event.response.status_code >= 200:
                    closes = event.response.headers.get("connection", "").lower() == "close"
                    self._last_reply = self._last_reply or closes
                    self._good = event.response.status_code < 400
                    fields = event.response.headers.items(multi=True)
                    yield from self._say(self._talk.head(event.response.status_code, fields))
            case ResponseData():
                yield from self._said(event.data)
            case ResponseEndOfMessage():
                self._running = False
                (self._history.served if self._good else self._history.failed)(self._session)
                yield from self._say(self._talk.end())
                yield from self._next()
            case ResponseProtocolError():
                self._running = False
                self._history.failed(self._session)
                # No last event: the client must not take it for a whole reply.
                yield from self._close(CloseReason.INTERNAL_ERROR, "the reply broke off")

    def _said(self, data: bytes) -> Commands:
        try:
            messages = self._talk.feed(data)
        except KorProxyError:
            yield from self._close(CloseReason.INTERNAL_ERROR, "the reply broke off")
            return
        if messages:
            yield from self._say(messages)
        elif data.startswith(b":"):
            yield from self._write(Ping())

    def _next(self) -> Commands:
        if self._last_reply and not self._closed:
            yield from self._close(_CLOSE_SERVICE_RESTART, "the gateway restarts")
        while self._waiting and not self._running and not self._closed:
            yield from self._take(self._waiting.popleft())

    # The wire

    def _say(self, messages: list[bytes]) -> Commands:
        """Text messages, in one write."""
        if messages and not self._closed:
            # A frame of text must be text, whatever the upstream has sent.
            texts = (it.decode("utf-8", "replace") for it in messages)
            data = b"".join(self._socket.send(TextMessage(data=it)) for it in texts)
            yield commands.SendData(self._connection, data)

    def _write(self, event: Event) -> Commands:
        try:
            data = self._socket.send(event)
        except LocalProtocolError:
            return  # it is closing already
        yield commands.SendData(self._connection, data)

    def _close(self, code: int, reason: str) -> Commands:
        yield from self._write(CloseConnection(code=code, reason=reason))
        yield from self._hang_up()

    def _hang_up(self) -> Commands:
        self._closed = True
        yield commands.CloseConnection(self._connection)
        yield from self._abandon()

    def _abandon(self) -> Commands:
        """Let the reply that nobody waits for any more go."""
        self._waiting.clear()
        if self._running:
            self._running = False
            gone = "Client disconnected."
            yield ReceiveHttp(
                RequestProtocolError(self._stream_id, gone, ErrorCode.CLIENT_DISCONNECTED)
            )


def _fields_of_a_post(headers: http.Headers) -> list[tuple[bytes, bytes]]:
    """The opening's headers as each POST on the socket brings them."""
    fields = [
        (name, value)
        for name, value in headers.fields
        if name.lower() not in _NOT_OF_A_POST
        and not name.lower().startswith(b"sec-websocket-")
        and not (name.lower() == b"openai-beta" and value.strip().startswith(_OPT_IN))
    ]
    return [
        *fields,
        (b"content-type", b"application/json"),
        (b"accept", b"text/event-stream"),
    ]
