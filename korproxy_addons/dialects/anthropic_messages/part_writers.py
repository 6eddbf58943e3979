"""
Writes the parts of an answer as content blocks.

A block of text or thinking begins with its first word, so that no empty one reaches a client, which would send it back
to a service that refuses it (T12).
"""

from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.carried import (
    EMPTY_SEAL,
    call_carrier,
    compaction_carrier,
    text_carrier,
    wire_state,
)
from korproxy_addons.dialects.anthropic_messages.sinks import Sink, Words
from korproxy_addons.dialects.anthropic_messages.web_search import web_search_blocks
from korproxy_addons.dialects.anthropic_messages.wire import (
    DIALECT_ID,
    FIELDS,
    OWN_ORIGIN,
    json_bytes,
    raw_text,
)
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.events import PartEnd, ReplyPart, WholePart
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import (
    Citation,
    CompactionPart,
    MediaPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
    WebSearch,
)
from korproxy_addons.dialects.payload import arguments_object, decode_payload
from korproxy_addons.errors.exceptions import KorProxyError

_TEXT: Final[dict[str, Any]] = {"type": "text", "text": ""}
_THINKING: Final[dict[str, Any]] = {"type": "thinking", "thinking": "", "signature": ""}


class PartWriter:
    """A part of which nothing is said; the base of the others."""

    __slots__ = ("_sink",)

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def start(self) -> bytes:
        """What its PartStart gives."""
        return b""

    def delta(self, text: str) -> bytes:  # noqa: ARG002 - see the class
        """What a PartDelta gives."""
        return b""

    def cite(self, citation: Citation) -> bytes:  # noqa: ARG002 - see the class
        """What a PartCitation gives."""
        return b""

    def end(self, end: PartEnd) -> bytes:  # noqa: ARG002 - see the class
        """What its PartEnd gives."""
        return b""


class TextWriter(PartWriter):
    """Text and refusals: a refusal is text that the user should see (T177)."""

    __slots__ = ("_open",)

    def __init__(self, sink: Sink) -> None:
        super().__init__(sink)
        self._open = False

    def delta(self, text: str) -> bytes:
        if self._open:
            return self._sink.add(Words.TEXT, text)
        self._open = True
        return self._sink.open(_TEXT) + self._sink.add(Words.TEXT, text)

    def cite(self, citation: Citation) -> bytes:
        raw = _wire_citation(citation)
        if raw is None:
            return b""
        head = b"" if self._open else self._sink.open({**_TEXT, "citations": []})
        self._open = True
        return head + self._sink.cite(raw)

    def end(self, end: PartEnd) -> bytes:
        closed = self._sink.close(complete=end.complete) if self._open else b""
        return (
            closed if end.state is None else closed + _carrier(self._sink, text_carrier(end.state))
        )


class ThinkingWriter(PartWriter):
    """Reasoning, and the block of hidden reasoning, which has no words."""

    __slots__ = ("_open", "_redacted")

    def __init__(self, sink: Sink, part: ThinkingPart) -> None:
        super().__init__(sink)
        self._redacted = part.redacted
        self._open = False

    def delta(self, text: str) -> bytes:
        if self._open:
            return self._sink.add(Words.THINKING, text)
        self._open = True
        return self._sink.open(_THINKING) + self._sink.add(Words.THINKING, text)

    def end(self, end: PartEnd) -> bytes:
        if not self._open:
            if end.state is None:
                return b""
            if self._redacted:
                block = {"type": "redacted_thinking", "data": wire_state(end.state)}
                return self._sink.open(block) + self._sink.close()
            return _carrier(self._sink, wire_state(end.state))
        signed = self._sink.add(Words.SIGNATURE, wire_state(end.state))
        return signed + self._sink.close(complete=end.complete)


class CallWriter(PartWriter):
    """
    A call. Arguments stream as they come if they begin like an object; all others are made one first (T61).

    Clients read only deltas, so that there is at least one (T49).
    """

    __slots__ = ("_call", "_held", "_streams")

    def __init__(self, sink: Sink, call: ToolCallPart) -> None:
        super().__init__(sink)
        self._call = call
        self._held: list[str] = []
        self._streams = False

    def start(self) -> bytes:
        return self._sink.open(
            {
                "type": "tool_use",
                "id": portable_id(self._call.call_id),
                "name": self._call.name,
                "input": {},
            }
        )

    def delta(self, text: str) -> bytes:
        if self._streams:
            return self._sink.add(Words.INPUT, text)
        self._held.append(text)
        if self._call.custom or not text.lstrip().startswith("{") or len(self._held) > 1:
            return b""
        self._held.clear()
        self._streams = True
        return self._sink.add(Words.INPUT, text)

    def end(self, end: PartEnd) -> bytes:
        out = b""
        if not self._streams and (self._held or end.complete):
            text = "".join(self._held)
            fitting = as_arguments(text) if self._call.custom else arguments_object(text)
            out = self._sink.add(Words.INPUT, fitting if end.complete else text)
        out += self._sink.close(complete=end.complete)
        if end.state is None:
            return out
        return out + _carrier(self._sink, call_carrier(self._call.call_id, end.state))


class WholeWriter(PartWriter):
    """A part that comes in one piece."""

    __slots__ = ("_part",)

    def __init__(self, sink: Sink, part: WholePart) -> None:
        super().__init__(sink)
        self._part = part

    def start(self) -> bytes:
        part = self._part
        if isinstance(part, MediaPart):
            return self._said(_media_note(part))
        if isinstance(part, CompactionPart):
            return self._compaction(part)
        if part.origin == DIALECT_ID:
            return self._native(part.raw)
        if isinstance(part, ServerToolPart) and part.search is not None:
            return self._searched(part.search, part.call_id)
        # another service's own tools are not the answer: only unknown parts say their words (T129)
        return self._said(part.text) if isinstance(part, UnknownPart) else b""

    def _said(self, text: str) -> bytes:
        if not text:
            return b""
        return self._sink.open(_TEXT) + self._sink.add(Words.TEXT, text) + self._sink.close()

    def _searched(self, search: WebSearch, call_id: str) -> bytes:
        """Another service's search: clients show what it was for and what it found, and it is no call of theirs (T138)."""
        call, asked, result = web_search_blocks(search, call_id)
        out = self._sink.open(call) + self._sink.add(Words.INPUT, asked) + self._sink.close()
        return out + self._sink.open(result) + self._sink.close()

    def _native(self, raw: Raw) -> bytes:
        """A block as it was; its input goes by delta, where clients look for it (T49)."""
        try:
            block: dict[str, Any] = decode_payload(FIELDS, bytes(raw))
        except KorProxyError:
            return b""
        given = block.get("input")
        if not isinstance(given, Raw):
            return self._sink.open(block) + self._sink.close()
        opened = self._sink.open({**block, "input": {}})
        return opened + self._sink.add(Words.INPUT, raw_text(given)) + self._sink.close()

    def _compaction(self, part: CompactionPart) -> bytes:
        state = part.state
        if state is not None and state.origin == OWN_ORIGIN:
            return self._native(Raw(state.data.encode("utf-8", "replace")))
        if state is not None and not part.text:
            return _carrier(self._sink, compaction_carrier(state))
        return self._said(part.text)


def part_writer(sink: Sink, part: ReplyPart) -> PartWriter:
    """The writer for a part."""
    if isinstance(part, TextPart | RefusalPart):
        return TextWriter(sink)
    if isinstance(part, ThinkingPart):
        return ThinkingWriter(sink, part)
    if isinstance(part, ToolCallPart):
        return CallWriter(sink, part)
    return WholeWriter(sink, part)


def _carrier(sink: Sink, signature: str) -> bytes:
    """A thinking block without words: only its signature matters (T72)."""
    return sink.open(_THINKING) + sink.add(Words.SIGNATURE, signature) + sink.close()


def _media_note(part: MediaPart) -> str:
    """What stands for a file that the model made: this dialect's answers hold none (T128)."""
    if part.url:
        return part.url
    return part.text or f"[{part.kind}: {mime_of(part)}, cannot be shown here]"


def _wire_citation(citation: Citation) -> Raw | None:
    """
    The citation in this dialect's words; None where nothing can be said of it.

    Those of another service carry the empty seal as their index, which takes them out again before they could
    reach Anthropic.
    """
    if citation.origin == DIALECT_ID:
        return citation.raw
    if not citation.url:
        return None
    return Raw(
        json_bytes(
            {
                "type": "web_search_result_location",
                "cited_text": citation.cited_text,
                "url": citation.url,
                "title": citation.title or None,
                "encrypted_index": EMPTY_SEAL,
            }
        )
    )
