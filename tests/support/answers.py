"""Smallest whole answers and errors of two dialects, for tests of who is asked rather than of what is said."""

import json
from typing import Any

from support.anthropic_wire import ending, message_start, sse, text_block
from support.fake_upstream import FakeReply, event_stream, json_reply

CHAT, RESPONSES, MESSAGES, GEMINI = (
    "openai-chat",
    "openai-responses",
    "anthropic-messages",
    "gemini",
)


def event(value: Any) -> bytes:
    """One event without a name."""
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def message(text: str = "Aye") -> dict[str, Any]:
    """A whole Anthropic answer."""
    return {
        "id": "msg_up",
        "type": "message",
        "role": "assistant",
        "model": "claude-up",
        "content": [{"type": "text", "text": text}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }


def completion(text: str = "Aye") -> dict[str, Any]:
    """A whole Chat answer."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text},
        "finish_reason": "stop",
    }
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    return {
        "id": "c-1", "object": "chat.completion", "created": 1, "model": "up-1", "choices": [choice],
        "usage": usage,
    }  # fmt: skip


def answer(dialect: str = MESSAGES, text: str = "Aye") -> FakeReply:
    """A reply with a whole answer."""
    return json_reply(message(text) if dialect == MESSAGES else completion(text))


MESSAGE_FRAMES = tuple(
    sse(event) for event in (message_start(input_tokens=3), *text_block(0, "Aye"), *ending())
)
"""A streamed Anthropic answer, event by event."""

_CHUNK = {"id": "c-1", "object": "chat.completion.chunk", "created": 1, "model": "up-1"}
CHAT_FRAMES = (
    *(
        event({**_CHUNK, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
        for delta, finish in (({"role": "assistant", "content": "Aye"}, None), ({}, "stop"))
    ),
    b"data: [DONE]\n\n",
)
"""A streamed Chat answer."""


def stream() -> FakeReply:
    """A reply with a streamed Anthropic answer."""
    return event_stream(*MESSAGE_FRAMES)


def messages_error(kind: str, text: str = "said so") -> dict[str, Any]:
    """An Anthropic error."""
    return {"type": "error", "error": {"type": kind, "message": text}}


_KINDS = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


def refusal(status: int, text: str = "said so", **headers: str) -> FakeReply:
    """A reply with an Anthropic error."""
    kind = _KINDS.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return json_reply(messages_error(kind, text), status, **headers)


def chat_refusal(status: int, code: str = "", text: str = "said so", **headers: str) -> FakeReply:
    """A reply with an OpenAI error."""
    error = {"message": text, "type": code, "param": None, "code": code}
    return json_reply({"error": error}, status, **headers)
