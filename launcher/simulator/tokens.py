"""
The simulator's tokenizer: four characters are one token.

Counts are exact, cheap and the same on every route, so that a test can compare a ledger with what a provider reported.
"""

from collections.abc import Iterable
from typing import Any

MEDIA_TOKENS = 258
"""What one image, document or sound costs, whatever its size."""

_MEDIA_KEYS = frozenset({"data", "image_url", "file_data", "inlineData", "inline_data", "url"})
_LONG = 256


def tokens_of_text(text: str) -> int:
    """Tokens of a text: its characters divided by four, rounded up."""
    return (len(text) + 3) // 4


def tokens_of_json(values: Iterable[Any]) -> int:
    """
    Tokens of the named parts of a request: every key and every leaf counts by its characters.

    A string under a media key which is longer than any name could be counts as one medium, so base64 data doesn't
    count by its size.
    """
    chars = 0
    media = 0
    stack: list[tuple[str, Any]] = [("", value) for value in values]
    while stack:
        key, value = stack.pop()
        if isinstance(value, dict):
            for name, inner in value.items():
                chars += len(name)
                stack.append((name, inner))
        elif isinstance(value, list):
            stack.extend((key, inner) for inner in value)
        elif isinstance(value, str):
            if key in _MEDIA_KEYS and len(value) > _LONG:
                media += 1
            else:
                chars += len(value)
        elif value is not None:
            chars += len(str(value))
    return (chars + 3) // 4 + media * MEDIA_TOKENS
