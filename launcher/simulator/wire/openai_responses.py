"""OpenAI Responses: a turn out of a request, an answer as a stream or whole."""

from typing import Any

from launcher.simulator.answer import Answer, Finish, Part, Text, Thinking, Tool, ToolCall, Turn
from launcher.simulator.ids import Ids, seal
from launcher.simulator.tokens import tokens_of_json
from launcher.simulator.wire.reading import Json, mapping, number, objects, strings, text_of, word
from launcher.simulator.wire.sse import event_frame, pieces

_COUNTED = ("instructions", "input", "tools", "text")
_MODEL_ITEMS = frozenset({"reasoning", "function_call", "custom_tool_call", "local_shell_call"})
_RESULT_ITEMS = frozenset({"function_call_output", "custom_tool_call_output"})


def input_tokens(body: Json) -> int:
    """Tokens of the prompt: instructions, input, tools and an answer format."""
    return tokens_of_json(body.get(key) for key in _COUNTED)


def read_turn(body: Json) -> Turn:
    """What a Responses request asks for; namespaces and `additional_tools` items offer tools as well."""
    given = body.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given)
    start = max((i + 1 for i, item in enumerate(items) if _is_model_item(item)), default=0)
    tail = items[start:]
    choice = body.get("tool_choice")
    forced = "" if choice == "required" else None
    if word(choice, "type") in {"function", "custom"}:
        forced = word(choice, "name")
    elif word(choice, "mode") == "required":
        forced = ""
    offered = _tools(objects(body.get("tools")))
    for item in items:
        if item.get("type") == "additional_tools":
            offered += _tools(objects(item.get("tools")))
    reasoning = mapping(body.get("reasoning"))
    answer_format = mapping(mapping(body.get("text")).get("format"))
    return Turn(
        model=str(body.get("model")),
        stream=body.get("stream") is True,
        prompt="\n".join(
            text_of(item.get("content")) for item in tail if item.get("role") == "user"
        ),
        results=tuple(
            text_of(item.get("output")) for item in tail if word(item, "type") in _RESULT_ITEMS
        ),
        tools=() if choice == "none" else tuple(offered),
        forced=forced,
        max_tokens=number(body.get("max_output_tokens")),
        stop_strings=(),
        thinking=word(reasoning, "effort") not in {"", "none"},
        schema=mapping(answer_format.get("schema")) or None,
        input_tokens=input_tokens(body),
    )


def _is_model_item(item: Json) -> bool:
    return item.get("role") == "assistant" or word(item, "type") in _MODEL_ITEMS


def _tools(tools: list[Json], namespace: str | None = None) -> list[Tool]:
    found = []
    for tool in tools:
        kind = word(tool, "type")
        if kind == "namespace":
            found += _tools(objects(tool.get("tools")), str(tool.get("name")))
        elif kind in {"function", "custom"}:
            schema = mapping(tool.get("parameters"))
            found.append(Tool(str(tool.get("name")), schema, kind == "custom", namespace))
    return found


def encrypted(thinking: str) -> str:
    """The sealed state this simulator gives out with a reasoning item, and takes back."""
    length = f"{len(thinking):x}"
    return f"gAAAAAsim{length}-{seal('openai-reasoning', length)}"


def is_own_encrypted(value: str) -> bool:
    """True if this simulator made the sealed state."""
    length, _, mark = value.removeprefix("gAAAAAsim").partition("-")
    return value.startswith("gAAAAAsim") and mark == seal("openai-reasoning", length)


def usage(answer: Answer) -> Json:
    """The usage object; both counts include what their details name."""
    return {
        "input_tokens": answer.input_tokens,
        "input_tokens_details": {"cached_tokens": answer.cached_tokens},
        "output_tokens": answer.output_tokens,
        "output_tokens_details": {"reasoning_tokens": answer.thinking_tokens},
        "total_tokens": answer.input_tokens + answer.output_tokens,
    }


class Response:
    """
    One response object and its events.

    Args:
        body: The request: its settings are repeated in every response object.
        empty_output: Leave `output` of the final object empty, as the subscription routes may do.
    """

    def __init__(
        self, answer: Answer, body: Json, created: int, ids: Ids, *, empty_output: bool = False
    ) -> None:
        self._answer = answer
        self._body = body
        self._created = created
        self._empty_output = empty_output
        self._id = ids.make("resp_", 48)
        wants = strings(body.get("include"))
        self._seals = "reasoning.encrypted_content" in wants
        self._summary = mapping(body.get("reasoning")).get("summary") is not None
        self._items = [self._item(part, ids) for part in answer.parts]

    def whole(self) -> Json:
        """The finished response object."""
        return self._object(self._final_status())

    def stream(self) -> list[bytes]:
        """The answer as frames up to and including the terminal event."""
        events: list[Json] = [
            {"type": "response.created", "response": self._object("in_progress")},
            {"type": "response.in_progress", "response": self._object("in_progress")},
        ]
        for index, (part, item) in enumerate(zip(self._answer.parts, self._items, strict=True)):
            added = {
                "type": "response.output_item.added",
                "item": _opened(item),
                "output_index": index,
            }
            done = {"type": "response.output_item.done", "item": item, "output_index": index}
            events += [added, *self._inner(part, item, index), done]
        status = self._final_status()
        events.append({"type": f"response.{status}", "response": self._object(status)})
        return [event_frame(numbered(event, n)) for n, event in enumerate(events)]

    def failed(self, code: str, message: str, number_: int) -> list[bytes]:
        """The terminal event of a response that failed in mid-stream."""
        failed = self._object("failed")
        failed["error"] = {"code": code, "message": message}
        event: Json = {"type": "response.failed", "response": failed}
        return [event_frame(numbered(event, number_))]

    def _final_status(self) -> str:
        cut = self._answer.finish in {Finish.LENGTH, Finish.REFUSAL}
        return "incomplete" if cut else "completed"

    def _object(self, status: str) -> Json:
        running = status == "in_progress"
        reason = {Finish.LENGTH: "max_output_tokens", Finish.REFUSAL: "content_filter"}
        body = self._body
        answer_text = mapping(body.get("text"))
        reasoning = mapping(body.get("reasoning"))
        return {
            "id": self._id,
            "object": "response",
            "created_at": self._created,
            "status": status,
            "background": False,
            "completed_at": self._created if status == "completed" else None,
            "error": None,
            "frequency_penalty": 0.0,
            "incomplete_details": (
                {"reason": reason[self._answer.finish]} if status == "incomplete" else None
            ),
            "instructions": body.get("instructions"),
            "max_output_tokens": body.get("max_output_tokens"),
            "max_tool_calls": body.get("max_tool_calls"),
            "model": body.get("model"),
            "output": [] if running or status == "failed" or self._empty_output else self._items,
            "parallel_tool_calls": body.get("parallel_tool_calls", True),
            "presence_penalty": 0.0,
            "previous_response_id": body.get("previous_response_id"),
            "prompt_cache_key": body.get("prompt_cache_key"),
            "prompt_cache_retention": None,
            "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
            "safety_identifier": None,
            "service_tier": "auto" if running else "default",
            "store": body.get("store", True),
            "temperature": body.get("temperature", 1.0),
            "text": {
                "format": answer_text.get("format", {"type": "text"}),
                "verbosity": answer_text.get("verbosity", "medium"),
            },
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools", []),
            "top_logprobs": 0,
            "top_p": body.get("top_p", 1.0),
            "truncation": "disabled",
            "usage": usage(self._answer) if status in {"completed", "incomplete"} else None,
            "user": None,
            "metadata": body.get("metadata") or {},
        }

    def _item(self, part: Part, ids: Ids) -> Json:
        if isinstance(part, Thinking):
            item: Json = {"id": ids.make("rs_", 48), "type": "reasoning"}
            if self._seals:
                item["encrypted_content"] = encrypted(part.text)
            shown = [{"type": "summary_text", "text": part.text}] if self._summary else []
            return {**item, "summary": shown}
        if isinstance(part, Text):
            return {
                "id": ids.make("msg_", 48),
                "type": "message",
                "status": "completed",
                "content": [_text_part(part.text)],
                "role": "assistant",
            }
        return _call_item(part, ids)

    def _inner(self, part: Part, item: Json, index: int) -> list[Json]:
        size = self._answer.piece_chars
        where: Json = {"item_id": item["id"], "output_index": index}
        if isinstance(part, Thinking):
            return _summary_events(part.text, where, size) if item["summary"] else []
        if isinstance(part, Text):
            return _text_events(part.text, where, size)
        kind, name = ("custom_tool_call_input", "input")
        if not part.custom:
            kind, name = "function_call_arguments", "arguments"
        deltas = [
            {"type": f"response.{kind}.delta", "delta": piece, **where, "obfuscation": "kor"}
            for piece in pieces(part.arguments, size)
        ]
        return [*deltas, {"type": f"response.{kind}.done", name: part.arguments, **where}]


def numbered(event: Json, number_: int) -> Json:
    """The event with its sequence number, keys in OpenAI's order: the type, then by the alphabet."""
    rest = {**event, "sequence_number": number_}
    kind = rest.pop("type")
    return {"type": kind, **{key: rest[key] for key in sorted(rest)}}


def error_frames(code: str, message: str, number_: int) -> list[bytes]:
    """A bare `error` event."""
    event: Json = {"type": "error", "code": code, "message": message, "param": None}
    return [event_frame(numbered(event, number_))]


def _text_part(text: str) -> Json:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def _call_item(part: ToolCall, ids: Ids) -> Json:
    item: dict[str, Any] = {
        "id": ids.make("ctc_" if part.custom else "fc_", 48),
        "type": "custom_tool_call" if part.custom else "function_call",
        "status": "completed",
        "input" if part.custom else "arguments": part.arguments,
        "call_id": ids.make("call_"),
        "name": part.name,
    }
    if part.namespace is not None:
        item["namespace"] = part.namespace
    return item


def _opened(item: Json) -> Json:
    """The item as its `added` event shows it: nothing in it yet."""
    empty: Json = {
        "status": "in_progress",
        "content": [],
        "arguments": "",
        "input": "",
        "summary": [],
    }
    return {key: empty.get(key, value) for key, value in item.items()}


def _text_events(text: str, where: Json, size: int) -> list[Json]:
    inside: Json = {"content_index": 0, **where}
    deltas = [
        {"delta": piece, "logprobs": [], "obfuscation": "kor", **inside}
        for piece in pieces(text, size)
    ]
    return [
        {"type": "response.content_part.added", "part": _text_part(""), **inside},
        *({"type": "response.output_text.delta", **delta} for delta in deltas),
        {"type": "response.output_text.done", "logprobs": [], "text": text, **inside},
        {"type": "response.content_part.done", "part": _text_part(text), **inside},
    ]


def _summary_events(text: str, where: Json, size: int) -> list[Json]:
    inside: Json = {"summary_index": 0, **where}
    start: Json = {"type": "summary_text", "text": ""}
    deltas = [{"delta": piece, "obfuscation": "kor", **inside} for piece in pieces(text, size)]
    return [
        {"type": "response.reasoning_summary_part.added", "part": start, **inside},
        *({"type": "response.reasoning_summary_text.delta", **delta} for delta in deltas),
        {"type": "response.reasoning_summary_text.done", "text": text, **inside},
        {"type": "response.reasoning_summary_part.done", "part": {**start, "text": text}, **inside},
    ]
