import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_CHAT, Habits, ModelFacts
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.model import (
    ChatRequest,
    FormatKind,
    FunctionTool,
    Message,
    OutputFormat,
    Role,
    TextPart,
)
from korproxy_addons.dialects.openai_chat.encode_request import encode_request

CLOSED = Raw(
    b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}'
)
OPEN = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')
JSON = OutputFormat(FormatKind.JSON)
SCHEMA = OutputFormat(FormatKind.SCHEMA, OPEN, "a name")
NO_SCHEMA = replace(COMPATIBLE_CHAT, schema_output=False)
TOOL_ONLY = replace(NO_SCHEMA, json_output=False)
WORDS_ONLY = replace(TOOL_ONLY, forced_choice=False)


def encoded(
    output: OutputFormat,
    habits: Habits = COMPATIBLE_CHAT,
    text: str = "q",
    source: str = "gemini",
    **fields: Any,
) -> tuple[dict[str, Any], list[str], str]:
    message = Message(Role.USER, (TextPart(text),))
    request = ChatRequest(source, "m", (message,), output=output, **fields)
    out = encode_request(request, Target("m", habits, ModelFacts("m"), stream=False))
    return json.loads(out.body), [str(loss) for loss in out.losses], out.answer_tool


def test_t131_a_schema_is_nested_and_has_a_legal_name() -> None:
    body, lost, _ = encoded(SCHEMA)
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "a_name", "schema": json.loads(bytes(OPEN))},
    }
    assert lost == []
    nameless = encoded(OutputFormat(FormatKind.SCHEMA))[0]["response_format"]["json_schema"]
    assert nameless == {"name": "answer", "schema": {"type": "object", "properties": {}}}


@pytest.mark.parametrize(
    ("strict", "schema", "source", "said", "lost"),
    [
        (None, CLOSED, "gemini", True, []),
        (True, CLOSED, "gemini", True, []),
        (None, OPEN, "gemini", None, []),
        (True, OPEN, "gemini", None, ["strict: the answer's schema is not closed"]),
        (False, CLOSED, "gemini", False, []),
        (True, OPEN, "openai-chat", True, []),
        (None, CLOSED, "openai-chat", None, []),
    ],
)
def test_t28_strict_is_said_where_it_can_be_kept(
    strict: bool | None, schema: Raw, source: str, said: bool | None, lost: list[str]
) -> None:
    output = OutputFormat(FormatKind.SCHEMA, schema, "n", "d", strict)
    body, losses, _ = encoded(output, source=source)
    assert body["response_format"]["json_schema"].get("strict") is said
    assert body["response_format"]["json_schema"]["description"] == "d"
    assert losses == lost


def test_t134_json_mode_needs_the_word() -> None:
    body, lost, _ = encoded(JSON)
    assert body["response_format"] == {"type": "json_object"}
    assert "JSON" in body["messages"][0]["content"]
    assert lost == []
    assert len(encoded(JSON, text="Give me json")[0]["messages"]) == 1
    assert len(encoded(JSON, source="openai-chat")[0]["messages"]) == 1


def test_our_words_stand_at_the_end_of_the_system_text() -> None:
    messages = encoded(JSON, system=(TextPart("Be brief."),))[0]["messages"]
    assert [message["role"] for message in messages] == ["system", "user"]
    assert messages[0]["content"].startswith("Be brief.\n\n")


def test_t130_json_mode_and_words_stand_in_for_a_schema() -> None:
    body, lost, tool = encoded(SCHEMA, NO_SCHEMA)
    assert body["response_format"] == {"type": "json_object"}
    assert bytes(OPEN).decode() in body["messages"][0]["content"]
    assert (lost, tool) == (["schema: the answer's schema is asked for in words"], "")


def test_t130_or_a_forced_tool_does() -> None:
    body, lost, tool = encoded(SCHEMA, TOOL_ONLY)
    assert body["tools"][0]["function"]["parameters"] == json.loads(bytes(OPEN))
    assert body["tool_choice"] == {"type": "function", "function": {"name": tool}}
    assert (lost, len(body["messages"])) == ([], 1)


@pytest.mark.parametrize("habits", [TOOL_ONLY, WORDS_ONLY])
def test_t130_but_never_beside_real_tools(habits: Habits) -> None:
    body, lost, tool = encoded(SCHEMA, habits, tools=(FunctionTool("f"),))
    assert [found["function"]["name"] for found in body["tools"]] == ["f"]
    assert bytes(OPEN).decode() in body["messages"][0]["content"]
    assert (lost, tool) == (["output_format: asked for in words"], "")


def test_json_without_a_mode_is_asked_for_in_words() -> None:
    body, lost, _ = encoded(JSON, TOOL_ONLY)
    assert "response_format" not in body
    assert lost == ["output_format: asked for in words"]
