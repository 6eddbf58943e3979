import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    ReplyError,
    ReplyPart,
    StreamFailed,
)
from korproxy_addons.dialects.grammar import Grammar, GrammarError, State, violation
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    MediaKind,
    MediaPart,
    Opaque,
    RefusalPart,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from korproxy_addons.errors.kinds import Kind

START, END = MessageStart(), MessageEnd(FinishReason.STOP)
CALLS = MessageEnd(FinishReason.TOOL_CALLS)
FAILED = StreamFailed(ReplyError(Kind.INTERNAL, "no"))
CITED = PartCitation(Citation("gemini", Raw(b"{}")))
STATE = Opaque("google", "c2ln")
TEXT, CALL = PartStart(TextPart("")), PartStart(ToolCallPart("c1", "f"))
IMAGE = PartStart(MediaPart(MediaKind.IMAGE, base64="aGk="))
DELTA = PartDelta("x")


@pytest.mark.parametrize(
    "events",
    [
        [START, END],
        [START, TEXT, DELTA, KeepAlive(), CITED, PartEnd(STATE), END],
        [START, TEXT, PartEnd(), CALL, DELTA, PartEnd(), CALLS],
        [START, PartStart(ThinkingPart("")), PartEnd(STATE), IMAGE, PartEnd(), END],
        [START, CALL, PartEnd(complete=False), MessageEnd(FinishReason.LENGTH)],
        [START, PartStart(ToolCallPart("c", "patch", custom=True)), PartEnd(), CALLS],
        [FAILED],
        [START, TEXT, DELTA, FAILED],
    ],
)
def test_legal_answers_pass(events: list[Event]) -> None:
    assert violation(events) == ""


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([], "BEFORE"),
        ([START, TEXT, DELTA, PartEnd()], "BETWEEN"),
        ([TEXT], "PartStart in state BEFORE"),
        ([START, START], "MessageStart in state BETWEEN"),
        ([START, DELTA], "PartDelta in state BETWEEN"),
        ([START, TEXT, TEXT], "PartStart in state TEXT"),
        ([START, TEXT, END], "MessageEnd in state TEXT"),
        ([START, END, END], "MessageEnd in state OVER"),
        ([START, END, KeepAlive()], "KeepAlive in state OVER"),
        ([START, END, FAILED], "StreamFailed in state OVER"),
        ([START, IMAGE, DELTA], "PartDelta in state WHOLE"),
        ([START, CALL, CITED], "PartCitation in state CALL"),
        ([START, PartStart(RefusalPart("")), CITED], "PartCitation in state WORDS"),
        ([START, CALL, PartEnd()], "without arguments"),
        ([START, TEXT, PartDelta("")], "empty PartDelta"),
        ([START, CALL, DELTA, PartEnd(), END], "finish reason is stop"),
        ([START, CALLS], "there are no calls"),
    ],
)
def test_illegal_answers_are_named(events: list[Event], says: str) -> None:
    assert says in violation(events)


@pytest.mark.parametrize(
    "part",
    [
        TextPart("x"),
        TextPart("", state=STATE),
        ThinkingPart("x"),
        ThinkingPart("", STATE),
        RefusalPart("x"),
        ToolCallPart("", "f"),
        ToolCallPart("c", ""),
        ToolCallPart("c", "f", "{}"),
        ToolCallPart("c", "f", state=STATE),
    ],
)
def test_a_streamed_part_opens_empty_and_named(part: ReplyPart) -> None:
    grammar = Grammar()
    grammar.check(START)
    with pytest.raises(GrammarError, match=r"without id or name|opens with content"):
        grammar.check(PartStart(part))


@given(st.lists(st.sampled_from([START, END, CALLS, TEXT, CALL, IMAGE, DELTA, PartEnd(), FAILED])))
def test_after_a_refused_event_the_state_stays(events: list[Event]) -> None:
    grammar = Grammar()
    for event in events:
        before = grammar.state
        try:
            grammar.check(event)
        except GrammarError:
            assert before is grammar.state
        else:
            assert before is not State.OVER
