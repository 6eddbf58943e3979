"""Anthropic Messages: a turn out of a request, an answer as a stream or whole."""

import json
from typing import Any

from launcher.simulator.answer import Answer, Finish, Part, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.ids import Ids, seal
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire.reading import Json, mapping, number, objects, strings, text_of, word
from launcher.simulator.wire.sse import dumps, event_frame, pieces

_COUNTED = ("system", "messages", "tools")
_STOP_REASONS = {
    Finish.END: "end_turn",
    Finish.TOOLS: "tool_use",
    Finish.LENGTH: "max_tokens",
    Finish.STOP_STRING: "stop_sequence",
    Finish.REFUSAL: "refusal",
    Finish.PAUSE: "pause_turn",
}


def input_tokens(body: Json) -> int:
    """Tokens of the prompt: system, messages and tools."""
    return tokens_of_json(body.get(key) for key in _COUNTED)


def read_turn(body: Json) -> Turn:
    """What a Messages request asks for."""
    messages = objects(body.get("messages"))
    start = max(
        (i + 1 for i, each in enumerate(messages) if each.get("role") == "assistant"), default=0
    )
    if start == len(messages):  # a prefill: the question stands before it
        start = max(0, start - 2)
    prompt: list[str] = []
    results: list[str] = []
    for message in messages[start:]:
        if message.get("role") == "assistant":
            continue
        content = message.get("content")
        prompt.append(text_of(content))
        answers = [each for each in objects(content) if each.get("type") == "tool_result"]
        results += [text_of(each.get("content")) for each in answers]
    choice = mapping(body.get("tool_choice"))
    forced = {"any": "", "tool": str(choice.get("name"))}.get(str(choice.get("type")))
    config = mapping(body.get("output_config"))
    schema = mapping(config.get("format") or body.get("output_format")).get("schema")
    return Turn(
        model=str(body.get("model")),
        stream=body.get("stream") is True,
        prompt="\n".join(prompt),
        results=tuple(results),
        tools=tuple(
            Tool(str(tool.get("name")), mapping(tool.get("input_schema")))
            for tool in objects(body.get("tools"))
            if word(tool, "type") in {"", "custom"} and choice.get("type") != "none"
        ),
        forced=forced,
        max_tokens=number(body.get("max_tokens")),
        stop_strings=strings(body.get("stop_sequences")),
        thinking=word(body.get("thinking"), "type") in {"enabled", "adaptive"},
        schema=schema if isinstance(schema, dict) else None,
        input_tokens=input_tokens(body),
    )


def signature_of(thinking: str) -> str:
    """The signature this simulator puts on a thinking block, and takes back."""
    return "EqQBCk" + seal("anthropic-thinking", thinking)


def whole(answer: Answer, model: str, ids: Ids) -> Json:
    """The answer as one message."""
    message = _message(answer, model, ids)
    message["content"] = [_block(part, ids, filled=True) for part in answer.parts]
    message["stop_reason"] = _STOP_REASONS[answer.finish]
    message["stop_sequence"] = answer.stop_string
    message["usage"]["output_tokens"] = answer.output_tokens
    return message


def stream(answer: Answer, model: str, ids: Ids) -> list[bytes]:
    """The answer as frames, a ping after the first block's opening."""
    frames = [event_frame({"type": "message_start", "message": _message(answer, model, ids)})]
    for index, part in enumerate(answer.parts):
        block = _block(part, ids, filled=False)
        frames.append(
            event_frame({"type": "content_block_start", "index": index, "content_block": block})
        )
        if index == 0:
            frames.append(PING)
        frames.extend(
            event_frame({"type": "content_block_delta", "index": index, "delta": delta})
            for delta in _deltas(part, answer.piece_chars)
        )
        frames.append(event_frame({"type": "content_block_stop", "index": index}))
    delta = {
        "stop_reason": _STOP_REASONS[answer.finish],
        "stop_sequence": answer.stop_string,
        "stop_details": None,
    }
    usage = {**_input_usage(answer), "output_tokens": answer.output_tokens}
    frames.append(event_frame({"type": "message_delta", "delta": delta, "usage": usage}))
    frames.append(event_frame({"type": "message_stop"}))
    return frames


PING = b'event: ping\ndata: {"type": "ping"}\n\n'


def error_frames(envelope: Json) -> list[bytes]:
    """What an error inside a 200 looks like; nothing follows it."""
    return [f"event: error\ndata: {dumps(envelope)}\n\n".encode()]


def _input_usage(answer: Answer) -> Json:
    return {
        "input_tokens": answer.input_tokens - answer.cached_tokens,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": answer.cached_tokens,
    }


def _message(answer: Answer, model: str, ids: Ids) -> Json:
    return {
        "model": model,
        "id": ids.make("msg_01", 22),
        "type": "message",
        "role": "assistant",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {
            **_input_usage(answer),
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": 1,
            "service_tier": "standard",
            "inference_geo": "not_available",
        },
    }


def _block(part: Part, ids: Ids, *, filled: bool) -> Json:
    if isinstance(part, Thinking):
        return {
            "type": "thinking",
            "thinking": part.text if filled else "",
            "signature": signature_of(part.text) if filled else "",
        }
    if isinstance(part, Text):
        return {"type": "text", "text": part.text if filled else ""}
    return {
        "type": "tool_use",
        "id": ids.make("toolu_01", 22),
        "name": part.name,
        "input": json.loads(part.arguments) if filled else {},
        "caller": {"type": "direct"},
    }


def _deltas(part: Part, size: int) -> list[dict[str, Any]]:
    if isinstance(part, Thinking):
        shown: list[dict[str, Any]] = [
            {"type": "thinking_delta", "thinking": piece} for piece in pieces(part.text, size)
        ]
        return [*shown, {"type": "signature_delta", "signature": signature_of(part.text)}]
    if isinstance(part, ToolCall):
        texts = ["", *([] if part.arguments == "{}" else pieces(part.arguments, size))]
        return [{"type": "input_json_delta", "partial_json": piece} for piece in texts]
    return [{"type": "text_delta", "text": piece} for piece in pieces(part.text, size)]
