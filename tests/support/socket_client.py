"""A WebSocket client without a socket: frames out, frames in."""

import json
from typing import Any

from wsproto import ConnectionType
from wsproto.connection import Connection
from wsproto.events import CloseConnection, Event, Message, Ping, Pong, TextMessage

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
