from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import CODE_ASSIST, COMPATIBLE_GEMINI, GEMINI_API, ModelFacts
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.gemini import DIALECT
from korproxy_addons.dialects.gemini.encode_tools import tool_names
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Message,
    Role,
    Tool,
    ToolCallPart,
    ToolChoice,
    ToolResultPart,
)
from support.gemini_wire import asked, body_of, lost, request, target

SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":["string","null"]}},"$defs":{}}')
READ = FunctionTool("read", "Reads.", SCHEMA)
LIST = FunctionTool("list")


def hosted(kind: HostedKind, origin: str = "openai-responses", raw: bytes = b"{}") -> HostedTool:
    return HostedTool(kind, "its_type", "", origin, Raw(raw))


def tools(*given: Tool, to: Any = None, **fields: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body_of(asked(tools=given, **fields), to).get("tools", [])
    return found


def calling(choice: ToolChoice, *given: Tool, **fields: Any) -> Any:
    body = body_of(asked(tools=given or (READ, LIST), tool_choice=choice, **fields))
    return body.get("toolConfig", {}).get("functionCallingConfig")


def test_functions_stand_in_one_declaration() -> None:
    assert tools(READ, LIST) == [
        {
            "functionDeclarations": [
                {
                    "name": "read",
                    "description": "Reads.",
                    "parametersJsonSchema": {
                        "type": "object",
                        "properties": {"a": {"type": ["string", "null"]}},
                        "$defs": {},
                    },
                },
                {"name": "list", "description": ""},
            ]
        }
    ]


def test_t20_a_server_without_json_schema_gets_a_fitted_one() -> None:
    ((declaration, _),) = (tools(READ, LIST, to=target(CODE_ASSIST))[0]["functionDeclarations"],)
    assert declaration["parameters"] == {
        "type": "object",
        "properties": {"a": {"type": "string", "nullable": True}},
    }


def test_t32_no_tools_no_config() -> None:
    body = body_of(asked(parallel=False))
    assert "tools" not in body
    assert "toolConfig" not in body


def test_t29_names_are_fitted_everywhere_and_known_on_the_way_back() -> None:
    name = "2nd tool/" + "x" * 70
    history = (
        Message(Role.USER, ()),
        Message(Role.ASSISTANT, (ToolCallPart("1", name, "{}"),)),
        Message(Role.USER, (ToolResultPart("1"),)),
    )
    choice = ToolChoice(ChoiceMode.NAMED, (name,))
    made = DIALECT.encode_request(
        asked(*history, tools=(FunctionTool(name),), tool_choice=choice), target()
    )
    sent = made.names.there(name)
    assert len(sent) <= 64
    assert made.names.original(sent) == name
    assert made.body.count(sent.encode()) == 4
    assert name.encode() not in made.body


def test_t29_names_that_fit_stay() -> None:
    names = tool_names((FunctionTool("mcp__a.b:c-d"), hosted(HostedKind.OTHER)), ())
    assert names.there("mcp__a.b:c-d") == "mcp__a.b:c-d"


def test_t30_t92_fields_of_others_are_listed() -> None:
    tool = replace(READ, strict=True, cache=CacheMarker(), native={"defer_loading": Raw(b"true")})
    assert lost(asked(tools=(tool,))) == {"strict", "cache_marker", "native_field"}
    own = tools(replace(READ, native={"behavior": Raw(b'"BLOCKING"')}), source="gemini")
    assert own[0]["functionDeclarations"][0]["behavior"] == "BLOCKING"


def test_t34_a_name_counts_once() -> None:
    assert lost(asked(tools=(READ, READ))) == {"duplicate_tool"}
    assert len(tools(READ, READ)[0]["functionDeclarations"]) == 1


def test_t139_a_custom_tool_becomes_a_function() -> None:
    patch = CustomTool(
        "apply_patch", "Patches.", Raw(b'{"type":"grammar","definition":"start: x"}')
    )
    made = DIALECT.encode_request(asked(tools=(patch,)), target())
    assert made.custom_tools == frozenset({"apply_patch"})
    assert [loss.feature.value for loss in made.losses] == ["custom_grammar"]
    (declaration,) = tools(patch)[0]["functionDeclarations"]
    assert declaration["parametersJsonSchema"]["required"] == ["input"]
    assert "start: x" in declaration["description"]
    assert lost(asked(tools=(CustomTool("free"),))) == set()


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (HostedKind.WEB_SEARCH, "googleSearch"),
        (HostedKind.WEB_FETCH, "urlContext"),
        (HostedKind.URL_CONTEXT, "urlContext"),
        (HostedKind.CODE_EXECUTION, "codeExecution"),
    ],
)
def test_t135_t136_tools_that_google_has_too(kind: HostedKind, key: str) -> None:
    assert tools(hosted(kind), hosted(kind)) == [{key: {}}]


@pytest.mark.parametrize(
    "kind", [HostedKind.FILE_SEARCH, HostedKind.IMAGE_GENERATION, HostedKind.OTHER]
)
def test_t135_tools_that_google_has_not(kind: HostedKind) -> None:
    assert tools(hosted(kind)) == []
    assert lost(asked(tools=(hosted(kind),))) == {"hosted_tool"}


def test_googles_own_tools_stay_as_they_were() -> None:
    raw = b'{"fileSearch":{"file_search_store_names":["s"]}}'
    tool = hosted(HostedKind.FILE_SEARCH, "gemini", raw)
    assert tools(tool, source="gemini") == [{"fileSearch": {"file_search_store_names": ["s"]}}]


def test_t33_functions_and_search_together_only_where_it_works() -> None:
    given = (READ, hosted(HostedKind.WEB_SEARCH))
    older = Target("gemini-2.5-flash", GEMINI_API, ModelFacts("gemini-2.5-flash"), stream=True)
    for apart in (older, target(COMPATIBLE_GEMINI)):
        assert len(body_of(asked(tools=given), apart)["tools"]) == 1
        assert lost(asked(tools=given), apart) == {"hosted_tool"}
    body = body_of(asked(tools=given))
    assert len(body["tools"]) == 2
    assert body["toolConfig"] == {"includeServerSideToolInvocations": True}
    client = request(
        {
            "tools": [{"googleSearch": {}}, {"functionDeclarations": [{"name": "f"}]}],
            "toolConfig": {"includeServerSideToolInvocations": True},
        }
    )
    assert len(body_of(client)["tools"]) == 2
    assert body_of(client)["toolConfig"] == {"includeServerSideToolInvocations": True}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice(ChoiceMode.AUTO), {"mode": "AUTO"}),
        (ToolChoice(ChoiceMode.REQUIRED), {"mode": "ANY"}),
        (ToolChoice(ChoiceMode.NONE), {"mode": "NONE"}),
        (
            ToolChoice(ChoiceMode.NAMED, ("read",)),
            {"mode": "ANY", "allowedFunctionNames": ["read"]},
        ),
        (
            ToolChoice(ChoiceMode.REQUIRED, ("read", "gone")),
            {"mode": "ANY", "allowedFunctionNames": ["read"]},
        ),
        (ToolChoice(ChoiceMode.AUTO, ("read",)), {"mode": "AUTO"}),
    ],
)
def test_t35_t40_the_choice(choice: ToolChoice, expected: Any) -> None:
    assert calling(choice) == expected


def test_t40_with_a_free_choice_only_the_allowed_tools_are_offered() -> None:
    choice = ToolChoice(ChoiceMode.AUTO, ("read",))
    (entry,) = tools(READ, LIST, tool_choice=choice)
    assert [each["name"] for each in entry["functionDeclarations"]] == ["read"]


def test_validated_choices_of_googles_clients_stay() -> None:
    client = request(
        {
            "tools": [{"functionDeclarations": [{"name": "f"}, {"name": "g"}]}],
            "toolConfig": {
                "functionCallingConfig": {
                    "mode": "VALIDATED",
                    "allowedFunctionNames": ["f"],
                    "streamFunctionCallArguments": True,
                }
            },
        }
    )
    body = body_of(client)
    assert body["toolConfig"]["functionCallingConfig"] == {
        "mode": "VALIDATED",
        "allowedFunctionNames": ["f"],
        "streamFunctionCallArguments": True,
    }
    assert len(body["tools"][0]["functionDeclarations"]) == 2


def test_t38_parallel_calls_are_no_reason_to_force_one() -> None:
    body = body_of(asked(tools=(READ,), parallel=True))
    assert "toolConfig" not in body
    assert lost(asked(tools=(READ,), parallel=True)) == set()
    assert lost(asked(tools=(READ,), parallel=False)) == {"parallel_tool_calls"}


@pytest.mark.parametrize(
    "choice",
    [
        ToolChoice(ChoiceMode.NAMED, ("gone",)),
        ToolChoice(ChoiceMode.REQUIRED, hosted_type="web_search"),
    ],
)
def test_t136_a_choice_of_what_is_not_offered_is_a_loss(choice: ToolChoice) -> None:
    assert calling(choice) is None
    assert lost(asked(tools=(READ,), tool_choice=choice)) == {"tool_choice"}


def test_googles_tools_cannot_be_forced() -> None:
    search = (hosted(HostedKind.WEB_SEARCH),)
    forced = asked(tools=search, tool_choice=ToolChoice(ChoiceMode.REQUIRED))
    assert lost(forced) == {"tool_choice"}
    assert "toolConfig" not in body_of(asked(tools=search, tool_choice=ToolChoice(ChoiceMode.AUTO)))
