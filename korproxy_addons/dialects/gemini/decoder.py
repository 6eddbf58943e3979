"""Reads a Gemini reply: stream, array or body, all by one road."""

from collections.abc import Iterator, Sequence

from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
    reply_error,
)
from korproxy_addons.dialects.gemini.citations import (
    PlacedCitation,
    citations_of,
    in_characters,
    web_search_of,
)
from korproxy_addons.dialects.gemini.errors import error_in_reply
from korproxy_addons.dialects.gemini.finish import BROKEN, UNSPECIFIED, broken_error, finish_of
from korproxy_addons.dialects.gemini.framing import Framing, is_json
from korproxy_addons.dialects.gemini.other_parts import other_part, search_part
from korproxy_addons.dialects.gemini.partial_args import PartialArgs
from korproxy_addons.dialects.gemini.usage import usage_of
from korproxy_addons.dialects.gemini.wire import (
    CHUNK,
    NO_SIGNATURE,
    PART,
    Candidate,
    Chunk,
    FunctionCall,
    Part,
    is_null,
)
from korproxy_addons.dialects.ids import made_id
from korproxy_addons.dialects.model import (
    FinishReason,
    MediaPart,
    Opaque,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
    WebSearch,
    settled_finish,
)
from korproxy_addons.dialects.payload import arguments_object, decode_payload
from korproxy_addons.dialects.surrogates import halves_again
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

# Text of the open part that is kept to turn a citation's bytes into characters; more is not counted.
_KEPT_CHARACTERS = 4 * 1024 * 1024

type _Decoded = list[tuple[Part, Raw]]


class Decoder:
    """
    `base.Decoder` for Gemini.

    Text parts are pieces of one text; a signature ends the text it stands on (T79), so that the whole reply
    and the stream of it give the same parts. The end is held to `close`: any chunk may name a
    finish reason, and more may follow (T112).
    """

    __slots__ = (
        "_args", "_blocked", "_called", "_calls", "_choice", "_explanation", "_framing", "_kept", "_open",
        "_origin", "_over", "_search", "_seed", "_seen", "_single", "_started", "_state", "_text", "_tier", "_usage",
        "_word",
    )  # fmt: skip

    def __init__(self, context: DecodeContext) -> None:
        self._framing = Framing(streamed=context.streamed)
        self._origin = context.habits.state_origin
        self._seed = context.ids.seed
        self._single = context.choices <= 1
        self._choice = -1  # index of the choice that is read, of several
        self._started = False
        self._over = False
        self._seen = False  # a candidate came
        self._calls = 0
        self._called = False
        self._open: type[TextPart | ThinkingPart | ToolCallPart] | None = None
        self._state: Opaque | None = None  # of the open text or thinking, or of the open call
        self._text: list[str] = []  # of the open text
        self._kept = 0
        self._args: PartialArgs | None = None
        self._usage: Usage | None = None
        self._tier = ""
        self._word = ""  # the last finish reason
        self._blocked = ""  # why the prompt was refused
        self._explanation = ""
        self._search = WebSearch()

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._over:
            return
        for payload in self._framing.feed(data):
            yield from self._payload(payload)

    def close(self) -> Iterator[Event]:
        if self._over:
            return
        torn = self._framing.torn
        for payload in self._framing.close():
            if self._framing.whole or is_json(payload):
                yield from self._payload(payload)
            else:
                torn = True
        if torn:  # what a half chunk would have said is not known: no finish reason holds
            self._word = self._blocked = ""
        if not self._over:
            yield from self._end()

    def told(self) -> Usage | None:
        return self._usage

    def _payload(self, payload: bytes) -> Iterator[Event]:
        if self._over:
            return
        chunk = decode_payload(CHUNK, payload)
        if not is_null(chunk.error):
            self._over = True
            yield from self._closed(complete=False)
            yield StreamFailed(error_in_reply(payload))
            return
        if chunk.usage_metadata is not None:
            self._usage = usage_of(chunk.usage_metadata) or self._usage
            counts = chunk.usage_metadata
            self._tier = counts.service_tier or counts.snake_service_tier or self._tier
        if not self._started:
            self._started = True
            yield MessageStart(chunk.response_id or "", chunk.model_version or "", self._usage)
        self._feedback(chunk)
        for candidate in chunk.candidates or ():
            if self._is_read(candidate):
                yield from self._candidate(candidate)

    def _feedback(self, chunk: Chunk) -> None:
        feedback = chunk.prompt_feedback
        if feedback is not None and feedback.block_reason:
            self._blocked = feedback.block_reason
            self._explanation = feedback.block_reason_message or ""

    def _is_read(self, candidate: Candidate) -> bool:
        if self._single:
            return True
        index = candidate.index or 0
        if self._choice < 0:
            self._choice = index
        return index == self._choice

    def _candidate(self, candidate: Candidate) -> Iterator[Event]:
        self._seen = True
        word = candidate.finish_reason
        if word and word != UNSPECIFIED:
            self._word = word
            self._explanation = candidate.finish_message or ""
        parts: _Decoded = []
        if candidate.content is not None:
            parts = [(decode_payload(PART, raw), raw) for raw in candidate.content.parts or ()]
        self._search = web_search_of(candidate, self._search)
        sources: Sequence[PlacedCitation] = ()
        if not (is_null(candidate.grounding_metadata) and is_null(candidate.citation_metadata)):
            sources = citations_of(candidate)
        if not sources:
            for part, raw in parts:
                yield from self._part(part, raw)
            return
        yield from self._with_sources(parts, sources)

    def _with_sources(self, parts: _Decoded, sources: Sequence[PlacedCitation]) -> Iterator[Event]:
        """The parts, each source told while the text it belongs to is open."""
        texts = [
            n for n, (part, _) in enumerate(parts) if part.text is not None and not part.thought
        ]
        last = texts[-1] if texts else -1
        if not texts:
            yield from self._cited(sources)
        for number, (part, raw) in enumerate(parts):
            yield from self._part(part, raw)
            if number in texts:
                yield from self._cited(
                    [
                        source
                        for source in sources
                        if source.part_index == number
                        or (number == last and source.part_index not in texts)
                    ]
                )

    def _cited(self, sources: Sequence[PlacedCitation]) -> Iterator[Event]:
        if self._open is TextPart and sources:
            citations = [source.citation for source in sources]
            for citation in in_characters(citations, self._text):
                yield PartCitation(citation)

    def _part(self, part: Part, raw: Raw) -> Iterator[Event]:
        call = part.function_call
        if call is not None:
            yield from self._call(call, part.thought_signature)
        elif part.text is not None or (part.thought_signature and _is_bare(part, raw)):
            yield from self._words(part)
        else:
            whole = other_part(part, raw)
            if isinstance(whole, MediaPart):
                whole = replace(whole, state=self._signed(part.thought_signature))
            if whole is not None:
                yield from self._closed()
                yield PartStart(whole)
                yield PartEnd()

    def _words(self, part: Part) -> Iterator[Event]:
        text = part.text
        state = self._signed(part.thought_signature)
        if not text and state is None:
            return
        kind = ThinkingPart if part.thought else TextPart
        if self._open is not kind or self._state is not None:
            yield from self._closed()
            self._open = kind
            yield PartStart(kind(""))
        if text:
            if kind is TextPart and self._kept < _KEPT_CHARACTERS:
                self._text.append(text)
                self._kept += len(text)
            yield PartDelta(text)
        self._state = state

    def _signed(self, signature: str | None) -> Opaque | None:
        if not signature or not self._origin or signature == NO_SIGNATURE:
            return None
        return Opaque(self._origin, signature)

    def _call(self, call: FunctionCall, signature: str | None) -> Iterator[Event]:
        if self._args is not None and not call.name:
            yield from self._more_args(self._args, call)
            return
        if not call.name:
            if is_null(call.args) and not call.partial_args:
                return  # the end of a call that was over
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "a call has no name")
        yield from self._closed()
        self._calls += 1
        self._called = True
        call_id = call.id or made_id(self._seed, self._calls)
        yield PartStart(ToolCallPart(call_id, call.name))
        self._open = ToolCallPart
        self._state = self._signed(signature)
        if call.will_continue or call.partial_args:
            self._args = PartialArgs()
            yield from self._more_args(self._args, call)
        else:
            yield PartDelta(arguments_of(call.args))
            yield from self._closed()

    def _more_args(self, args: PartialArgs, call: FunctionCall) -> Iterator[Event]:
        for piece in call.partial_args or ():
            args.add(piece)
        if not call.will_continue:
            yield PartDelta(args.text())
            self._args = None
            yield from self._closed()

    def _closed(self, *, complete: bool = True) -> Iterator[Event]:
        """The end of the open part, if there is one; a call that still grows is never complete (T56)."""
        if self._open is None:
            return
        if self._args is not None:
            self._args = None
            complete = False
        self._open = None
        state, self._state = self._state, None
        self._text.clear()
        self._kept = 0
        yield PartEnd(state, complete)

    def _end(self) -> Iterator[Event]:
        self._over = True
        word = self._word
        if not word and not self._blocked and self._framing.whole and self._seen:
            word = "STOP"  # a body that is complete has ended
        if word in BROKEN:
            yield from self._closed(complete=False)
            yield StreamFailed(broken_error(word, self._explanation))
        elif word or self._blocked:
            finish = finish_of(word) if word else FinishReason.CONTENT_FILTER
            yield from self._closed(complete=finish is not FinishReason.LENGTH)
            if self._search.query:
                yield PartStart(search_part(self._search, self._origin))
                yield PartEnd()
            filtered = finish is FinishReason.CONTENT_FILTER
            yield MessageEnd(
                settled_finish(finish, called=self._called),
                usage=self._usage,
                reason=(word or self._blocked) if filtered else "",
                explanation=self._explanation if filtered else "",
                service_tier=self._tier,
            )
        else:
            yield from self._closed(complete=False)
            yield StreamFailed(reply_error(self._missing_end()))

    def _missing_end(self) -> KorProxyError:
        if self._framing.whole:
            return KorProxyError(UPSTREAM_INVALID_REPLY, "it has no candidates")
        return KorProxyError(STREAM_CUT, "no finish reason came")


def arguments_of(args: Raw) -> str:
    """A call's arguments as text of an object; an object's text stays as it is."""
    text = halves_again(bytes(args).decode("utf-8", "replace"))
    return text if text[:1] == "{" else arguments_object(text)


def _is_bare(part: Part, raw: Raw) -> bool:
    """Whether a part without text says nothing but its signature (T79)."""
    return part.inline_data is None and part.file_data is None and other_part(part, raw) is None
