"""Reads a Chat reply, streamed or whole, of OpenAI or of the many servers that speak nearly like it."""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.base import DecodeContext
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    ReplyError,
    StreamFailed,
    reply_error,
)
from korproxy_addons.dialects.media import audio_mime, media_from_url, sniffed_mime
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    Usage,
)
from korproxy_addons.dialects.openai_chat.errors import reported_error
from korproxy_addons.dialects.openai_chat.outcome import Outcome
from korproxy_addons.dialects.openai_chat.parts import REFUSAL, TEXT, THINKING, Parts
from korproxy_addons.dialects.openai_chat.reply_wire import (
    ANNOTATION,
    AudioPiece,
    CallPiece,
    Chunk,
    ContentPiece,
    Delta,
    read_chunk,
)
from korproxy_addons.dialects.openai_chat.think_tags import ThinkTags
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, Frame, SseParser
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

DIALECT_ID: Final = "openai-chat"
_CUT_BY: Final = frozenset(
    {FinishReason.LENGTH, FinishReason.CONTEXT_LENGTH, FinishReason.CONTENT_FILTER}
)
_ALIVE: Final = frozenset({"keepalive", "keep-alive", "ping", "heartbeat"})
_LEGACY_INDEX: Final = -1  # `function_call` has none; no call of `tool_calls` has this one


class ChatDecoder:
    """One reply. See `base.Decoder`."""

    __slots__ = (
        "_audio",
        "_body",
        "_first_only",
        "_origin",
        "_outcome",
        "_over",
        "_parts",
        "_sse",
        "_started",
        "_tags",
    )

    def __init__(self, context: DecodeContext) -> None:
        self._sse = SseParser() if context.streamed else None
        self._body = Body()
        self._first_only = context.choices > 1
        self._origin = context.habits.state_origin
        self._parts = Parts(context.ids.seed)
        self._outcome = Outcome()
        self._tags = ThinkTags() if context.habits.think_tags else None
        self._audio: list[str] = []
        self._started = False
        self._over = False

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._over:
            return
        if self._sse is None:
            self._body.feed(data)
            return
        try:
            for frame in self._sse.feed(data):
                yield from self._frame(frame)
        except KorProxyError:
            self._over = True
            raise

    def told(self) -> Usage | None:
        return self._outcome.usage.usage()

    def close(self) -> Iterator[Event]:
        if self._over:
            return
        if self._sse is None:
            try:
                yield from self._whole()
            finally:
                self._over = True
            return
        for frame in self._sse.close():
            try:
                events = self._frame(frame)
            except KorProxyError:  # half a frame: it was cut there
                break
            yield from events
        yield from self._closed()

    def _closed(self) -> list[Event]:
        """The end of a stream that has not said `[DONE]` (T111)."""
        out: list[Event] = []
        if not self._over:
            if self._outcome.finish is not None:
                self._end(out)
            else:
                self._cut(out)
        return out

    def _whole(self) -> list[Event]:
        out: list[Event] = []
        chunk = read_chunk(self._body.close())
        self._chunk(chunk, out)
        if not self._over:
            if not chunk.choices:
                raise KorProxyError(UPSTREAM_INVALID_REPLY, "the answer has no choices")
            self._end(out)
        return out

    def _frame(self, frame: Frame) -> list[Event]:
        out: list[Event] = []
        if self._over:
            return out
        data = frame.data
        if data[:1] != b"{":
            data = data.strip()
            if data == DONE:
                self._outcome.done = True
                self._done(out)
                return out
            if frame.event == "error":
                self._fail(reported_error(data.decode("utf-8", "replace")), out)
                return out
            if not data or frame.event in _ALIVE:
                out.append(KeepAlive())
                return out
        self._chunk(read_chunk(data), out)
        return out

    def _chunk(self, chunk: Chunk, out: list[Event]) -> None:
        outcome = self._outcome
        choices = chunk.choices
        if not choices or chunk.usage or chunk.error or chunk.service_tier or chunk.x_groq:
            outcome.take(chunk)
        if choices is None and outcome.error is None and chunk.usage is None and not chunk.id:
            out.append(KeepAlive())
            return
        if not self._started and (choices or outcome.error is None):
            self._started = True
            out.append(MessageStart(chunk.id or "", chunk.model or ""))
        for choice in choices or ():
            if self._first_only and choice.index:
                continue
            delta = choice.delta or choice.message
            if delta is not None:
                self._delta(choice.index or 0, delta, out)
            if choice.finish_reason or choice.usage is not None or choice.error:
                outcome.take_choice(choice)
        if outcome.error is not None:
            self._fail(outcome.error, out)

    def _delta(self, choice: int, delta: Delta, out: list[Event]) -> None:
        parts = self._parts
        # the same words under both names: one of them is enough (T82)
        thinking = delta.reasoning_content or delta.reasoning
        if not thinking and delta.reasoning_details:
            thinking = "".join(
                detail.text or detail.summary or "" for detail in delta.reasoning_details
            )
        if thinking:
            parts.words(THINKING, thinking, out)
        content = delta.content
        if content:
            if isinstance(content, str):
                self._text(content, out)
            else:
                for piece in content:
                    self._piece(piece, out)
        if delta.refusal:
            parts.words(REFUSAL, delta.refusal, out)
        if delta.audio is not None:
            self._spoken(delta.audio, out)
        if delta.annotations:
            self._annotations(delta.annotations, out)
        for image in delta.images or ():
            self._piece(image, out)
        if delta.tool_calls:
            self._flush_tags(out)
            alone = len(delta.tool_calls) == 1
            for position, call in enumerate(delta.tool_calls):
                parts.call(choice, -1 if alone else position, call, self._state(call), out)
        if delta.function_call is not None:
            self._flush_tags(out)
            legacy = CallPiece(_LEGACY_INDEX, function=delta.function_call)
            parts.call(choice, -1, legacy, None, out)

    def _text(self, text: str, out: list[Event]) -> None:
        if self._tags is None:
            self._parts.words(TEXT, text, out)
            return
        self._told(*self._tags.feed(text), out)

    def _told(self, thinking: str, text: str, out: list[Event]) -> None:
        if thinking:
            self._parts.words(THINKING, thinking, out)
        if text:
            self._parts.words(TEXT, text, out)

    def _flush_tags(self, out: list[Event]) -> None:
        if self._tags is not None:
            self._told(*self._tags.close(), out)

    def _piece(self, piece: ContentPiece | str, out: list[Event]) -> None:
        """An entry of a list in `content` or `images`."""
        if isinstance(piece, str):
            self._text(piece, out)
        elif piece.image_url is not None:
            image = piece.image_url
            url = image if isinstance(image, str) else image.url
            if url:
                self._parts.media(media_from_url(url, MediaKind.IMAGE), out)
        elif piece.thinking:
            thinking = _joined(piece.thinking)
            if thinking:
                self._parts.words(THINKING, thinking, out)
        elif piece.text:
            self._text(piece.text, out)

    def _spoken(self, audio: AudioPiece, out: list[Event]) -> None:
        if audio.transcript:
            self._parts.words(TEXT, audio.transcript, out)
        if audio.data:
            self._audio.append(audio.data)

    def _annotations(self, raws: list[Raw], out: list[Event]) -> None:
        for raw in raws:
            try:
                annotation = decode_payload(ANNOTATION, bytes(raw))
            except KorProxyError:
                continue
            found = annotation.url_citation
            citation = Citation(DIALECT_ID, Raw(bytes(raw)))
            if found is not None:
                citation = Citation(
                    DIALECT_ID,
                    citation.raw,
                    url=found.url or "",
                    title=found.title or "",
                    start=-1 if found.start_index is None else found.start_index,
                    end=-1 if found.end_index is None else found.end_index,
                )
            self._parts.citation(citation, out)

    def _state(self, call: CallPiece) -> Opaque | None:
        extra = call.extra_content
        if not self._origin or extra is None or extra.google is None:
            return None
        signature = extra.google.thought_signature
        return Opaque(self._origin, signature) if signature else None

    def _done(self, out: list[Event]) -> None:
        """`[DONE]`: an end if nothing is half (T111)."""
        if self._outcome.finish is None and self._parts.unfinished:
            self._cut(out)
        else:
            self._end(out)

    def _end(self, out: list[Event]) -> None:
        self._over = True
        if not self._started:
            out.append(MessageStart())
        self._flush_tags(out)
        if self._audio:
            data = "".join(self._audio)
            mime = sniffed_mime(data) or audio_mime("pcm16")
            self._parts.media(MediaPart(MediaKind.AUDIO, mime=mime, base64=data), out)
        outcome = self._outcome
        if not self._parts.close(out, cut=outcome.finish in _CUT_BY):
            return
        finish = outcome.settled(called=self._parts.called, refused=self._parts.refused)
        filtered = finish is FinishReason.CONTENT_FILTER
        out.append(
            MessageEnd(
                finish,
                usage=outcome.usage.usage(),
                reason=outcome.native_reason if filtered else "",
                service_tier=outcome.service_tier,
            )
        )

    def _cut(self, out: list[Event]) -> None:
        self._over = True
        self._flush_tags(out)
        self._parts.abandon(out)
        out.append(StreamFailed(reply_error(KorProxyError(STREAM_CUT))))

    def _fail(self, error: ReplyError, out: list[Event]) -> None:
        self._over = True
        out.append(StreamFailed(error))


def _joined(thinking: str | list[Any]) -> str:
    if isinstance(thinking, str):
        return thinking
    return "".join(piece if isinstance(piece, str) else piece.text or "" for piece in thinking)
