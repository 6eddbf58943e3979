"""
State of thinking on Chat's wire: entries of `reasoning_details`, as OpenRouter's clients keep and send back.

Chat has no place for signatures and encrypted reasoning. What another service wants back travels sealed in an entry
`{"type":"reasoning.encrypted","data":...,"id":...}`; the id says which stretch of `reasoning_content` it belongs
to, so that the same blocks can be made of it again. A client that drops the entries loses the state, not the words.
"""

import re
from typing import Final

from msgspec import Struct

from korproxy_addons.dialects.model import Opaque, ThinkingPart
from korproxy_addons.dialects.opaque import sealed, unsealed

_ID: Final = re.compile(r"kor-(\d{1,9})-(\d{1,9})(-redacted|-summary)?")
_REDACTED: Final = "-redacted"
_SUMMARY: Final = "-summary"


class Detail(Struct):
    """An entry, of ours or of OpenRouter."""

    type: str | None = None
    text: str | None = None
    summary: str | None = None
    data: str | None = None
    id: str | None = None


def detail_of(shell: ThinkingPart, state: Opaque, start: int, end: int) -> dict[str, str]:
    """
    The entry for a thinking part.

    Args:
        shell: Says what kind of thinking it is.
        state: What its maker wants back.
        start: Where its words begin in the whole reasoning text.
        end: Where they end.
    """
    mark = _REDACTED if shell.redacted else _SUMMARY if shell.is_summary else ""
    return {
        "type": "reasoning.encrypted",
        "data": sealed(state),
        "id": f"kor-{start}-{end}{mark}",
    }


def thinking_of(text: str, details: list[Detail]) -> tuple[ThinkingPart, ...]:
    """
    The thinking parts that reasoning text and its entries stand for.

    Args:
        text: `reasoning_content` or `reasoning`, "" if there is none.
        details: As on the wire; entries that are not ours give their words if there is no text.
    """
    if not text:
        text = "".join(detail.text or detail.summary or "" for detail in details)
    parts: list[ThinkingPart] = []
    place = 0
    for detail in details:
        state = unsealed(detail.data) if detail.data else None
        found = _ID.fullmatch(detail.id or "")
        if state is None or found is None:
            continue
        start, end = max(place, int(found[1])), int(found[2])
        if text[place:start].strip():
            parts.append(ThinkingPart(text[place:start]))
        mark = found[3]
        parts.append(
            ThinkingPart(
                text[start:end], state, redacted=mark == _REDACTED, is_summary=mark == _SUMMARY
            )
        )
        place = max(start, end)
    if text[place:].strip() or (text and not parts):
        parts.append(ThinkingPart(text[place:]))
    return tuple(parts)
