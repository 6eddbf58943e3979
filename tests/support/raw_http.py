"""HTTP/1 as bytes on a connection, for what no client library would send."""

import contextlib
import http.client
import json
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Self

TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class RawReply:
    """One reply; the fields of its head in their order, names in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.fields if key == name]

    def header(self, name: str) -> str:
        """The only value of a header; empty if there is none."""
        found = self.values(name)
        assert len(found) < 2, found
        return found[0] if found else ""

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


class RawConnection:
    """
    One connection: bytes out, replies in.

    Args:
        port: On loopback.
        host: `127.0.0.1` or `::1`.
    """

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), timeout=TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        """Send all of it; what a refused connection does not take any more is lost."""
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.socket.sendall(data)

    def reply(self, method: str = "GET") -> RawReply | None:
        """The next reply, or None where the connection was closed without one."""
        response = http.client.HTTPResponse(self.socket, method=method)
        try:
            response.begin()
            fields = tuple((name.lower(), value) for name, value in response.getheaders())
            return RawReply(response.status, fields, response.read())
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return None
        finally:
            response.close()

    def rest(self) -> bytes:
        """Everything until the other end closes."""
        found = b""
        try:
            while piece := self.socket.recv(65_536):
                found += piece
        except ConnectionResetError:
            pass
        return found


def head(start: str, fields: Mapping[str, str] | Iterable[tuple[str, str]]) -> bytes:
    """A request's head as it goes on the wire."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    lines = [start, *(f"{name}: {value}" for name, value in pairs), "", ""]
    return "\r\n".join(lines).encode("latin-1")


def asked(
    port: int,
    start: str,
    fields: Mapping[str, str] | Iterable[tuple[str, str]],
    body: bytes = b"",
    host: str = "127.0.0.1",
) -> RawReply:
    """
    One request on a connection of its own, and its reply.

    Args:
        start: Method and target: `GET /`.
        fields: Only these: not even `Host` comes by itself. The body's length is added.
    """
    pairs = list(fields.items() if isinstance(fields, Mapping) else fields)
    if body:
        pairs.append(("Content-Length", str(len(body))))
    with RawConnection(port, host) as connection:
        connection.send(head(f"{start} HTTP/1.1", pairs) + body)
        reply = connection.reply(start.partition(" ")[0])
    assert reply is not None, "closed without a reply"
    return reply
