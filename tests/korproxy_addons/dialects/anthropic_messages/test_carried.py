import pytest

from korproxy_addons.dialects.anthropic_messages.carried import (
    EMPTY_SEAL,
    call_carrier,
    compaction_carrier,
    state_of,
    text_carrier,
    wire_state,
    with_thinking,
)
from korproxy_addons.dialects.model import (
    CompactionPart,
    Opaque,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)

STATE = Opaque("google", "sig")


@pytest.mark.parametrize(
    "state", [None, Opaque("anthropic", "s"), STATE, Opaque("openai", "e", "rs_1")]
)
def test_state_comes_back_as_it_went(state: Opaque | None) -> None:
    assert state_of(wire_state(state)) == state


def test_own_state_is_not_touched() -> None:
    assert wire_state(Opaque("anthropic", "s")) == "s"
    assert state_of("") is None
    assert state_of(EMPTY_SEAL) is None


def carried(signature: str) -> ThinkingPart:
    return ThinkingPart("", state_of(signature))


def test_the_state_of_a_call_finds_it_wherever_it_stands() -> None:
    calls: list[Part] = [ToolCallPart("a", "go"), ToolCallPart("b", "go"), TextPart("later")]
    assert with_thinking(list(calls), carried(call_carrier("a", STATE))) == [
        ToolCallPart("a", "go", state=STATE),
        *calls[1:],
    ]
    # the call was cut from the history: nothing is left to say
    assert with_thinking([], carried(call_carrier("a", STATE))) == []


def test_the_state_of_a_text_belongs_to_the_text_before() -> None:
    signature = text_carrier(STATE)
    assert with_thinking([TextPart("a")], carried(signature)) == [TextPart("a", state=STATE)]
    assert with_thinking([], carried(signature)) == [TextPart("", state=STATE)]
    signed = TextPart("a", state=STATE)
    assert with_thinking([signed], carried(signature)) == [signed, TextPart("", state=STATE)]


def test_a_compaction_keeps_its_id() -> None:
    state = Opaque("openai", "e", "cmp_1")
    assert with_thinking([], carried(compaction_carrier(state))) == [CompactionPart(state=state)]


@pytest.mark.parametrize(
    "thinking",
    [
        ThinkingPart("a"),
        ThinkingPart("", Opaque("anthropic", "s")),
        ThinkingPart("a", STATE),
        ThinkingPart("", Opaque("openai", "e", "rs_1")),
    ],
)
def test_thinking_stays_thinking(thinking: ThinkingPart) -> None:
    assert with_thinking([], thinking) == [thinking]
