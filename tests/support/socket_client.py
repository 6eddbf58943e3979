"""A WebSocket client of the Responses API: without a socket, frames out and frames in; and on a real connection."""

import json
import socket
from typing import Any, Self

from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Event, Message, Ping, Pong, TextMessage

TIMEOUT_S = 30.0
OPENING = (
    "GET /v1/responses HTTP/1.1\r\nhost: {host}\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
    "sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "openai-beta: responses_websockets=2026-02-06\r\n"
)


def opening(host: str, *fields: str) -> bytes:
    """The request that asks for the upgrade; `fields` are more lines of its head."""
    return (OPENING.format(host=host) + "".join(f"{it}\r\n" for it in fields) + "\r\n").encode()


class SocketClient:
    """
    The client's end once the upgrade is through.

    Attributes:
        said: Messages of the server, as JSON, oldest first.
        pings: How many times it asked whether we are there.
        close: Code and reason of its closing; None before.
    """

    def __init__(self) -> None:
        self._connection = Connection(ConnectionType.CLIENT)
        self._text = ""
        self.said: list[dict[str, Any]] = []
        self.pings = 0
        self.pongs = 0
        self.close: tuple[int, str] | None = None

    def message(self, value: Any) -> bytes:
        """The frame of one text message: JSON, but for text."""
        return self.frame(TextMessage(data=value if isinstance(value, str) else json.dumps(value)))

    def frame(self, event: Event) -> bytes:
        """Any frame."""
        return self._connection.send(event)

    def read(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that `data` completes."""
        before = len(self.said)
        self._connection.receive_data(data)
        for event in self._connection.events():
            match event:
                case Message():
                    self._text += event.data
                    if event.message_finished:
                        self.said.append(json.loads(self._text))
                        self._text = ""
                case Ping():
                    self.pings += 1
                case Pong():
                    self.pongs += 1
                case CloseConnection():
                    self.close = (event.code, event.reason or "")
        return self.said[before:]

    @property
    def kinds(self) -> list[str]:
        """The types of all messages so far."""
        return [it["type"] for it in self.said]


class LiveSocket(SocketClient):
    """
    The client on a real connection to a gateway on loopback.

    Args:
        port: The gateway's.
        path: Where it asks for the upgrade.
        fields: More lines of the opening's head.

    Attributes:
        status: What the opening was answered with.
        head: That answer's head, in lower case.
    """

    def __init__(self, port: int, *fields: str, path: str = "/v1/responses") -> None:
        super().__init__()
        self._looked_at = 0
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        asked = opening(f"127.0.0.1:{port}", *fields).replace(b"/v1/responses", path.encode(), 1)
        self._socket.sendall(asked)
        head = b""
        while b"\r\n\r\n" not in head and (piece := self._socket.recv(1 << 16)):
            head += piece
        self.head, _, rest = head.partition(b"\r\n\r\n")
        self.status = int(self.head.split()[1])
        if self.status == 101:
            self.read(rest)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def create(self, model: str, prompt: Any, **fields: Any) -> None:
        """Ask for a response."""
        asked = {"type": "response.create", "model": model, "input": prompt, **fields}
        self._socket.sendall(self.message(asked))

    def wait(self, *kinds: str) -> dict[str, Any]:
        """
        The next message of one of these kinds behind the one that was waited for last.

        Raises:
            ConnectionError: The gateway closed the connection before.
            TimeoutError: None came.
        """
        while True:
            for message in self.said[self._looked_at :]:
                self._looked_at += 1
                if message["type"] in kinds:
                    return message
            self._read_more()

    def answer(self) -> str:
        """The text of the response that is being told, once it is complete."""
        since = self._looked_at
        self.wait("response.completed")
        told = [it for it in self.said[since:] if it["type"] == "response.output_text.delta"]
        return "".join(it["delta"] for it in told)

    def wait_closed(self) -> tuple[int, str] | None:
        """Read to the end of the connection; gives code and reason of its closing, if there was one."""
        try:
            while True:
                self._read_more()
        except ConnectionError:
            return self.close

    def _read_more(self) -> None:
        data = self._socket.recv(1 << 16)
        if not data:
            raise ConnectionError("closed")
        self.read(data)
