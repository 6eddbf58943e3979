"""Gemini's bytes and the road through its dialect, for the tests of that dialect."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from korproxy_addons.config.habits import GEMINI_API, Habits, ModelFacts
from korproxy_addons.dialects.base import DecodeContext, Inbound, ReplyContext, Target
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.gemini import DIALECT
from korproxy_addons.dialects.gemini.decoder import Decoder
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import (
    ChatRequest,
    Message,
    Opaque,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from support.cut import cut

MODEL = "gemini-3.8-flash"
SIGNED = Opaque("google", "U2lnbmVk")


def chunk(*parts: dict[str, Any], finish: str = "", **fields: Any) -> dict[str, Any]:
    """One chunk of a stream, or a whole reply."""
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {"candidates": [candidate], **fields}


def sse(*chunks: dict[str, Any]) -> bytes:
    """Chunks as Google streams them."""
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in chunks)


def decoder(*, streamed: bool = True, habits: Habits = GEMINI_API, choices: int = 1) -> Decoder:
    """A decoder with the seed "seed"."""
    return Decoder(DecodeContext(streamed, habits, IdSource("seed"), choices))


def decoded(data: bytes, *, streamed: bool = True, size: int = 0) -> list[Event]:
    """The events of a reply, cut into pieces of `size` bytes; they must obey the grammar."""
    reading = decoder(streamed=streamed)
    events: list[Event] = []
    for piece in cut(data, size or max(1, len(data))):
        events += reading.feed(piece)
    events += reading.close()
    assert violation(events) == ""
    return events


def reply_context(*, streamed: bool = True, sse: bool = True) -> ReplyContext:
    """What an encoder is told."""
    return ReplyContext(streamed, "gemini-for-me", IdSource("answer"), 1_795_000_000, sse=sse)


def encoded(events: Iterable[Event], *, streamed: bool = True, sse: bool = True) -> bytes:
    """An answer's bytes."""
    encoder = DIALECT.encoder(reply_context(streamed=streamed, sse=sse))
    return b"".join(encoder.feed(event) for event in events)


def joined(events: Sequence[Event]) -> list[Event]:
    """The events with neighbouring deltas as one, and a start that says nothing of the upstream."""
    out: list[Event] = []
    for event in events:
        if isinstance(event, PartDelta) and out and isinstance(last := out[-1], PartDelta):
            out[-1] = PartDelta(last.text + event.text)
        else:
            out.append(MessageStart() if isinstance(event, MessageStart) else event)
    return out


def words(events: Sequence[Event]) -> list[tuple[str, str]]:
    """Kind and content of each part: "text", "thinking", or the name of a called tool."""
    found: list[tuple[str, str]] = []
    for event in events:
        if isinstance(event, PartStart):
            part = event.part
            kind = type(part).__name__
            if isinstance(part, TextPart | ThinkingPart):
                kind = "text" if isinstance(part, TextPart) else "thinking"
            elif isinstance(part, ToolCallPart):
                kind = part.name
            found.append((kind, ""))
        elif isinstance(event, PartDelta):
            found[-1] = (found[-1][0], found[-1][1] + event.text)
    return found


def states(events: Sequence[Event]) -> list[str]:
    """The signature that each part ended with, "" for none."""
    ends = [event for event in events if isinstance(event, PartEnd)]
    return [event.state.data if event.state else "" for event in ends]


def end(events: Sequence[Event]) -> MessageEnd:
    """The good end."""
    last = events[-1]
    assert isinstance(last, MessageEnd)
    return last


def inbound(body: Any, **fields: Any) -> Inbound:
    """A client's request."""
    return Inbound(json.dumps(body).encode(), **{"path_model": MODEL, **fields})


def request(body: Any) -> ChatRequest:
    """A client's request, decoded."""
    return DIALECT.decode_request(inbound(body))


def target(habits: Habits = GEMINI_API, **facts: Any) -> Target:
    """An upstream for `MODEL`."""
    return Target(MODEL, habits, ModelFacts(MODEL, **facts), stream=True)


def body_of(asked: ChatRequest, to: Target | None = None) -> dict[str, Any]:
    """The body for an upstream."""
    made: dict[str, Any] = json.loads(DIALECT.encode_request(asked, to or target()).body)
    return made


def lost(asked: ChatRequest, to: Target | None = None) -> set[str]:
    """The features that a request loses."""
    return {loss.feature.value for loss in DIALECT.encode_request(asked, to or target()).losses}


def asked(*messages: Message, source: str = "openai-chat", **fields: Any) -> ChatRequest:
    """A request of another dialect; without messages it says "hi"."""
    said = messages or (Message(Role.USER, (TextPart("hi"),)),)
    return ChatRequest(source, MODEL, said, **fields)
