from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from korproxy_addons.config.habits import ANTHROPIC_API, ModelFacts, Thinking
from korproxy_addons.dialects.anthropic_messages.encode_turns import (
    in_tool_loop_without_thinking,
    ordered,
)
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import (
    CompactionPart,
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    RefusalPart,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
    UnknownPart,
)
from korproxy_addons.dialects.order import NO_RESULT, Turns
from support.anthropic_wire import MODEL, foreign, request_of

OWN = Opaque("anthropic", "s")
CALL = ToolCallPart("a", "go", "{}")
RESULT = ToolResultPart("a", (TextPart("ok"),))


def user(*parts: Part | str) -> Message:
    return message(Role.USER, *parts)


def assistant(*parts: Part | str) -> Message:
    return message(Role.ASSISTANT, *parts)


def system(*parts: Part | str) -> Message:
    return message(Role.SYSTEM, *parts)


def message(role: Role, *parts: Part | str) -> Message:
    return Message(role, tuple(TextPart(p) if isinstance(p, str) else p for p in parts))


def turns(
    *messages: Message, mid_system: bool = False, **facts: Any
) -> tuple[tuple[str, ...], Turns, list[str]]:
    """System texts, turns and the losses' features."""
    losses = Losses()
    habits = replace(ANTHROPIC_API, mid_system=mid_system)
    request = foreign(messages=messages)
    texts, found = ordered(request, habits, ModelFacts(MODEL, **facts), losses)
    return tuple(part.text for part in texts), found, [str(loss.feature) for loss in losses.all()]


def only_turns(*messages: Message, **options: Any) -> Turns:
    return turns(*messages, **options)[1]


def test_t01_parallel_calls_and_their_results_are_two_turns() -> None:
    second, answer = ToolCallPart("b", "go", "{}"), ToolResultPart("b")
    assert only_turns(
        user("hi"), assistant(CALL), assistant(second), user(answer), user(RESULT)
    ) == (user("hi"), assistant(CALL, second), user(RESULT, answer))


def test_t05_neighbours_of_one_role_are_merged_block_by_block() -> None:
    first = replace(user("a"), name="ann")
    found = turns(first, user("b"), assistant("c"), assistant("d"), user("e"))
    assert found[1] == (user("a", "b"), assistant("c", "d"), user("e"))
    assert found[2] == ["message_name"]


def test_t06_leading_system_text_is_hoisted_and_later_text_stays_in_its_place() -> None:
    developer = message(Role.DEVELOPER, "dev")
    found = turns(system("s"), developer, user("a"), assistant(CALL), system("later"), user(RESULT))
    assert found[0] == ("s", "dev")
    assert found[1] == (user("a"), assistant(CALL), user(RESULT, "later"))


def test_t07_a_system_message_stays_one_where_the_upstream_knows_it() -> None:
    later = message(Role.DEVELOPER, "later")
    assert only_turns(user("a"), later, assistant("b"), user("c"), mid_system=True) == (
        user("a"),
        system("later"),
        assistant("b"),
        user("c"),
    )
    assert only_turns(user("a"), system("b"), system("c"), mid_system=True) == (
        user("a"),
        system("b", "c"),
    )


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        # behind an assistant turn and before a user turn it may not stand
        (
            (user("a"), assistant("b"), system("s"), user("c")),
            (user("a"), assistant("b"), user("s", "c")),
        ),
        ((user("a"), system("s"), user("c")), (user("a", "s", "c"),)),
    ],
)
def test_t07_a_system_message_where_it_may_not_stand_becomes_user_text(
    messages: Turns, expected: Turns
) -> None:
    assert only_turns(*messages, mid_system=True) == expected


def test_t07_what_a_system_message_cannot_say_in_text_is_listed() -> None:
    addition = UnknownPart("anthropic-messages", "tool_addition", Raw(b"{}"))
    found = turns(user("a"), system(addition))
    assert (found[1], found[2]) == ((user("a"),), ["unknown_part"])


@pytest.mark.parametrize("messages", [(), (system("s"),), (user(" "),)])
def test_t10_there_is_always_a_user_turn(messages: Turns) -> None:
    assert only_turns(*messages) == (user("."),)


def test_t10_a_history_that_begins_with_an_answer_gets_a_user_turn_in_front() -> None:
    assert only_turns(assistant("b"), user("c")) == (user("."), assistant("b"), user("c"))


def test_t11_a_prefill_goes_to_models_that_take_one() -> None:
    found = turns(user("a"), assistant("b \n"), prefill=True)
    assert (found[1], found[2]) == ((user("a"), assistant("b")), ["prefill"])
    assert turns(user("a"), assistant("b"))[2] == []


@pytest.mark.parametrize("facts", [{"prefill": False}, {"thinking": Thinking.ADAPTIVE}])
def test_t11_other_models_are_asked_to_go_on(facts: dict[str, Any]) -> None:
    found = turns(user("a"), assistant("b"), **facts)
    assert [turn.role for turn in found[1]] == [Role.USER, Role.ASSISTANT, Role.USER]
    assert found[2] == ["prefill"]


def test_t11_the_end_of_an_own_request_is_left_as_it_is() -> None:
    said = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b "}]
    facts = ModelFacts(MODEL, prefill=False)
    assert ordered(request_of(messages=said), ANTHROPIC_API, facts, Losses())[1] == (
        user("a"),
        assistant("b "),
    )


def test_t12_empty_text_and_turns_go_and_text_is_not_trimmed() -> None:
    assert only_turns(user(" a "), assistant("", " \n"), user("b")) == (user(" a ", "b"),)


def test_t13_orphans_become_text_and_repetitions_go() -> None:
    again = ToolResultPart("a", (TextPart("again"),))
    orphan = ToolResultPart("x", (TextPart("lost"),))
    found = turns(user("a"), assistant(CALL), user(RESULT, orphan), user(again))
    assert found[1] == (user("a"), assistant(CALL), user(RESULT, "lost"))
    assert "tool_result" in found[2]


def test_a_call_without_a_result_gets_one_also_at_the_end() -> None:
    end = only_turns(user("a"), assistant(CALL))[-1]
    assert end == user(ToolResultPart("a", (TextPart(NO_RESULT),), CALL.name, is_error=True))


def test_t71_thinking_of_others_and_unsigned_thinking_goes() -> None:
    foreign_thought = ThinkingPart("x", Opaque("openai", "blob"))
    own = ThinkingPart("z", OWN)
    found = turns(user("a"), assistant(foreign_thought, ThinkingPart("y"), own, "b"), user("c"))
    assert found[1][1] == assistant(own, "b")
    assert found[2] == ["foreign_state", "thinking"]


def test_t177_a_refusal_is_text_in_history() -> None:
    assert only_turns(user("a"), assistant(RefusalPart("no")), user("b"))[1] == assistant("no")


def test_t129_parts_of_other_dialects_are_their_words_or_nothing() -> None:
    said = UnknownPart("gemini", "executableCode", Raw(b"{}"), "print(1)")
    mute = UnknownPart("gemini", "executableCode", Raw(b"{}"))
    found = turns(user("a"), assistant(said, mute), user("b"))
    assert (found[1][1], found[2]) == (assistant("print(1)"), ["unknown_part"])


def test_t137_server_tools_of_others_are_text_or_nothing() -> None:
    search = ServerToolPart(
        "openai-responses", "openai", "web_search_call", "", Raw(b"{}"), "found"
    )
    found = turns(user("a"), assistant(search), user("b"))
    assert (found[1][1], found[2]) == (assistant("found"), ["server_tool_history"])


def test_t128_an_image_of_the_assistant_becomes_a_note() -> None:
    image = MediaPart(MediaKind.IMAGE, "image/png", base64="AAAA")
    found = turns(user("a"), assistant(image), user("b"))
    assert found[1][1] == assistant("[image: image/png]")


def test_a_compaction_of_others_is_its_text() -> None:
    theirs = CompactionPart("so far", Opaque("openai", "blob"))
    own = CompactionPart("so far", Opaque("anthropic", "{}"))
    assert only_turns(assistant(theirs), user("b"))[1] == assistant("so far")
    assert only_turns(assistant(own), user("b"))[1] == assistant(own)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ((user("a"), assistant(CALL), user(RESULT)), True),
        ((user("a"), assistant("b", CALL), user(RESULT)), True),
        ((user("a"), assistant(ThinkingPart("t", OWN), CALL), user(RESULT)), False),
        ((user("a"), assistant(CALL), user(RESULT), assistant("b"), user("c")), False),
        ((user("a"),), False),
        ((user("a"), assistant("b")), False),
    ],
)
def test_t70_the_current_turn_is_looked_at_for_thinking(messages: Turns, expected: bool) -> None:
    assert in_tool_loop_without_thinking(messages) is expected
