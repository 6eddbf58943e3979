import http.client
import os
import socket
import struct
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import TextMessage

from support.asking import send
from support.relay import Relay
from support.socket_client import SocketClient, opening

# An abrupt close: no lingering, of the length each system's structure wants.
ABRUPT = struct.pack("hh" if os.name == "nt" else "ii", 1, 0)


class Upstream(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        length = int(self.headers["content-length"])
        text = f"{self.headers['host']} {self.path} {self.rfile.read(length)!r}".encode()
        self.send_response(201)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (text, b" and more"):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            self.wfile.flush()
        if "cut" not in self.path:
            self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    def do_GET(self) -> None:
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "websocket")
        self.end_headers()
        self.close_connection = True
        server = Connection(ConnectionType.SERVER)
        for _ in range(2):
            text = ""
            while not text.endswith("}"):
                if not (data := self.connection.recv(100)):
                    return
                server.receive_data(data)
                text += "".join(it.data for it in server.events() if isinstance(it, TextMessage))
            self.wfile.write(server.send(TextMessage(data=text.upper())))

    def do_HEAD(self) -> None:
        self.send_response(404)
        self.send_header("Content-Length", "12")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - name given by http.server
        pass


@pytest.fixture
def upstream() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Upstream)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_requests_pass_and_are_noted(upstream: str) -> None:
    with Relay(upstream) as relay:
        reply = send(relay.url, "POST", "/path?query=1", b"body", {"X-Key": "one"})
        look = send(relay.url, "HEAD", "/hello")
        first, second = relay.seen
    host = upstream.removeprefix("http://")
    assert (reply.status, reply.body) == (201, f"{host} /path?query=1 b'body' and more".encode())
    assert (first.method, first.target, first.body) == ("POST", "/path?query=1", b"body")
    assert (first.status, first.header("x-key"), first.header("none")) == (201, "one", None)
    assert (look.status, second.method, second.status, second.pieces) == (404, "HEAD", 404, 0)


def test_a_reply_that_breaks_off_does_not_end_cleanly(upstream: str) -> None:
    with Relay(upstream) as relay, pytest.raises(http.client.IncompleteRead):
        send(relay.url, "POST", "/cut", b"")


def test_what_is_said_on_a_websocket_passes_and_is_noted(upstream: str) -> None:
    client, head = SocketClient(), b""
    with Relay(upstream) as relay:
        address = ("127.0.0.1", int(relay.url.rpartition(":")[2]))
        with socket.create_connection(address, 30) as connection:
            connection.sendall(opening("relay"))
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            for value in ("a", "b" * 300):
                connection.sendall(client.message({value: 1}))
                while not client.read(connection.recv(100)):
                    pass
        (seen,) = relay.seen
    assert b"connection: upgrade" in head.lower()
    assert client.said == [{"A": 1}, {"B" * 300: 1}]
    assert (seen.status, len(seen.messages), len(seen.answers)) == (101, 2, 2)
    assert seen.messages[1] == b'{"' + b"b" * 300 + b'": 1}'


def test_a_tool_that_just_exits_has_said_what_it_said(upstream: str) -> None:
    """Its connection is reset: there is something on its way that it has not read."""
    client, head = SocketClient(), b""
    with Relay(upstream) as relay:
        address = ("127.0.0.1", int(relay.url.rpartition(":")[2]))
        with socket.create_connection(address, 30) as connection:
            connection.sendall(opening("relay"))
            while b"\r\n\r\n" not in head:
                head += connection.recv(1)
            connection.sendall(client.message({"a": 1}))
            assert connection.recv(1)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABRUPT)
        (seen,) = relay.seen
    assert (seen.messages, seen.answers) == ((b'{"a": 1}',), (b'{"A": 1}',))
