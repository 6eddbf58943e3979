import http.client
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from support.asking import send
from support.relay import Relay


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
