import pytest

from korproxy_addons.dialects.model import Message, Role
from korproxy_addons.dialects.parts import TextPart, ToolCallPart, ToolResultPart
from korproxy_addons.usage.runaway import RepeatWatch, call_loop

type Turn = tuple[str, str, str]


def conversation(*rounds: Turn | str) -> list[Message]:
    """A task, and then rounds of a tool, its arguments and its result, or what somebody says in between."""
    messages = [Message(Role.USER, (TextPart("Do it."),))]
    for number, it in enumerate(rounds):
        if isinstance(it, str):
            messages.append(Message(Role.USER, (TextPart(it),)))
            continue
        name, arguments, result = it
        call = ToolCallPart(f"c{number}", name, arguments)
        back = ToolResultPart(f"c{number}", (TextPart(result),))
        reminder = TextPart("Remember what you were asked.")
        messages += [Message(Role.ASSISTANT, (call,)), Message(Role.USER, (back, reminder))]
    return messages


SAME: Turn = ("read", '{"path":"a"}', "no such file")


def test_equal_calls_with_equal_results_are_counted_from_the_end() -> None:
    assert call_loop(conversation(*[SAME] * 5)) == ("read", 5)
    assert call_loop(conversation(SAME, ("write", "{}", ""), SAME, SAME)) == ("read", 2)


@pytest.mark.parametrize(
    "other",
    [("list", SAME[1], SAME[2]), (SAME[0], '{"path":"b"}', SAME[2]), (SAME[0], SAME[1], "found")],
    ids=["tool", "arguments", "result"],
)
def test_what_differs_is_no_loop(other: Turn) -> None:
    """Somebody who waits for a change calls the same again, until there is one."""
    assert call_loop(conversation(*[SAME] * 5, other)) == (other[0], 1)


def test_a_person_who_says_something_begins_anew() -> None:
    assert call_loop(conversation(*[SAME] * 5, "Go on.", SAME)) == ("read", 1)
    assert call_loop(conversation(*[SAME] * 5, "Go on.")) == ("", 0)
    assert call_loop([]) == ("", 0)


def test_a_result_of_no_call_is_passed_over() -> None:
    assert call_loop([Message(Role.USER, (ToolResultPart("x", (TextPart("y"),)),))]) == ("", 0)


def test_what_comes_again_is_counted_within_its_time() -> None:
    watch = RepeatWatch()
    assert [watch.times("a", at, 60.0) for at in (0.0, 10.0, 59.0)] == [
        (1, 60.0), (2, 60.0), (3, 60.0),
    ]  # fmt: skip
    assert watch.times("b", 59.0, 60.0) == (1, 119.0)
    assert watch.times("a", 60.0, 60.0) == (1, 120.0)


def test_little_is_remembered_and_the_newest_of_it() -> None:
    watch = RepeatWatch(most=10)
    watch.times("kept", 0.0, 60.0)
    for number in range(1000):
        watch.times(number, 1.0, 60.0)
        if number % 5 == 0:
            watch.times("kept", 1.0, 60.0)
    assert watch.times("kept", 2.0, 60.0)[0] == 202
    assert len(watch._seen) == 10
