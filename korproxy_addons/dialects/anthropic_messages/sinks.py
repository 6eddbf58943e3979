"""
Where the content blocks of an answer go: as events into a stream, or folded into the blocks of one body.

Both take the same four steps, so that a stream and a whole body cannot differ.
"""

from enum import Enum
from typing import Any, Final, Protocol

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.wire import json_bytes, json_text
from korproxy_addons.dialects.payload import arguments_object
from korproxy_addons.dialects.sse import in_one_line

_START: Final = (
    b"event: content_block_start\n"
    b'data: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
)
_STOP: Final = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_DELTA: Final = (
    b"event: content_block_delta\n"
    b'data: {"type":"content_block_delta","index":%d,"delta":{"type":"%b":%b}}\n\n'
)


class Words(Enum):
    """What a delta adds to: the delta's type and field on the wire, and the block's field."""

    TEXT = (b'text_delta","text', "text")
    THINKING = (b'thinking_delta","thinking', "thinking")
    SIGNATURE = (b'signature_delta","signature', "signature")
    INPUT = (b'input_json_delta","partial_json', "input")
    COMPACTION = (b'compaction_delta","content', "content")

    def __init__(self, head: bytes, field: str) -> None:
        self.head = head
        self.field = field


class Sink(Protocol):
    """Takes blocks, one at a time; each step gives what can be sent at once."""

    def open(self, block: dict[str, Any]) -> bytes:
        """A block begins; what deltas will bring is empty."""

    def add(self, words: Words, text: str) -> bytes:
        """A delta of the open block."""

    def cite(self, citation: Raw) -> bytes:
        """A source of the open block of text."""

    def close(self, *, complete: bool = True) -> bytes:
        """The open block ends."""


class StreamSink:
    """Blocks as events, numbered as they come."""

    __slots__ = ("_index",)

    def __init__(self) -> None:
        self._index = 0

    def open(self, block: dict[str, Any]) -> bytes:
        return _START % (self._index, in_one_line(json_bytes(block)))

    def add(self, words: Words, text: str) -> bytes:
        return _DELTA % (self._index, words.head, json_text(text))

    def cite(self, citation: Raw) -> bytes:
        return _DELTA % (self._index, b'citations_delta","citation', in_one_line(bytes(citation)))

    def close(self, *, complete: bool = True) -> bytes:  # noqa: ARG002 - the stop reason says it
        self._index += 1
        return _STOP % (self._index - 1)


class WholeSink:
    """
    Blocks as values.

    Attributes:
        blocks: Those that are closed.
    """

    __slots__ = ("_block", "_citations", "_texts", "blocks")

    def __init__(self) -> None:
        self.blocks: list[dict[str, Any]] = []
        self._block: dict[str, Any] = {}
        self._texts: dict[str, list[str]] = {}
        self._citations: list[Raw] = []

    def open(self, block: dict[str, Any]) -> bytes:
        self._block = dict(block)
        self._texts = {}
        self._citations = []
        return b""

    def add(self, words: Words, text: str) -> bytes:
        self._texts.setdefault(words.field, []).append(text)
        return b""

    def cite(self, citation: Raw) -> bytes:
        self._citations.append(citation)
        return b""

    def close(self, *, complete: bool = True) -> bytes:
        for field, texts in self._texts.items():
            text = "".join(texts)
            if field != Words.INPUT.field:
                self._block[field] = Raw(json_text(text))
                continue
            fitting = arguments_object(text)
            if not complete and fitting != text:
                return b""  # half a call is no call (T56); the stop reason tells of the cut
            self._block[field] = Raw(json_text_of(fitting))
        if self._citations:
            self._block["citations"] = self._citations
        if not complete and self._block["type"] == "tool_use" and not self._texts:
            return b""
        self.blocks.append(self._block)
        return b""


def json_text_of(text: str) -> bytes:
    """JSON text as bytes; half surrogates, which JSON text may hold only as escapes, become U+FFFD."""
    return text.encode("utf-8", "replace")
