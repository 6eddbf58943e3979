"""What tests of the Responses dialect share: short ways to write replies, and to say what was made of them."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from korproxy_addons.config.habits import CODEX_BACKEND, OPENAI_RESPONSES, Habits, ModelFacts
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
from korproxy_addons.dialects.model import ChatRequest, FinishReason, Message, Usage
from korproxy_addons.dialects.openai_responses import DIALECT
from korproxy_addons.dialects.sse import frames_in
from support.cut import cut

MODEL = "the-clients-name"
CREATED_AT = 1_795_000_000
DEFAULT = OPENAI_RESPONSES
PLAN = CODEX_BACKEND
FACTS = ModelFacts("up-1")


def frame(kind: str, **fields: Any) -> bytes:
    """An event of a stream, as a service writes it."""
    data = json.dumps({"type": kind, **fields}, ensure_ascii=False)
    return f"event: {kind}\ndata: {data}\n\n".encode()


def created(**fields: Any) -> bytes:
    """The first event."""
    answer = {"id": "resp_up", "model": "up-1", "status": "in_progress", "output": [], **fields}
    return frame("response.created", sequence_number=0, response=answer)


def ended(kind: str = "completed", output: Iterable[Any] = (), **fields: Any) -> bytes:
    """The last event."""
    answer = {"id": "resp_up", "model": "up-1", "status": kind, "output": list(output), **fields}
    return frame(f"response.{kind}", sequence_number=99, response=answer)


def added(index: int, kind: str, **fields: Any) -> bytes:
    """An item begins."""
    item = {"id": f"i{index}", "type": kind, "status": "in_progress", **fields}
    return frame("response.output_item.added", output_index=index, item=item)


def done(index: int, kind: str, **fields: Any) -> bytes:
    """An item is done."""
    item = {"id": f"i{index}", "type": kind, "status": "completed", **fields}
    return frame("response.output_item.done", output_index=index, item=item)


def delta(index: int, text: str, kind: str = "output_text", **fields: Any) -> bytes:
    """More of an item."""
    place = {"output_index": index, "item_id": f"i{index}", "content_index": 0, **fields}
    return frame(f"response.{kind}.delta", delta=text, **place)


def said(text: str, **fields: Any) -> dict[str, Any]:
    """A content part with text."""
    return {"type": "output_text", "text": text, "annotations": [], **fields}


def message(text: str, **fields: Any) -> dict[str, Any]:
    """A message item."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed"}
    return {**head, "content": [said(text)], **fields}


def call(name: str, arguments: str, call_id: str = "call_1", **fields: Any) -> dict[str, Any]:
    """A function call item."""
    head = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": call_id}
    return {**head, "name": name, "arguments": arguments, **fields}


def whole(*output: dict[str, Any], **fields: Any) -> bytes:
    """A whole answer."""
    answer = {"id": "resp_up", "object": "response", "model": "up-1", "status": "completed"}
    return json.dumps({**answer, "output": output, **fields}).encode()


def events_of(
    reply: bytes, *, streamed: bool = True, size: int = 0, habits: Habits = DEFAULT
) -> list[Event]:
    """All events of a reply that comes in pieces of `size` bytes (0: in one); they obey the grammar."""
    decoder = DIALECT.decoder(DecodeContext(streamed, habits, IdSource("seed")))
    events: list[Event] = []
    for piece in cut(reply, size or len(reply) or 1):
        events += decoder.feed(piece)
    events += decoder.close()
    assert violation(events) == ""
    return events


def encoded(events: Iterable[Event], *, streamed: bool = True, client_body: Any = None) -> bytes:
    """The answer to a client who named the model `MODEL`."""
    body = b"" if client_body is None else json.dumps(client_body).encode()
    ids = IdSource("seed")
    context = ReplyContext(streamed, MODEL, ids, CREATED_AT, client_body=body)
    encoder = DIALECT.encoder(context)
    return b"".join(map(encoder.feed, events))


def payloads(stream: bytes) -> list[dict[str, Any]]:
    """The JSON of every frame."""
    return [json.loads(each.data) for each in frames_in(stream)]


def answer(*events: Event, finish: FinishReason = FinishReason.STOP, **end: Any) -> list[Event]:
    """A whole answer's events."""
    return [MessageStart("up", "up-1"), *events, MessageEnd(finish, **end)]


def told(events: Iterable[Event]) -> dict[str, Any]:
    """
    What an answer says, however it was cut: parts, and finish, usage, reason, tier or error.

    Item ids are left out: a client gets ids of ours.
    """
    out: dict[str, Any] = {"parts": []}
    for event in events:
        if isinstance(event, PartStart):
            shell = msgspec.to_builtins(event.part, enc_hook=_raw)
            shell.pop("is_summary", None)
            shell.pop("item_id", None)
            text = shell.pop("arguments", "") or shell.pop("text", "")
            kind = type(event.part).__name__.removesuffix("Part")
            out["parts"].append({**_said(shell), "kind": kind, "text": text})
        elif isinstance(event, PartDelta):
            out["parts"][-1]["text"] += event.text
        elif isinstance(event, PartCitation):
            cited = out["parts"][-1].setdefault("cited", [])
            cited.append((event.citation.url, event.citation.start))
        elif isinstance(event, PartEnd):
            if event.state is not None:
                out["parts"][-1]["state"] = (event.state.origin, event.state.data)
            if not event.complete:
                out["parts"][-1]["cut"] = True
        elif isinstance(event, MessageEnd):
            out |= {"finish": event.finish, "reason": event.reason, "tier": event.service_tier}
            out["usage"] = event.usage
        elif isinstance(event, StreamFailed):
            out["error"] = (event.error.kind, event.error.code)
        else:
            assert isinstance(event, KeepAlive | MessageStart)
    return out


def texts(events: Iterable[Event]) -> list[str]:
    """The words of every part."""
    return [part["text"] for part in told(events)["parts"]]


def asked(**fields: Any) -> ChatRequest:
    """A request that was decoded."""
    body = json.dumps({"model": MODEL, "input": "Hi", **fields}).encode()
    return DIALECT.decode_request(Inbound(body))


def foreign(*messages: Message, **fields: Any) -> ChatRequest:
    """A request of a client of another dialect."""
    return ChatRequest("openai-chat", MODEL, messages, **fields)


def encode(
    request: ChatRequest,
    habits: Habits = DEFAULT,
    facts: ModelFacts = FACTS,
    *,
    stream: bool = False,
) -> EncodedRequest:
    """A request for an upstream."""
    return DIALECT.encode_request(request, Target("up-1", habits, facts, stream))


def sent(
    request: ChatRequest,
    habits: Habits = DEFAULT,
    facts: ModelFacts = FACTS,
    *,
    stream: bool = False,
) -> tuple[dict[str, Any], list[str]]:
    """The body that an upstream gets, and the losses as text."""
    out = encode(request, habits, facts, stream=stream)
    return json.loads(out.body), [str(loss) for loss in out.losses]


def _raw(value: Any) -> Any:
    return json.loads(bytes(value))


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value not in ("", None, False, [], ())}


USAGE = Usage(
    input_tokens=130, cached_tokens=100, cache_write_tokens=20, output_tokens=9, reasoning_tokens=4
)
USAGE_BODY = {
    "input_tokens": 130,
    "input_tokens_details": {"cached_tokens": 100, "cache_write_tokens": 20},
    "output_tokens": 9,
    "output_tokens_details": {"reasoning_tokens": 4},
    "total_tokens": 139,
}
