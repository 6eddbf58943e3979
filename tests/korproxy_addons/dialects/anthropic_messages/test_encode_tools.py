import json
from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import ANTHROPIC_API, COMPATIBLE_ANTHROPIC, Habits
from korproxy_addons.dialects.anthropic_messages.encode_tools import ToolPlan, planned_tools
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import (
    CacheMarker,
    ChoiceMode,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedKind,
    HostedTool,
    Message,
    OutputFormat,
    Role,
    Tool,
    ToolCallPart,
    ToolChoice,
)
from support.anthropic_wire import encode, foreign, plain, request_of

SCHEMA = Raw(b'{"type":"object","properties":{"a":{"type":"string"}}}')
GO = FunctionTool("go", "Goes.", SCHEMA)
STOP = FunctionTool("stop")
SEARCH = HostedTool(
    HostedKind.WEB_SEARCH, "web_search", "", "openai-responses", Raw(b'{"type":"web_search"}')
)
FORMAT = OutputFormat(FormatKind.SCHEMA, SCHEMA, name="answer")


def planned(
    *tools: Tool, habits: Habits = ANTHROPIC_API, **fields: Any
) -> tuple[ToolPlan, list[str]]:
    losses = Losses()
    plan = planned_tools(foreign(tools=tools, **fields), habits, losses)
    return plan, [str(loss.feature) for loss in losses.all()]


def test_a_function_on_the_wire() -> None:
    plan, lost = planned(replace(GO, cache=CacheMarker("5m"), strict=False))
    assert plain(plan.tools) == [
        {
            "name": "go",
            "description": "Goes.",
            "input_schema": json.loads(bytes(SCHEMA)),
            "cache_control": {"type": "ephemeral", "ttl": "5m"},
        }
    ]
    assert (plan.choice, lost) == (None, [])


def test_t27_a_function_without_a_schema_takes_an_object() -> None:
    assert plain(planned(STOP)[0].tools[0]["input_schema"]) == {"type": "object", "properties": {}}


def test_t30_fields_of_other_dialects_do_not_go_up() -> None:
    plan, lost = planned(replace(GO, native={"defer_loading": Raw(b"true")}))
    assert "defer_loading" not in plan.tools[0]
    assert lost == ["native_field"]


def test_t30_own_fields_go_back() -> None:
    tool = {"name": "go", "input_schema": {"$schema": "x"}, "strict": False, "defer_loading": True}
    body = json.loads(encode(request_of(tools=[tool])).body)
    assert body["tools"] == [tool]


def test_strict_is_asked_for_where_it_is_known() -> None:
    tool = replace(GO, strict=True)
    known = planned(tool)[0].tools[0]
    assert known["strict"] is True
    assert plain(known["input_schema"])["additionalProperties"] is False
    plan, lost = planned(tool, habits=COMPATIBLE_ANTHROPIC)
    assert ("strict" in plan.tools[0], lost) == (False, ["strict"])


def test_t29_names_are_fitted_and_come_back() -> None:
    tool = FunctionTool("mcp.server/tool")
    history = Message(Role.ASSISTANT, (ToolCallPart("a", "mcp.server/tool", "{}"),))
    choice = ToolChoice(ChoiceMode.NAMED, ("mcp.server/tool",))
    plan, _ = planned(tool, tool_choice=choice, messages=(history,))
    name = plan.tools[0]["name"]
    assert name != tool.name
    assert plan.choice == {"type": "tool", "name": name}
    assert plan.names.original(name) == tool.name
    assert plan.names.there(tool.name) == name


@pytest.mark.parametrize(("habits", "fits"), [(ANTHROPIC_API, True), (COMPATIBLE_ANTHROPIC, False)])
def test_t29_long_names_fit_where_the_upstream_takes_them(habits: Habits, fits: bool) -> None:
    name = "n" * 100
    assert (planned(FunctionTool(name), habits=habits)[0].tools[0]["name"] == name) is fits


def test_t34_two_tools_of_one_name_are_one() -> None:
    plan, lost = planned(SEARCH, FunctionTool("web_search"))
    assert [tool["name"] for tool in plan.tools] == ["web_search"]
    assert lost == ["duplicate_tool"]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice(ChoiceMode.AUTO), {"type": "auto"}),
        (ToolChoice(ChoiceMode.REQUIRED), {"type": "any"}),
        (ToolChoice(ChoiceMode.NONE), {"type": "none"}),  # T36
        (ToolChoice(ChoiceMode.NAMED, ("go",)), {"type": "tool", "name": "go"}),
    ],
)
def test_t36_choices(choice: ToolChoice, wire: dict[str, str]) -> None:
    plan, lost = planned(GO, STOP, tool_choice=choice)
    assert (plan.choice, len(plan.tools), lost) == (wire, 2, [])
    assert plan.forced is (wire["type"] in {"any", "tool"})


@pytest.mark.parametrize(
    ("choice", "parallel", "wire"),
    [
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (None, True, None),
        (
            ToolChoice(ChoiceMode.REQUIRED),
            False,
            {"type": "any", "disable_parallel_tool_use": True},
        ),
        (
            ToolChoice(ChoiceMode.AUTO),
            True,
            {"type": "auto", "disable_parallel_tool_use": False},
        ),
        (ToolChoice(ChoiceMode.NONE), False, {"type": "none"}),
    ],
)
def test_t37_one_call_at_a_time_is_said_inside_the_choice(
    choice: ToolChoice | None, parallel: bool, wire: dict[str, Any] | None
) -> None:
    assert planned(GO, tool_choice=choice, parallel=parallel)[0].choice == wire


@pytest.mark.parametrize(
    ("choice", "lost"),
    [
        (ToolChoice(ChoiceMode.REQUIRED), ["hosted_tool", "tool_choice"]),
        (ToolChoice(ChoiceMode.NAMED, ("draw",), "draw"), ["hosted_tool", "tool_choice"]),
        (ToolChoice(ChoiceMode.AUTO), ["hosted_tool"]),
        (ToolChoice(ChoiceMode.NONE), ["hosted_tool"]),
    ],
)
def test_t32_without_tools_nothing_is_chosen(choice: ToolChoice, lost: list[str]) -> None:
    """Who demands a call of a tool that was dropped is told so (T135)."""
    draw = HostedTool(HostedKind.OTHER, "draw", "", "openai-responses", Raw(b'{"type":"draw"}'))
    plan, found = planned(draw, tool_choice=choice, parallel=False)
    assert (plan.tools, plan.choice, found) == ([], None, lost)


def test_t40_only_the_allowed_tools_go_up() -> None:
    plan, lost = planned(GO, STOP, tool_choice=ToolChoice(ChoiceMode.REQUIRED, ("stop",)))
    assert ([tool["name"] for tool in plan.tools], lost) == (["stop"], [])
    none_there = ToolChoice(ChoiceMode.AUTO, ("elsewhere",))
    assert planned(GO, tool_choice=none_there)[1] == ["tool_choice"]


def test_t135_web_search_is_mapped() -> None:
    raw = Raw(
        b'{"type":"web_search","filters":{"allowed_domains":["a.example"]},'
        b'"user_location":{"type":"approximate","city":"Bonn","country":"DE"}}'
    )
    choice = ToolChoice(ChoiceMode.NAMED, ("web_search",), "web_search")
    plan, lost = planned(replace(SEARCH, raw=raw), tool_choice=choice)
    assert plan.tools == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["a.example"],
            "user_location": {"type": "approximate", "city": "Bonn", "country": "DE"},
        }
    ]
    assert (plan.choice, lost) == ({"type": "tool", "name": "web_search"}, [])


@pytest.mark.parametrize("raw", [b"5", b'{"filters":5}', b'{"user_location":{}}'])
def test_a_search_without_settings_is_mapped_all_the_same(raw: bytes) -> None:
    (tool,) = planned(replace(SEARCH, raw=Raw(raw)))[0].tools
    assert tool == {"type": "web_search_20250305", "name": "web_search"}


@pytest.mark.parametrize(
    ("tool", "habits"),
    [
        (replace(SEARCH, kind=HostedKind.CODE_EXECUTION, type="code_interpreter"), ANTHROPIC_API),
        (SEARCH, COMPATIBLE_ANTHROPIC),
    ],
)
def test_t135_other_hosted_tools_are_listed_and_their_choice_goes_too(
    tool: HostedTool, habits: Habits
) -> None:
    """T136"""
    choice = ToolChoice(ChoiceMode.NAMED, (tool.type,), tool.type)
    plan, lost = planned(tool, GO, habits=habits, tool_choice=choice)
    assert [each["name"] for each in plan.tools] == ["go"]
    assert (plan.choice, lost) == (None, ["hosted_tool", "tool_choice"])


def test_t136_own_hosted_tools_go_back_as_they_were() -> None:
    raw = Raw(b'{"type":"bash_20250124","name":"bash","cache_control":null}')
    tool = HostedTool(HostedKind.OTHER, "bash_20250124", "bash", "anthropic-messages", raw)
    assert plain(planned(tool)[0].tools) == [{"type": "bash_20250124", "name": "bash"}]
    broken = replace(tool, raw=Raw(b"5"))
    assert planned(broken)[0].tools == []


def test_toolsets_without_a_name_are_told_apart() -> None:
    toolsets = [
        HostedTool(
            HostedKind.OTHER,
            "mcp_toolset",
            "",
            "anthropic-messages",
            Raw(b'{"type":"mcp_toolset","mcp_server_name":"%b"}' % name),
        )
        for name in (b"a", b"b", b"a")
    ]
    plan, lost = planned(*toolsets)
    assert (len(plan.tools), lost) == (2, ["duplicate_tool"])


def test_t139_a_custom_tool_goes_as_a_function_and_is_remembered() -> None:
    grammar = Raw(b'{"type":"grammar","syntax":"lark","definition":"start: X"}')
    plan, lost = planned(CustomTool("apply_patch", "Patches.", grammar))
    assert plan.custom == {"apply_patch"}
    assert plain(plan.tools[0]["input_schema"])["required"] == ["input"]
    assert "start: X" in plan.tools[0]["description"]
    assert lost == ["custom_grammar"]
    assert planned(CustomTool("free"))[1] == []


NO_SCHEMA = replace(ANTHROPIC_API, schema_output=False)


def test_t130_a_forced_tool_takes_the_answer_where_there_is_no_schema_output() -> None:
    plan, _ = planned(habits=NO_SCHEMA, output=FORMAT)
    assert plan.answer_tool == "structured_answer"
    assert plan.choice == {"type": "tool", "name": "structured_answer"}
    assert plain(plan.tools[0]["input_schema"]) == json.loads(bytes(SCHEMA))


def test_t130_with_real_tools_the_choice_is_free_among_all() -> None:
    assert planned(GO, habits=NO_SCHEMA, output=FORMAT)[0].choice == {"type": "any"}
    serial = planned(GO, habits=NO_SCHEMA, output=FORMAT, parallel=False)[0]
    assert serial.choice == {"type": "any", "disable_parallel_tool_use": True}
    none = ToolChoice(ChoiceMode.NONE)
    never = planned(GO, habits=NO_SCHEMA, output=FORMAT, tool_choice=none)[0]
    assert never.choice == {"type": "tool", "name": "structured_answer"}
    named = ToolChoice(ChoiceMode.NAMED, ("go",))
    first = planned(GO, habits=NO_SCHEMA, output=FORMAT, tool_choice=named)[0]
    assert first.choice == {"type": "tool", "name": "go"}


def test_t130_the_answer_s_tool_takes_no_other_s_name() -> None:
    plan, _ = planned(FunctionTool("structured_answer"), habits=NO_SCHEMA, output=FORMAT)
    assert plan.answer_tool == "structured_answer_"
    assert planned(GO, output=FORMAT)[0].answer_tool == ""
