"""Frames of a streamed answer."""

import json
import re
from typing import Any

_SURROGATE = re.compile("[\ud800-\udfff]")


def dumps(value: Any) -> str:
    """Compact JSON, unicode as it is: how Anthropic and OpenAI write."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encoded(text: str) -> bytes:
    """JSON text as bytes; half a surrogate pair, which no bytes can hold, becomes its JSON escape."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", text).encode()


def data_frame(value: Any) -> bytes:
    """A frame with `data:` alone."""
    return encoded(f"data: {dumps(value)}\n\n")


def event_frame(value: dict[str, Any]) -> bytes:
    """A frame whose `event:` repeats the payload's type."""
    return encoded(f"event: {value['type']}\ndata: {dumps(value)}\n\n")


def pieces(text: str, size: int) -> list[str]:
    """The text in pieces of `size` characters; no piece for an empty text."""
    size = max(1, size)
    return [text[at : at + size] for at in range(0, len(text), size)]
