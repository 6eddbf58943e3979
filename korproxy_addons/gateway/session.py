"""Which conversation a request belongs to: by the tool's own id of it, else by how it begins."""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import msgspec

from korproxy_addons.gateway.exchange import Exchange

_HEADERS = (
    "x-claude-code-session-id",
    "session-id",
    "session_id",
    "x-session-affinity",
    "x-session-id",
    "thread-id",
    "conversation_id",
)
_LONGEST_ID = 512
# The first words of a person come at once, or behind a system prompt and a reminder.
_MOST_TURNS = 8


class _Turn(msgspec.Struct):
    role: str = "user"
    content: Any = None
    parts: Any = None


class _Opening(msgspec.Struct):
    messages: list[msgspec.Raw] = []
    contents: list[msgspec.Raw] = []
    input: list[msgspec.Raw] | str = []


_OPENING = msgspec.json.Decoder(_Opening)
_TURN = msgspec.json.Decoder(_Turn)


def session_of(exchange: Exchange) -> str:
    """The conversation's id, or something that stays the same while it goes on; "" if there is neither."""
    headers = exchange.client.lower
    for name in _HEADERS:
        value = headers.get(name)
        if value:
            return f"id:{value[:_LONGEST_ID]}"
    if exchange.peek is not None and exchange.peek.session:
        return f"id:{exchange.peek.session[:_LONGEST_ID]}"
    if exchange.inbound is None:
        return ""
    words = _first_words(exchange.inbound.body)
    return f"words:{blake2b(words, digest_size=16).hexdigest()}" if words else ""


def _first_words(body: bytes) -> bytes:
    """
    What the user said first; b"" if that cannot be read.

    Only words: marks of where to cache move from turn to turn, and system prompts tell the time.
    """
    try:
        opening = _OPENING.decode(body)
        if isinstance(opening.input, str):
            return opening.input.encode("utf-8", "surrogatepass")
        for raw in (opening.messages or opening.contents or opening.input)[:_MOST_TURNS]:
            turn = _TURN.decode(raw)
            if turn.role == "user":
                words = "\0".join(_texts(turn.content if turn.parts is None else turn.parts))
                if words:
                    return words.encode("utf-8", "surrogatepass")
    except (msgspec.MsgspecError, UnicodeDecodeError):
        pass
    return b""


def _texts(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, list):
        for part in content:
            if isinstance(part, dict) and isinstance(part.get("text"), str):
                yield part["text"]
