"""Frames of one answer: names, rising sequence numbers, and the quick road for deltas."""

from typing import Any, Final

import msgspec

from korproxy_addons.dialects.payload import encoded_text
from korproxy_addons.dialects.sse import frame_bytes

_ENCODE: Final = msgspec.json.Encoder()


def json_bytes(value: Any) -> bytes:
    """A value as JSON; half surrogates, which only a decoder's mistake can bring, become U+FFFD."""
    try:
        return _ENCODE.encode(value)
    except UnicodeEncodeError:
        return _ENCODE.encode(_mended(value))


def text_bytes(text: str) -> bytes:
    """A text as JSON string."""
    try:
        return _ENCODE.encode(text)
    except UnicodeEncodeError:
        return encoded_text(text).encode()


class DeltaForm:
    """
    All of a delta's frame but its number and its text.

    Args:
        kind: Type of the event.
        place: `item_id`, `output_index` and so on.
        rest: Fields behind the text.
    """

    __slots__ = ("_end", "_head", "_middle")

    def __init__(self, kind: str, place: dict[str, Any], rest: dict[str, Any]) -> None:
        self._head = b'event: %b\ndata: {"type":"%b","sequence_number":' % (
            kind.encode(),
            kind.encode(),
        )
        self._middle = b"," + _ENCODE.encode(place)[1:-1] + b',"delta":'
        self._end = (b"," + _ENCODE.encode(rest)[1:-1] if rest else b"") + b"}\n\n"

    def frame(self, number: int, text: str) -> bytes:
        """The frame of one delta."""
        return b"".join((self._head, b"%d" % number, self._middle, text_bytes(text), self._end))


class Frames:
    """
    The frames that one call of the encoder gives.

    Args:
        streamed: The client wants events; else nothing is written.
    """

    __slots__ = ("_number", "_out", "_streamed")

    def __init__(self, *, streamed: bool) -> None:
        self._streamed = streamed
        self._number = 0
        self._out: list[bytes] = []

    def event(self, kind: str, fields: dict[str, Any]) -> None:
        """One event."""
        if self._streamed:
            data = json_bytes({"type": kind, "sequence_number": self._number, **fields})
            self._number += 1
            self._out.append(frame_bytes(data, kind))

    def delta(self, form: DeltaForm, text: str) -> None:
        """One delta."""
        if self._streamed:
            self._out.append(form.frame(self._number, text))
            self._number += 1

    def raw(self, data: bytes) -> None:
        """Bytes that are no event: a comment."""
        if self._streamed:
            self._out.append(data)

    def taken(self) -> bytes:
        """What was written since the last call."""
        out = self._out
        data = out[0] if len(out) == 1 else b"".join(out)
        out.clear()
        return data


def _mended(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _mended(child) for key, child in value.items()}
    if isinstance(value, list | tuple):
        return [_mended(child) for child in value]
    return value
