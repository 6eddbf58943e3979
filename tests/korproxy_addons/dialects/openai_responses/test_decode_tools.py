import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.model import (
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.decode_tools import (
    SEARCH_MARK,
    Toolbox,
    decoded_choice,
)
from korproxy_addons.errors.exceptions import KorProxyError


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def tools(*values: Any) -> tuple[Tool, ...]:
    box = Toolbox()
    box.add(map(raw, values), "tools")
    return box.tools()


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "tool",
    [
        {"type": "function", "name": "f", "description": "d", "parameters": SCHEMA},
        {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA}},
        {"name": "f", "description": "d", "input_schema": SCHEMA},
        {"name": "f", "description": "d", "parameters": SCHEMA},
    ],
)
def test_a_function_in_anyones_form(tool: dict[str, Any]) -> None:
    """T18"""
    assert tools(tool) == (FunctionTool("f", "d", raw(SCHEMA)),)


@pytest.mark.parametrize("parameters", [None, {}])
def test_no_parameters(parameters: Any) -> None:
    """T27"""
    (tool,) = tools({"type": "function", "name": "f", "parameters": parameters})
    assert isinstance(tool, FunctionTool)
    assert tool.schema is None


@pytest.mark.parametrize("strict", [None, True, False])
def test_strict_as_it_was_said(strict: bool | None) -> None:
    """T28"""
    (tool,) = tools({"type": "function", "name": "f", "strict": strict, "defer_loading": True})
    assert isinstance(tool, FunctionTool)
    assert tool.strict is strict
    assert tool.native == {"defer_loading": Raw(b"true")}


def test_custom_tools() -> None:
    """T139"""
    form = {"type": "grammar", "syntax": "lark", "definition": "start: X"}
    assert tools(
        {"type": "custom", "name": "p", "description": "d", "format": form},
        {"type": "custom", "custom": {"name": "q"}},
    ) == (CustomTool("p", "d", raw(form)), CustomTool("q"))


def test_a_namespace_is_its_tools() -> None:
    """T34"""
    box = Toolbox()
    inner = [{"type": "function", "name": "add"}, {"type": "custom", "name": "put"}]
    space = {"type": "namespace", "name": "notes", "description": "d", "tools": inner}
    box.add([raw(space), raw({"type": "function", "name": "add"})], "tools")
    assert box.tools() == (
        FunctionTool("notes__add", namespace="notes"),
        CustomTool("notes__put"),
        FunctionTool("add"),
    )
    assert box.namespaces == {"notes": "d"}


def test_each_tool_once() -> None:
    """T34"""
    first = {"type": "function", "name": "f", "description": "first"}
    second = {"type": "function", "name": "f", "description": "second"}
    assert tools(first, second, {"type": "web_search"}, {"type": "web_search"}) == (
        FunctionTool("f", "first"),
        HostedTool(
            HostedKind.WEB_SEARCH, "web_search", "", "openai-responses", raw({"type": "web_search"})
        ),
    )


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        ("web_search_preview", HostedKind.WEB_SEARCH),
        ("file_search", HostedKind.FILE_SEARCH),
        ("code_interpreter", HostedKind.CODE_EXECUTION),
        ("image_generation", HostedKind.IMAGE_GENERATION),
        ("computer_use_preview", HostedKind.OTHER),
        ("tool_search", HostedKind.OTHER),
        ("local_shell", HostedKind.OTHER),
    ],
)
def test_hosted_tools_are_no_functions(kind: str, meaning: HostedKind) -> None:
    """T135"""
    tool = {"type": kind, "search_context_size": "low"}
    assert tools(tool) == (HostedTool(meaning, kind, "", "openai-responses", raw(tool)),)


def test_the_clients_own_search_is_a_function() -> None:
    """T135: Codex runs it by itself."""
    (tool,) = tools(
        {"type": "tool_search", "execution": "client", "description": "d", "parameters": SCHEMA}
    )
    assert tool == FunctionTool(
        "tool_search", "d", raw(SCHEMA), native={SEARCH_MARK: Raw(b'"client"')}
    )


@pytest.mark.parametrize(
    ("tool", "path"),
    [
        ({"type": "function"}, "tools[0].name"),
        ({"type": "function", "function": {"name": ""}}, "tools[0].function.name"),
        ({"type": "custom"}, "tools[0].name"),
        ({"type": "function", "name": 5}, "tools[0].name"),
        ({"name": "f"}, "tools[0].type"),
        ([], "tools[0]"),
        (
            {"type": "namespace", "name": "n", "tools": [{"type": "function"}]},
            "tools[0].tools[0].name",
        ),
    ],
)
def test_a_mistake_names_its_place(tool: Any, path: str) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        tools(tool)
    assert found.value.param == path


AUTO, REQUIRED, NONE, NAMED = ChoiceMode


@pytest.mark.parametrize(
    ("choice", "found"),
    [
        (None, None),
        ("auto", ToolChoice(AUTO)),
        ("required", ToolChoice(REQUIRED)),
        ("none", ToolChoice(NONE)),
        ({"type": "auto"}, ToolChoice(AUTO)),
        ({"type": "function", "name": "f"}, ToolChoice(NAMED, ("f",))),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice(NAMED, ("f",))),
        ({"type": "custom", "name": "p"}, ToolChoice(NAMED, ("p",))),
        ({"type": "web_search"}, ToolChoice(NAMED, ("web_search",), "web_search")),
        (
            {"type": "mcp", "server_label": "s", "name": "x"},
            ToolChoice(NAMED, ("x",), hosted_type="mcp"),
        ),
        (
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}],
            },
            ToolChoice(REQUIRED, ("f",)),
        ),
        (
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "image_generation"}]},
            ToolChoice(AUTO, ("image_generation",)),
        ),
    ],
)
def test_the_choice(choice: Any, found: ToolChoice | None) -> None:
    """T39, T40"""
    assert decoded_choice(raw(choice)) == found


@pytest.mark.parametrize(
    ("choice", "path"),
    [("sometimes", "tool_choice"), ({}, "tool_choice.name"), (5, "tool_choice")],
)
def test_a_choice_that_is_none(choice: Any, path: str) -> None:
    with pytest.raises(KorProxyError) as found:
        decoded_choice(raw(choice))
    assert found.value.param == path
