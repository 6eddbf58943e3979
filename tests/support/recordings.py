"""Recorded exchanges, made up: a client of Messages, answered by an upstream of Chat at the second try."""

import json
from pathlib import Path
from typing import Any

from msgspec import structs

from korproxy_addons.io.recordings import Recordings, Room
from korproxy_addons.recording.record import (
    BodyShape,
    RecordedAttempt,
    RecordedMessage,
    Recording,
    encode_recording,
)

STARTED_AT = 1_790_000_000.25
ASKED: dict[str, Any] = {
    "model": "claude-opus-5-5",
    "max_tokens": 64,
    "stream": True,
    "messages": [{"role": "user", "content": "Say it"}],
}
SENT: dict[str, Any] = {
    "model": "gpt-6",
    "max_completion_tokens": 64,
    "stream": True,
    "stream_options": {"include_usage": True},
    "messages": [{"role": "user", "content": "Say it"}],
}
JSON = ("Content-Type", "application/json")
EVENTS = ("content-type", "text/event-stream; charset=utf-8")


def chat_stream(text: str = "Aye", *, model: str = "gpt-6", done: bool = True) -> str:
    """What an upstream of Chat says in a stream."""
    head = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": model}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": {"role": "assistant", "content": it}, "finish_reason": None}]}
        for it in text
    ]  # fmt: skip
    chunks.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    chunks.append(
        {**head, "choices": [], "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11}}
    )  # fmt: skip
    lines = [f"data: {json.dumps(it)}\n\n" for it in chunks]
    return "".join(lines if done else lines[:-2]) + ("data: [DONE]\n\n" if done else "")


def messages_stream(text: str = "Aye", *, model: str = "claude-opus-5-5") -> str:
    """What a client of Messages is told in a stream."""
    usage = {"input_tokens": 9, "output_tokens": 1}
    message: dict[str, Any] = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": model, "content": [],
        "stop_reason": None, "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
    ]  # fmt: skip
    return "".join(f"event: {it['type']}\ndata: {json.dumps(it)}\n\n" for it in events)


def asking(
    url: str, body: Any, *headers: tuple[str, str], shape: BodyShape | None = None
) -> RecordedMessage:
    """A request with a JSON body."""
    return RecordedMessage(
        method="POST", url=url, headers=(JSON, *headers), body=json.dumps(body), shape=shape
    )


def saying(status: int, body: str, *headers: tuple[str, str]) -> RecordedMessage:
    """A reply."""
    return RecordedMessage(status=status, headers=headers or (EVENTS,), body=body)


def recording(**changed: Any) -> Recording:
    """The exchange, with some of it changed."""
    overloaded = json.dumps({"error": {"message": "overloaded", "type": "server_error"}})
    url = "https://api.openai.com/v1/chat/completions"
    request = asking(url, SENT, ("authorization", "sha256:0badf00d"))
    first = RecordedAttempt(
        number=1, account="one", label="First", provider="codex", access="api-key", dialect="openai-chat",
        model="gpt-6", request=request, reply=saying(503, overloaded, JSON), code="KP-PROV-103",
        sent_ms=2.0, first_byte_ms=20.0, ended_ms=21.0,
    )  # fmt: skip
    second = structs.replace(
        first, number=2, account="two", label="Second", reply=saying(200, chat_stream()), code="",
        sent_ms=23.5, first_byte_ms=60.0, ended_ms=90.0,
    )  # fmt: skip
    made = Recording(
        id="kp" + "0198c0de" * 3 + "0001",
        request_id="request-1",
        started_at=STARTED_AT,
        mode="content",
        tool="claude-code",
        client_dialect="anthropic-messages",
        operation="generate",
        requested_model="claude-opus-5-5",
        streamed=True,
        request=asking(
            "http://127.0.0.1:1337/v1/messages?beta=true",
            ASKED,
            ("x-api-key", "sha256:1badf00d"),
            ("anthropic-version", "2023-06-01"),
            ("User-Agent", "claude-cli/2.1.0"),
        ),
        attempts=(first, second),
        reply=saying(200, messages_stream(), EVENTS, ("x-korproxy-account", "Second")),
        why=("first candidate", "failover"),
        outcome="ok",
        first_byte_ms=60.5,
        total_ms=91.0,
    )
    return structs.replace(made, **changed)


def keep(home: Path, made: Recording) -> Recording:
    """Put a recording where the gateway puts it."""
    Recordings(home).save(made.id, encode_recording(made), b"", Room(exchanges=100, bytes=10**8))
    return made
