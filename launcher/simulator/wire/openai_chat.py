"""OpenAI Chat Completions, and the extras of compatible services: reading, streaming, whole answers."""

from dataclasses import dataclass
from typing import Any

from launcher.simulator.answer import Answer, Finish, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.ids import Ids
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire.reading import Json, mapping, number, objects, strings, text_of, word
from launcher.simulator.wire.sse import data_frame, pieces

DONE = b"data: [DONE]\n\n"

_COUNTED = ("messages", "tools", "functions", "response_format")
_FINISH_REASONS = {
    Finish.END: "stop",
    Finish.TOOLS: "tool_calls",
    Finish.LENGTH: "length",
    Finish.STOP_STRING: "stop",
    Finish.REFUSAL: "content_filter",
    Finish.PAUSE: "stop",
}


@dataclass(frozen=True)
class ChatHabits:
    """
    How one service's chunks differ.

    Args:
        openai: OpenAI's own fields: `service_tier`, `system_fingerprint`, `logprobs`, `refusal`, `annotations`.
        reasoning_field: Where reasoning is shown, or `None` for a service which hides it.
    """

    openai: bool = True
    reasoning_field: str | None = None


def input_tokens(body: Json) -> int:
    """Tokens of the prompt: messages, tools and an answer format."""
    return tokens_of_json(body.get(key) for key in _COUNTED)


def read_turn(body: Json) -> Turn:
    """What a Chat Completions request asks for."""
    messages = objects(body.get("messages"))
    start = max(
        (i + 1 for i, each in enumerate(messages) if each.get("role") == "assistant"), default=0
    )
    if start == len(messages):
        start = 0
    tail = messages[start:]
    choice = body.get("tool_choice")
    forced = "" if choice == "required" else None
    if isinstance(choice, dict):
        named = mapping(choice.get("function") or choice.get("custom"))
        forced = str(named.get("name", ""))
    limit = number(body.get("max_completion_tokens")) or number(body.get("max_tokens"))
    answer_format = mapping(mapping(body.get("response_format")).get("json_schema"))
    return Turn(
        model=str(body.get("model")),
        stream=body.get("stream") is True,
        prompt="\n".join(text_of(m.get("content")) for m in tail if m.get("role") == "user"),
        results=tuple(
            text_of(m.get("content")) for m in tail if word(m, "role") in {"tool", "function"}
        ),
        tools=() if choice == "none" else tuple(_tools(body)),
        forced=forced,
        max_tokens=limit,
        stop_strings=strings(body.get("stop")),
        thinking=_thinks(body),
        schema=mapping(answer_format.get("schema")) or None,
        input_tokens=input_tokens(body),
    )


def _tools(body: Json) -> list[Tool]:
    found = []
    for tool in objects(body.get("tools")):
        if tool.get("type") == "custom":
            found.append(Tool(str(mapping(tool.get("custom")).get("name")), custom=True))
        else:
            function = mapping(tool.get("function"))
            found.append(Tool(str(function.get("name")), mapping(function.get("parameters"))))
    return found


def _thinks(body: Json) -> bool:
    effort = body.get("reasoning_effort")
    asked = effort is not None and effort != "none"
    enabled = mapping(body.get("thinking")).get("type") == "enabled"
    return asked or enabled or body.get("enable_thinking") is True


def usage(answer: Answer) -> Json:
    """The usage object; both counts include what their details name."""
    return {
        "prompt_tokens": answer.input_tokens,
        "completion_tokens": answer.output_tokens,
        "total_tokens": answer.input_tokens + answer.output_tokens,
        "prompt_tokens_details": {"cached_tokens": answer.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": answer.thinking_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }


def whole(answer: Answer, model: str, created: int, ids: Ids, habits: ChatHabits) -> Json:
    """The answer as one completion."""
    calls = [_call(part, ids) for part in answer.parts if isinstance(part, ToolCall)]
    texts = [part.text for part in answer.parts if isinstance(part, Text)]
    thoughts = [part.text for part in answer.parts if isinstance(part, Thinking)]
    refused = answer.finish is Finish.REFUSAL
    message: Json = {"role": "assistant", "content": "".join(texts) if texts or not calls else None}
    if habits.reasoning_field and thoughts:
        message[habits.reasoning_field] = "".join(thoughts)
    if calls:
        message["tool_calls"] = calls
    if habits.openai:
        message |= {"refusal": "I can't help with that." if refused else None, "annotations": []}
    choice: Json = {"index": 0, "message": message}
    if habits.openai:
        choice["logprobs"] = None
    choice["finish_reason"] = _FINISH_REASONS[answer.finish]
    body: Json = {
        "id": ids.make("chatcmpl-", 29),
        "object": "chat.completion",
        "created": created,
        "model": model,
        "choices": [choice],
        "usage": usage(answer),
    }
    if habits.openai:
        body |= {"service_tier": "default", "system_fingerprint": "fp_simulator"}
    return body


def stream(
    answer: Answer, model: str, created: int, ids: Ids, habits: ChatHabits, *, with_usage: bool
) -> list[bytes]:
    """The answer as frames up to and including `[DONE]`."""
    base: Json = {
        "id": ids.make("chatcmpl-", 29),
        "object": "chat.completion.chunk",
        "created": created,
        "model": model,
    }
    if habits.openai:
        base |= {"service_tier": "default", "system_fingerprint": "fp_simulator"}

    def chunk(choices: list[Json], counted: Json | None = None) -> bytes:
        value = {**base, "choices": choices}
        if with_usage:
            value["usage"] = counted
        if habits.openai:
            value["obfuscation"] = "kor"
        return data_frame(value)

    def choice(delta: Json, reason: str | None = None) -> list[Json]:
        logprobs: Json = {"logprobs": None} if habits.openai else {}
        return [{"index": 0, "delta": delta, **logprobs, "finish_reason": reason}]

    calls_only = bool(answer.parts) and all(isinstance(part, ToolCall) for part in answer.parts)
    first: Json = {"role": "assistant", "content": None if calls_only else ""}
    if habits.openai:
        first["refusal"] = None
    frames = [chunk(choice(first))]
    frames.extend(chunk(choice(delta)) for delta in _deltas(answer, ids, habits))
    frames.append(chunk(choice({}, _FINISH_REASONS[answer.finish])))
    if with_usage:
        frames.append(chunk([], usage(answer)))
    return [*frames, DONE]


def error_frames(envelope: Json) -> list[bytes]:
    """What an error inside a 200 looks like: no `[DONE]` follows."""
    return [data_frame(envelope)]


def _deltas(answer: Answer, ids: Ids, habits: ChatHabits) -> list[Json]:
    deltas: list[Json] = []
    index = 0
    for part in answer.parts:
        if isinstance(part, Thinking):
            if habits.reasoning_field:
                deltas += [
                    {habits.reasoning_field: piece}
                    for piece in pieces(part.text, answer.piece_chars)
                ]
        elif isinstance(part, Text):
            deltas += [{"content": piece} for piece in pieces(part.text, answer.piece_chars)]
        else:
            deltas += _call_deltas(part, index, ids, answer.piece_chars)
            index += 1
    return deltas


def _call_deltas(part: ToolCall, index: int, ids: Ids, size: int) -> list[Json]:
    kind, inner = ("custom", "input") if part.custom else ("function", "arguments")
    opening: dict[str, Any] = {
        "index": index,
        "id": ids.make("call_"),
        "type": kind,
        kind: {"name": part.name, inner: ""},
    }
    rest: list[dict[str, Any]] = [
        {"index": index, kind: {inner: piece}} for piece in pieces(part.arguments, size)
    ]
    return [{"tool_calls": [each]} for each in [opening, *rest]]


def _call(part: ToolCall, ids: Ids) -> Json:
    kind, inner = ("custom", "input") if part.custom else ("function", "arguments")
    return {
        "id": ids.make("call_"),
        "type": kind,
        kind: {"name": part.name, inner: part.arguments},
    }
