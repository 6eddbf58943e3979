"""What a body is like, without what it says: kind, length, hash, which known fields stand where."""

import hashlib
import re
from collections import Counter
from typing import Any

import msgspec

from korproxy_addons.recording.field_names import FIELD_NAMES
from korproxy_addons.recording.record import BodyShape
from korproxy_addons.recording.redact import is_event_stream

LARGEST_SKELETON_BYTES = 4 * 1024 * 1024
_MOST_NODES = 400
_DEEPEST = 12
_LIKE_FIRST = 3
_MOST_TYPES = 40
_TYPE_OF_EVENT = re.compile(
    rb'^event: ?([a-z][a-z0-9_.]{1,60})\r?$|^data: ?\{"type": ?"([a-z][a-z0-9_.]{1,60})"',
    re.MULTILINE,
)
_EVENT = re.compile(rb"^data:", re.MULTILINE)
_OTHER = "other"


def body_shape(
    data: bytes, content_type: str = "", *, whole: bool = True, skeleton: bool = True
) -> BodyShape:
    """
    The shape of a body.

    Args:
        data: Its bytes, without a content coding.
        content_type: As its message's head has it.
        whole: These are all of them; False: what they hash to means nothing.
        skeleton: Say what stands where in it.
    """
    size, digest = len(data), hashlib.sha256(data).hexdigest()[:8] if whole else ""
    if not data:
        return BodyShape(kind="empty", bytes=0, sha256_8=digest)
    if is_event_stream(data[:8].decode("latin-1"), content_type):
        types = _types(data) if skeleton else None
        events = len(_EVENT.findall(data))
        return BodyShape(kind="events", bytes=size, sha256_8=digest, events=events, skeleton=types)
    found = _json(data) if skeleton else None
    if found is not None:
        return BodyShape(
            kind="json", bytes=size, sha256_8=digest, skeleton=_Skeleton().of(found[0], 0)
        )
    return BodyShape(kind=_kind(data, content_type), bytes=size, sha256_8=digest)


def _json(data: bytes) -> tuple[Any] | None:
    if len(data) > LARGEST_SKELETON_BYTES or data.lstrip()[:1] not in (b"{", b"["):
        return None
    try:
        return (msgspec.json.decode(data),)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _kind(data: bytes, content_type: str) -> str:
    if "x-www-form-urlencoded" in content_type:
        return "form"
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        # One that was cut may have lost the rest of its last letter.
        return "text" if error.start >= len(data) - 3 and b"\0" not in data else "binary"
    if text.lstrip()[:1] in ("{", "["):
        return "json"
    return "binary" if "\0" in text else "text"


def _types(data: bytes) -> dict[str, int]:
    counted: Counter[str] = Counter()
    named = data.startswith(b"event:") or b"\nevent:" in data
    for found in _TYPE_OF_EVENT.finditer(data):
        by_name, by_field = found.groups()
        if by_name is None and named:
            continue
        name = (by_name or by_field).decode()
        counted[name if name in counted or len(counted) < _MOST_TYPES else _OTHER] += 1
    return dict(counted)


class _Skeleton:
    """Bounded, and with no word that is not a known name of a field."""

    def __init__(self) -> None:
        self._left = _MOST_NODES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return "…"
        match value:
            case None:
                return "null"
            case bool():
                return "bool"
            case int() | float():
                return "number"
            case str():
                return f"text {len(value)}"
            case list():
                return self._array(value, depth)
            case _:
                return self._object(value, depth)

    def _array(self, value: list[Any], depth: int) -> list[Any]:
        shown = [self.of(it, depth + 1) for it in value[:_LIKE_FIRST]]
        more = len(value) - len(shown)
        return [*shown, f"… {more} more"] if more > 0 else shown

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        shown = {name: self.of(it, depth + 1) for name, it in value.items() if name in FIELD_NAMES}
        others = len(value) - len(shown)
        return {**shown, "…": f"{others} more"} if others else shown
