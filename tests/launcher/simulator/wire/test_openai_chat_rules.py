"""What OpenAI's Chat Completions refuses is refused with its words and codes, and what it took is taken."""

from typing import Any

import pytest

from launcher.simulator.wire.openai_chat_rules import problem
from support.needs import needs_recordings
from support.wire_shape import reasons, recordings

USER = {"role": "user", "content": "Hi"}
TOOL: dict[str, Any] = {"type": "function", "function": {"name": "add", "parameters": {}}}
CALLS = {
    "role": "assistant",
    "content": None,
    "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
    ],
}
PARSED_CALL = {
    "id": "c1",
    "index": 0,
    "type": "function",
    "function": {"name": "add", "arguments": "{}", "parsed_arguments": {}},
}
OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: dict[str, Any] = {"strict": True, "parameters": {**OPEN, "additionalProperties": False}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "4"}


def body(**fields: Any) -> dict[str, Any]:
    given = {"model": "gpt-6.1-sol", "messages": [USER], **fields}
    return {name: value for name, value in given.items() if value is not ...}


def test_every_recorded_request_that_was_answered_is_right() -> None:
    for each in recordings(needs_recordings(), "openai_chat", "openai"):
        if each.status == 200 and each.request is not None:
            assert problem(each.request, reasoning_model=reasons(each.request)) is None, each.name


REFUSED: list[tuple[dict[str, Any], str, str | None, str | None]] = [
    (
        {"messages": ...},
        "Missing required parameter: 'messages'.",
        "missing_required_parameter",
        "messages",
    ),
    ({"thinking": {}}, "Unknown parameter: 'thinking'.", "unknown_parameter", "thinking"),
    (
        {"cache_control": {}},
        "Unknown parameter: 'cache_control'.",
        "unknown_parameter",
        "cache_control",
    ),
    (
        {"messages": [{**USER, "cache_control": 1}]},
        "Unknown parameter: 'messages[0].cache_control'.",
        "unknown_parameter",
        "messages[0].cache_control",
    ),
    (
        {"messages": [{"role": "assistant", "content": "x", "reasoning_content": "y"}]},
        "Unknown parameter: 'messages[0].reasoning_content'.",
        "unknown_parameter",
        "messages[0].reasoning_content",
    ),
    (
        {"stream": "yes"},
        "Invalid type for 'stream': expected a boolean or null, but got a string instead.",
        "invalid_type",
        "stream",
    ),
    (
        {"messages": [{"role": "model", "content": "x"}]},
        "Invalid value: 'model'.",
        "invalid_value",
        None,
    ),
    (
        {
            "tools": [
                {"type": "function", "function": {"name": "f", "strict": True, "parameters": OPEN}}
            ]
        },
        "Invalid schema for function 'f': In context=(), 'additionalProperties' is required",
        "invalid_function_parameters",
        "tools[0].function.parameters",
    ),
    (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "f", "strict": True, "schema": OPEN},
            }
        },
        "Invalid schema for response_format 'f': In context=(), 'additionalProperties' is required",
        None,
        "response_format",
    ),
    ({"tools": []}, "Invalid 'tools': empty array.", "empty_array", "tools"),
    ({"tools": [], "tool_choice": "auto"}, "Invalid 'tools': empty array.", "empty_array", "tools"),
    (
        {"tool_choice": "auto"},
        "'tool_choice' is only allowed when 'tools' are specified.",
        None,
        "tool_choice",
    ),
    (
        {"parallel_tool_calls": False},
        "is only allowed when 'tools' are specified",
        None,
        "parallel_tool_calls",
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
        "does not match pattern",
        "invalid_value",
        None,
    ),
    (
        {"tools": [{"name": "add", "input_schema": {}}]},
        "Missing required parameter: 'tools[0].type'.",
        None,
        None,
    ),
    (
        {"messages": [USER, RESULT]},
        "messages with role 'tool' must be a response to a preceding",
        None,
        None,
    ),
    ({"messages": [USER, CALLS]}, "did not have response messages: c1", None, "messages"),
    (
        {"messages": [USER, CALLS, USER, RESULT]},
        "did not have response messages: c1",
        None,
        "messages",
    ),
    (
        {"messages": [USER, CALLS, RESULT, RESULT]},
        "must be a response to a preceding message",
        None,
        None,
    ),
    (
        {"max_tokens": 5},
        "'max_tokens' is not supported with this model",
        "unsupported_parameter",
        "max_tokens",
    ),
    (
        {"temperature": 0.2},
        "'temperature' does not support 0.2 with this model",
        "unsupported_value",
        "temperature",
    ),
    (
        {"presence_penalty": 1},
        "'presence_penalty' is not supported",
        "unsupported_parameter",
        "presence_penalty",
    ),
    (
        {"stream_options": {"include_usage": True}},
        "only allowed when 'stream' is enabled",
        None,
        "stream_options",
    ),
    (
        {"stop": ["a", "b", "c", "d", "e"]},
        "array too long. Expected at most 4",
        "array_above_max_length",
        "stop",
    ),
    (
        {"max_completion_tokens": 0},
        "below minimum value",
        "integer_below_min_value",
        "max_completion_tokens",
    ),
    ({"temperature": 3}, "above maximum value", "decimal_above_max_value", "temperature"),
    (
        {"reasoning_effort": "huge"},
        "Invalid value: 'huge'. Supported values are: 'none'",
        "invalid_value",
        None,
    ),
]


@pytest.mark.parametrize(
    ("fields", "words", "code", "param"),
    REFUSED,
    ids=[f"{n} {each[1][:50]}" for n, each in enumerate(REFUSED)],
)
def test_it_is_refused(
    fields: dict[str, Any], words: str, code: str | None, param: str | None
) -> None:
    found = problem(body(**fields), reasoning_model=True)
    assert found is not None
    assert words in found.message
    assert code in {found.code, None}
    assert param in {found.param, None}


@pytest.mark.parametrize(
    "fields",
    [
        {"messages": [{"role": "developer", "content": "x"}, USER, CALLS, RESULT, USER]},
        {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
        {"stream": True, "stream_options": {"include_usage": True}, "store": False, "user": None},
        {"temperature": 1, "reasoning_effort": "high", "max_completion_tokens": 5},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x"}]}, USER]},
        {"messages": [USER, {**CALLS, "parsed": None, "tool_calls": [PARSED_CALL]}, RESULT]},
        {"tools": [{"type": "function", "function": {**TOOL["function"], **CLOSED}}]},
        {"tools": [{"type": "function", "function": {**TOOL["function"], **CLOSED, "parameters": OPEN, "strict": False}}]},
    ],
)  # fmt: skip
def test_it_is_taken(fields: dict[str, Any]) -> None:
    assert problem(body(**fields), reasoning_model=True) is None


def test_other_models_take_sampling_settings() -> None:
    given = body(temperature=0.2, max_tokens=5, stop="x")
    assert problem(given, reasoning_model=False) is None
