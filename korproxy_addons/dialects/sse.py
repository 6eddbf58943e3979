"""
Bytes to server-sent events and back (WHATWG HTML, section 9.2), at O(chunk) per chunk.

Everything is done on bytes: a character split over two chunks is never looked at (T151). Lines end in LF,
CRLF or CR, also where a CRLF is cut in two; comments, `id:` and `retry:` are skipped; a BOM at the start is
dropped; a last event without its empty line counts, unlike in the standard, because services send it (T152).
"""

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

FRAME_LIMIT_BYTES: Final = 48 * 1024 * 1024
DONE: Final = b"[DONE]"

_BOM: Final = b"\xef\xbb\xbf"
_LINE_ENDS: Final = b"\r\n"
# Two line ends in a row end a frame. A CRLF cut after its CR leaves a LF to the next frame: harmless.
_FRAME_ENDS: Final = (b"\n\n", b"\n\r\n", b"\n\r", b"\r\r")
_TAIL_BYTES: Final = 2
_BLANKS: Final = bytes.maketrans(b"\n\r", b"  ")


class Frame(NamedTuple):
    """One event: its name ("" if none was given) and its data lines joined by LF."""

    event: str
    data: bytes


def in_one_line(data: bytes) -> bytes:
    """JSON without the line ends between its tokens, which would end a frame; inside strings there are none."""
    if b"\n" in data or b"\r" in data:
        return data.translate(_BLANKS)
    return data


def frame_bytes(data: bytes, event: str = "") -> bytes:
    """
    One event on the wire.

    Args:
        data: JSON, or `DONE`.
        event: Event name, "" for none.
    """
    data = in_one_line(data)
    if event:
        return b"event: %b\ndata: %b\n\n" % (event.encode(), data)
    return b"data: %b\n\n" % data


def comment_bytes(text: str) -> bytes:
    """A comment frame, which clients skip."""
    return f": {text}\n\n".encode()


class SseParser:
    """
    Bytes in, frames out.

    Args:
        limit_bytes: The longest frame; more raises, so that no upstream can fill the memory.
    """

    __slots__ = (
        "_data",
        "_data_bytes",
        "_event",
        "_limit",
        "_line",
        "_line_bytes",
        "_skip_lf",
        "_started",
    )

    def __init__(self, limit_bytes: int = FRAME_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._line: list[bytes] = []  # pieces of the line that has not ended
        self._line_bytes = 0
        self._data: list[bytes] = []  # data lines of the frame that has not ended
        self._data_bytes = 0
        self._event = ""
        self._skip_lf = False
        self._started = False

    def feed(self, data: bytes) -> list[Frame]:
        """
        The frames that `data` completes.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, a frame is longer than the limit.
        """
        if data and not self._started:
            data = self._without_bom(data)
        if self._skip_lf and data:
            self._skip_lf = False
            if data[0] == 0x0A:
                data = data[1:]
        if not data:
            return []
        lines = data.splitlines(keepends=True)
        last = lines[-1]
        if last[-1] == 0x0D:
            self._skip_lf = True
        unfinished = b"" if last[-1] in _LINE_ENDS else lines.pop()
        frames: list[Frame] = []
        if lines:
            if self._line:
                lines[0] = b"".join((*self._line, lines[0]))
                self._line.clear()
                self._line_bytes = 0
            self._take(lines, frames)
        if unfinished:
            self._line.append(unfinished)
            self._line_bytes += len(unfinished)
        if self._line_bytes + self._data_bytes > self._limit:
            raise KorProxyError(
                UPSTREAM_INVALID_REPLY,
                f"one event of the stream is longer than {self._limit} bytes",
            )
        return frames

    def close(self) -> list[Frame]:
        """The frame that the end of the stream completes, if its data has begun."""
        frames: list[Frame] = []
        lines = [b"".join(self._line)] if self._line else []
        self._line.clear()
        self._take([*lines, b"\n"], frames)
        return frames

    def _take(self, lines: list[bytes], frames: list[Frame]) -> None:
        for line in lines:
            if line[:5] == b"data:":
                start = 6 if line[5:6] == b" " else 5
                value = line[start:].rstrip(_LINE_ENDS)
                self._data.append(value)
                self._data_bytes += len(value)
            elif line[0] in _LINE_ENDS:
                if self._data:
                    value = self._data[0] if len(self._data) == 1 else b"\n".join(self._data)
                    if value:
                        frames.append(Frame(self._event, value))
                    self._data.clear()
                    self._data_bytes = 0
                self._event = ""
            elif line[:6] == b"event:":
                start = 7 if line[6:7] == b" " else 6
                self._event = line[start:].rstrip(_LINE_ENDS).decode("utf-8", "replace")

    def _without_bom(self, data: bytes) -> bytes:
        data = b"".join((*self._line, data))
        self._line.clear()
        if len(data) < len(_BOM) and _BOM.startswith(data):
            self._line.append(data)
            return b""
        self._started = True
        return data.removeprefix(_BOM)


class FrameCutter:
    """
    Cuts a stream only between frames, its bytes unchanged.

    A stream that breaks off in the middle of a frame can then still be ended in words that the client
    can parse, and keep-alives never fall inside a frame (T155).
    """

    __slots__ = ("_held", "_limit", "_pieces", "_tail")

    def __init__(self, limit_bytes: int = FRAME_LIMIT_BYTES) -> None:
        self._limit = limit_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._tail = b""  # the last bytes seen: a frame's end may be cut in two

    def feed(self, data: bytes) -> bytes:
        """
        Everything up to the last whole frame; the rest is held for the next call.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, a frame is longer than the limit.
        """
        if data.endswith(b"\n\n"):
            end = len(data)
        else:
            window = self._tail + data
            end = max(
                found + len(mark) if (found := window.rfind(mark)) >= 0 else 0
                for mark in _FRAME_ENDS
            ) - len(self._tail)
        self._tail = (self._tail + data[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        if end <= 0:
            self._pieces.append(data)
            self._held += len(data)
            if self._held > self._limit:
                raise KorProxyError(
                    UPSTREAM_INVALID_REPLY,
                    f"one event of the stream is longer than {self._limit} bytes",
                )
            return b""
        whole = b"".join((*self._pieces, data[:end])) if self._pieces else data[:end]
        self._pieces.clear()
        rest = data[end:]
        self._held = len(rest)
        if rest:
            self._pieces.append(rest)
        return whole

    def close(self) -> bytes:
        """What is left: a last frame without its empty line, or a piece of a frame."""
        rest = b"".join(self._pieces)
        self._pieces.clear()
        self._held = 0
        return rest


class FrameRewriter:
    """
    Rewrites the data of whole frames and leaves every other byte alone.

    Args:
        rewrite: Payload in, payload out; b"" drops the whole frame. Not called for `[DONE]`.
    """

    __slots__ = ("_rewrite",)

    def __init__(self, rewrite: Callable[[bytes], bytes]) -> None:
        self._rewrite = rewrite

    def feed(self, frames: bytes) -> bytes:
        """The rewritten bytes of whole frames, as `FrameCutter` gives them."""
        out: list[bytes] = []
        frame: list[bytes] = []
        for line in frames.splitlines(keepends=True):
            frame.append(line)
            if line[0] in _LINE_ENDS:
                out += self._rewritten(frame)
                frame = []
        if frame:
            out += self._rewritten(frame)
        return b"".join(out)

    def _rewritten(self, frame: list[bytes]) -> list[bytes]:
        places = [place for place, line in enumerate(frame) if line.startswith(b"data:")]
        if not places:
            return frame
        old = b"\n".join(_value(frame[place]) for place in places)
        if old.strip() == DONE:
            return frame
        new = self._rewrite(old)
        if not new:
            return []
        first = frame[places[0]]
        end = first[len(first.rstrip(_LINE_ENDS)) :]
        frame[places[0]] = b"".join(b"data: " + line + end for line in new.split(b"\n"))
        dropped = set(places[1:])
        return [line for place, line in enumerate(frame) if place not in dropped]


class ArrayFramer:
    """Frames to one JSON array sent piece by piece: Gemini's stream without `alt=sse`."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open = False

    def item(self, data: bytes) -> bytes:
        """The next element of the array."""
        head = b",\n" if self._open else b"["
        self._open = True
        return head + data

    def close(self) -> bytes:
        """The end of the array; an array without elements is `[]`."""
        return b"]" if self._open else b"[]"


def frames_in(data: bytes) -> list[Frame]:
    """The frames of bytes that were cut between frames."""
    parser = SseParser()
    return parser.feed(data) + parser.close()


def frames_with(data: bytes, marks: re.Pattern[bytes]) -> list[Frame]:
    """
    The frames of bytes that were cut between frames, without those in which no line holds one of `marks`.

    Args:
        data: The bytes.
        marks: Matches nothing that is empty or holds a line end.
    Raises:
        KorProxyError: As `SseParser`.
    """
    if b"\r" in data:
        return frames_in(data)
    pieces: list[bytes] = []
    end = 0
    while found := marks.search(data, end):
        # With the empty lines around it, which are no frames.
        start = max(data.rfind(_FRAME_ENDS[0], end, found.start()), end)
        last = data.find(_FRAME_ENDS[0], found.end())
        end = len(data) if last < 0 else last + len(_FRAME_ENDS[0])
        pieces.append(data[start:end])
    return frames_in(b"".join(pieces)) if pieces else []


def without_comments(frames: bytes) -> bytes:
    """Whole frames without their comment lines, nor the blank lines that would then end nothing."""
    if not (frames.startswith(b":") or b"\n:" in frames or b"\r:" in frames):
        return frames
    kept: list[bytes] = []
    empty = True
    for line in frames.splitlines(keepends=True):
        blank = not line.strip(_LINE_ENDS)
        if line.startswith(b":") or (blank and empty):
            continue
        # Two line ends, with the comment between them gone, must not become one.
        joins = line == b"\n" and kept and kept[-1].endswith(b"\r")
        kept.append(b"\r" if joins else line)
        empty = blank
    return b"".join(kept)


def _value(line: bytes) -> bytes:
    start = 6 if line[5:6] == b" " else 5
    return line[start:].rstrip(_LINE_ENDS)
