import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_CHAT, OPENAI_CHAT, Habits, ModelFacts
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChatRequest,
    ChoiceMode,
    CustomTool,
    FunctionTool,
    HostedKind,
    HostedTool,
    Message,
    Role,
    TextPart,
    Tool,
    ToolCallPart,
    ToolChoice,
)
from korproxy_addons.dialects.openai_chat.encode_request import encode_request
from korproxy_addons.dialects.openai_chat.encode_tools import tool_names
from support.chat_wire import sent

ASK = Message(Role.USER, (TextPart("q"),))
SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"number","maximum":1.0}}}')
CLOSED = Raw(b'{"type":"object","properties":{},"additionalProperties":false}')
F = FunctionTool("f", "d", SCHEMA)
SEARCH = HostedTool(HostedKind.WEB_SEARCH, "web_search", "", "openai-responses", Raw(b"{}"))
GRAMMAR = {"syntax": "lark", "definition": "start: x"}


def request(*tools: Tool, source: str = "anthropic-messages", **fields: Any) -> ChatRequest:
    return ChatRequest(source, "m", (ASK,), tools=tools, **fields)


def encoded(
    *tools: Tool, habits: Habits = COMPATIBLE_CHAT, **fields: Any
) -> tuple[dict[str, Any], list[str]]:
    body, lost = sent(request(*tools, **fields), habits)
    return {name: value for name, value in body.items() if name not in {"model", "messages"}}, lost


def test_a_function_is_nested_and_its_schema_untouched() -> None:
    body, lost = encoded(F)
    function = {"name": "f", "description": "d", "parameters": json.loads(bytes(SCHEMA))}
    assert body == {"tools": [{"type": "function", "function": function}]}
    assert lost == []
    out = encode_request(request(F), Target("m", COMPATIBLE_CHAT, ModelFacts("m"), stream=False))
    assert bytes(SCHEMA) in out.body, "T93, T179"


def test_t27_a_function_without_parameters_gets_an_empty_object() -> None:
    parameters = encoded(FunctionTool("f"))[0]["tools"][0]["function"]["parameters"]
    assert parameters == {"type": "object", "properties": {}}


@pytest.mark.parametrize(
    ("strict", "schema", "habits", "source", "said", "lost"),
    [
        (None, SCHEMA, OPENAI_CHAT, "x", None, []),
        (True, CLOSED, OPENAI_CHAT, "x", True, []),
        (True, SCHEMA, OPENAI_CHAT, "x", None, ["strict: f"]),
        (True, SCHEMA, OPENAI_CHAT, "openai-chat", True, []),
        (False, SCHEMA, OPENAI_CHAT, "x", False, []),
        (True, CLOSED, COMPATIBLE_CHAT, "x", None, ["strict: f"]),
    ],
)
def test_t28_strict_is_said_where_it_can_be_kept(
    strict: bool | None,
    schema: Raw,
    habits: Habits,
    source: str,
    said: bool | None,
    lost: list[str],
) -> None:
    body, losses = encoded(replace(F, strict=strict, schema=schema), habits=habits, source=source)
    assert body["tools"][0]["function"].get("strict") is said
    assert losses == lost


def test_t29_names_that_do_not_fit_are_changed_everywhere_and_back() -> None:
    name = "mcp.server/" + "t" * 70
    call = Message(Role.ASSISTANT, (ToolCallPart("x", name, "{}"),))
    choice = ToolChoice(ChoiceMode.NAMED, (name,))
    whole = ChatRequest("gemini", "m", (ASK, call), tools=(FunctionTool(name),), tool_choice=choice)
    out = encode_request(whole, Target("m", COMPATIBLE_CHAT, ModelFacts("m"), stream=False))
    body = json.loads(out.body)
    form = body["tools"][0]["function"]["name"]
    assert len(form) <= 64
    assert form == body["tool_choice"]["function"]["name"]
    assert form == body["messages"][1]["tool_calls"][0]["function"]["name"]
    assert out.names.original(form) == name


def test_names_of_the_history_are_known_too() -> None:
    call = Message(Role.ASSISTANT, (ToolCallPart("x", "a.b", "{}"),))
    names = tool_names(ChatRequest("gemini", "m", (ASK, call)))
    assert names.back


def test_t30_fields_of_others_go_and_its_own_stay() -> None:
    native = {"defer_loading": Raw(b"true"), "function.response": Raw(b"{}")}
    tool = replace(F, native=native, cache=CacheMarker())
    body, lost = encoded(tool)
    assert set(body["tools"][0]) == {"type", "function"}
    assert lost == [
        "cache_marker",
        "native_field: tools[].defer_loading",
        "native_field: tools[].function.response",
    ]
    own, _ = encoded(tool, source="openai-chat")
    assert own["tools"][0]["defer_loading"] is True
    assert own["tools"][0]["function"]["response"] == {}


def test_t139_a_custom_tool_is_a_function_where_it_is_not_known() -> None:
    tool = CustomTool("patch", "d", Raw(json.dumps({"type": "grammar", **GRAMMAR}).encode()))
    out = encode_request(request(tool), Target("m", COMPATIBLE_CHAT, ModelFacts("m"), stream=False))
    function = json.loads(out.body)["tools"][0]["function"]
    assert list(function["parameters"]["properties"]) == ["input"]
    assert "start: x" in function["description"]
    assert out.custom_tools == frozenset({"patch"})
    assert [str(loss) for loss in out.losses] == ["custom_grammar: patch"]


@pytest.mark.parametrize(
    "form", [{"type": "grammar", **GRAMMAR}, {"type": "grammar", "grammar": GRAMMAR}]
)
def test_t142_a_custom_tools_grammar_is_nested(form: dict[str, Any]) -> None:
    tool = CustomTool("patch", "", Raw(json.dumps(form).encode()))
    custom = {"name": "patch", "format": {"type": "grammar", "grammar": GRAMMAR}}
    assert encoded(tool, habits=OPENAI_CHAT) == (
        {"tools": [{"type": "custom", "custom": custom}]},
        [],
    )


def test_other_formats_go_as_they_are() -> None:
    tool = CustomTool("patch", "", Raw(b'{"type":"text"}'))
    assert encoded(tool, habits=OPENAI_CHAT)[0]["tools"][0]["custom"]["format"] == {"type": "text"}


def test_t135_t136_hosted_tools_of_others_are_lost_and_its_own_stay() -> None:
    body, lost = encoded(F, SEARCH)
    assert len(body["tools"]) == 1
    assert lost == ["hosted_tool: web_search"]
    own = replace(SEARCH, origin="openai-chat", raw=Raw(b'{"type":"web_search"}'))
    assert encoded(own)[0]["tools"] == [{"type": "web_search"}]
    options = replace(own, type="web_search_options", raw=Raw(b'{"x":1}'))
    assert encoded(options)[0] == {"web_search_options": {"x": 1}}


def test_t32_no_tools_no_choice() -> None:
    choice = ToolChoice(ChoiceMode.REQUIRED)
    body, lost = encoded(SEARCH, tool_choice=choice, parallel=False)
    assert body == {}
    assert lost == ["hosted_tool: web_search", "tool_choice: no tool is left to choose"]


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (ToolChoice(ChoiceMode.AUTO), "auto"),
        (ToolChoice(ChoiceMode.REQUIRED), "required"),
        (ToolChoice(ChoiceMode.NONE), "none"),
        (ToolChoice(ChoiceMode.NAMED, ("f",)), {"type": "function", "function": {"name": "f"}}),
        (None, None),
    ],
)
def test_t35_t36_the_choice(choice: ToolChoice | None, said: Any) -> None:
    body, lost = encoded(F, tool_choice=choice)
    assert body.get("tool_choice") == said
    assert body["tools"]
    assert lost == []


def test_a_custom_tool_is_chosen_as_what_it_went_as() -> None:
    choice = ToolChoice(ChoiceMode.NAMED, ("patch",))
    tool = CustomTool("patch")
    assert encoded(tool, tool_choice=choice)[0]["tool_choice"]["type"] == "function"
    known = encoded(tool, tool_choice=choice, habits=OPENAI_CHAT)[0]["tool_choice"]
    assert known == {"type": "custom", "custom": {"name": "patch"}}


def test_t40_only_allowed_tools_are_sent() -> None:
    other = FunctionTool("g")
    body, lost = encoded(F, other, tool_choice=ToolChoice(ChoiceMode.REQUIRED, ("g",)))
    assert [tool["function"]["name"] for tool in body["tools"]] == ["g"]
    assert (body["tool_choice"], lost) == ("required", [])


@pytest.mark.parametrize(
    ("choice", "habits", "lost"),
    [
        (
            ToolChoice(ChoiceMode.REQUIRED),
            replace(COMPATIBLE_CHAT, forced_choice=False),
            "required",
        ),
        (ToolChoice(ChoiceMode.REQUIRED, hosted_type="web_search"), COMPATIBLE_CHAT, "web_search"),
        (ToolChoice(ChoiceMode.NAMED, ("search",)), COMPATIBLE_CHAT, "web_search"),
    ],
)
def test_t136_a_choice_that_cannot_be_kept_goes(
    choice: ToolChoice, habits: Habits, lost: str
) -> None:
    search = replace(SEARCH, name="search")
    body, losses = encoded(F, search, tool_choice=choice, habits=habits)
    assert "tool_choice" not in body
    assert f"tool_choice: {lost}" in losses


@pytest.mark.parametrize("parallel", [True, False, None])
def test_t37_t38_parallel_calls(parallel: bool | None) -> None:
    assert encoded(F, parallel=parallel)[0].get("parallel_tool_calls") is parallel
