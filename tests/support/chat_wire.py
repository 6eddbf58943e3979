"""What tests of the Chat dialect share: short ways to write replies, and to say what was made of them."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from korproxy_addons.config.habits import COMPATIBLE_CHAT, Habits, ModelFacts
from korproxy_addons.dialects.base import DecodeContext, Inbound, ReplyContext, Target
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.ids import IdSource
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.openai_chat import DIALECT
from support.cut import cut

DONE = b"data: [DONE]\n\n"
PLAIN = msgspec.structs.replace(COMPATIBLE_CHAT, think_tags=False)
FACTS = ModelFacts("up-1")


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **rest: Any) -> bytes:
    """A frame with one choice; `rest` are fields of the chunk."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return data({"id": "c-1", "model": "up-1", "choices": [choice], **rest})


def data(value: Any) -> bytes:
    """A frame with any JSON."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


def call(
    arguments: str | None = None, name: str | None = None, call_id: str | None = None, **rest: Any
) -> dict[str, Any]:
    """A piece of a function call; `index` and the rest by name."""
    function = {"name": name, "arguments": arguments}
    piece: dict[str, Any] = {
        "function": {key: value for key, value in function.items() if value is not None}
    }
    return piece | ({} if call_id is None else {"id": call_id}) | rest


def calls(*pieces: dict[str, Any], finish: str | None = None) -> bytes:
    """A frame with pieces of calls."""
    return chunk({"tool_calls": list(pieces)}, finish)


def whole(message: dict[str, Any], finish: str | None = "stop", **rest: Any) -> bytes:
    """A whole body."""
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return json.dumps({"id": "c-1", "model": "up-1", "choices": [choice], **rest}).encode()


def decoded(
    reply: bytes,
    *,
    streamed: bool = True,
    size: int = 0,
    habits: Habits = PLAIN,
    choices: int = 1,
) -> list[Event]:
    """All events of a reply that comes in pieces of `size` bytes (0: in one); they obey the grammar."""
    decoder = DIALECT.decoder(DecodeContext(streamed, habits, IdSource("seed"), choices))
    events: list[Event] = []
    for piece in cut(reply, size or len(reply) or 1):
        events += decoder.feed(piece)
    events += decoder.close()
    assert violation(events) == ""
    return events


def encoded(events: Iterable[Event], *, streamed: bool = True, include_usage: bool = True) -> bytes:
    """The answer to a client who named the model "m"."""
    context = ReplyContext(streamed, "m", IdSource("seed"), 1_795_000_000, include_usage)
    encoder = DIALECT.encoder(context)
    return b"".join(map(encoder.feed, events))


def payloads(stream: bytes) -> list[Any]:
    """The JSON of every frame; "[DONE]" as a string."""
    frames = [frame for frame in stream.decode().split("\n\n") if frame.startswith("data: ")]
    return [
        frame[6:] if frame == "data: [DONE]" else json.loads(frame.removeprefix("data: "))
        for frame in frames
    ]


def told(events: Iterable[Event]) -> dict[str, Any]:
    """
    What an answer says, however it was cut.

    Returns:
        parts (each [kind, words, ...]), and finish, usage, tier or error.
    """
    out: dict[str, Any] = {"parts": []}
    for event in events:
        if isinstance(event, PartStart):
            shell = msgspec.structs.asdict(event.part)
            kind = type(event.part).__name__.removesuffix("Part")
            text = shell.pop("arguments", None) if kind == "ToolCall" else shell.pop("text", "")
            out["parts"].append({**_said(shell), "kind": kind, "text": text or ""})
        elif isinstance(event, PartDelta):
            out["parts"][-1]["text"] += event.text
        elif isinstance(event, PartCitation):
            out["parts"][-1].setdefault("cited", []).append(event.citation.url)
        elif isinstance(event, PartEnd):
            if event.state is not None:
                out["parts"][-1]["state"] = event.state.data
            if not event.complete:
                out["parts"][-1]["cut"] = True
        elif isinstance(event, MessageEnd):
            out["finish"] = event.finish.value
            out["tier"] = event.service_tier
            out["usage"] = event.usage and _said(msgspec.to_builtins(event.usage))
        elif isinstance(event, StreamFailed):
            out["error"] = [event.error.kind.value, event.error.code]
        else:
            assert isinstance(event, KeepAlive) or not out["parts"]
    return out


def asked(body: Any, **inbound: Any) -> ChatRequest:
    """A request that was decoded."""
    return DIALECT.decode_request(Inbound(json.dumps(body).encode(), **inbound))


def sent(
    request: ChatRequest | dict[str, Any],
    habits: Habits = COMPATIBLE_CHAT,
    facts: ModelFacts = FACTS,
    *,
    stream: bool = False,
) -> tuple[Any, list[str]]:
    """The body that an upstream gets, and the losses as text."""
    if isinstance(request, dict):
        request = asked(request)
    out = DIALECT.encode_request(request, Target("up-1", habits, facts, stream))
    return json.loads(out.body), [str(loss) for loss in out.losses]


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value not in ("", None, False, 0, ())}
