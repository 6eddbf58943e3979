"""What tokens a reply has told of by the time it ended, as far as its bytes went out."""

import json
from collections.abc import Iterator
from typing import Any

MOST_BYTES = 4 << 20
"""A reply that is longer is not looked at."""

_PLACES = (
    ("usage",),
    ("message", "usage"),
    ("response", "usage"),
    ("usageMetadata",),
    ("response", "usageMetadata"),
)
_INPUT = ("input_tokens", "prompt_tokens", "promptTokenCount")
# Anthropic counts these beside its input, everybody else in it.
_BESIDE_INPUT = ("cache_read_input_tokens", "cache_creation_input_tokens")
_OUTPUT = ("output_tokens", "completion_tokens")
# Google counts thoughts beside its candidates.
_OUTPUT_PARTS = ("candidatesTokenCount", "thoughtsTokenCount")


def told(data: bytes) -> dict[str, int]:
    """
    The last counts in a reply's bytes, whichever dialect it speaks; empty if it came to none.

    Args:
        data: What was sent, without content coding: a stream of events or one JSON value, cut anywhere.
    Returns:
        `input_tokens` and `output_tokens`, each the whole.
    """
    found: dict[str, int] = {}
    for value in _values(data):
        for place in _PLACES:
            counts: Any = value
            for name in place:
                counts = counts.get(name) if isinstance(counts, dict) else None
            if isinstance(counts, dict):
                _take(counts, found)
    return found


def _take(counts: dict[str, Any], found: dict[str, int]) -> None:
    for name in _INPUT:
        if isinstance(counts.get(name), int):
            beside = sum(int(counts.get(it) or 0) for it in _BESIDE_INPUT)
            found["input_tokens"] = counts[name] + beside
    for name in _OUTPUT:
        if isinstance(counts.get(name), int):
            found["output_tokens"] = counts[name]
    if any(name in counts for name in _OUTPUT_PARTS):
        found["output_tokens"] = sum(int(counts.get(it) or 0) for it in _OUTPUT_PARTS)


def _values(data: bytes) -> Iterator[Any]:
    """Every whole JSON value: of a body, or of a stream's events."""
    try:
        whole = json.loads(data)
    except ValueError:
        pass
    else:
        yield from whole if isinstance(whole, list) else [whole]
        return
    # An event counts when its blank line is there.
    for event in data.replace(b"\r\n", b"\n").split(b"\n\n")[:-1]:
        payload = b"\n".join(
            line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:")
        )
        try:
            yield json.loads(payload)
        except ValueError:
            continue
