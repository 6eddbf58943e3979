"""A relay between a coding tool and the gateway, which notes what the tool sent and what it was answered."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from wsproto import ConnectionType
from wsproto.connection import Connection as WebSocket
from wsproto.events import TextMessage

_TIMEOUT_S = 60.0
_PER_CONNECTION = {"connection", "keep-alive", "transfer-encoding"}


@dataclass(frozen=True)
class Seen:
    """
    One request of the tool and its answer.

    Attributes:
        target: Path and query, as sent.
        headers: The tool's, in its order and case.
        status: Of the answer.
        reply_headers: Of the answer, names in lower case.
        pieces: In how many pieces the body of the answer arrived.
        at_s: When it came, on the monotonic clock.
        messages: Where it became a WebSocket: what the tool said on it.
        answers: Likewise: what it was told.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int
    reply_headers: dict[str, str]
    pieces: int
    at_s: float
    messages: tuple[bytes, ...] = ()
    answers: tuple[bytes, ...] = ()

    def header(self, name: str) -> str | None:
        """The first request header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class Relay:
    """
    Passes requests on as they are, but for the name in `Host`; connections upward are not reused.

    >>> with Relay(gateway.url) as relay:
    ...     run_tool(relay.url)
    ...     relay.seen[0].method

    Args:
        url: The gateway's root.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "", parts.port or 80
        self._seen: list[Seen] = []
        self._open = 0
        self._changed = threading.Condition()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.relay = self  # type: ignore[attr-defined]  # how its handlers find us
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """Where the tool is to be pointed."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def seen(self) -> list[Seen]:
        """All requests answered to the end, in the order in which they came; waits for those not yet ended."""
        with self._changed:
            # The tool has its answer a moment before we have noted it.
            assert self._changed.wait_for(lambda: self._open == 0, _TIMEOUT_S), "never answered"
            return sorted(self._seen, key=lambda it: it.at_s)

    def pass_on(self, handler: BaseHTTPRequestHandler) -> None:
        """
        Serve one request.

        Raises:
            OSError, HTTPException: One of the two sides broke off; nothing is noted.
        """
        with self._changed:
            self._open += 1
        try:
            seen = self._serve(handler)
            self._seen.append(seen)
        finally:
            with self._changed:
                self._open -= 1
                self._changed.notify_all()

    def _serve(self, handler: BaseHTTPRequestHandler) -> Seen:
        at_s = time.monotonic()
        headers = tuple(handler.headers.items())
        assert "transfer-encoding" not in handler.headers, "the relay reads no chunked requests"
        body = handler.rfile.read(int(handler.headers.get("content-length", 0)))
        upward = HTTPConnection(self._host, self._port, timeout=_TIMEOUT_S)
        try:
            upward.putrequest(
                handler.command, handler.path, skip_host=True, skip_accept_encoding=True
            )
            upward.putheader("Host", f"{self._host}:{self._port}")
            for name, value in headers:
                if name.lower() != "host":
                    upward.putheader(name, value)
            upward.endheaders(body)
            reply = upward.getresponse()
            pieces = _answer(handler, reply)
            messages, answers = _talk(handler, upward) if reply.status == 101 else ((), ())
        finally:
            upward.close()
        fields = {name.lower(): value for name, value in reply.getheaders()}
        return Seen(
            handler.command, handler.path, headers, body, reply.status, fields, pieces, at_s,
            messages, answers,
        )  # fmt: skip


def _talk(
    handler: BaseHTTPRequestHandler, upward: HTTPConnection
) -> tuple[tuple[bytes, ...], tuple[bytes, ...]]:
    """Pass the bytes of a WebSocket both ways until one side ends it; gives what each has said."""
    handler.close_connection = True
    tool, gateway = handler.connection, upward.sock
    ears = {tool: _Ear(ConnectionType.SERVER), gateway: _Ear(ConnectionType.CLIENT)}
    # A tool that has all it wanted just exits: what is still on its way to it then resets the connection.
    with contextlib.suppress(ConnectionError):
        while _passed_on(ears, {tool: gateway, gateway: tool}):
            pass
    return tuple(ears[tool].heard), tuple(ears[gateway].heard)


def _passed_on(
    ears: Mapping[socket.socket, "_Ear"], other: Mapping[socket.socket, socket.socket]
) -> bool:
    """Wait for bytes of either side, and pass them on; False: it has ended."""
    readable, _, _ = select.select(list(ears), [], [], _TIMEOUT_S)
    assert readable, "nothing was said for long"
    for one in readable:
        data = one.recv(1 << 16)
        if not data:
            return False
        ears[one].listen(data)
        other[one].sendall(data)
    return True


class _Ear:
    """Hears the messages that one side of a WebSocket sends to the given one."""

    def __init__(self, end: ConnectionType) -> None:
        self._socket = WebSocket(end)
        self._pieces: list[str] = []
        self.heard: list[bytes] = []

    def listen(self, data: bytes) -> None:
        self._socket.receive_data(data)
        for event in self._socket.events():
            if isinstance(event, TextMessage):
                self._pieces.append(event.data)
                if event.message_finished:
                    self.heard.append("".join(self._pieces).encode())
                    self._pieces.clear()


def _answer(handler: BaseHTTPRequestHandler, reply: HTTPResponse) -> int:
    upgraded = reply.status == 101
    sized = upgraded or reply.getheader("content-length") is not None
    handler.send_response_only(reply.status)
    for name, value in reply.getheaders():
        if name.lower() not in _PER_CONNECTION or upgraded:
            handler.send_header(name, value)
    if not sized:
        handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    pieces = 0
    while handler.command != "HEAD" and not upgraded and (data := reply.read1()):
        handler.wfile.write(data if sized else b"%x\r\n%b\r\n" % (len(data), data))
        pieces += 1
    if not sized:
        # A tool knows the end by the last event, and may be gone by now.
        with contextlib.suppress(ConnectionError):
            handler.wfile.write(b"0\r\n\r\n")
    return pieces


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10.0  # a connection left open does not keep the test

    def do_POST(self) -> None:
        relay: Relay = self.server.relay  # type: ignore[attr-defined]  # see Relay
        try:
            relay.pass_on(self)
        except (OSError, HTTPException):
            # The tool went away, or the gateway did: neither side may take it for a clean end.
            self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST  # noqa: N815 - names that http.server asks for

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name given by http.server
        pass
