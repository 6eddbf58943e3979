import pytest

from korproxy_addons.dialects.ids import portable_id
from korproxy_addons.dialects.model import (
    CompactionPart,
    Opaque,
    Part,
    TextPart,
    ThinkingPart,
    ToolCallPart,
)
from korproxy_addons.dialects.opaque import SEAL, unsealed
from korproxy_addons.dialects.openai_responses.carried import (
    MADE_ID,
    call_carrier,
    compaction_carrier,
    compaction_of,
    encrypted,
    reply_state,
    state_of,
    taken_home,
    text_carrier,
)

OWN = Opaque("openai", "E", "rs_1")
GOOGLE = Opaque("google", "G")


def test_own_state_goes_as_it_is_and_others_sealed() -> None:
    """T71, T75"""
    assert encrypted(OWN) == "E"
    assert state_of("E", "rs_1") == OWN
    assert unsealed(encrypted(GOOGLE)) == GOOGLE
    assert state_of(encrypted(GOOGLE), "rs_kp1") == GOOGLE


def test_no_state_is_sealed_too() -> None:
    """T76: what a service would look up and not find can be recognised."""
    assert SEAL in encrypted(None).encode()
    assert state_of(encrypted(None), MADE_ID + "1") is None


def test_ids_that_we_made_do_not_go_with_a_services_state() -> None:
    """T75"""
    assert state_of("E", MADE_ID + "1") == Opaque("openai", "E")
    assert state_of("", "rs_1") == Opaque("openai", "", "rs_1")
    assert state_of("", MADE_ID) is None


def test_state_in_a_reply() -> None:
    assert reply_state("E", "rs_1", "openai") == OWN
    assert reply_state("E", "rs_1", "") is None
    assert reply_state("", "rs_1", "openai") is None
    assert reply_state(encrypted(GOOGLE), "x", "") == GOOGLE
    assert reply_state(encrypted(None), "x", "openai") is None


@pytest.mark.parametrize("call_id", ["call_1", "functions.Read:0", "long:" * 30])
def test_a_calls_state_finds_its_call(call_id: str) -> None:
    """T77: also where the client got a shortened id."""
    known = portable_id(call_id) if len(call_id) > 64 else call_id
    parts: list[Part] = [TextPart("a"), ToolCallPart(known, "f"), ToolCallPart("other", "g")]
    carried = ThinkingPart("", state_of(call_carrier(call_id, GOOGLE), "x"))
    assert taken_home(parts, carried)
    assert parts == [
        TextPart("a"),
        ToolCallPart(known, "f", state=GOOGLE),
        ToolCallPart("other", "g"),
    ]


def test_a_texts_state_finds_its_text() -> None:
    """T79"""
    carried = ThinkingPart("", state_of(text_carrier(GOOGLE), "x"))
    parts: list[Part] = [TextPart("a"), TextPart("b")]
    assert taken_home(parts, carried)
    assert parts == [TextPart("a"), TextPart("b", state=GOOGLE)]
    alone: list[Part] = []
    assert taken_home(alone, carried)
    assert alone == [TextPart("", state=GOOGLE)]


@pytest.mark.parametrize(
    "thinking", [ThinkingPart("hm"), ThinkingPart("", GOOGLE), ThinkingPart("")]
)
def test_thinking_stays_thinking(thinking: ThinkingPart) -> None:
    parts: list[Part] = [TextPart("a")]
    assert not taken_home(parts, thinking)
    assert parts == [TextPart("a")]


@pytest.mark.parametrize(
    "part",
    [CompactionPart(state=OWN), CompactionPart(state=GOOGLE), CompactionPart(text="so far")],
)
def test_compactions_there_and_back(part: CompactionPart) -> None:
    assert compaction_of(compaction_carrier(part), "rs_1") == part
