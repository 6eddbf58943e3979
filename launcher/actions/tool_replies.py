"""Replies to the doctor's own small requests, read in each API: whether a stream is whole, and what was called."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

END_MARKS: Mapping[str, str] = {
    "anthropic-messages": "message_stop",
    "openai-chat": "[DONE]",
    "openai-responses": "response.completed",
    "gemini": "finishReason",
}
"""What ends a stream of each API."""


@dataclass(frozen=True, slots=True)
class StreamRead:
    """
    A stream, read.

    Attributes:
        events: How many payloads it had.
        ended: Whether its last event came.
        arguments: Of the first call in it; None if there was none, or they are no JSON object.
        called: Whether a tool was called at all.
        error: The words of an error in it; "" if there is none.
    """

    events: int = 0
    ended: bool = False
    arguments: Mapping[str, Any] | None = None
    called: bool = False
    error: str = ""


def read_stream(dialect: str, content: bytes) -> StreamRead:
    """
    What a stream of server-sent events says.

    Args:
        dialect: API that it is in.
        content: All of its bytes.
    """
    payloads = list(_payloads(content))
    values = [it for it in map(_decoded, payloads) if it is not None]
    call = _CALLS[dialect](values)
    text = call if call is not None else ""
    arguments = _decoded(text.encode()) if text else ({} if call is not None else None)
    error = next((it for it in map(error_in, values) if it), "")
    return StreamRead(
        events=len(payloads),
        ended=_ended(dialect, payloads, values),
        arguments=arguments,
        called=call is not None,
        error=error,
    )


def error_in(value: Any) -> str:
    """The words of the error in a decoded body or event; "" if it is none."""
    if isinstance(value, list):
        return next((it for it in map(error_in, value) if it), "")
    if not isinstance(value, dict):
        return ""
    response = value.get("response")
    inner = response.get("error") if isinstance(response, dict) else None
    error = value.get("error") or inner
    if isinstance(error, dict):
        return str(error.get("message") or error.get("type") or "an error without words")
    return str(error) if error else ""


def has_envelope(dialect: str, value: Any) -> bool:
    """Whether a body is an error as the tools of an API read it."""
    if not isinstance(value, dict) or not isinstance(value.get("error"), dict):
        return False
    error: dict[str, Any] = value["error"]
    wanted: tuple[str, ...] = ("message", "type")
    if dialect == "gemini":
        wanted = ("code", "message", "status")
    elif dialect == "anthropic-messages" and value.get("type") != "error":
        return False
    return all(error.get(name) for name in wanted)


def _payloads(content: bytes) -> Iterator[bytes]:
    for line in content.splitlines():
        if line.startswith(b"data:"):
            yield line.removeprefix(b"data:").strip()


def _decoded(payload: bytes) -> dict[str, Any] | None:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _ended(dialect: str, payloads: list[bytes], values: list[dict[str, Any]]) -> bool:
    mark = END_MARKS[dialect]
    if dialect == "openai-chat":
        return mark.encode() in payloads
    if dialect == "gemini":
        return any(mark in it for value in values for it in _list(value, "candidates"))
    return any(it.get("type") == mark for it in values)


def _list(value: Any, name: str) -> list[dict[str, Any]]:
    found = value.get(name) if isinstance(value, dict) else None
    return [it for it in found if isinstance(it, dict)] if isinstance(found, list) else []


def _part(value: Any, name: str) -> dict[str, Any]:
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def _messages_call(values: list[dict[str, Any]]) -> str | None:
    """The arguments of the first call, as the pieces of their JSON; None if there is no call."""
    number, text = None, ""
    for it in values:
        block = _part(it, "content_block")
        if number is None and block.get("type") == "tool_use":
            number = it.get("index")
        elif number is not None and it.get("index") == number:
            text += str(_part(it, "delta").get("partial_json") or "")
    return text if number is not None else None


def _chat_call(values: list[dict[str, Any]]) -> str | None:
    text = None
    for it in values:
        for choice in _list(it, "choices"):
            for call in _list(_part(choice, "delta"), "tool_calls"):
                if call.get("index", 0) == 0:
                    text = (text or "") + str(_part(call, "function").get("arguments") or "")
    return text


def _responses_call(values: list[dict[str, Any]]) -> str | None:
    for it in values:
        item = _part(it, "item")
        if it.get("type") == "response.output_item.done" and item.get("type") == "function_call":
            return str(item.get("arguments") or "")
    return None


def _gemini_call(values: list[dict[str, Any]]) -> str | None:
    for it in values:
        for candidate in _list(it, "candidates"):
            for part in _list(_part(candidate, "content"), "parts"):
                if isinstance(part.get("functionCall"), dict):
                    return json.dumps(part["functionCall"].get("args") or {})
    return None


_CALLS = {
    "anthropic-messages": _messages_call,
    "openai-chat": _chat_call,
    "openai-responses": _responses_call,
    "gemini": _gemini_call,
}
