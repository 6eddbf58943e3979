"""Two recorded bodies beside each other: whether they are the same, and what differs by path."""

import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from korproxy_addons.recording.answer import payloads_in
from korproxy_addons.recording.changes import Change, changes_between
from korproxy_addons.recording.question import out_of_envelope
from korproxy_addons.recording.record import RecordedMessage

NOT_KEPT = "what it says was not recorded, only what it is like"


class How(StrEnum):
    """
    How two bodies stand to each other.

    SAME: byte for byte. SAME_JSON: the same values, written another way. CHANGED: `changes` has what differs. UNKNOWN: `note`
    says why it cannot be told.
    """

    SAME = "same"
    SAME_JSON = "same json"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyDifference:
    """
    Two bodies.

    Attributes:
        how: How they stand to each other.
        dialects: Of the left and the right one, where they are two.
        changes: By path in their JSON; of streams, the path begins with the number of the event.
        meaning: What differs in what they say, where they are of two dialects, or streams; None: it was not compared.
        note: What cannot be told, and why; or what a person should know of it.
        before_bytes: Length of the left one; None: unknown.
        after_bytes: Length of the right one.
    """

    how: How
    dialects: tuple[str, str] | None = None
    changes: tuple[Change, ...] = ()
    meaning: tuple[Change, ...] | None = None
    note: str = ""
    before_bytes: int | None = None
    after_bytes: int | None = None


def bodies_differ(
    before: RecordedMessage, after: RecordedMessage, left: str, right: str
) -> BodyDifference:
    """
    What differs between two bodies.

    Args:
        before: The left one.
        after: The right one.
        left: Dialect id of the left one.
        right: Dialect id of the right one.
    """
    found = BodyDifference(how=How.SAME, before_bytes=_size(before), after_bytes=_size(after))
    if _same(before, after):
        return found
    if left != right:
        found = replace(found, dialects=(left, right))
    reason = _reason(before) or _reason(after)
    if reason:
        changes = _shape_changes(before, after)
        return replace(found, how=How.UNKNOWN, changes=changes, note=reason)
    note = "; ".join(filter(None, (_cut("the first", before), _cut("the second", after))))
    values = _value(before), _value(after)
    changes = changes_between(out_of_envelope(values[0]), out_of_envelope(values[1]))
    how = How.CHANGED if changes else How.SAME_JSON
    return replace(found, how=how, changes=changes, note=note)


def content_type(message: RecordedMessage) -> str:
    """As its head says; "" if it does not."""
    return next((it for name, it in message.headers if name.lower() == "content-type"), "")


def bare(text: str) -> str:
    """A request's JSON, out of Code Assist's envelope if it lies in one."""
    value = _read(text)
    inner = out_of_envelope(value)
    return text if inner is value else json.dumps(inner)


def _same(before: RecordedMessage, after: RecordedMessage) -> bool:
    """Byte for byte: by what was kept, or by the hashes of what was not."""
    shapes = before.shape, after.shape
    if shapes[0] is not None and shapes[1] is not None and shapes[0].sha256_8:
        return shapes[0].sha256_8 == shapes[1].sha256_8 and shapes[0].bytes == shapes[1].bytes
    if before.note or after.note or before.cut_bytes or after.cut_bytes:
        return False
    return (before.body, before.base64) == (after.body, after.base64)


def _reason(message: RecordedMessage) -> str:
    """Why a body is not there to be compared; "" if it is."""
    if message.body is None:
        empty = message.shape is None or message.shape.bytes == 0
        return message.note or ("" if empty else NOT_KEPT)
    return "it is no text" if message.base64 else ""


def _shape_changes(before: RecordedMessage, after: RecordedMessage) -> tuple[Change, ...]:
    if before.shape is None or after.shape is None:
        return ()
    return changes_between(before.shape.skeleton, after.shape.skeleton)


def _cut(which: str, message: RecordedMessage) -> str:
    if message.cut_bytes:
        return f"{which} goes on for {message.cut_bytes:,} bytes that were not kept"
    return "" if message.ended else f"{which} broke off"


def _size(message: RecordedMessage) -> int | None:
    if message.shape is not None:
        return message.shape.bytes
    if message.body is None:
        return None if message.note else 0
    return len(message.body.encode("utf-8", "replace")) + message.cut_bytes


def _value(message: RecordedMessage) -> Any:
    """A body as JSON: of a stream, the list of its events; of what is no JSON, its text."""
    text = message.body or ""
    frames = payloads_in(content_type(message), text.encode("utf-8", "replace"))
    if frames is None:
        return _read(text)
    return [_read(it.data.decode("utf-8", "replace")) for it in frames]


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
