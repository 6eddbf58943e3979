"""Builds and reads the Messages API's wire for tests of that dialect, without any of its own code."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from korproxy_addons.config.habits import ANTHROPIC_API, Habits, ModelFacts
from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.simulator.wire import anthropic_rules

type Json = dict[str, Any]

MODEL = "claude-sonnet-5-5"


def sse(*events: Json) -> bytes:
    """Events as the service frames them."""
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in events
    )


def message_start(**usage: int) -> Json:
    """The first event."""
    message: Json = {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "claude-up",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": usage or {"input_tokens": 10, "output_tokens": 1},
    }
    return {"type": "message_start", "message": message}


def block_start(index: int, **block: Any) -> Json:
    """The start of a block."""
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: int, kind: str, **fields: Any) -> Json:
    """A delta of a block: `delta(0, "text_delta", text="a")`."""
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}}


def block_stop(index: int) -> Json:
    """The end of a block."""
    return {"type": "content_block_stop", "index": index}


def text_block(index: int, *texts: str) -> list[Json]:
    """A block of text."""
    deltas = [delta(index, "text_delta", text=text) for text in texts]
    return [block_start(index, type="text", text=""), *deltas, block_stop(index)]


def call_block(index: int, call_id: str, name: str, *pieces: str) -> list[Json]:
    """A call with its arguments in pieces."""
    deltas = [delta(index, "input_json_delta", partial_json=piece) for piece in pieces]
    start = block_start(index, type="tool_use", id=call_id, name=name, input={})
    return [start, *deltas, block_stop(index)]


def ending(reason: str = "end_turn", **usage: int) -> list[Json]:
    """The last two events."""
    stop = {"stop_reason": reason, "stop_sequence": None}
    counts = usage or {"output_tokens": 7}
    return [{"type": "message_delta", "delta": stop, "usage": counts}, {"type": "message_stop"}]


def decode_context(*, streamed: bool = True, habits: Habits = ANTHROPIC_API) -> DecodeContext:
    """What a decoder is told."""
    return DecodeContext(streamed, habits, IdSource("seed"))


def reply_context(*, streamed: bool = True, input_tokens: int = 0) -> ReplyContext:
    """What an encoder is told."""
    return ReplyContext(
        streamed, MODEL, IdSource("seed"), created_at=1_700_000_000, input_tokens=input_tokens
    )


def decoded(
    data: bytes | Iterable[bytes], *, streamed: bool = True, habits: Habits = ANTHROPIC_API
) -> list[Event]:
    """The events of a whole reply, checked against the grammar."""
    decoder = DIALECT.decoder(decode_context(streamed=streamed, habits=habits))
    events: list[Event] = []
    for piece in (data,) if isinstance(data, bytes) else data:
        events += decoder.feed(piece)
    events += decoder.close()
    assert violation(events) == "", events
    return events


def decoded_or_error(data: Iterable[bytes], *, streamed: bool) -> list[Event] | str:
    """The events, or the code of the error that reading raised; anything else is a failure."""
    try:
        return decoded(data, streamed=streamed)
    except KorProxyError as error:
        return error.spec.code


def encoded(events: Iterable[Event], *, streamed: bool = True, input_tokens: int = 0) -> bytes:
    """The client's bytes for events."""
    encoder = DIALECT.encoder(reply_context(streamed=streamed, input_tokens=input_tokens))
    return b"".join([encoder.feed(event) for event in events])


def events_of(data: bytes) -> list[Json]:
    """The JSON of each frame, whose event name is checked."""
    found = []
    for frame in data.decode().split("\n\n")[:-1]:
        name, _, payload = frame.partition("\n")
        event: Json = json.loads(payload.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    return found


def told(events: Sequence[Event]) -> list[Any]:
    """
    What events say, however it was cut: per part its shell, text, citations, state and completeness.

    Pings, ids of the answer and the order of words and citations are left out; JSON is compared as values.
    """
    found: list[Any] = []
    text: list[str] = []
    citations: list[Any] = []
    for event in events:
        if isinstance(event, PartStart):
            found.append(plain(event.part))
            text, citations = [], []
        elif isinstance(event, PartDelta):
            text.append(event.text)
        elif isinstance(event, PartCitation):
            citations.append(plain(event.citation))
        elif isinstance(event, PartEnd):
            found += ["".join(text), citations, plain(event)]
        elif isinstance(event, MessageEnd | StreamFailed):
            found.append(plain(event))
        else:
            assert isinstance(event, KeepAlive | MessageStart)
    return found


def plain(value: Any) -> Any:
    """A value of the model as plain data; raw JSON is parsed, so that blanks do not count."""
    if isinstance(value, msgspec.Raw):
        return json.loads(bytes(value))
    if isinstance(value, msgspec.Struct):
        fields = {name: plain(getattr(value, name)) for name in value.__struct_fields__}
        return {"is": type(value).__name__, **fields}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    return value


def request_of(**fields: Any) -> ChatRequest:
    """A decoded request of this dialect; one user message where nothing else is said."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], **fields}
    return DIALECT.decode_request(Inbound(json.dumps(body).encode()))


def foreign(**fields: Any) -> ChatRequest:
    """A canonical request that came in another dialect."""
    said = request_of()
    changed: ChatRequest = msgspec.structs.replace(
        said, **{"source": "openai-chat", "max_output_tokens": 1000, **fields}
    )
    return changed


def encode(
    request: ChatRequest,
    facts: ModelFacts | None = None,
    habits: Habits = ANTHROPIC_API,
    *,
    stream: bool = False,
) -> EncodedRequest:
    """The request for an upstream of this dialect."""
    return DIALECT.encode_request(
        request, Target(MODEL, habits, facts or ModelFacts(MODEL), stream)
    )


def body_of(
    request: ChatRequest, facts: ModelFacts | None = None, habits: Habits = ANTHROPIC_API
) -> Json:
    """The JSON of that."""
    body: Json = json.loads(encode(request, facts, habits).body)
    return body


def losses_of(
    request: ChatRequest, facts: ModelFacts | None = None, habits: Habits = ANTHROPIC_API
) -> list[str]:
    """The features that got lost."""
    return [str(loss.feature) for loss in encode(request, facts, habits).losses]


def refusal(body: bytes) -> str | None:
    """What the simulated service refuses a request for; its judge shares no code with the dialect."""
    return anthropic_rules.problem(
        json.loads(body),
        frozenset({"context-management-2025-06-27"}),
        counting=False,
        foreign_signatures=True,
    )
