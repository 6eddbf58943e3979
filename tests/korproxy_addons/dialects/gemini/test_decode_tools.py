import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.decode_tools import (
    decode_tool_choice,
    decode_tools,
    fields_at,
    native_choice,
    text_at,
    texts_at,
)
from korproxy_addons.dialects.gemini.wire import ABSENT
from korproxy_addons.dialects.model import (
    ChoiceMode,
    FunctionTool,
    HostedKind,
    HostedTool,
    Tool,
    ToolChoice,
)
from korproxy_addons.errors.exceptions import KorProxyError


def tools(*entries: Any) -> tuple[Tool, ...]:
    return decode_tools(Raw(json.dumps(entries).encode()))


def function(**fields: Any) -> FunctionTool:
    (tool,) = tools({"functionDeclarations": [{"name": "f", **fields}]})
    assert isinstance(tool, FunctionTool)
    return tool


def choice(**calling: Any) -> ToolChoice | None:
    config = {"functionCallingConfig": calling}
    return decode_tool_choice(fields_at(json.dumps(config).encode(), "toolConfig"))


@pytest.mark.parametrize("key", ["parametersJsonSchema", "parameters_json_schema", "parameters"])
def test_a_schema_comes_under_three_names(key: str) -> None:
    tool = function(description="d", **{key: {"type": "object", "properties": {}}})
    assert tool.description == "d"
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema)) == {"type": "object", "properties": {}}


def test_googles_schema_becomes_json_schema() -> None:
    tool = function(parameters={"type": "OBJECT", "properties": {"a": {"type": "STRING"}}})
    assert tool.schema is not None
    assert json.loads(bytes(tool.schema))["properties"]["a"]["type"] == "string"


@pytest.mark.parametrize("schema", [None, {}])
def test_t27_a_tool_without_parameters(schema: Any) -> None:
    assert function(parameters=schema).schema is None
    assert function().schema is None


def test_snake_case_declarations_are_read() -> None:
    assert tools({"function_declarations": [{"name": "f"}]}) == (FunctionTool("f"),)


def test_what_only_google_knows_of_a_function_is_kept() -> None:
    assert set(function(behavior="BLOCKING", response_json_schema={}).native) == {
        "behavior",
        "responseJsonSchema",
    }


def test_googles_own_tools() -> None:
    found = tools(
        {"google_search": {}, "codeExecution": None},
        {"urlContext": {}, "functionDeclarations": [{"name": "f"}]},
        {"fileSearch": {"file_search_store_names": ["s"]}},
        {"computerUse": {}},
    )
    hosted = [tool for tool in found if isinstance(tool, HostedTool)]
    assert [(tool.type, tool.kind) for tool in hosted] == [
        ("googleSearch", HostedKind.WEB_SEARCH),
        ("urlContext", HostedKind.URL_CONTEXT),
        ("fileSearch", HostedKind.FILE_SEARCH),
        ("computerUse", HostedKind.OTHER),
    ]
    assert bytes(hosted[2].raw) == b'{"fileSearch":{"file_search_store_names": ["s"]}}'
    assert len(found) == 5


def test_t34_a_name_counts_once() -> None:
    found = tools({"functionDeclarations": [{"name": "f", "description": "1"}, {"name": "f"}]})
    assert found == (FunctionTool("f", "1"),)


def test_t32_no_tools() -> None:
    assert decode_tools(ABSENT) == ()
    assert tools() == ()


@pytest.mark.parametrize(
    ("entries", "param"),
    [
        ([5], "tools[0]"),
        ([{"functionDeclarations": 5}], "tools[0].functionDeclarations"),
        ([{"functionDeclarations": [{}]}], "tools[0].functionDeclarations[0].name"),
        ([{"functionDeclarations": [{"name": 5}]}], "tools[0].functionDeclarations[0].name"),
    ],
)
def test_t170_a_wrong_field_is_named(entries: Any, param: str) -> None:
    with pytest.raises(KorProxyError) as refused:
        tools(*entries)
    assert refused.value.param == param


@pytest.mark.parametrize(
    ("calling", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "auto"}, ToolChoice(ChoiceMode.AUTO)),
        ({}, ToolChoice(ChoiceMode.AUTO)),
        ({"mode": "NONE"}, ToolChoice(ChoiceMode.NONE)),
        ({"mode": "ANY"}, ToolChoice(ChoiceMode.REQUIRED)),
        ({"mode": "ANY", "allowed_function_names": ["f"]}, ToolChoice(ChoiceMode.NAMED, ("f",))),
        (
            {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
            ToolChoice(ChoiceMode.REQUIRED, ("f", "g")),
        ),
        (
            {"mode": "VALIDATED", "allowedFunctionNames": ["f"]},
            ToolChoice(ChoiceMode.AUTO, ("f",)),
        ),
    ],
)
def test_t35_t40_the_choice(calling: dict[str, Any], expected: ToolChoice) -> None:
    assert choice(**calling) == expected


def test_no_choice() -> None:
    assert decode_tool_choice({}) is None


def test_what_only_google_knows_of_the_choice_is_kept() -> None:
    config = {
        "functionCallingConfig": {
            "mode": "VALIDATED",
            "allowed_function_names": ["f"],
            "streamFunctionCallArguments": True,
        },
        "retrievalConfig": {},
    }
    native = native_choice(fields_at(json.dumps(config).encode(), "toolConfig"))
    assert set(native) == {
        "toolConfig.retrievalConfig",
        "toolConfig.functionCallingConfig.mode",
        "toolConfig.functionCallingConfig.streamFunctionCallArguments",
    }
    assert native_choice({}) == {}


def test_texts_that_are_absent() -> None:
    fields = fields_at(b'{"a":"x","b":["y"],"c":null}', "here")
    assert (text_at(fields, "a", "here"), text_at(fields, "c", "here")) == ("x", "")
    assert (texts_at(fields, "b", "here"), texts_at(fields, "c", "here")) == (("y",), ())
    with pytest.raises(KorProxyError) as refused:
        text_at(fields, "b", "")
    assert refused.value.param == "b"
