"""
Content blocks of an answer, as they are read: from a stream piece by piece, from a whole body at once.

A block gives its events where it may: text, thinking and calls as they come, all other blocks when they are
complete. Its PartEnd is asked for last, by `end`, because only what follows a block says whether it is complete
(T56).
"""

from abc import ABC, abstractmethod
from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.web_search import web_search_of
from korproxy_addons.dialects.anthropic_messages.wire import (
    BLOCK_TYPE,
    CITATION,
    DIALECT_ID,
    FIELDS,
    REPLY_BLOCK,
    WHOLE_BLOCK,
    WireDelta,
    WireReplyBlock,
    given,
    is_server_tool,
    json_bytes,
    raw_text,
)
from korproxy_addons.dialects.body import BODY_LIMIT_BYTES
from korproxy_addons.dialects.events import (
    Event,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    WholePart,
)
from korproxy_addons.dialects.model import (
    Citation,
    CompactionPart,
    Opaque,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import unsealed
from korproxy_addons.dialects.payload import arguments_object, decode_payload
from korproxy_addons.dialects.surrogates import halves_again
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_EMPTY_OBJECT: Final = "{}"
_TYPED: Final = frozenset({"text", "thinking", "redacted_thinking", "tool_use"})


class ReplyBlock(ABC):
    """What all blocks do; one that says nothing of a step gives no events for it."""

    __slots__ = ()

    def start(self) -> list[Event]:
        """The events of its beginning."""
        return []

    def delta(self, delta: WireDelta) -> list[Event]:  # noqa: ARG002 - see the class
        """The events of one delta; a delta of a wrong type says nothing."""
        return []

    @abstractmethod
    def end(self, *, complete: bool) -> list[Event]:
        """The rest, with the PartEnd."""


class TextBlock(ReplyBlock):
    """Words and their sources."""

    __slots__ = ("_block",)

    def __init__(self, block: WireReplyBlock) -> None:
        self._block = block

    def start(self) -> list[Event]:
        events: list[Event] = [PartStart(TextPart(""))]
        if self._block.text:
            events.append(PartDelta(self._block.text))
        events += [PartCitation(citation_of(raw)) for raw in self._block.citations or ()]
        return events

    def delta(self, delta: WireDelta) -> list[Event]:
        if delta.text:
            return [PartDelta(delta.text)]
        if given(delta.citation):
            return [PartCitation(citation_of(delta.citation))]
        return []

    def end(self, *, complete: bool) -> list[Event]:
        return [PartEnd(complete=complete)]


class ThinkingBlock(ReplyBlock):
    """Reasoning; the signature comes last (T73) and makes it complete, whatever cut the answer."""

    __slots__ = ("_block", "_origin", "_signature")

    def __init__(self, block: WireReplyBlock, origin: str) -> None:
        self._block = block
        self._origin = origin
        self._signature = block.signature or ""

    def start(self) -> list[Event]:
        opened = PartStart(ThinkingPart(""))
        return [opened, PartDelta(self._block.thinking)] if self._block.thinking else [opened]

    def delta(self, delta: WireDelta) -> list[Event]:
        if delta.thinking:
            return [PartDelta(delta.thinking)]
        if delta.signature:
            self._signature = delta.signature
        return []

    def end(self, *, complete: bool) -> list[Event]:
        state = reply_state(self._signature, self._origin)
        return [PartEnd(state, complete=complete or bool(self._signature))]


class RedactedBlock(ReplyBlock):
    """Reasoning that the service hid (T72); nothing is left of it where its state has no reader."""

    __slots__ = ("_state",)

    def __init__(self, block: WireReplyBlock, origin: str) -> None:
        self._state = reply_state(block.data or "", origin)

    def start(self) -> list[Event]:
        return [PartStart(ThinkingPart("", redacted=True))] if self._state else []

    def end(self, *, complete: bool) -> list[Event]:  # noqa: ARG002 - it came whole
        return [PartEnd(self._state)] if self._state else []


class CallBlock(ReplyBlock):
    """
    A call of one of the client's tools.

    The `input` of a streamed block's start is a placeholder (T51); it counts only if no delta comes.
    """

    __slots__ = ("_call", "_fed", "_input")

    def __init__(self, block: WireReplyBlock, call_id: str) -> None:
        if not block.name:
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "a tool call has no name")
        self._call = ToolCallPart(block.id or call_id, block.name)
        self._input = (
            arguments_object(halves_again(raw_text(block.input)))
            if given(block.input)
            else _EMPTY_OBJECT
        )
        self._fed = False

    def start(self) -> list[Event]:
        return [PartStart(self._call)]

    def delta(self, delta: WireDelta) -> list[Event]:
        if not delta.partial_json:
            return []
        self._fed = True
        return [PartDelta(delta.partial_json)]

    def end(self, *, complete: bool) -> list[Event]:
        if self._fed or not (complete or self._input != _EMPTY_OBJECT):
            return [PartEnd(complete=complete)]
        return [PartDelta(self._input), PartEnd(complete=complete)]


class WholeBlock(ReplyBlock):
    """A block that is told in one piece: server tools, compaction, and what nobody knows."""

    __slots__ = ("_block", "_content", "_encrypted", "_origin", "_pieces", "_raw", "_size")

    def __init__(self, data: bytes, origin: str) -> None:
        self._block = decode_payload(WHOLE_BLOCK, data)
        self._raw = Raw(data)
        self._origin = origin
        self._pieces: list[str] = []
        self._content: list[str] = []
        self._encrypted = ""
        self._size = 0

    def delta(self, delta: WireDelta) -> list[Event]:
        if delta.partial_json:
            self._grow(delta.partial_json)
            self._pieces.append(delta.partial_json)
        if delta.content:
            self._grow(delta.content)
            self._content.append(delta.content)
        self._encrypted = delta.encrypted_content or self._encrypted
        return []

    def end(self, *, complete: bool) -> list[Event]:
        # half a block of this sort can never be sent back (T137)
        if not complete and (self._pieces or self._content):
            return []
        return [PartStart(self._part()), PartEnd()]

    def _grow(self, text: str) -> None:
        self._size += len(text)
        if self._size > BODY_LIMIT_BYTES:
            raise KorProxyError(
                UPSTREAM_INVALID_REPLY, f"one block is longer than {BODY_LIMIT_BYTES} bytes"
            )

    def _part(self) -> WholePart:
        kind = self._block.type or ""
        if is_server_tool(kind):
            call_id = _word(self._block.tool_use_id) or _word(self._block.id)
            raw = self._complete_raw()
            search = web_search_of(kind, raw)
            return ServerToolPart(DIALECT_ID, self._origin, kind, call_id, raw, search=search)
        if kind == "compaction":
            raw = self._complete_raw()
            state = Opaque(self._origin, raw_text(raw)) if self._origin else None
            return CompactionPart(compaction_text(raw), state)
        return UnknownPart(DIALECT_ID, kind, self._complete_raw(), _word(self._block.text))

    def _complete_raw(self) -> Raw:
        """The block with what its deltas brought."""
        if not (self._pieces or self._content or self._encrypted):
            return self._raw
        fields = decode_payload(FIELDS, bytes(self._raw))
        if self._pieces:
            fields["input"] = Raw(arguments_object("".join(self._pieces)).encode())
        if self._content:
            fields["content"] = Raw(json_bytes("".join(self._content)))
        if self._encrypted:
            fields["encrypted_content"] = Raw(json_bytes(self._encrypted))
        return Raw(json_bytes(fields))


def reply_block(raw: Raw, origin: str, call_id: str) -> ReplyBlock:
    """
    The reader of a block.

    Args:
        raw: The block, whole or as it starts.
        origin: `Habits.state_origin` of the upstream; with "" no state is kept.
        call_id: Id for a call that has none.
    Raises:
        KorProxyError: UPSTREAM_INVALID_REPLY, it cannot be read.
    """
    data = bytes(raw)
    kind = decode_payload(BLOCK_TYPE, data).type
    if kind not in _TYPED:
        return WholeBlock(data, origin)
    block = decode_payload(REPLY_BLOCK, data)
    if kind == "text":
        return TextBlock(block)
    if kind == "thinking":
        return ThinkingBlock(block, origin)
    if kind == "redacted_thinking":
        return RedactedBlock(block, origin)
    return CallBlock(block, call_id)


def citation_of(raw: Raw) -> Citation:
    """A citation with what other dialects can say of it."""
    try:
        said = decode_payload(CITATION, bytes(raw))
    except KorProxyError:
        return Citation(DIALECT_ID, raw.copy())
    return Citation(
        DIALECT_ID,
        raw.copy(),
        url=said.url or "",
        title=said.title or said.document_title or "",
        cited_text=said.cited_text or "",
    )


def reply_state(text: str, origin: str) -> Opaque | None:
    """The state in a signature: sealed by a KorProxy further up, or the upstream's own."""
    found = unsealed(text)
    if found is not None:
        return found if found.origin else None
    return Opaque(origin, text) if text and origin else None


def compaction_text(raw: Raw) -> str:
    """The readable part of a compaction block."""
    try:
        return _word(decode_payload(WHOLE_BLOCK, bytes(raw)).content)
    except KorProxyError:
        return ""


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""
