"""Frames of a streamed answer."""

import json
from typing import Any


def dumps(value: Any) -> str:
    """Compact JSON, unicode as it is: how Anthropic and OpenAI write."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def data_frame(value: Any) -> bytes:
    """A frame with `data:` alone."""
    return f"data: {dumps(value)}\n\n".encode("utf-8", "surrogatepass")


def event_frame(value: dict[str, Any]) -> bytes:
    """A frame whose `event:` repeats the payload's type."""
    return f"event: {value['type']}\ndata: {dumps(value)}\n\n".encode("utf-8", "surrogatepass")


def pieces(text: str, size: int) -> list[str]:
    """The text in pieces of `size` characters; no piece for an empty text."""
    return [text[at : at + size] for at in range(0, len(text), max(1, size))]
