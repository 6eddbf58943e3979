"""A server on loopback that takes in what Sentry's clients send: envelopes, each with its items."""

import gzip
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

import brotli

from support.waiting import until


@dataclass(frozen=True)
class Envelope:
    """
    One envelope.

    Attributes:
        path: Where it was sent.
        fields: HTTP header fields, names in lower case.
        head: Its own first line.
        items: Head and payload of each item.
        raw: The whole body, uncompressed.
    """

    path: str
    fields: dict[str, str]
    head: dict[str, Any]
    items: list[tuple[dict[str, Any], Any]]
    raw: bytes


class SentrySink:
    """
    `with SentrySink() as sink: sink.dsn`; everything that came is in `envelopes`.

    Attributes:
        status: What is answered.
    """

    def __init__(self) -> None:
        self.status = 200
        self.envelopes: list[Envelope] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

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
        self._server.server_close()
        self._thread.join()

    @property
    def dsn(self) -> str:
        """Where a client shall send to."""
        return f"http://{'a' * 32}@127.0.0.1:{self._server.server_port}/7"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events of all envelopes."""
        items = [item for it in self.envelopes for item in it.items]
        return [payload for head, payload in items if head["type"] == "event"]

    def wait(self, count: int = 1) -> list[dict[str, Any]]:
        """The events, once there are so many."""
        until(lambda: len(self.envelopes) >= count)
        return self.events


def _handler(sink: SentrySink) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            fields = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(fields["content-length"]))
            match fields.get("content-encoding"):
                case "gzip":
                    body = gzip.decompress(body)
                case "br":
                    body = brotli.decompress(body)
            sink.envelopes.append(_envelope(self.path, fields, body))
            self.send_response(sink.status)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
            pass

    return Handler


def _envelope(path: str, fields: dict[str, str], body: bytes) -> Envelope:
    """An envelope's parts; each item's head says how long its payload is, or it ends with the line."""
    head, _, rest = body.partition(b"\n")
    items: list[tuple[dict[str, Any], Any]] = []
    while rest.strip():
        line, _, rest = rest.partition(b"\n")
        item = json.loads(line)
        payload, rest = rest[: item["length"]], rest[item["length"] + 1 :]
        items.append((item, json.loads(payload)))
    return Envelope(path, fields, json.loads(head), items, body)
