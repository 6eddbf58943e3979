import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    ToolChoice,
)
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError
from support.chat_wire import asked

SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}
RAW = Raw(json.dumps(SCHEMA).encode())
F = {"type": "function", "function": {"name": "f"}}


def request(**fields: Any) -> Any:
    return asked({"model": "m", "messages": [{"role": "user", "content": "x"}], **fields})


@pytest.mark.parametrize(
    "tool",
    [
        {
            "type": "function",
            "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
        },
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True},
        {"name": "f", "description": "d", "input_schema": SCHEMA, "strict": True},
        {"type": "custom", "name": "f", "description": "d", "input_schema": SCHEMA, "strict": True},
        {"function": {"name": "f", "description": "d", "parameters": SCHEMA}, "strict": True},
    ],
)
def test_t18_tools_of_all_dialects_are_understood(tool: dict[str, Any]) -> None:
    assert request(tools=[tool]).tools == (FunctionTool("f", "d", RAW, strict=True),)


@pytest.mark.parametrize("schema", [None, {}, "absent"])
def test_t27_no_parameters_are_none(schema: Any) -> None:
    function = {"name": "f"} | ({} if schema == "absent" else {"parameters": schema})
    assert request(tools=[{"type": "function", "function": function}]).tools[0].schema is None


def test_t30_t92_fields_of_its_own_and_markers_are_kept() -> None:
    tool = {
        "type": "function",
        "function": {"name": "f", "response": {"x": 1}},
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
        "defer_loading": True,
        "nothing": None,
    }
    found = request(tools=[tool]).tools[0]
    assert found.cache == CacheMarker("1h")
    assert found.native == {"function.response": Raw(b'{"x": 1}'), "defer_loading": Raw(b"true")}


def test_t142_custom_tools_nested_and_flat() -> None:
    form = {"type": "grammar", "grammar": {"syntax": "lark", "definition": "x"}}
    nested = {"type": "custom", "custom": {"name": "a", "description": "d", "format": form}}
    flat = {"type": "custom", "name": "b"}
    assert request(tools=[nested, flat]).tools == (
        CustomTool("a", "d", Raw(json.dumps(form).encode())),
        CustomTool("b"),
    )


@pytest.mark.parametrize(
    ("tool", "kind"),
    [
        ({"type": "web_search_preview"}, HostedKind.WEB_SEARCH),
        ({"type": "web_search_20250305", "name": "web_search"}, HostedKind.WEB_SEARCH),
        ({"type": "code_interpreter"}, HostedKind.CODE_EXECUTION),
        ({"type": "bash_20250124", "name": "bash"}, HostedKind.OTHER),
    ],
)
def test_t135_t136_hosted_tools_are_no_functions(tool: dict[str, str], kind: HostedKind) -> None:
    raw = Raw(json.dumps(tool).encode())
    expected = HostedTool(kind, tool["type"], tool.get("name", ""), "openai-chat", raw)
    assert request(tools=[tool]).tools == (expected,)


def test_search_options_are_a_hosted_tool() -> None:
    found = request(web_search_options={})
    assert found.tools[0].kind is HostedKind.WEB_SEARCH
    assert found.tools[0].raw == Raw(b"{}")


def test_t144_legacy_functions_are_tools() -> None:
    found = request(functions=[{"name": "f", "parameters": SCHEMA}], function_call={"name": "f"})
    assert found.tools == (FunctionTool("f", "", RAW),)
    assert found.parallel is False
    assert found.tool_choice == ToolChoice(ChoiceMode.NAMED, ("f",))
    assert request(functions=[{"name": "f"}], function_call="none").tool_choice == ToolChoice(
        ChoiceMode.NONE
    )


def test_t34_a_name_counts_once() -> None:
    other = {"type": "function", "function": {"name": "f", "description": "second"}}
    assert [tool.description for tool in request(tools=[F, other]).tools] == [""]


@pytest.mark.parametrize("tools", [[], None])
def test_t32_a_choice_without_tools_is_nothing(tools: object) -> None:
    found = request(tools=tools, tool_choice="required", parallel_tool_calls=True)
    assert (found.tools, found.tool_choice, found.parallel) == ((), None, None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice(ChoiceMode.AUTO)),
        ("required", ToolChoice(ChoiceMode.REQUIRED)),
        ("any", ToolChoice(ChoiceMode.REQUIRED)),
        ("none", ToolChoice(ChoiceMode.NONE)),
        (None, None),
        ({"type": "auto"}, ToolChoice(ChoiceMode.AUTO)),
        ({"type": "any"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        ({"function": {"name": "f"}}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        ({"type": "function", "name": "f"}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        ({"type": "tool", "name": "f"}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        ({"type": "custom", "custom": {"name": "f"}}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        ({"type": "web_search"}, ToolChoice(ChoiceMode.REQUIRED, hosted_type="web_search")),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [F]}},
            ToolChoice(ChoiceMode.REQUIRED, ("f",)),
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
            ToolChoice(ChoiceMode.AUTO, ("f",)),
        ),
    ],
)
def test_t35_t39_t40_choices_in_every_form(choice: Any, expected: ToolChoice | None) -> None:
    assert request(tools=[F], tool_choice=choice).tool_choice == expected


def test_t37_one_call_at_a_time_in_both_forms() -> None:
    assert request(tools=[F], parallel_tool_calls=False).parallel is False
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    assert request(tools=[F], tool_choice=choice).parallel is False
    assert request(tools=[F]).parallel is None


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": [F, {"type": "function"}]}, "tools[1].function.name"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].custom.name"),
        ({"tools": [{"type": 5}]}, "tools[0].type"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": {}}, "tools"),
        ({"functions": [{}]}, "functions[0].function.name"),
        ({"tools": [F], "tool_choice": "maybe"}, "tool_choice"),
        ({"tools": [F], "tool_choice": {"type": "function"}}, "tool_choice.function.name"),
        ({"tools": [F], "tool_choice": {}}, "tool_choice.type"),
        ({"tools": [F], "tool_choice": 5}, "tool_choice"),
        ({"functions": [{"name": "f"}], "function_call": {}}, "function_call.name"),
    ],
)
def test_t170_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        request(**fields)
    assert (caught.value.spec, caught.value.param) == (FIELD_INVALID, param)
