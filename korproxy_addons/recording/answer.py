"""What a recorded reply says, whatever its dialect and whether it was streamed: so that two of them can be compared."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

from korproxy_addons.config.habits import Habits
from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.base import DecodeContext, Decoder
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    MediaPart,
    RefusalPart,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.sse import DONE, Frame, frame_bytes, frames_in
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.code_assist import unwrap_envelope

EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True)
class Call:
    """A tool that the model calls: its name, and its arguments as text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """
    One reply's content.

    Attributes:
        text: What a person reads; a refusal is one.
        thinking: Reasoning, as far as it is shown.
        calls: In order.
        others: Sorts of what else it holds, in order.
        finish: Why it ended; "" if it does not say.
        model: The model by the name that the reply gives it.
        usage: Tokens; None if it does not say.
        error: What went wrong, in words; "" if nothing did.
        events: Of a stream; 0 for one body.
    """

    text: str = ""
    thinking: str = ""
    calls: tuple[Call, ...] = ()
    others: tuple[str, ...] = ()
    finish: str = ""
    model: str = ""
    usage: Usage | None = None
    error: str = ""
    events: int = 0

    @property
    def empty(self) -> bool:
        """Whether nothing of an answer was found."""
        return not (self.text or self.thinking or self.calls or self.others)


def answer_in(dialect_id: str, status: int, content_type: str, body: bytes) -> Answer:
    """
    What a reply says.

    Args:
        dialect_id: Dialect of the reply; one that is not known says nothing.
        status: Its HTTP status; other than 2xx it is an error.
        content_type: As its head says.
        body: Decompressed.
    """
    try:
        spoken = dialect(dialect_id)
    except KeyError:
        return Answer()
    if not 200 <= status < 300:
        return Answer(error=spoken.read_error(status, body).message)
    payloads = payloads_in(content_type, body)
    unwrap = unwrap_envelope if dialect_id == "gemini" else bytes
    context = DecodeContext(
        streamed=payloads is not None,
        habits=Habits(dialect=dialect_id, think_tags=True),
        ids=IdSource("recorded"),
    )
    if payloads is None:
        chunks = [unwrap(body)]
    else:
        chunks = [
            frame_bytes(it.data if it.data == DONE else unwrap(it.data), it.event)
            for it in payloads
        ]
    read = _Reading(len(payloads or ()))
    return read.of(spoken.decoder(context), chunks)


def payloads_in(content_type: str, body: bytes) -> tuple[Frame, ...] | None:
    """
    The events of a streamed reply; None if it is one body.

    A stream that is sent as one JSON array (Gemini's without `alt=sse`) has its items for events.
    """
    if content_type.partition(";")[0].strip().lower() == EVENT_STREAM or _looks_streamed(body):
        try:
            return tuple(frames_in(body))
        except KorProxyError:
            return None
    if not body.lstrip().startswith(b"["):
        return None
    try:
        items = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return tuple(Frame("", json.dumps(it).encode()) for it in items)


def _looks_streamed(body: bytes) -> bool:
    return body.startswith((b"data:", b"event:", b": "))


class _Reading:
    """Takes in events, and says what they add up to."""

    def __init__(self, events: int) -> None:
        self._events = events
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._calls: list[tuple[str, list[str]]] = []
        self._others: list[str] = []
        self._open: list[str] = []
        self._finish = self._model = self._error = ""
        self._usage: Usage | None = None

    def of(self, decoder: Decoder, chunks: list[bytes]) -> Answer:
        try:
            for event in _events(decoder, chunks):
                self._take(event)
        except KorProxyError as error:
            self._error = self._error or error.message()
        return Answer(
            "".join(self._text),
            "".join(self._thinking),
            tuple(Call(name, "".join(parts)) for name, parts in self._calls),
            tuple(self._others),
            self._finish,
            self._model,
            self._usage or decoder.told(),
            self._error,
            self._events,
        )

    def _take(self, event: Event) -> None:
        match event:
            case MessageStart(model=model):
                self._model = model
            case PartStart(part=part):
                self._begin(part)
            case PartDelta(text=text):
                self._open.append(text)
            case MessageEnd(finish=finish, usage=usage):
                self._finish, self._usage = str(finish), usage
            case StreamFailed(error=error):
                self._error = error.message
            case _:
                pass

    def _begin(self, part: object) -> None:
        self._open = []
        match part:
            case TextPart() | RefusalPart():
                self._open = self._text
            case ThinkingPart():
                self._open = self._thinking
            case ToolCallPart(name=name):
                self._calls.append((name, self._open))
            case MediaPart(kind=kind):
                self._others.append(str(kind))
            case ServerToolPart(type=sort):
                self._others.append(sort)
            case _:
                self._others.append(type(part).__name__.removesuffix("Part").lower())


def _events(decoder: Decoder, chunks: list[bytes]) -> Iterator[Event]:
    for chunk in chunks:
        yield from decoder.feed(chunk)
    yield from decoder.close()
