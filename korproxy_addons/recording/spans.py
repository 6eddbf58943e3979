"""Pieces of a text that go out of it, and the text without them."""

from collections.abc import Iterable
from typing import NamedTuple

MASK = "[redacted]"


class Span(NamedTuple):
    """
    A piece of a text, and what stands there instead.

    `instead` is a mask, or "" for the rest of a secret whose mask stands elsewhere.
    """

    start: int
    end: int
    instead: str = MASK


def without(text: str, spans: Iterable[Span]) -> str:
    """`text` with one mask for every run of spans that touch: of two secrets that overlap, no end is left."""
    parts: list[str] = []
    kept_from = 0
    for span in joined(spans):
        parts += (text[kept_from : span.start], span.instead)
        kept_from = span.end
    return "".join((*parts, text[kept_from:])) if parts else text


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same places in their order, those that touch as one."""
    found: list[Span] = []
    for start, end, instead in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1].end:
            last = found.pop()
            found.append(Span(last.start, max(last.end, end), _stronger(last.instead, instead)))
        else:
            found.append(Span(start, end, instead))
    return found


def _stronger(one: str, other: str) -> str:
    """Of two masks, the one that says more of what was there; a mask rather than none."""
    return MASK if MASK in (one, other) else one or other
