"""What OpenAI's Responses refuses is refused with its words and codes, and what it took is taken."""

from typing import Any

import pytest

from launcher.simulator.wire.openai_responses import encrypted
from launcher.simulator.wire.openai_responses_rules import problem
from support.needs import needs_recordings
from support.wire_shape import recordings

USER = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "add", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "4"}
SEALED = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": encrypted("x")}

OPEN = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def body(*items: Any, **fields: Any) -> dict[str, Any]:
    return {"model": "gpt-6.1-sol", "input": [USER, *items], "store": False, **fields}


def test_every_recorded_request_that_was_answered_is_right() -> None:
    genuine = ("openai", "azure-openai", "chatgpt-codex-backend")
    for each in recordings(needs_recordings(), "openai_responses", *genuine):
        if each.status == 200 and each.request is not None:
            assert problem(each.request, foreign_reasoning=True) is None, each.name


REFUSED: list[tuple[dict[str, Any], str, str | None]] = [
    ({"input": "Hi"}, "Missing required parameter: 'model'.", "missing_required_parameter"),
    (body(messages=[]), "Unknown parameter: 'messages'.", "unknown_parameter"),
    (body({"role": "tool", "content": "x"}), "Invalid value: 'tool'.", "invalid_value"),
    (
        body({"type": "tool_use"}),
        "Invalid value: 'tool_use'. Supported values are: 'message'",
        "invalid_value",
    ),
    (body({**USER, "name": "mina"}), "Unknown parameter: 'input[1].name'.", "unknown_parameter"),
    (
        body({**USER, "content": [{"type": "text", "text": "x"}]}),
        "Invalid value: 'text'.",
        "invalid_value",
    ),
    (
        body(tools=[{"type": "function", "function": {"name": "a"}}]),
        "Missing required parameter: 'tools[0].name'",
        None,
    ),
    (
        body(tools=[{"type": "function", "name": "a.b", "parameters": {}}]),
        "does not match pattern",
        "invalid_value",
    ),
    (
        body(tools=[{"type": "function", "name": "a", "parameters": {"type": "string"}}]),
        "Invalid schema for function 'a'",
        "invalid_function_parameters",
    ),
    (
        body(tools=[{"type": "function", "name": "a", "strict": True, "parameters": OPEN}]),
        "Invalid schema for function 'a': In context=(), 'additionalProperties' is required",
        "invalid_function_parameters",
    ),
    (
        body(text={"format": {"type": "json_schema", "name": "a", "strict": True, "schema": OPEN}}),
        "Invalid schema for response_format 'a': In context=(), 'additionalProperties' is required",
        None,
    ),
    (body(tool_choice="required"), "Tool choice is specified, but 'tools' is not.", None),
    (body(CALL), "No tool output found for function call c1.", None),
    (body(RESULT), "No tool call found for function call output with call_id c1.", None),
    (
        body({**CALL, "call_id": "c" * 65}),
        "string too long. Expected a string with maximum length 64",
        None,
    ),
    (
        body({**SEALED, "encrypted_content": "gAAAAABp-r"}),
        "could not be verified",
        "invalid_encrypted_content",
    ),
    (body({**SEALED, "encrypted_content": None}), "Item with id 'rs_1' not found.", None),
    (body({"type": "item_reference", "id": "rs_9"}), "Item with id 'rs_9' not found.", None),
    (
        body(max_output_tokens=1),
        "below minimum value. Expected a value >= 16",
        "integer_below_min_value",
    ),
    (
        body(
            {**USER, "content": [{"type": "input_file", "filename": "a.pdf", "file_data": "JVBE"}]}
        ),
        "Invalid file data: 'input[1].content[0].file_data'. Expected a base64-encoded data URL",
        "invalid_value",
    ),
]


@pytest.mark.parametrize(
    ("given", "words", "code"),
    REFUSED,
    ids=[f"{n} {each[1][:50]}" for n, each in enumerate(REFUSED)],
)
def test_it_is_refused(given: dict[str, Any], words: str, code: str | None) -> None:
    found = problem(given)
    assert found is not None
    assert words in found.message
    assert code in {found.code, None}


@pytest.mark.parametrize(
    "given",
    [
        body(CALL, RESULT, SEALED),
        body({"type": "custom_tool_call", "call_id": "c", "name": "p", "input": "x"},
             {"type": "custom_tool_call_output", "call_id": "c", "output": "ok"}),
        body(RESULT, previous_response_id="resp_1"),
        body({**SEALED, "encrypted_content": None}, store=True),
        body({"type": "additional_tools", "role": "developer", "tools": []}, tool_choice="required"),
        body(tools=[{"type": "tool_search"}, {"type": "web_search"}, {"type": "custom", "name": "apply_patch"},
                    {"type": "web_search_preview_2025_03_11"}, {"type": "image_generation"}]),
        body(tools=[{"type": "function", "name": "a", "strict": True, "parameters": {**OPEN, "additionalProperties": False}},
                    {"type": "function", "name": "b", "strict": False, "parameters": OPEN}]),
        body(client_metadata={}, prompt_cache_key="k", include=["reasoning.encrypted_content"]),
    ],
)  # fmt: skip
def test_it_is_taken(given: dict[str, Any]) -> None:
    assert problem(given) is None
