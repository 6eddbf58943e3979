import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.ids import made_id, portable_id
from korproxy_addons.dialects.model import (
    CacheMarker,
    Message,
    Opaque,
    RefusalPart,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.opaque import sealed
from korproxy_addons.dialects.openai_chat.decode_messages import MessageReader
from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError
from support.chat_wire import call

USER = Role.USER
BOT = Role.ASSISTANT


def read(*messages: Any) -> list[Message]:
    reader = MessageReader()
    raws = [Raw(json.dumps(message).encode()) for message in messages]
    return [reader.message(raw, place) for place, raw in enumerate(raws)]


def test_roles_stay_where_they_are() -> None:
    words = [
        ("system", "a"),
        ("developer", "b"),
        ("user", "c"),
        ("assistant", "d"),
        ("system", "e"),
    ]
    found = read(*({"role": role, "content": text} for role, text in words))
    assert found == [Message(Role(role), (TextPart(text),)) for role, text in words]


def test_names_are_kept_and_markers_of_messages_go_to_the_last_part() -> None:
    marked = {"role": "user", "name": "ann", "cache_control": {"type": "ephemeral"}}
    content = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert read({**marked, "content": content}, marked) == [
        Message(USER, (TextPart("a"), TextPart("b", cache=CacheMarker())), "ann"),
        Message(USER, (), "ann"),
    ]


@pytest.mark.parametrize("content", ["", None, []])
def test_an_empty_content_has_no_parts(content: Any) -> None:
    assert read({"role": "assistant", "content": content}) == [Message(BOT, ())]


def test_an_assistants_turn_is_thinking_words_refusal_and_calls() -> None:
    turn = {
        "role": "assistant",
        "content": "I look.",
        "reasoning_content": "hm",
        "refusal": "not that",
        "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}},
            {"id": "y", "type": "custom", "custom": {"name": "g", "input": "raw"}},
            {"function": {"name": "h", "arguments": ""}},
        ],
        "audio": {"id": "audio_1"},
    }
    parts = (
        ThinkingPart("hm"),
        TextPart("I look."),
        RefusalPart("not that"),
        UnknownPart("openai-chat", "audio", Raw(b'{"id": "audio_1"}')),
        ToolCallPart("x", "f", '{"a": 1.0}'),
        ToolCallPart("y", "g", "raw", custom=True),
        ToolCallPart(made_id(0, 2), "h", "{}"),
    )
    assert read(turn) == [Message(BOT, parts)]


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_t81_reasoning_comes_back_under_both_names(field: str) -> None:
    assert read({"role": "assistant", field: "hm"}) == [Message(BOT, (ThinkingPart("hm"),))]


def test_t70_t71_state_comes_back_with_its_words() -> None:
    state = Opaque("anthropic", "c2ln")
    detail = {"type": "reasoning.encrypted", "id": "kor-0-2", "data": sealed(state)}
    turn = {"role": "assistant", "reasoning_content": "hm", "reasoning_details": [detail]}
    assert read(turn) == [Message(BOT, (ThinkingPart("hm", state),))]


def test_t77_a_calls_state_comes_back() -> None:
    state = Opaque("anthropic", "c2ln")
    calls = [
        call("{}", "f", "x", extra_content={"google": {"thought_signature": sealed(state)}}),
        call("{}", "f", "y", extra_content={"google": {"thought_signature": "Z29vZw=="}}),
    ]
    assert read({"role": "assistant", "tool_calls": calls})[0].parts == (
        ToolCallPart("x", "f", "{}", state=state),
        ToolCallPart("y", "f", "{}", state=Opaque("google", "Z29vZw==")),
    )


def test_t59_ids_become_what_their_maker_gave() -> None:
    maker = "functions.f:0"
    turn = {"role": "assistant", "tool_calls": [call("{}", "f", portable_id(maker))]}
    result = {"role": "tool", "tool_call_id": portable_id(maker), "content": "r"}
    first, second = read(turn, result)
    assert first.parts == (ToolCallPart(maker, "f", "{}"),)
    assert second == Message(USER, (ToolResultPart(maker, (TextPart("r"),)),))


def test_results_know_whether_they_answer_a_custom_call() -> None:
    turn = {"role": "assistant", "tool_calls": [{"id": "x", "custom": {"name": "g", "input": "a"}}]}
    result = read(turn, {"role": "tool", "tool_call_id": "x", "content": "r"})[1].parts[0]
    assert isinstance(result, ToolResultPart)
    assert result.custom


def test_t144_legacy_calls_and_results_meet() -> None:
    turn = {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}}
    result = {"role": "function", "name": "f", "content": "r"}
    first, second = read({"role": "user", "content": "a"}, turn, result)[1:]
    assert first.parts == (ToolCallPart(made_id(1, 0), "f", "{}"),)
    assert second.parts == (ToolResultPart(made_id(1, 0), (TextPart("r"),), name="f"),)


def test_results_without_ids_answer_open_calls_by_name_then_in_order() -> None:
    turn = {
        "role": "assistant",
        "tool_calls": [call("{}", "f", "x"), call("{}", "g", "y"), call("{}", "h", "z")],
    }
    results = [{"role": "tool", "name": "g"}, {"role": "tool"}, {"role": "tool"}, {"role": "tool"}]
    found = [message.parts[0] for message in read(turn, *results)[1:]]
    ids = [part.call_id for part in found if isinstance(part, ToolResultPart)]
    assert ids == ["y", "x", "z", made_id(4)]


def test_t68_a_result_may_be_parts_or_nothing() -> None:
    content = [{"type": "text", "text": "a"}, "b"]
    found = read(
        {"role": "tool", "tool_call_id": "x", "content": content},
        {"role": "tool", "tool_call_id": "y", "content": None},
    )
    assert [message.parts for message in found] == [
        (ToolResultPart("x", (TextPart("a"), TextPart("b"))),),
        (ToolResultPart("y"),),
    ]


def test_fields_known_nowhere_are_noted() -> None:
    reader = MessageReader()
    reader.message(Raw(b'{"role":"user","content":"a","weight":1.0,"none":null}'), 0)
    assert reader.native == {"messages[].weight": Raw(b"1.0")}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({"content": "a"}, "messages[1]"),
        ({"role": "robot"}, "messages[1].role"),
        ({"role": "user", "content": 5}, "messages[1].content"),
        (
            {"role": "assistant", "tool_calls": [{"id": "x"}]},
            "messages[1].tool_calls[0].function.name",
        ),
        (
            {"role": "assistant", "tool_calls": [{"custom": {}}]},
            "messages[1].tool_calls[0].custom.name",
        ),
        ({"role": "assistant", "images": 5}, "messages[1].images"),
        ([], "messages[1]"),
    ],
)
def test_t170_what_is_wrong_is_named(message: Any, param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        read({"role": "user", "content": "a"}, message)
    assert (caught.value.spec, caught.value.param) == (FIELD_INVALID, param)
