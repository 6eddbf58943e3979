import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_RESPONSES, Habits
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Message,
    Role,
    TextPart,
    Tool,
    ToolChoice,
)
from support.responses_wire import DEFAULT, PLAN, asked, encode, foreign, sent

HI = Message(Role.USER, (TextPart("Hi"),))
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}')
CLOSED = Raw(bytes(SCHEMA)[:-1] + b',"additionalProperties":false}')


def wire(*tools: Tool, habits: Habits = DEFAULT, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    return sent(foreign(HI, tools=tools, **fields), habits)


def test_a_function_of_another_dialect_is_not_strict() -> None:
    """T27, T28: this API's default is strict, and wants properties."""
    body, losses = wire(FunctionTool("f", "d"))
    assert body["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        }
    ]
    assert losses == []


@pytest.mark.parametrize(
    ("schema", "strict", "losses"),
    [(CLOSED, True, []), (SCHEMA, False, ["strict: f"]), (None, False, ["strict: f"])],
)
def test_strict_where_the_schema_can_be(
    schema: Raw | None, strict: bool, losses: list[str]
) -> None:
    """T28: no schema becomes an open one."""
    body, lost = wire(FunctionTool("f", schema=schema, strict=True))
    assert body["tools"][0]["strict"] is strict
    assert lost == losses


def test_strict_where_a_server_does_not_know_it() -> None:
    habits = replace(COMPATIBLE_RESPONSES, strict_tools=False)
    body, losses = wire(FunctionTool("f", schema=CLOSED, strict=True), habits=habits)
    assert "strict" not in body["tools"][0]
    assert losses == ["strict: f"]


def test_what_the_client_of_this_dialect_said_of_strict_stands() -> None:
    """T28"""
    tools = [{"type": "function", "name": n, "strict": s} for n, s in (("a", None), ("b", False))]
    body, _ = sent(asked(tools=tools))
    assert [tool.get("strict") for tool in body["tools"]] == [None, False]


def test_a_schema_keeps_its_bytes() -> None:
    """T93, T179"""
    schema = Raw(b'{"type":"object","properties":{"n":{"minimum":1.0,"maximum":9007199254740993}}}')
    assert bytes(schema) in encode(foreign(HI, tools=(FunctionTool("f", schema=schema),))).body


def test_names_fit_and_come_back() -> None:
    """T29"""
    name = "mcp__server__tool.name" + "x" * 60
    out = encode(
        foreign(HI, tools=(FunctionTool(name),), tool_choice=ToolChoice(ChoiceMode.NAMED, (name,)))
    )
    body = json.loads(out.body)
    sent_name = body["tools"][0]["name"]
    assert len(sent_name) <= 64
    assert "." not in sent_name
    assert out.names.original(sent_name) == name
    assert body["tool_choice"] == {"type": "function", "name": sent_name}


def test_custom_tools() -> None:
    """T139, T142"""
    tool = CustomTool("p", "d", Raw(b'{"type":"grammar","syntax":"lark","definition":"x"}'))
    body, losses = wire(tool)
    assert body["tools"][0]["type"] == "custom"
    assert body["tools"][0]["format"]["syntax"] == "lark"
    assert losses == []
    out = encode(foreign(HI, tools=(tool,)), replace(DEFAULT, custom_tools=False))
    assert out.custom_tools == {"p"}
    assert [str(loss) for loss in out.losses] == ["custom_grammar: p"]
    assert json.loads(out.body)["tools"][0]["parameters"]["required"] == ["input"]


def test_namespaces_and_the_clients_search_go_back_as_they_came() -> None:
    """T34, T135"""
    tools = [
        {"type": "namespace", "name": "n", "description": "d", "tools": [
            {"type": "function", "name": "a", "parameters": {"type": "object", "properties": {}}, "defer_loading": True},
            {"type": "function", "name": "b", "parameters": {"type": "object", "properties": {}}},
        ]},
        {"type": "tool_search", "execution": "client", "description": "s", "parameters": {"type": "object"}},
        {"type": "web_search", "search_context_size": "low"},
    ]  # fmt: skip
    body, losses = sent(asked(tools=tools))
    assert body["tools"] == tools
    assert losses == []


@pytest.mark.parametrize(
    ("kind", "habits", "found"),
    [
        (HostedKind.WEB_SEARCH, DEFAULT, {"type": "web_search"}),
        (HostedKind.WEB_SEARCH, PLAN, {"type": "web_search"}),
        (HostedKind.IMAGE_GENERATION, DEFAULT, {"type": "image_generation"}),
        (HostedKind.IMAGE_GENERATION, PLAN, None),
        (
            HostedKind.CODE_EXECUTION,
            DEFAULT,
            {"type": "code_interpreter", "container": {"type": "auto"}},
        ),
        (HostedKind.WEB_FETCH, DEFAULT, None),
        (HostedKind.OTHER, DEFAULT, None),
        (HostedKind.WEB_SEARCH, COMPATIBLE_RESPONSES, None),
    ],
)
def test_hosted_tools_of_others(kind: HostedKind, habits: Habits, found: Any) -> None:
    """T135, T136: mapped where there is one like it, else listed, and never a function."""
    tool = HostedTool(kind, "web_search_20250305", "web_search", "anthropic-messages", Raw(b"{}"))
    body, losses = wire(tool, habits=habits)
    assert body.get("tools") == (None if found is None else [found])
    assert losses == ([] if found else ["hosted_tool: web_search_20250305"])


def test_a_choice_of_a_hosted_tool() -> None:
    """T40, T136: one that is dropped goes with its tool."""
    search = HostedTool(HostedKind.WEB_SEARCH, "web_search_20250305", "web_search", "x", Raw(b"{}"))
    choice = ToolChoice(ChoiceMode.NAMED, ("web_search",), "web_search_20250305")
    body, _ = wire(search, tool_choice=choice)
    assert body["tool_choice"] == {"type": "web_search"}
    body, losses = wire(FunctionTool("f"), tool_choice=choice)
    assert "tool_choice" not in body
    assert losses == ["tool_choice: web_search_20250305"]


AUTO, REQUIRED, NONE, NAMED = ChoiceMode


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (None, None),
        (ToolChoice(AUTO), "auto"),
        (ToolChoice(REQUIRED), "required"),
        (ToolChoice(NONE), "none"),
        (ToolChoice(NAMED, ("f",)), {"type": "function", "name": "f"}),
        (ToolChoice(NAMED, ("p",)), {"type": "custom", "name": "p"}),
        (
            ToolChoice(REQUIRED, ("f", "p")),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}],
            },
        ),
    ],
)
def test_the_choice(choice: ToolChoice | None, found: Any) -> None:
    """T36, T40"""
    body, losses = wire(FunctionTool("f"), CustomTool("p"), tool_choice=choice)
    assert body.get("tool_choice") == found
    assert losses == []


def test_a_choice_of_a_tool_that_is_not_offered() -> None:
    body, losses = wire(FunctionTool("f"), tool_choice=ToolChoice(NAMED, ("other",)))
    assert "tool_choice" not in body
    assert losses == ["tool_choice: a chosen tool is not offered"]


def test_nothing_is_said_of_calling_tools_that_are_not_there() -> None:
    """T32"""
    search = HostedTool(HostedKind.OTHER, "bash_20250124", "bash", "anthropic-messages", Raw(b"{}"))
    body, _ = wire(search, tool_choice=ToolChoice(AUTO), parallel=False)
    assert not body.keys() & {"tools", "tool_choice", "parallel_tool_calls"}
    _, losses = wire(search, tool_choice=ToolChoice(ChoiceMode.REQUIRED))
    assert losses == ["hosted_tool: bash_20250124", "tool_choice: no tool is left to choose"]


def test_one_call_at_a_time() -> None:
    """T37"""
    body, _ = wire(FunctionTool("f"), parallel=False)
    assert body["parallel_tool_calls"] is False


def test_fields_of_another_dialect_are_listed() -> None:
    """T30"""
    tool = FunctionTool("f", native={"input_examples": Raw(b"[]")}, cache=CacheMarker())
    body, losses = wire(tool)
    assert "input_examples" not in body["tools"][0]
    assert losses == ["cache_marker", "native_field: tools.input_examples"]


def test_a_second_tool_of_the_same_name() -> None:
    """T34"""
    _, losses = wire(FunctionTool("f"), FunctionTool("f"))
    assert losses == ["duplicate_tool: f"]
