from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    MediaKind,
    MediaPart,
    Message,
    Opaque,
    Part,
    Role,
    ServerToolPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    ToolResultPart,
)
from korproxy_addons.dialects.order import (
    NO_RESULT,
    Turns,
    hoisted_system,
    merged_turns,
    named_results,
    paired_results,
    result_media,
    result_text,
    system_as_user,
    user_first,
    without_empty_text,
    without_foreign_state,
)

IMAGE = MediaPart(MediaKind.IMAGE, base64="aGk=")


def text(words: str) -> TextPart:
    return TextPart(words)


def user(*parts: Part) -> Message:
    return Message(Role.USER, parts)


def assistant(*parts: Part) -> Message:
    return Message(Role.ASSISTANT, parts)


def system(words: str) -> Message:
    return Message(Role.SYSTEM, (text(words),))


def call(call_id: str) -> ToolCallPart:
    return ToolCallPart(call_id, f"tool_{call_id}", "{}")


def result(call_id: str, words: str = "ok") -> ToolResultPart:
    return ToolResultPart(call_id, (text(words),))


def paired(*messages: Message) -> Turns:
    return paired_results(messages, Losses())


def test_parallel_calls_and_their_results_are_one_turn_each() -> None:
    """T01, T17, T149: n call messages, n result messages."""
    assert paired(
        user(text("go")), assistant(text("I call")), assistant(call("a")), assistant(call("b")),
        user(result("b")), user(result("a")), assistant(text("done")),
    ) == (
        user(text("go")),
        assistant(text("I call"), call("a"), call("b")),
        user(result("a"), result("b")),
        assistant(text("done")),
    )  # fmt: skip


def test_results_come_before_the_words_of_their_turn() -> None:
    """T02, T04."""
    assert merged_turns(
        paired(assistant(call("a")), user(text("note"), result("a"), text("more")))
    ) == (
        assistant(call("a")),
        user(result("a"), text("note"), text("more")),
    )


def test_a_system_message_between_call_and_result_moves_behind_the_result() -> None:
    """T06."""
    assert paired(assistant(call("a")), system("mind"), user(result("a"))) == (
        assistant(call("a")),
        user(result("a")),
        system("mind"),
    )


def test_the_first_of_two_results_counts() -> None:
    """T13."""
    losses = Losses()
    found = paired_results(
        (assistant(call("a")), user(result("a", "1")), user(result("a", "2"))), losses
    )
    assert found == (assistant(call("a")), user(result("a", "1")))
    assert [loss.feature for loss in losses.all()] == [Feature.TOOL_RESULT]


def test_a_result_without_its_call_becomes_user_text() -> None:
    """T13; its image stays."""
    orphan = ToolResultPart("x", (text("words"), IMAGE))
    assert paired(user(text("go")), user(orphan)) == (
        user(text("go")),
        user(text("words"), IMAGE),
    )


def test_a_result_before_its_call_does_not_answer_it() -> None:
    assert paired(user(result("a", "early")), assistant(call("a")), user(text("so?"))) == (
        user(text("early")),
        assistant(call("a")),
        user(ToolResultPart("a", (text(NO_RESULT),), name="tool_a", is_error=True)),
        user(text("so?")),
    )


def test_a_call_is_answered_even_if_no_result_came_at_the_end_too() -> None:
    losses = Losses()
    messages = (assistant(call("a"), call("b")), user(result("b")), assistant(call("c")))
    found = paired_results(messages, losses)
    assert found == (
        assistant(call("a"), call("b")),
        user(ToolResultPart("a", (text(NO_RESULT),), name="tool_a", is_error=True), result("b")),
        assistant(call("c")),
        user(ToolResultPart("c", (text(NO_RESULT),), name="tool_c", is_error=True)),
    )
    assert [loss.feature for loss in losses.all()] == [Feature.TOOL_RESULT]


def test_a_call_that_is_repeated_is_sent_once() -> None:
    assert paired(assistant(call("a")), user(result("a")), assistant(text("x"), call("a"))) == (
        assistant(call("a")),
        user(result("a")),
        assistant(text("x")),
    )


PARTS = st.sampled_from(
    [text("x"), call("a"), call("b"), call("c"), result("a"), result("b"), IMAGE]
)
CONVERSATIONS = st.lists(
    st.builds(
        Message,
        st.sampled_from([Role.USER, Role.ASSISTANT, Role.SYSTEM]),
        st.lists(PARTS, max_size=4).map(tuple),
    ),
    max_size=8,
).map(tuple)


@given(CONVERSATIONS)
def test_whatever_comes_every_call_is_followed_by_its_results(messages: Turns) -> None:
    """T01, T13, T17: what Anthropic and Gemini demand."""
    # results speak for users and calls for assistants, as decoders make them
    messages = tuple(
        Message(
            m.role,
            tuple(p for p in m.parts if not (
                (isinstance(p, ToolCallPart) and m.role is not Role.ASSISTANT)
                or (isinstance(p, ToolResultPart) and m.role is not Role.USER)
            )),
        )
        for m in messages
    )  # fmt: skip
    found = paired(*messages)
    answered: list[str] = []
    for place, message in enumerate(found):
        calls = [part.call_id for part in message.parts if isinstance(part, ToolCallPart)]
        if calls and place + 1 < len(found):
            following = found[place + 1].parts
            assert calls == [p.call_id for p in following if isinstance(p, ToolResultPart)]
            assert len(calls) == len(following)
        answered += [p.call_id for p in message.parts if isinstance(p, ToolResultPart)]
    assert len(answered) == len(set(answered))
    assert merged_turns(found) == merged_turns(paired(*merged_turns(found)))


@given(CONVERSATIONS, CONVERSATIONS)
def test_a_longer_conversation_keeps_the_earlier_turns(one: Turns, more: Turns) -> None:
    """T93, for conversations that are whole: ending with a user's words."""
    first = paired(*one, user(text("and now?")))
    longer = paired(*one, user(text("and now?")), assistant(text("x")), *more)
    unanswered = any(isinstance(p, ToolResultPart) and p.is_error for m in first for p in m.parts)
    assert unanswered or first == longer[: len(first)]


def test_leading_system_messages_are_hoisted_and_later_ones_stay() -> None:
    """T06, T08: parts stay apart, with their cache markers."""
    above, rest = hoisted_system(
        (text("a"),),
        (system("b"), Message(Role.DEVELOPER, (text("c"),)), user(text("d")), system("e")),
    )
    assert above == (text("a"), text("b"), text("c"))
    assert rest == (user(text("d")), system("e"))
    assert system_as_user(rest) == (user(text("d")), user(text("e")))


def test_results_get_the_names_of_their_calls() -> None:
    """T64, T65: by id, never by place."""
    given_name = ToolResultPart("b", name="own")
    found = named_results(
        (assistant(call("a"), call("b")), user(given_name, result("a"), result("z")))
    )
    names = [part.name for part in found[1].parts if isinstance(part, ToolResultPart)]
    assert names == ["own", "tool_a", ""]


def test_white_space_goes_and_text_that_stays_is_not_trimmed() -> None:
    """T12."""
    signed = TextPart("", state=Opaque("google", "c2ln"))
    assert without_empty_text(
        (user(text(" \n")), user(text(" a "), text("")), assistant(signed))
    ) == (
        user(text(" a ")),
        assistant(signed),
    )


def test_neighbours_of_one_role_merge_part_by_part() -> None:
    """T05."""
    named = Message(Role.USER, (text("c"),), name="ann")
    assert merged_turns((user(text("a")), user(text("b")), named, assistant(text("d")))) == (
        user(text("a"), text("b")),
        named,
        assistant(text("d")),
    )


def test_a_conversation_begins_with_the_user() -> None:
    """T10."""
    assert user_first((assistant(text("a")),)) == (user(text(".")), assistant(text("a")))
    assert user_first(()) == (user(text(".")),)
    assert user_first((user(text("a")),)) == (user(text("a")),)


def test_state_reaches_only_the_service_that_made_it() -> None:
    """T71, T75, T77, T80, T137."""
    ours, theirs = Opaque("anthropic", "sig"), Opaque("google", "c2ln")
    search = ServerToolPart("gemini", "google", "search", "", Raw(b"{}"), text="found")
    silent = ServerToolPart("gemini", "google", "search", "", Raw(b"{}"))
    messages = (
        assistant(
            ThinkingPart("kept", ours),
            ThinkingPart("gone", theirs),
            ThinkingPart("plain"),
            TextPart("words", state=theirs),
            TextPart("", state=theirs),
            ToolCallPart("a", "f", "{}", state=theirs),
            search,
            silent,
        ),
        assistant(ThinkingPart("", theirs, redacted=True)),
    )
    losses = Losses()
    assert without_foreign_state(messages, "anthropic", losses) == (
        assistant(
            ThinkingPart("kept", ours),
            ThinkingPart("plain"),
            text("words"),
            ToolCallPart("a", "f", "{}"),
            text("found"),
        ),
    )
    assert {"foreign_state: google", "server_tool_history: search"} == {
        str(x) for x in losses.all()
    }
    assert messages[0].parts[6] in without_foreign_state(messages, "google", Losses())[0].parts


def test_plain_reasoning_of_another_service_can_be_kept() -> None:
    """T81: servers that want reasoning back take any."""
    messages = (assistant(ThinkingPart("why", Opaque("anthropic", "s")), call("a")),)
    found = without_foreign_state(messages, "", Losses(), plain_thinking=True)
    assert found == (assistant(ThinkingPart("why"), call("a")),)


def test_what_a_result_says_and_shows() -> None:
    part = ToolResultPart("a", (text("x"), IMAGE, text("y")))
    assert (result_text(part), result_media(part)) == ("x\ny", (IMAGE,))
