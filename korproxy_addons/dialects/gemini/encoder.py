"""Writes a Gemini answer: server-sent events, an array piece by piece, or one body."""

from typing import Any, Final, Protocol

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.base import ReplyContext
from korproxy_addons.dialects.custom import as_arguments
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyPart,
    StreamFailed,
)
from korproxy_addons.dialects.gemini.citations import grounding_of
from korproxy_addons.dialects.gemini.errors import error_value
from korproxy_addons.dialects.gemini.finish import word_of
from korproxy_addons.dialects.gemini.other_parts import GROUNDING, media_json
from korproxy_addons.dialects.gemini.usage import counts_of
from korproxy_addons.dialects.gemini.wire import DIALECT_ID, NO_SIGNATURE, ORIGIN
from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.media import mime_of
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaPart,
    Opaque,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.payload import arguments_object, encoded_text
from korproxy_addons.dialects.sse import ArrayFramer

type _WirePart = dict[str, Any] | Raw

_LINE_ENDS: Final = (
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
    (b"\xc2\x85", b"\\u0085"),
)
_TEXT_HEAD: Final = b'{"candidates":[{"content":{"parts":[{"text":'
_TEXT_TAIL: Final = b'}],"role":"model"},"index":0}],'
_THOUGHT_TAIL: Final = b',"thought":true' + _TEXT_TAIL


def frame(data: bytes) -> bytes:
    """
    One event as Google sends it; never a comment, which Gemini's clients cannot read.

    Line ends in the JSON, which only stand between its tokens, would end the event: they become blanks.
    Unicode's line ends are escaped, for some SDKs cut lines at them.
    """
    if b"\n" in data or b"\r" in data:
        data = data.replace(b"\n", b" ").replace(b"\r", b" ")
    if b"\xe2\x80" in data or b"\xc2\x85" in data:
        for mark, escape in _LINE_ENDS:
            data = data.replace(mark, escape)
    return b"data: %b\r\n\r\n" % data


def signature_of(state: Opaque | None) -> str:
    """A signature as the wire carries it: Google's own as it is, that of others sealed; "" for none."""
    if state is None:
        return ""
    return state.data if state.origin == ORIGIN else sealed(state)


class _Sink(Protocol):
    """Where parts go: out at once, or into the body."""

    def delta(self, text: str, *, thought: bool) -> bytes: ...
    def part(self, part: _WirePart) -> bytes: ...
    def words_over(
        self, text: str, signature: str, citations: list[Citation], *, thought: bool
    ) -> bytes: ...
    def end(self, candidate: dict[str, Any], counts: dict[str, Any] | None) -> bytes: ...
    def failed(self, event: StreamFailed) -> bytes: ...


class Encoder:
    """
    `base.Encoder` for Gemini.

    A call is written when it is whole, for Gemini's clients take arguments as an object; half a call is left
    out (T56). A refusal is text that ends with SAFETY (T177).
    """

    __slots__ = (
        "_call", "_citations", "_over", "_pieces", "_queries", "_refused", "_signed", "_sink", "_thought", "_words",
    )  # fmt: skip

    def __init__(self, context: ReplyContext) -> None:
        self._sink: _Sink = _Stream(context) if context.streamed else _Whole(context)
        self._over = False
        self._words = False  # the open part is text, thinking or a refusal
        self._thought = False
        self._call: ToolCallPart | None = None
        self._pieces: list[str] = []  # of the open part
        self._citations: list[Citation] = []
        self._signed = False  # a call was written
        self._refused = False
        self._queries: list[str] = []  # of searches, which have no part of their own

    def feed(self, event: Event) -> bytes:
        if self._over:
            return b""
        if isinstance(event, PartDelta):
            self._pieces.append(event.text)
            return self._sink.delta(event.text, thought=self._thought) if self._words else b""
        if isinstance(event, PartStart):
            return self._opened(event.part)
        if isinstance(event, PartEnd):
            return self._closed(event)
        if isinstance(event, PartCitation):
            self._citations.append(event.citation)
        elif isinstance(event, MessageEnd):
            self._over = True
            return self._ended(event)
        elif isinstance(event, StreamFailed):
            self._over = True
            return self._sink.failed(event)
        return b""

    def _opened(self, part: ReplyPart) -> bytes:
        if isinstance(part, TextPart | ThinkingPart | RefusalPart):
            self._words = True
            self._thought = isinstance(part, ThinkingPart)
            self._refused = self._refused or isinstance(part, RefusalPart)
            return b""
        if isinstance(part, ToolCallPart):
            self._call = part
            return b""
        if isinstance(part, ServerToolPart) and part.search is not None:
            self._queries += filter(None, part.search.query.split("; "))
            if part.type == GROUNDING or part.origin != DIALECT_ID:
                return b""
        whole = _whole_part(part)
        return self._sink.part(whole) if whole is not None else b""

    def _closed(self, event: PartEnd) -> bytes:
        text = "".join(self._pieces)
        self._pieces.clear()
        citations, self._citations = self._citations, []
        call, self._call = self._call, None
        words, self._words = self._words, False
        if words:
            signature = signature_of(event.state)
            return self._sink.words_over(text, signature, citations, thought=self._thought)
        if call is None or not event.complete:
            return b""
        return self._sink.part(self._call_part(call, text, signature_of(event.state)))

    def _call_part(self, call: ToolCallPart, text: str, signature: str) -> dict[str, Any]:
        arguments = as_arguments(text) if call.custom else arguments_object(text)
        wire: dict[str, Any] = {
            "functionCall": {
                "id": portable_id(call.call_id),
                "name": call.name,
                "args": Raw(arguments.encode("utf-8", "replace")),
            }
        }
        if not signature and not self._signed:
            # The first call of a turn that Gemini made is signed. This one is by another model: the client
            # sends Google's word for that back, should a later turn go to Gemini unchanged (T77, T78).
            signature = NO_SIGNATURE
        self._signed = True
        if signature:
            wire["thoughtSignature"] = signature
        return wire

    def _ended(self, event: MessageEnd) -> bytes:
        word = word_of(event.finish, event.reason)
        if self._refused and event.finish is FinishReason.STOP:
            word = "SAFETY"
        candidate: dict[str, Any] = {"finishReason": word}
        if event.explanation:
            candidate["finishMessage"] = event.explanation
        if self._queries:
            candidate["groundingMetadata"] = {"webSearchQueries": self._queries}
        usage = event.usage
        counts = None if usage is None else counts_of(usage, event.service_tier)
        return self._sink.end(candidate, counts)


class _Stream:
    """Every part goes out as a chunk of its own."""

    def __init__(self, context: ReplyContext) -> None:
        self._array = None if context.sse else ArrayFramer()
        names = {"modelVersion": context.model, "responseId": context.ids.make("")}
        self._tail = _json(names)[1:]  # after a comma, to the chunk's end

    def delta(self, text: str, *, thought: bool) -> bytes:
        tail = _THOUGHT_TAIL if thought else _TEXT_TAIL
        return self._framed(b"%b%b%b%b" % (_TEXT_HEAD, _text(text), tail, self._tail))

    def part(self, part: _WirePart) -> bytes:
        return self._chunk({"content": {"parts": [part], "role": "model"}, "index": 0})

    def words_over(
        self, text: str, signature: str, citations: list[Citation], *, thought: bool
    ) -> bytes:
        grounding = grounding_of([(None, citations, text)]) if citations else None
        if not signature and grounding is None:
            return b""
        part = _words_part("", signature, thought=thought)
        candidate: dict[str, Any] = {"content": {"parts": [part], "role": "model"}, "index": 0}
        if grounding is not None:
            candidate["groundingMetadata"] = grounding
        return self._chunk(candidate)

    def end(self, candidate: dict[str, Any], counts: dict[str, Any] | None) -> bytes:
        content = {"content": {"parts": [{"text": ""}], "role": "model"}}
        last = self._chunk({**content, **candidate, "index": 0}, counts)
        return last if self._array is None else last + self._array.close()

    def failed(self, event: StreamFailed) -> bytes:
        last = self._framed(error_value(event.error))
        return last if self._array is None else last + self._array.close()

    def _chunk(self, candidate: dict[str, Any], counts: dict[str, Any] | None = None) -> bytes:
        chunk: dict[str, Any] = {"candidates": [candidate]}
        if counts is not None:
            chunk["usageMetadata"] = counts
        return self._framed(b"%b,%b" % (_json(chunk)[:-1], self._tail))

    def _framed(self, data: bytes) -> bytes:
        return frame(data) if self._array is None else self._array.item(data)


class _Whole:
    """Parts gather, and the end gives the body."""

    def __init__(self, context: ReplyContext) -> None:
        self._names = {"modelVersion": context.model, "responseId": context.ids.make("")}
        self._parts: list[_WirePart] = []
        self._cited: list[tuple[int | None, list[Citation], str]] = []

    def delta(self, text: str, *, thought: bool) -> bytes:  # noqa: ARG002 - comes whole at its end
        return b""

    def part(self, part: _WirePart) -> bytes:
        self._parts.append(part)
        return b""

    def words_over(
        self, text: str, signature: str, citations: list[Citation], *, thought: bool
    ) -> bytes:
        if citations:
            self._cited.append((len(self._parts), citations, text))
        if text or signature or citations:
            self._parts.append(_words_part(text, signature, thought=thought))
        return b""

    def end(self, candidate: dict[str, Any], counts: dict[str, Any] | None) -> bytes:
        content: dict[str, Any] = {"role": "model"}
        if self._parts:
            content = {"parts": self._parts, **content}
        body: dict[str, Any] = {"candidates": [{"content": content, **candidate, "index": 0}]}
        grounding = grounding_of(self._cited)
        if grounding is not None:
            known = candidate.get("groundingMetadata", {})
            body["candidates"][0]["groundingMetadata"] = {**grounding, **known}
        if counts is not None:
            body["usageMetadata"] = counts
        return _json({**body, **self._names})

    def failed(self, event: StreamFailed) -> bytes:  # noqa: ARG002 - the gateway answers with a status
        return b""


def _words_part(text: str, signature: str, *, thought: bool) -> dict[str, Any]:
    part: dict[str, Any] = {"text": text}
    if thought:
        part["thought"] = True
    if signature:
        part["thoughtSignature"] = signature
    return part


def _whole_part(part: ReplyPart) -> _WirePart | None:
    """Media, and what Gemini's own tools did; of another dialect's parts only what they say in words."""
    if isinstance(part, MediaPart):
        signature = signature_of(part.state)
        signed = {"thoughtSignature": signature} if signature else {}
        return {**media_json(part, mime_of(part)), **signed}
    if not isinstance(part, ServerToolPart | UnknownPart):
        return None
    if part.origin == DIALECT_ID:
        return part.raw
    # another service's own tools are not the answer: only unknown parts say their words (T129)
    return {"text": part.text} if part.text and isinstance(part, UnknownPart) else None


def _text(text: str) -> bytes:
    try:
        return msgspec.json.encode(text)
    except UnicodeEncodeError:
        return encoded_text(text).encode()


def _json(value: dict[str, Any]) -> bytes:
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return msgspec.json.encode(_encodable(value))


def _encodable(value: Any) -> Any:
    """The value with U+FFFD for half surrogates, which only a decoder's mistake can bring."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {key: _encodable(child) for key, child in value.items()}
    return [_encodable(child) for child in value] if isinstance(value, list) else value
