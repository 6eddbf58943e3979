"""
From a reply's bytes to its chunks: server-sent events, one JSON array that comes piece by piece, or one body.

Which of the three it is shows in its first byte, whatever its content type said.
"""

import re
from typing import Final

import msgspec

from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, FRAME_LIMIT_BYTES, SseParser
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_RAW: Final = msgspec.json.Decoder(msgspec.Raw)
_BLANK: Final = b" \t\r\n\xef\xbb\xbf"  # and the bytes of a BOM

# Outside a string: a whole string, the start of one that goes on in the next piece, or a bracket.
_MARK: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}"]', re.DOTALL)
_STRING_MARK: Final = re.compile(rb'["\\]')


class ArraySplitter:
    """
    The elements of a JSON array, each when it is complete; what follows the array is ignored.

    Args:
        limit_bytes: The longest element; more raises.
    """

    __slots__ = ("_bytes", "_depth", "_in_string", "_limit", "_pieces", "_skip", "over")

    def __init__(self, limit_bytes: int = FRAME_LIMIT_BYTES) -> None:
        self.over = False
        self._depth = 0  # 1 between elements
        self._in_string = False
        self._skip = 0  # bytes at the start of the next piece that are escaped
        self._pieces: list[bytes] = []
        self._bytes = 0
        self._limit = limit_bytes

    def feed(self, data: bytes) -> list[bytes]:
        """
        The elements that `data` completes.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, an element is longer than the limit.
        """
        found: list[bytes] = []
        place = start = 0
        while not self.over and place < len(data):
            if self._in_string:
                place = self._after_string(data, place)
                continue
            mark = _MARK.search(data, place)
            if mark is None:
                break
            place = mark.end()
            word = data[mark.start()]
            if word in b"[{":
                self._depth += 1
                if self._depth == 2:
                    start = mark.start()
            elif word in b"]}":
                self._depth -= 1
                if self._depth == 1:
                    found.append(b"".join((*self._pieces, data[start:place])))
                    self._pieces.clear()
                    self._bytes = 0
                self.over = self._depth <= 0
            elif mark.end() - mark.start() == 1:
                self._in_string = True
        if self._depth > 1:
            self._pieces.append(data[start:])
            self._bytes += len(data) - start
            if self._bytes > self._limit:
                raise KorProxyError(
                    UPSTREAM_INVALID_REPLY,
                    f"one element of the stream is longer than {self._limit} bytes",
                )
        return found

    @property
    def inside(self) -> bool:
        """An element has begun and is not complete."""
        return self._depth > 1

    def _after_string(self, data: bytes, place: int) -> int:
        place += self._skip
        self._skip = 0
        while mark := _STRING_MARK.search(data, place):
            if data[mark.start()] == ord('"'):
                self._in_string = False
                return mark.end()
            place = mark.end() + 1
            if place > len(data):
                self._skip = 1
        return len(data)


class Framing:
    """
    Bytes in, payloads out: each one chunk, or the whole reply.

    Args:
        streamed: By the content type; decides where the first byte does not.
    Attributes:
        whole: The payload is one complete body, and nothing else comes.
    """

    __slots__ = ("_array", "_body", "_sse", "_started", "_streamed", "whole")

    def __init__(self, *, streamed: bool) -> None:
        self.whole = False
        self._streamed = streamed
        self._started = False
        self._sse: SseParser | None = None
        self._array: ArraySplitter | None = None
        self._body = Body()

    def feed(self, data: bytes) -> list[bytes]:
        """
        The payloads that `data` completes.

        Raises:
            KorProxyError: UPSTREAM_INVALID_REPLY, something is longer than its limit.
        """
        if not self._started:
            rest = data.lstrip(_BLANK)
            if not rest:
                return []
            self._start(rest[:1])
            data = rest
        if self._sse is not None:
            return [frame.data for frame in self._sse.feed(data) if frame.data != DONE]
        if self._array is not None:
            return self._array.feed(data)
        self._body.feed(data)
        return []

    @property
    def torn(self) -> bool:
        """The bytes stop inside an element of an array."""
        return self._array is not None and self._array.inside

    def close(self) -> list[bytes]:
        """What is left: a last event without its empty line, or the body."""
        if self._sse is not None:
            return [frame.data for frame in self._sse.close() if frame.data != DONE]
        return [self._body.close()] if self.whole else []

    def _start(self, first: bytes) -> None:
        self._started = True
        if first == b"[":
            self._array = ArraySplitter()
        elif first == b"{" or not self._streamed:
            self.whole = True
        else:
            self._sse = SseParser()


def is_json(payload: bytes) -> bool:
    """Whether a payload is complete; a stream may break off inside its last one."""
    try:
        decode_payload(_RAW, payload)
    except KorProxyError:
        return False
    return True
