from typing import Any

from msgspec import Raw

from korproxy_addons.dialects.events import PartCitation, PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import TextPart, ThinkingPart
from korproxy_addons.dialects.openai_responses.slots import (
    MessageSlot,
    ReasoningSlot,
    decoded_citation,
)
from korproxy_addons.dialects.openai_responses.wire import ContentPart, OutputItem

NO_RAW = Raw(b"{}")


def test_what_done_repeats_is_not_said_twice() -> None:
    """T54"""
    slot = MessageSlot()
    slot.delta(0, "Hel")
    slot.text(0, "Hello")
    slot.part(0, ContentPart("output_text", "Hello"))
    slot.finish(OutputItem(content=[ContentPart("output_text", "Hello")]), NO_RAW)
    assert slot.queue == [PartStart(TextPart("")), PartDelta("Hel"), PartDelta("lo"), PartEnd()]


def test_a_part_is_open_until_the_next_one() -> None:
    slot = MessageSlot()
    slot.delta(0, "a")
    slot.delta(1, "b")
    assert [type(event) for event in slot.queue].count(PartEnd) == 1
    slot.cut(complete=False)
    assert slot.queue[-1] == PartEnd(complete=False)


def test_events_may_count_parts_from_another_place() -> None:
    """vLLM says content_index 1 of a message's only part, and the text came twice."""
    slot = MessageSlot()
    slot.delta(1, "Hello")
    slot.finish(OutputItem(content=[ContentPart("output_text", "Hello")]), NO_RAW)
    assert slot.queue == [PartStart(TextPart("")), PartDelta("Hello"), PartEnd()]


def test_an_empty_first_part_does_not_move_the_others() -> None:
    slot = MessageSlot()
    slot.delta(1, "b")
    slot.finish(
        OutputItem(content=[ContentPart("output_text", ""), ContentPart("output_text", "b")]),
        NO_RAW,
    )
    assert slot.queue == [PartStart(TextPart("")), PartDelta("b"), PartEnd()]


def test_each_source_is_given_once() -> None:
    note = Raw(
        b'{"type":"url_citation","url":"http://a","title":"A","start_index":0,"end_index":1}'
    )
    slot = MessageSlot()
    slot.delta(0, "x")
    slot.annotation(0, note)
    slot.part(0, ContentPart("output_text", "x", annotations=[note, note]))
    assert [type(event) for event in slot.queue].count(PartCitation) == 2


def reasoning(**item: Any) -> ReasoningSlot:
    slot = ReasoningSlot("openai")
    slot.finish(OutputItem(**item), NO_RAW)
    return slot


def test_summary_parts_are_one_text_with_blank_lines() -> None:
    """T74"""
    parts = [ContentPart(text="one"), ContentPart(text=""), ContentPart(text="two")]
    slot = reasoning(summary=parts, encrypted_content="E", id="rs_1")
    assert [event.text for event in slot.queue if isinstance(event, PartDelta)] == [
        "one",
        "\n\ntwo",
    ]
    end = slot.queue[-1]
    assert isinstance(end, PartEnd)
    assert end.state is not None
    assert (end.state.origin, end.state.data, end.state.item_id) == ("openai", "E", "rs_1")


def test_reasoning_without_words_still_carries_its_state() -> None:
    """T74"""
    slot = reasoning(encrypted_content="E")
    assert slot.queue[0] == PartStart(ThinkingPart("", is_summary=True))
    assert reasoning(id="rs_1").queue == []


def test_the_same_text_as_summary_and_content_counts_once() -> None:
    """T82"""
    both = [ContentPart(text="hm")]
    slot = reasoning(summary=both, content=both)
    assert [event for event in slot.queue if isinstance(event, PartDelta)] == [PartDelta("hm")]


def test_state_of_a_service_that_reads_none_is_not_kept() -> None:
    slot = ReasoningSlot("")
    slot.finish(OutputItem(content=[ContentPart(text="hm")], encrypted_content="E"), NO_RAW)
    assert slot.queue[-1] == PartEnd()
    assert slot.queue[0] == PartStart(ThinkingPart(""))


def test_a_source_that_is_not_as_expected_is_kept_raw() -> None:
    citation = decoded_citation(Raw(b'{"url":5}'))
    assert (citation.url, bytes(citation.raw), citation.start) == ("", b'{"url":5}', -1)
