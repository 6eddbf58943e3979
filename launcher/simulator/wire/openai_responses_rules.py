"""What OpenAI's Responses API refuses: its fields as data, then the pairing of calls and sealed reasoning."""

from collections.abc import Iterator
from typing import Any

from launcher.simulator.wire.openai_chat_rules import EFFORTS, NAME
from launcher.simulator.wire.openai_responses import is_own_encrypted
from launcher.simulator.wire.openai_words import OpenAIProblem, unfit_schema, worded
from launcher.simulator.wire.reading import Json, mapping, objects
from launcher.simulator.wire.shape import (
    Any_,
    Bool,
    Int,
    Items,
    Null,
    Num,
    Obj,
    OneOf,
    Shape,
    Str,
    Tagged,
    check,
)

MAX_CALL_ID_CHARS = 64


def _or_null(shape: Shape) -> OneOf:
    return OneOf((shape, Null()))


_PARTS = Tagged(
    "type",
    {
        "input_text": Obj({"type": Str(), "text": Str()}, ("text",), open=True),
        "input_image": Obj(
            {
                "type": Str(),
                "image_url": _or_null(Str()),
                "file_id": _or_null(Str()),
                "detail": _or_null(Str(("auto", "low", "high", "original"))),
            }
        ),
        "input_file": Obj(
            {
                "type": Str(),
                "filename": Str(),
                "file_data": Str(),
                "file_id": _or_null(Str()),
                "file_url": Str(),
                "detail": Str(),
            }
        ),
        "input_audio": Obj({"type": Str(), "input_audio": Any_()}, ("input_audio",)),
        "output_text": Obj({"type": Str(), "text": Str()}, ("text",), open=True),
        "refusal": Obj({"type": Str(), "refusal": Str()}, ("refusal",)),
        "summary_text": Obj({"type": Str(), "text": Str()}, ("text",)),
    },
)
_CONTENT = OneOf((Str(), Items(_PARTS)))
_ID: dict[str, Shape] = {
    "type": Str(),
    "id": _or_null(Str()),
    "status": _or_null(Str()),
    # Not documented; the released Codex (0.169) puts it on every message when it talks to the API itself.
    "internal_chat_message_metadata_passthrough": Any_(),
}
_OUTPUT = {**_ID, "call_id": Str(), "output": _CONTENT, "name": Str(), "caller": Any_()}
_OPEN = Obj({"type": Str()}, open=True)
_ITEMS = Tagged(
    "type",
    {
        "message": Obj(
            {
                **_ID,
                "role": Str(("user", "assistant", "system", "developer")),
                "content": _CONTENT,
                "phase": _or_null(Str()),
            },
            ("role", "content"),
        ),
        "function_call": Obj(
            {
                **_ID,
                "call_id": Str(),
                "name": Str(),
                "arguments": Str(),
                "namespace": _or_null(Str()),
                "caller": Any_(),
            },
            ("call_id", "name", "arguments"),
        ),
        "function_call_output": Obj(_OUTPUT, ("call_id", "output")),
        "custom_tool_call": Obj(
            {
                **_ID,
                "call_id": Str(),
                "name": Str(),
                "input": Str(),
                "namespace": _or_null(Str()),
                "caller": Any_(),
            },
            ("call_id", "name", "input"),
        ),
        "custom_tool_call_output": Obj(_OUTPUT, ("call_id", "output")),
        "reasoning": Obj(
            {
                **_ID,
                "summary": Items(_PARTS),
                "content": Any_(),
                "encrypted_content": _or_null(Str()),
            },
            ("summary",),
        ),
        "item_reference": Obj({"type": Str(), "id": Str()}, ("id",)),
        **dict.fromkeys(
            (
                "web_search_call",
                "file_search_call",
                "computer_call",
                "computer_call_output",
                "image_generation_call",
                "code_interpreter_call",
                "local_shell_call",
                "local_shell_call_output",
                "shell_call",
                "shell_call_output",
                "apply_patch_call",
                "apply_patch_call_output",
                "mcp_list_tools",
                "mcp_call",
                "mcp_approval_request",
                "mcp_approval_response",
                "tool_search_call",
                "tool_search_output",
                "additional_tools",
                "compaction",
                "compaction_trigger",
                "compaction_summary",
            ),
            _OPEN,
        ),
    },
    default="message",
)
_FUNCTION = Obj(
    {
        "type": Str(),
        "name": Str(),
        "description": _or_null(Str()),
        "parameters": _or_null(Obj(open=True)),
        "strict": _or_null(Bool()),
        "defer_loading": Bool(),
        "allowed_callers": Any_(),
        "output_schema": Any_(),
    },
    ("name", "parameters"),
)
_CUSTOM = Obj(
    {
        "type": Str(),
        "name": Str(),
        "description": _or_null(Str()),
        "format": Obj(open=True),
        "defer_loading": Bool(),
        "allowed_callers": Any_(),
    },
    ("name",),
)
_TOOLS = Tagged(
    "type",
    {
        "function": _FUNCTION,
        "custom": _CUSTOM,
        "namespace": Obj(
            {"type": Str(), "name": Str(), "description": Str(), "tools": Items(Obj(open=True))},
            ("name", "tools"),
        ),
        **dict.fromkeys(
            (
                "file_search",
                "web_search",
                "web_search_2025_08_26",
                "computer",
                "computer_use_preview",
                "mcp",
                "code_interpreter",
                "image_generation",
                "local_shell",
                "shell",
                "apply_patch",
                "tool_search",
                "programmatic_tool_calling",
            ),
            _OPEN,
        ),
    },
    prefixes={"web_search_preview": _OPEN},
)
_TEXT = Obj({"format": Obj(open=True), "verbosity": _or_null(Str(("low", "medium", "high")))})
REQUEST = Obj(
    {
        "model": Str(least=1),
        "input": OneOf((Str(), Items(_ITEMS))),
        "instructions": _or_null(Str()),
        "background": _or_null(Bool()),
        "client_metadata": Any_(),
        "context_management": Any_(),
        "conversation": Any_(),
        "include": _or_null(Items(Str())),
        "max_output_tokens": _or_null(Int(16)),
        "max_tool_calls": _or_null(Int(1)),
        "metadata": Any_(),
        "moderation": Any_(),
        "multi_agent": Any_(),
        "parallel_tool_calls": _or_null(Bool()),
        "previous_response_id": _or_null(Str()),
        "prompt": Any_(),
        "prompt_cache_key": _or_null(Str()),
        "prompt_cache_options": Any_(),
        "prompt_cache_retention": _or_null(Str()),
        "reasoning": _or_null(
            Obj(
                {
                    "effort": _or_null(Str(EFFORTS)),
                    "summary": _or_null(Str(("auto", "concise", "detailed"))),
                    "generate_summary": Any_(),
                    "context": Any_(),
                    "mode": Any_(),
                }
            )
        ),
        "safety_identifier": _or_null(Str()),
        "service_tier": _or_null(Str()),
        "store": _or_null(Bool()),
        "stream": _or_null(Bool()),
        "stream_options": _or_null(Obj({"include_obfuscation": Bool()})),
        "temperature": _or_null(Num(0, 2)),
        "text": _TEXT,
        "tool_choice": OneOf((Str(("none", "auto", "required")), Obj(open=True))),
        "tools": Items(_TOOLS),
        "top_logprobs": _or_null(Int(0, 20)),
        "top_p": _or_null(Num(0, 1)),
        "truncation": _or_null(Str(("auto", "disabled"))),
        "user": _or_null(Str()),
    },
    ("model",),
)

_CALLS = {
    "function_call": "function_call_output",
    "custom_tool_call": "custom_tool_call_output",
}
_WORDS = {"function_call": "function call", "custom_tool_call": "custom tool call"}


def problem(body: Any, *, foreign_reasoning: bool = False) -> OpenAIProblem | None:
    """The refusal, or nothing if the body is right; `foreign_reasoning`: take sealed state of others."""
    found = next(check(body, REQUEST), None)
    if found is not None:
        return worded(found)
    items = objects(body.get("input"))
    every = [*_of_tools(body), *_of_pairs(body, items)]
    every += _of_files(items)
    every += _of_sealed(body, items, foreign=foreign_reasoning)
    return every[0] if every else None


def _of_tools(body: Json) -> Iterator[OpenAIProblem]:
    tools = objects(body.get("tools"))
    choice = body.get("tool_choice")
    offered = tools or any(i.get("type") == "additional_tools" for i in objects(body.get("input")))
    if choice not in (None, "auto", "none") and not offered:
        text = "Tool choice is specified, but 'tools' is not."
        yield OpenAIProblem(text, None, "tool_choice")
    for index, tool in enumerate(tools):
        if tool["type"] in {"function", "custom"} and not NAME.match(tool["name"]):
            where = f"tools[{index}].name"
            text = (
                f"Invalid '{where}': string does not match pattern. Expected a string that matches"
                " the pattern '^[a-zA-Z0-9_-]+$'."
            )
            yield OpenAIProblem(text, "invalid_value", where)
        if tool["type"] == "function" and mapping(tool["parameters"]).get("type") not in {
            "object",
            None,
        }:
            text = (
                f"Invalid schema for function '{tool['name']}': schema must be a JSON Schema of"
                " 'type: \"object\"'."
            )
            yield OpenAIProblem(text, "invalid_function_parameters", f"tools[{index}].parameters")
        elif tool["type"] == "function" and tool.get("strict") is True:
            yield from unfit_schema(
                f"function '{tool['name']}'",
                tool["parameters"],
                "invalid_function_parameters",
                f"tools[{index}].parameters",
            )
    form = mapping(mapping(body.get("text")).get("format"))
    if form.get("strict") is True:
        yield from unfit_schema(
            f"response_format '{form.get('name', '')}'",
            form.get("schema"),
            None,
            "text.format.schema",
        )


def _of_pairs(body: Json, items: list[Json]) -> Iterator[OpenAIProblem]:
    stored = body.get("previous_response_id") or body.get("conversation")
    for call, output in _CALLS.items():
        asked = [item["call_id"] for item in items if item.get("type") == call]
        answered = [item["call_id"] for item in items if item.get("type") == output]
        for call_id in asked:
            if len(call_id) > MAX_CALL_ID_CHARS:
                text = (
                    "Invalid 'input[0].call_id': string too long. Expected a string with maximum"
                    f" length 64, but got a string with length {len(call_id)} instead."
                )
                yield OpenAIProblem(text, "string_above_max_length", "input")
            if call_id not in answered:
                text = f"No tool output found for {_WORDS[call]} {call_id}."
                yield OpenAIProblem(text, None, "input")
        for call_id in answered:
            if call_id not in asked and not stored:
                text = f"No tool call found for {_WORDS[call]} output with call_id {call_id}."
                yield OpenAIProblem(text, None, "input")


def _of_files(items: list[Json]) -> Iterator[OpenAIProblem]:
    for index, item in enumerate(items):
        for at, part in enumerate(objects(item.get("content"))):
            data = part.get("file_data")
            if data is not None and not data.startswith("data:"):
                where = f"input[{index}].content[{at}].file_data"
                text = (
                    f"Invalid file data: '{where}'. Expected a base64-encoded data URL with a valid file MIME type"
                    f" (e.g. 'data:application/pdf;base64,JVBERi0='), but got '{data[:20]}'."
                )
                yield OpenAIProblem(text, "invalid_value", where)


def _of_sealed(body: Json, items: list[Json], *, foreign: bool) -> Iterator[OpenAIProblem]:
    for item in items:
        if item.get("type") == "item_reference" and body.get("store") is False:
            yield _not_found(item["id"])
        if item.get("type") != "reasoning":
            continue
        sealed = item.get("encrypted_content")
        if sealed is None and item.get("id") and body.get("store") is False:
            yield _not_found(item["id"])
        elif sealed is not None and not foreign and not is_own_encrypted(sealed):
            text = (
                f"The encrypted content {sealed[:8]}... could not be verified. Reason: Encrypted"
                " content could not be decrypted or parsed."
            )
            yield OpenAIProblem(text, "invalid_encrypted_content")


def _not_found(item_id: str) -> OpenAIProblem:
    text = (
        f"Item with id '{item_id}' not found. Items are not persisted when `store` is set to false."
        " Try again with `store` set to true, or remove this item from your input."
    )
    return OpenAIProblem(text, None, "input")
