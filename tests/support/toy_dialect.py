"""A dialect of one-word frames, to test the translators without any real one."""

from collections.abc import Iterator
from typing import cast

from korproxy_addons.dialects.base import (
    DecodeContext,
    Dialect,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    StreamFailed,
)
from korproxy_addons.dialects.model import (
    ChatRequest,
    FinishReason,
    TextPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.sse import SseParser, frame_bytes, frames_in

USAGE = Usage(input_tokens=3, output_tokens=2)


class ToyDecoder:
    """Words: start, text, call ID NAME, +TEXT, -, ping, end, calls, crash, jumble."""

    def __init__(self, context: DecodeContext) -> None:
        self._parser = SseParser(limit_bytes=1000)
        self._body = None if context.streamed else Body()
        self._told: Usage | None = None

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._body is not None:
            self._body.feed(data)
            return
        for frame in self._parser.feed(data):
            yield self._event(frame.data.decode())

    def close(self) -> Iterator[Event]:
        frames = self._parser.close() if self._body is None else frames_in(self._body.close())
        for frame in frames:
            yield self._event(frame.data.decode())

    def told(self) -> Usage | None:
        return self._told

    def _event(self, word: str) -> Event:
        if word == "ping":
            self._told = USAGE
        events: dict[str, Event] = {
            "start": MessageStart("m1", "toy-1"),
            "text": PartStart(TextPart("")),
            "-": PartEnd(),
            "ping": KeepAlive(),
            "end": MessageEnd(FinishReason.STOP, usage=USAGE),
            "calls": MessageEnd(FinishReason.TOOL_CALLS, usage=USAGE),
            "jumble": PartEnd(),
        }
        if word.startswith("+"):
            return PartDelta(word[1:])
        if word.startswith("call "):
            _, call_id, name = word.split(" ")
            return PartStart(ToolCallPart(call_id, name))
        if word == "crash":
            raise RuntimeError("planted")
        return events[word]


class ToyEncoder:
    """Writes events as words; whole, all of them joined by |."""

    def __init__(self, context: ReplyContext) -> None:
        self._streamed = context.streamed
        self._words: list[str] = []

    def feed(self, event: Event) -> bytes:
        word = self._word(event)
        if self._streamed:
            return frame_bytes(word.encode())
        self._words.append(word)
        return "|".join(self._words).encode() if isinstance(event, MessageEnd) else b""

    def _word(self, event: Event) -> str:
        match event:
            case MessageStart():
                return "start"
            case PartStart(part):
                if isinstance(part, ToolCallPart):
                    return f"call {part.call_id} {part.name}{' custom' if part.custom else ''}"
                return "text"
            case PartDelta("explode"):
                raise RuntimeError("planted in the encoder")
            case PartDelta(text):
                return f"+{text}"
            case PartEnd():
                return "-"
            case MessageEnd(finish):
                return f"end {finish}"
            case StreamFailed(error):
                return f"failed {error.kind}"
        return "ping"


class ToyTap:
    """Knows the end by the word `end` or `calls`."""

    def __init__(self, *, streamed: bool) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.ended = False
        self.error: ReplyError | None = None
        self.seen = b""
        self._streamed = streamed

    def feed(self, data: bytes) -> None:
        self.seen += data
        if b"crash" in data:
            raise RuntimeError("planted in the tap")
        if b"data: end" in data:
            self.ended = True
            self.usage = USAGE
            self.finish = FinishReason.STOP
            self.model = "toy-1"

    def close(self) -> None:
        if self.seen == b"whole":
            self.usage = USAGE

    def failure(self, error: ReplyError) -> bytes:
        return frame_bytes(f"failed {error.kind}".encode()) if self._streamed else b""


class ToyDialect:
    """What the translators call of a dialect."""

    cannot_express: frozenset[str] = frozenset()
    own_origin = "toy"

    def __init__(self, dialect_id: str) -> None:
        self.id = dialect_id

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        return ChatRequest(self.id, inbound.body.decode(), ())

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return EncodedRequest(f"{self.id}:{request.source}:{request.model}:{target.model}".encode())

    def without_sealed(self, body: bytes) -> bytes:
        return b"cleaned:" + body

    def decoder(self, context: DecodeContext) -> ToyDecoder:
        return ToyDecoder(context)

    def encoder(self, context: ReplyContext) -> ToyEncoder:
        return ToyEncoder(context)

    def usage_tap(self, *, streamed: bool) -> ToyTap:
        return ToyTap(streamed=streamed)

    def keep_alive(self) -> bytes:
        return b": toy\n\n"


def toy_dialect(dialect_id: str) -> Dialect:
    """A toy dialect; two ids make two dialects."""
    return cast("Dialect", ToyDialect(dialect_id))


def toy_stream(*words: str) -> bytes:
    """The words as frames."""
    return b"".join(frame_bytes(word.encode()) for word in words)


def toy_words(stream: bytes) -> list[str]:
    """The words of frames."""
    return [frame.data.decode() for frame in frames_in(stream)]
