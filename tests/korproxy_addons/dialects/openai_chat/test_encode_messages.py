from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import COMPATIBLE_CHAT, OPENAI_CHAT, QWEN_CHAT, Habits
from korproxy_addons.dialects.model import (
    ChatRequest,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    Role,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from support.chat_wire import sent

ASK = Message(Role.USER, (TextPart("q"),))
CALL = ToolCallPart("x", "f", '{"a": 1.0}')
IMAGE = MediaPart(MediaKind.IMAGE, "image/png", "iVBORw0KGgo=")
GOOGLE = replace(COMPATIBLE_CHAT, state_origin="google")


def bot(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def result(
    *content: TextPart | MediaPart, call_id: str = "x", error: bool = False
) -> ToolResultPart:
    return ToolResultPart(call_id, content, is_error=error)


def encoded(
    *messages: Message, habits: Habits = COMPATIBLE_CHAT, **request: Any
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = sent(
        ChatRequest("anthropic-messages", "m", messages, **request), habits
    )[0]["messages"]
    return found


def losses(*messages: Message, habits: Habits = COMPATIBLE_CHAT) -> list[str]:
    return sent(ChatRequest("anthropic-messages", "m", messages), habits)[1]


def test_t02_results_come_first_and_each_in_its_own_message() -> None:
    other = ToolCallPart("y", "g", "{}")
    answers = user(TextPart("reminder"), result(TextPart("1")), result(TextPart("2"), call_id="y"))
    found = encoded(ASK, bot(TextPart("I look."), CALL, other), answers)
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user"]
    assert [message["content"] for message in found] == ["q", "I look.", "1", "2", "reminder"]
    assert [message.get("tool_call_id") for message in found[2:4]] == ["x", "y"]


def test_t14_one_message_holds_text_and_calls_and_no_text_is_null() -> None:
    found = encoded(ASK, bot(TextPart("a"), CALL), user(result()))[1]
    assert found == {
        "role": "assistant",
        "content": "a",
        "tool_calls": [
            {"id": "x", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}}
        ],
    }
    assert encoded(ASK, bot(CALL), user(result()))[1]["content"] is None
    assert encoded(ASK, bot(), ASK)[1]["content"] == ""


def test_t149_messages_and_calls_behind_each_other_are_one_turn() -> None:
    found = encoded(ASK, bot(TextPart("a")), bot(CALL), user(result()))
    assert [message["role"] for message in found] == ["user", "assistant", "tool"]


def test_t13_t65_pairs_are_made_complete() -> None:
    lost = ToolCallPart("y", "g", "{}")
    found = encoded(
        ASK, bot(CALL, lost), user(result(TextPart("1"))), user(result(TextPart("o"), call_id="z"))
    )
    assert [message["role"] for message in found] == ["user", "assistant", "tool", "tool", "user"]
    assert found[4]["content"] == "o"


def test_t06_system_messages_stay_in_place() -> None:
    found = encoded(
        Message(Role.SYSTEM, (TextPart("s"),)), ASK, Message(Role.SYSTEM, (TextPart("t"),))
    )
    assert [(message["role"], message["content"]) for message in found] == [
        ("system", "s"),
        ("user", "q"),
        ("system", "t"),
    ]


def test_t09_developers_are_system_where_they_are_not_known() -> None:
    turn = Message(Role.DEVELOPER, (TextPart("d"),))
    assert encoded(turn, ASK)[0]["role"] == "system"
    assert encoded(turn, ASK, habits=OPENAI_CHAT)[0]["role"] == "developer"


def test_t08_the_system_text_is_one_message_before_all() -> None:
    system = (TextPart("a"), TextPart("b"))
    assert encoded(ASK, system=system)[0] == {"role": "system", "content": "a\n\nb"}


def test_a_server_that_wants_a_system_message_gets_one() -> None:
    habits = replace(QWEN_CHAT, wants_system=True)
    assert encoded(ASK, habits=habits)[0]["role"] == "system"
    own = Message(Role.SYSTEM, (TextPart("s"),))
    assert len(encoded(own, ASK, habits=habits)) == 2


def test_t66_files_of_results_follow_behind_all_results() -> None:
    other = ToolCallPart("y", "g", "{}")
    answers = user(
        result(TextPart("see"), IMAGE), result(TextPart("2"), call_id="y"), TextPart("next")
    )
    found = encoded(ASK, bot(CALL, other), answers)
    assert [message["role"] for message in found[2:]] == ["tool", "tool", "user", "user"]
    assert found[2]["content"].startswith("see\n[")
    assert [piece["type"] for piece in found[4]["content"]] == ["text", "image_url"]
    assert found[5]["content"] == "next"


def test_t66_or_stay_in_them_where_that_is_known() -> None:
    habits = replace(COMPATIBLE_CHAT, tool_images=True)
    found = encoded(ASK, bot(CALL), user(result(TextPart("see"), IMAGE)), habits=habits)
    assert [piece["type"] for piece in found[2]["content"]] == ["text", "image_url"]
    assert len(found) == 3


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ((), "Error"),
        ((TextPart("boom"),), "Error: boom"),
        ((TextPart("error: boom"),), "error: boom"),
    ],
)
def test_t67_a_failure_is_said_in_words(content: tuple[TextPart, ...], words: str) -> None:
    assert encoded(ASK, bot(CALL), user(result(*content, error=True)))[2]["content"] == words


def test_t68_an_empty_result_is_an_empty_text() -> None:
    assert encoded(ASK, bot(CALL), user(result()))[2]["content"] == ""


@pytest.mark.parametrize("habits", [COMPATIBLE_CHAT, OPENAI_CHAT])
def test_t81_reasoning_is_sent_back_only_to_those_who_want_it(habits: Habits) -> None:
    turns = (ASK, bot(ThinkingPart("hm"), TextPart("a")), ASK)
    assert set(encoded(*turns, habits=habits)[1]) == {"role", "content"}
    assert any("thinking" in loss for loss in losses(*turns, habits=habits))
    assert encoded(*turns, habits=QWEN_CHAT)[1]["reasoning_content"] == "hm"
    assert losses(*turns, habits=QWEN_CHAT) == []


def test_t81_and_every_turn_with_calls_has_it() -> None:
    assert encoded(ASK, bot(CALL), user(result()), habits=QWEN_CHAT)[1]["reasoning_content"] == ""
    assert "reasoning_content" not in encoded(ASK, bot(TextPart("a")), ASK, habits=QWEN_CHAT)[1]


def test_t71_state_of_others_never_reaches_an_upstream() -> None:
    secret = "c2VjcmV0"
    state = Opaque("anthropic", secret)
    turns = (ASK, bot(ThinkingPart("hm", state), replace(CALL, state=state)), user(result()))
    for habits in (COMPATIBLE_CHAT, QWEN_CHAT, OPENAI_CHAT, GOOGLE):
        assert secret not in str(encoded(*turns, habits=habits))
        assert "foreign_state: anthropic" in losses(*turns, habits=habits)


def test_t71_words_of_anothers_thinking_are_kept_where_plain_reasoning_is_taken() -> None:
    turns = (ASK, bot(ThinkingPart("hm", Opaque("anthropic", "s")), TextPart("a")), ASK)
    assert encoded(*turns, habits=QWEN_CHAT)[1]["reasoning_content"] == "hm"
    assert losses(*turns) == ["foreign_state: anthropic"]


def test_t77_googles_signature_goes_back_to_google() -> None:
    turns = (ASK, bot(replace(CALL, state=Opaque("google", "c2ln"))), user(result()))
    call = encoded(*turns, habits=GOOGLE)[1]["tool_calls"][0]
    assert call["extra_content"] == {"google": {"thought_signature": "c2ln"}}
    assert losses(*turns, habits=GOOGLE) == []


def test_state_of_thinking_has_no_place_even_at_home() -> None:
    turns = (ASK, bot(ThinkingPart("hm", Opaque("openai", "gAAA"))), ASK)
    assert "gAAA" not in str(encoded(*turns, habits=OPENAI_CHAT))
    assert "foreign_state: openai" in losses(*turns, habits=OPENAI_CHAT)


def test_a_refusal_has_a_field_at_openai_only() -> None:
    turns = (ASK, bot(RefusalPart("no")), ASK)
    assert encoded(*turns, habits=OPENAI_CHAT)[1] == {
        "role": "assistant",
        "content": None,
        "refusal": "no",
    }
    assert encoded(*turns)[1] == {"role": "assistant", "content": "no"}


def test_t139_custom_calls_become_functions_where_they_are_not_known() -> None:
    turns = (ASK, bot(ToolCallPart("x", "patch", 'a "b"', custom=True)), user(result()))
    call = encoded(*turns)[1]["tool_calls"][0]
    assert call["function"] == {"name": "patch", "arguments": '{"input":"a \\"b\\""}'}
    known = encoded(*turns, habits=OPENAI_CHAT)[1]["tool_calls"][0]
    assert known == {"id": "x", "type": "custom", "custom": {"name": "patch", "input": 'a "b"'}}


def test_t59_long_ids_are_shortened_alike_in_call_and_result() -> None:
    long = "call_" + "x" * 60
    found = encoded(ASK, bot(replace(CALL, call_id=long)), user(result(call_id=long)))
    call_id = found[1]["tool_calls"][0]["id"]
    assert call_id == found[2]["tool_call_id"]
    assert len(call_id) == 40
    other = encoded(ASK, bot(replace(CALL, call_id=long + "y")), user(result(call_id=long + "y")))
    assert other[1]["tool_calls"][0]["id"] != call_id


def test_names_and_fields_of_chats_own_are_kept() -> None:
    audio = UnknownPart("openai-chat", "audio", Raw(b'{"id":"a"}'))
    found = encoded(Message(Role.USER, (TextPart("q"),), "ann"), bot(audio))
    assert found[0]["name"] == "ann"
    assert found[1] == {"role": "assistant", "content": None, "audio": {"id": "a"}}
