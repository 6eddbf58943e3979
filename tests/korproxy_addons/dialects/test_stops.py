import itertools

from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.base import EncodedRequest
from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.grammar import violation
from korproxy_addons.dialects.model import (
    Citation,
    FinishReason,
    TextPart,
    ThinkingPart,
    ToolCallPart,
    Usage,
)
from korproxy_addons.dialects.restore import Restorer
from korproxy_addons.dialects.stops import StopCutter, shared_stops

END = MessageEnd(FinishReason.STOP, usage=Usage(input_tokens=3, output_tokens=9))


def cut(stops: tuple[str, ...], *events: Event) -> list[Event]:
    cutter = StopCutter(stops)
    return [found for event in (MessageStart(), *events, END) for found in cutter.feed(event)]


def text_in(*words: str) -> list[Event]:
    return [PartStart(TextPart("")), *map(PartDelta, words), PartEnd()]


def words_of(events: list[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, PartDelta))


def test_t119_the_text_ends_before_the_stop_string_and_the_end_names_it() -> None:
    found = cut(("END", "STOP"), *text_in("one ST", "OP two END"))
    assert words_of(found) == "one "
    assert found[-1] == MessageEnd(
        FinishReason.STOP_SEQUENCE, stop_sequence="STOP", usage=END.usage
    )
    assert violation(found) == ""


def test_t119_nothing_behind_the_stop_string_is_shown() -> None:
    source = PartCitation(Citation("gemini", Raw(b"{}"), url="http://a"))
    call: list[Event] = [PartStart(ToolCallPart("c", "f")), PartDelta("{}"), PartEnd()]
    found = cut(("|",), *text_in("a|b"), source, *call, KeepAlive())
    assert found == [
        MessageStart(),
        PartStart(TextPart("")),
        PartDelta("a"),
        PartEnd(),
        KeepAlive(),
        MessageEnd(FinishReason.STOP_SEQUENCE, stop_sequence="|", usage=END.usage),
    ]


def test_the_stop_string_that_is_complete_first_counts_and_of_two_at_once_the_longer() -> None:
    """Where the text comes in pieces, the next letter is not there yet."""
    last = cut(("b", "abc", "ab"), *text_in("xabc"))[-1]
    assert isinstance(last, MessageEnd)
    assert last.stop_sequence == "ab"


def test_reasoning_and_arguments_are_not_searched() -> None:
    thought: list[Event] = [PartStart(ThinkingPart("")), PartDelta("a|b"), PartEnd()]
    call: list[Event] = [PartStart(ToolCallPart("c", "f")), PartDelta('{"a":"|"}'), PartEnd()]
    assert cut(("|",), *thought, *call) == [MessageStart(), *thought, *call, END]


def test_a_beginning_that_was_none_is_given_back_before_the_part_ends() -> None:
    found = cut(("||",), *text_in("a|"), *text_in("|b"))
    assert words_of(found) == "a||b"
    assert found[-1] == END
    assert violation(found) == ""


def test_a_stop_string_in_the_first_words_leaves_an_empty_text() -> None:
    assert cut(("a",), *text_in("a"))[1:3] == [PartStart(TextPart("")), PartEnd()]


def test_t119_the_restorer_cuts_after_it_has_restored() -> None:
    """The call of a forced tool is text to the client, and ends like one."""
    encoded = EncodedRequest(b"", answer_tool="answer", stops=("END",))
    call: list[Event] = [
        PartStart(ToolCallPart("c", "answer")),
        PartDelta("oneEN"),
        PartDelta("Dtwo"),
        PartEnd(),
    ]
    restorer = Restorer(encoded)
    found = [each for event in (MessageStart(), *call, END) for each in restorer.feed(event)]
    assert words_of(found) == "one"
    assert isinstance(found[1], PartStart)
    assert isinstance(found[1].part, TextPart)


def test_shared_stops() -> None:
    assert shared_stops(("a", "", "b", "a", "c"), 2) == (("a", "b"), ("c",))
    assert shared_stops(("\n", "a"), 4, takes_blank=False) == (("a",), ("\n",))
    assert shared_stops(("a",), 0) == ((), ("a",))
    assert shared_stops((), 4) == ((), ())


@given(
    st.text("ab|", max_size=30),
    st.lists(st.text("ab|", min_size=1, max_size=3), min_size=1, max_size=3),
    st.lists(st.integers(0, 30), max_size=5),
)
def test_t119_however_the_text_is_cut_it_ends_at_the_same_place(
    text: str, stops: list[str], cuts: list[int]
) -> None:
    places = [0, *sorted(min(place, len(text)) for place in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(places) if a < b]
    found = cut(tuple(stops), *text_in(*pieces))
    ends = [(at + len(stop), at) for stop in stops if (at := text.find(stop)) >= 0]
    first = min(ends)[1] if ends else len(text)
    assert words_of(found) == text[:first]
    assert violation(found) == ""
    last = found[-1]
    assert isinstance(last, MessageEnd)
    assert bool(last.stop_sequence) is (first < len(text))
