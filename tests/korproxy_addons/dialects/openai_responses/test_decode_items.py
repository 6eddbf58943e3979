import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.model import (
    CompactionPart,
    FunctionTool,
    MediaPart,
    Message,
    Opaque,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.openai_responses.decode_items import Items
from korproxy_addons.dialects.openai_responses.decode_tools import Toolbox
from korproxy_addons.errors.exceptions import KorProxyError

USER, ASSISTANT = Role.USER, Role.ASSISTANT


def raw(value: Any) -> Raw:
    return Raw(json.dumps(value).encode())


def read(*items: Any, toolbox: Toolbox | None = None) -> tuple[Message, ...]:
    found = Items(toolbox or Toolbox())
    for index, item in enumerate(items):
        found.add(raw(item), f"input[{index}]")
    return found.messages()


def only(item: Any) -> Any:
    (message,) = read(item)
    (part,) = message.parts
    return part


@pytest.mark.parametrize("kind", [{"type": "message"}, {}])
@pytest.mark.parametrize("role", ["user", "assistant", "system", "developer"])
def test_messages_with_and_without_type(kind: dict[str, str], role: str) -> None:
    """T148"""
    assert read({**kind, "role": role, "content": "Hi"}) == (
        Message(Role(role), (TextPart("Hi"),)),
    )


def test_what_the_model_said_in_a_row_is_one_turn() -> None:
    """T149, T01: reasoning, words and calls, then all results."""
    found = read(
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
        {"role": "assistant", "content": "I look."},
        {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "b", "name": "p", "input": "***"},
        {"type": "function_call_output", "call_id": "a", "output": "A"},
        {"type": "custom_tool_call_output", "call_id": "b", "output": "B"},
        {"role": "user", "content": "one"},
        {"role": "user", "content": "two"},
    )
    assert found == (
        Message(
            ASSISTANT,
            (
                ThinkingPart("hm", is_summary=True),
                TextPart("I look."),
                ToolCallPart("a", "f", "{}"),
                ToolCallPart("b", "p", "***", custom=True),
            ),
        ),
        Message(
            USER,
            (
                ToolResultPart("a", (TextPart("A"),)),
                ToolResultPart("b", (TextPart("B"),), custom=True),
            ),
        ),
        Message(USER, (TextPart("one"),)),
        Message(USER, (TextPart("two"),)),
    )


def test_a_results_own_id_is_no_call_id() -> None:
    """T60"""
    item = {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": "x"}
    assert only(item) == ToolResultPart("c", (TextPart("x"),), item_id="fco_1")


def test_ids_come_back_in_their_makers_form() -> None:
    """T59"""
    call = only({"type": "function_call", "call_id": "kpx_f-3a0", "name": "f", "arguments": "{}"})
    result = only({"type": "function_call_output", "call_id": "kpx_f-3a0", "output": ""})
    assert (call.call_id, result.call_id) == ("f:0", "f:0")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("", "{}"),
        (None, "{}"),
        ("null", "{}"),
        ({"a": 1}, '{"a": 1}'),
        ('{"n": 9007199254740993}', '{"n": 9007199254740993}'),
        ("not json", "not json"),
    ],
)
def test_arguments_are_text(arguments: Any, text: str) -> None:
    """T50, T61, T179"""
    item = {"type": "function_call", "call_id": "c", "name": "f", "arguments": arguments}
    assert only(item) == ToolCallPart("c", "f", text)


def test_a_call_in_a_namespace() -> None:
    item = {"type": "function_call", "call_id": "c", "name": "add", "namespace": "notes"}
    assert only(item) == ToolCallPart("c", "notes__add", "{}", namespace="notes")


def test_reasoning_with_its_state() -> None:
    """T74, T75, T80"""
    parts = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": "b"}]
    item = {"type": "reasoning", "id": "rs_1", "summary": parts, "encrypted_content": "E"}
    assert only(item) == ThinkingPart("a\n\nb", Opaque("openai", "E", "rs_1"), is_summary=True)
    plain = {"type": "reasoning", "content": [{"type": "reasoning_text", "text": "a"}]}
    assert only(plain) == ThinkingPart("a")


def test_compactions() -> None:
    """T141"""
    for kind in ("compaction", "compaction_summary"):
        assert only({"type": kind, "id": "c", "encrypted_content": "E"}) == CompactionPart(
            state=Opaque("openai", "E", "c")
        )


def test_tools_that_items_bring_are_tools() -> None:
    """T141: and an item that only brings tools is no message."""
    box = Toolbox()
    tool = {"type": "function", "name": "late"}
    assert (
        read({"type": "additional_tools", "role": "developer", "tools": [tool]}, toolbox=box) == ()
    )
    assert box.tools() == (FunctionTool("late"),)


def test_the_clients_own_search_is_call_and_result() -> None:
    """T135, T141"""
    box = Toolbox()
    call = {
        "type": "tool_search_call",
        "execution": "client",
        "call_id": "c",
        "arguments": {"q": "x"},
    }
    output = {
        "type": "tool_search_output",
        "execution": "client",
        "call_id": "c",
        "tools": [{"type": "function", "name": "late"}],
    }
    found = read(call, output, toolbox=box)
    assert found[0].parts == (ToolCallPart("c", "tool_search", '{"q": "x"}'),)
    words = "Tools that can be called now: late."
    unknown = UnknownPart("openai-responses", "tool_search_output", raw(output), words)
    assert found[1].parts == (ToolResultPart("c", (unknown,)),)
    assert box.tools() == (FunctionTool("late"),)


def test_the_services_own_search_is_the_services() -> None:
    box = Toolbox()
    call: dict[str, Any] = {
        "type": "tool_search_call",
        "execution": "server",
        "call_id": None,
        "arguments": {},
    }
    output = {
        "type": "tool_search_output",
        "execution": "server",
        "tools": [{"type": "function", "name": "f"}],
    }
    (message,) = read(call, output, toolbox=box)
    assert [type(part) for part in message.parts] == [ServerToolPart, ServerToolPart]
    assert box.tools() == (FunctionTool("f"),)


def test_tools_of_the_service() -> None:
    """T137, T141"""
    found = read(
        {"type": "web_search_call", "id": "ws", "status": "completed"},
        {"type": "local_shell_call", "call_id": "c", "action": {"command": ["ls"]}},
        {"type": "local_shell_call_output", "call_id": "c", "output": "a.txt"},
    )
    assert [message.role for message in found] == [ASSISTANT, USER]
    assert [
        part.text for message in found for part in message.parts if isinstance(part, ServerToolPart)
    ] == [
        "",
        "[ran] ls",
        "a.txt",
    ]


def test_a_made_image() -> None:
    """T128"""
    assert isinstance(
        only({"type": "image_generation_call", "id": "ig", "result": "QUJD"}), MediaPart
    )
    assert isinstance(
        only({"type": "image_generation_call", "id": "ig", "result": None}), UnknownPart
    )


@pytest.mark.parametrize("kind", ["item_reference", "compaction_trigger", "ghost_snapshot", "new"])
def test_an_unknown_item_is_kept_and_is_no_empty_message(kind: str) -> None:
    """T141"""
    item = {"type": kind, "id": "x"}
    assert only(item) == UnknownPart("openai-responses", kind, raw(item), item=True)
    assert read({"role": "user", "content": ""}, {"role": "assistant", "content": []}) == ()


def test_items_in_chats_form() -> None:
    """T18"""
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
    found = read(
        {"role": "assistant", "content": None, "tool_calls": [call, {"id": None}]},
        {"role": "tool", "tool_call_id": "c", "content": "done"},
    )
    assert found == (
        Message(ASSISTANT, (ToolCallPart("c", "f", "{}"),)),
        Message(USER, (ToolResultPart("c", (TextPart("done"),)),)),
    )


def test_phases_are_remembered_in_order() -> None:
    items = Items(Toolbox())
    for phase in ("commentary", None):
        items.add(raw({"role": "assistant", "content": "x", "phase": phase}), "input[0]")
    assert items.phases == ["commentary", ""]


@pytest.mark.parametrize(
    ("item", "path"),
    [
        ({"role": "robot", "content": "x"}, "input[0].role"),
        ({"content": "x"}, "input[0].role"),
        ({"role": "user", "content": 5}, "input[0].content"),
        ({"role": "tool", "content": "x"}, "input[0].tool_call_id"),
        ({"type": "function_call", "name": "f"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "c"}, "input[0].name"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id"),
        ({"type": "reasoning", "summary": "x"}, "input[0].summary"),
        ("x", "input[0]"),
    ],
)
def test_a_mistake_names_its_place(item: Any, path: str) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        read(item)
    assert found.value.param == path
