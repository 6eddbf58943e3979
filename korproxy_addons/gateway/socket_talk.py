"""
What is said on one WebSocket of the Responses API: messages to requests, replies to messages.

The client sends `response.create` with the body it would POST; later ones name the response before and bring only the new
input. Upstream it is a POST with the whole input each time, so the socket remembers its last response. A warm-up
(`generate: false`) is answered here, as nothing is to be generated. Bytes in, bytes out: no socket, no clock.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import msgspec

from korproxy_addons.dialects.sse import DONE, SseParser
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.socket_events import (
    Ended,
    ItemDone,
    error_message,
    exchange_message,
    rate_limits_message,
    warm_messages,
)

type Fields = dict[str, msgspec.Raw]

_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ITEMS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_ITEM_DONE = msgspec.json.Decoder(ItemDone)
_ENDED = msgspec.json.Decoder(Ended)
_encode = msgspec.json.Encoder().encode

# How Codex marks, among a message's metadata, what it would have sent as a header of the request.
_AS_HEADER = "ws_request_header_"
_OF_THE_SOCKET = "x-codex-ws-stream-request-start-ms"
_HEADERS_OF_A_TURN = ("x-codex-turn-metadata", "x-codex-window-id")
_TURN_STATE = "x-codex-turn-state"
_ONLY_HERE = ("type", "generate", "stream_id", "background", "previous_response_id")
# A payload's type stands at its beginning; what is looked for behind this is not worth the look.
_TYPE_WITHIN = 120


@dataclass(frozen=True, slots=True)
class Turn:
    """
    A request made of a message.

    Attributes:
        body: To be POSTed.
        headers: Beside those of the socket, in whose place they are where the names are the same; lower case.
    """

    body: bytes
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Spoken:
    """A response that the next request may go on from: its id, and its input and output as JSON items."""

    id: str
    items: tuple[msgspec.Raw, ...]


class SocketTalk:
    """
    The talk on one socket; one response at a time.

    Args:
        make_id: Makes the id of a warm-up's response.
    """

    def __init__(self, make_id: Callable[[], str]) -> None:
        self._make_id = make_id
        self._spoken: _Spoken | None = None
        self._fields: Fields = {}
        self._turn_id = b""
        self._turn_state = ("", b"")
        self._input: tuple[msgspec.Raw, ...] = ()
        self._output: list[msgspec.Raw] = []
        self._parser = SseParser()
        self._status = 0
        self._headers: Mapping[str, str] = {}
        self._refusal: list[bytes] = []

    def take(self, message: bytes) -> Turn | list[bytes]:
        """
        What a message asks for: a request to serve, or what it is answered with at once.

        Raises:
            KorProxyError: It is no message of this protocol; what its text says can be said by `refusal`.
        """
        fields = _fields_of(message)
        kind = _text(fields.get("type"))
        if kind == "response.processed":
            return []  # the client has read a reply; nobody here waits for that
        if kind == "response.append" and self._spoken is not None:
            spoken = {"previous_response_id": msgspec.Raw(_encode(self._spoken.id))}
            fields = {**self._fields, **spoken, **fields}
        elif kind != "response.create":
            raise KorProxyError(catalogue.FIELD_INVALID, "type: unknown", param="type")
        return self._created(fields)

    def refusal(self, error: KorProxyError) -> bytes:
        """The message for an error of our own."""
        said = {"type": "invalid_request_error", "code": error.spec.code, "param": error.param}
        return error_message(error.status, {**said, "message": error.message()}, {})

    def head(self, status: int, headers: Iterable[tuple[str, str]]) -> list[bytes]:
        """The messages that a reply's head is worth; a refusal says nothing before its end."""
        self._parser = SseParser()
        self._refusal.clear()
        self._output.clear()
        self._status = status
        self._headers = {name.lower(): value for name, value in headers}
        if not self._good:
            return []
        state = self._headers.get(_TURN_STATE)
        if state is not None:
            self._turn_state = (state, self._turn_id)
        limits = rate_limits_message(self._headers)
        return [exchange_message(self._headers), *([limits] if limits is not None else [])]

    def feed(self, data: bytes) -> list[bytes]:
        """
        The messages in a piece of a reply's body; none may mean that it was only a sign of life.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, an event is longer than any may be.
        """
        if not self._good:
            self._refusal.append(data)
            return []
        return [
            self._noted(it.data) for it in self._parser.feed(data) if it.data not in (b"", DONE)
        ]

    def end(self) -> list[bytes]:
        """The messages at a reply's clean end."""
        if self._good:
            rest = self._parser.close()
            return [self._noted(it.data) for it in rest if it.data not in (b"", DONE)]
        body = b"".join(self._refusal)
        self._refusal.clear()
        return [error_message(self._status, body, self._headers)]

    @property
    def _good(self) -> bool:
        return 200 <= self._status < 300

    def _created(self, fields: Fields) -> Turn | list[bytes]:
        given = _items(fields.get("input"))
        spoken = self._spoken
        goes_on = spoken is not None and _text(fields.get("previous_response_id")) == spoken.id
        if spoken is not None and goes_on:
            self._input = (*spoken.items, *given)
        else:
            self._input = given
        self._fields = {k: v for k, v in fields.items() if k not in ("input", *_ONLY_HERE)}
        if bytes(fields.get("generate", b"true")) == b"false":
            return self._warmed()
        headers = self._headers_of_message()
        body = {**self._fields, "input": msgspec.Raw(_encode(self._input))}
        if not goes_on and "previous_response_id" in fields:
            # None of this socket's: whether somebody knows it is for the rest of the gateway to say.
            body["previous_response_id"] = fields["previous_response_id"]
        body["stream"] = msgspec.Raw(b"true")
        return Turn(_encode(body), headers)

    def _warmed(self) -> list[bytes]:
        self._spoken = _Spoken(self._make_id(), self._input)
        return warm_messages(self._spoken.id, self._fields.get("model", msgspec.Raw(b'""')))

    def _headers_of_message(self) -> tuple[tuple[str, str], ...]:
        """Take out of the metadata what belongs into headers, and what is only of this socket."""
        headers: dict[str, str] = {}
        given = _metadata(self._fields.get("client_metadata"))
        metadata = dict(given)
        for name in [it for it in metadata if it.startswith(_AS_HEADER)]:
            value = _text(metadata.pop(name))
            headers[name.removeprefix(_AS_HEADER).replace("_", "-").lower()] = value
        metadata.pop(_OF_THE_SOCKET, None)
        headers |= {it: _text(metadata[it]) for it in _HEADERS_OF_A_TURN if it in metadata}
        self._turn_id = bytes(metadata.get("turn_id", b""))
        state, turn_id = self._turn_state
        if state and turn_id == self._turn_id:
            headers[_TURN_STATE] = state
        if metadata != given:
            self._fields["client_metadata"] = msgspec.Raw(_encode(metadata))
        return tuple((name, value) for name, value in headers.items() if _is_plain(name, value))

    def _noted(self, data: bytes) -> bytes:
        """Remember what an event adds to the conversation."""
        start = data[:_TYPE_WITHIN]
        try:
            if b"response.output_item.done" in start:
                done = _ITEM_DONE.decode(data)
                if done.type == "response.output_item.done":
                    self._output.append(msgspec.Raw(bytes(done.item)))
            elif b"response.completed" in start or b"response.incomplete" in start:
                self._spoken = _Spoken(
                    _ENDED.decode(data).response.id, (*self._input, *self._output)
                )
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            # No such event after all: it passes, and what would have been remembered is unknown here.
            self._spoken = None
        return data


def _fields_of(message: bytes) -> Fields:
    try:
        return _FIELDS.decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise KorProxyError(catalogue.NOT_JSON, "a message must be a JSON object") from None


def _items(value: msgspec.Raw | None) -> tuple[msgspec.Raw, ...]:
    """The items of an input; a text is one message of the user."""
    raw = bytes(value or b"[]").strip()
    try:
        if raw.startswith(b'"'):
            said = {"type": "message", "role": "user", "content": _TEXT.decode(raw)}
            return (msgspec.Raw(_encode(said)),)
        return tuple(msgspec.Raw(bytes(it)) for it in _ITEMS.decode(raw))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise KorProxyError(
            catalogue.FIELD_INVALID, "input: must be text or a list", param="input"
        ) from None


def _metadata(value: msgspec.Raw | None) -> Fields:
    try:
        return {} if value is None else _FIELDS.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}  # whoever reads the request will say so


def _text(value: msgspec.Raw | None) -> str:
    """A JSON string's text; "" for anything else."""
    try:
        return "" if value is None else _TEXT.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""


def _is_plain(name: str, value: str) -> bool:
    """Whether a header can be made of it: nothing in it may end the line."""
    letters = name.replace("-", "")
    return letters.isascii() and letters.isalnum() and value.isascii() and value.isprintable()
