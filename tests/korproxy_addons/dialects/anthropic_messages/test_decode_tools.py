from typing import Any

import pytest

from korproxy_addons.dialects.anthropic_messages.decode_tools import decoded_choice, decoded_tools
from korproxy_addons.dialects.anthropic_messages.wire import NOTHING
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    FunctionTool,
    HostedKind,
    HostedTool,
    ToolChoice,
)
from korproxy_addons.errors.exceptions import KorProxyError
from support.anthropic_wire import plain, request_of

GO = {"name": "go", "input_schema": {"type": "object"}}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}


def test_t30_a_tool_keeps_what_only_this_dialect_knows() -> None:
    (tool,) = request_of(
        tools=[
            {
                "type": "custom",
                "name": "go",
                "description": "Goes.",
                "input_schema": {"type": "object"},
                "strict": True,
                "cache_control": {"type": "ephemeral"},
                "defer_loading": True,
                "input_examples": [{}],
                "allowed_callers": None,
            }
        ]
    ).tools
    assert plain(tool) == plain(FunctionTool("go", "Goes.", None, True, cache=CacheMarker())) | {
        "schema": {"type": "object"},
        "native": {"defer_loading": True, "input_examples": [{}]},
    }


@pytest.mark.parametrize("schema", [{}, None])
def test_t27_no_schema_in_every_form(schema: Any) -> None:
    assert request_of(tools=[{"name": "go", "input_schema": schema}]).tools == (FunctionTool("go"),)
    assert request_of(tools=[{"name": "go"}]).tools == (FunctionTool("go"),)


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("web_search_20250305", HostedKind.WEB_SEARCH),
        ("web_search_20990101", HostedKind.WEB_SEARCH),
        ("web_fetch_20250910", HostedKind.WEB_FETCH),
        ("code_execution_20250825", HostedKind.CODE_EXECUTION),
        ("bash_20250124", HostedKind.OTHER),
        ("text_editor_20250728", HostedKind.OTHER),
        ("mcp_toolset", HostedKind.OTHER),
    ],
)
def test_t136_types_with_a_date_are_known_by_their_beginning(
    kind: str, meaning: HostedKind
) -> None:
    (tool,) = request_of(tools=[{"type": kind, "name": "n"}]).tools
    assert isinstance(tool, HostedTool)
    assert (tool.kind, tool.type, tool.name) == (meaning, kind, "n")
    assert plain(tool.raw) == {"type": kind, "name": "n"}


def test_t34_a_name_counts_once() -> None:
    assert len(request_of(tools=[GO, GO, SEARCH, {**SEARCH, "max_uses": 1}]).tools) == 2
    toolsets = [{"type": "mcp_toolset", "mcp_server_name": "a"}, {"type": "other_toolset"}]
    assert len(request_of(tools=toolsets).tools) == 2


def test_t32_without_tools_there_is_no_choice() -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": True}
    empty: list[Any] = [[], None]
    for tools in empty:
        request = request_of(tools=tools, tool_choice=choice)
        assert (request.tools, request.tool_choice, request.parallel) == ((), None, None)
    assert decoded_tools(None) == ()
    assert decoded_choice(NOTHING, ()) == (None, None)


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, ToolChoice(ChoiceMode.AUTO)),
        ({"type": "any"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"type": "none"}, ToolChoice(ChoiceMode.NONE)),
        ({"type": "tool", "name": "go"}, ToolChoice(ChoiceMode.NAMED, ("go",))),
        (
            {"type": "tool", "name": "web_search"},
            ToolChoice(ChoiceMode.NAMED, ("web_search",), "web_search_20250305"),
        ),
        # forms of other dialects (T39)
        ("auto", ToolChoice(ChoiceMode.AUTO)),
        ("required", ToolChoice(ChoiceMode.REQUIRED)),
        (
            {"type": "function", "function": {"name": "go"}},
            ToolChoice(ChoiceMode.NAMED, ("go",)),
        ),
    ],
)
def test_t39_choices(choice: Any, expected: ToolChoice) -> None:
    assert request_of(tools=[GO, SEARCH], tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize(("serial", "parallel"), [(True, False), (False, True), (None, None)])
def test_t37_the_negation_inside_the_choice_is_turned_round(
    serial: bool | None, parallel: bool | None
) -> None:
    choice = {"type": "auto", "disable_parallel_tool_use": serial}
    assert request_of(tools=[GO], tool_choice=choice).parallel is parallel


@pytest.mark.parametrize("choice", ["tool", "sometimes", 5])
def test_a_choice_that_is_none_is_refused(choice: Any) -> None:
    with pytest.raises(KorProxyError):
        request_of(tools=[GO], tool_choice=choice)
