import pytest

from korproxy_addons.dialects.events import Event, PartCitation, PartDelta, PartEnd, PartStart
from korproxy_addons.dialects.model import Citation, MediaKind, MediaPart, Opaque, ToolCallPart
from korproxy_addons.dialects.openai_chat.parts import REFUSAL, TEXT, THINKING, Parts
from korproxy_addons.dialects.openai_chat.reply_wire import CallPiece, FunctionPiece

IMAGE = MediaPart(MediaKind.IMAGE, base64="AA==")
SOURCE = Citation("openai-chat", b"{}", url="https://a.example")  # type: ignore[arg-type]


def piece(arguments: str, name: str = "", index: int = 0, call_id: str = "") -> CallPiece:
    return CallPiece(index, call_id, function=FunctionPiece(name, arguments))


def test_words_of_one_kind_are_one_part_until_another_comes() -> None:
    parts, out = Parts("seed"), list[Event]()
    for shell, text in ((THINKING, "a"), (THINKING, "b"), (TEXT, "c"), (REFUSAL, "d"), (TEXT, "e")):
        parts.words(shell, text, out)
    assert parts.close(out, cut=False)
    assert out == [
        *(PartStart(THINKING), PartDelta("a"), PartDelta("b"), PartEnd()),
        *(PartStart(TEXT), PartDelta("c"), PartEnd()),
        *(PartStart(REFUSAL), PartDelta("d"), PartEnd()),
        *(PartStart(TEXT), PartDelta("e"), PartEnd()),
    ]
    assert (parts.refused, parts.called) == (True, False)


def test_t44_everything_behind_an_open_call_waits_and_keeps_its_order() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece('{"a":', "f", 0, "x"), None, out)
    parts.words(TEXT, "one ", out)
    parts.citation(SOURCE, out)
    parts.words(TEXT, "two", out)
    parts.media(IMAGE, out)
    parts.call(0, 1, piece("{", "g", 1, "y"), None, out)
    assert out == [PartStart(ToolCallPart("x", "f")), PartDelta('{"a":')]
    parts.call(0, 0, piece("1}"), Opaque("google", "s"), out)
    assert out[2:] == [
        *(PartDelta("1}"), PartEnd(Opaque("google", "s"))),
        *(PartStart(TEXT), PartDelta("one "), PartCitation(SOURCE), PartDelta("two"), PartEnd()),
        *(PartStart(IMAGE), PartEnd()),
        *(PartStart(ToolCallPart("y", "g")), PartDelta("{")),
    ]


def test_text_behind_a_complete_call_is_told_at_once() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("{}", "f", 0, "x"), None, out)
    parts.words(TEXT, "now", out)
    assert out[-3:] == [PartEnd(), PartStart(TEXT), PartDelta("now")]


@pytest.mark.parametrize("cut", [True, False])
def test_only_the_last_words_are_cut(cut: bool) -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.words(THINKING, "a", out)
    parts.words(TEXT, "b", out)
    parts.close(out, cut=cut)
    assert [event.complete for event in out if isinstance(event, PartEnd)] == [True, not cut]


def test_a_call_that_is_not_known_to_be_complete_is_not_when_the_answer_was_cut() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("", "f", 0, "x"), None, out)
    parts.call(0, 1, piece("{}", "g", 1, "y"), None, out)
    parts.close(out, cut=True)
    assert [event.complete for event in out if isinstance(event, PartEnd)] == [False, True]


def test_what_follows_a_complete_call_is_dropped() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece('{"a":1}', "f", 0, "x"), None, out)
    parts.call(0, 0, piece('{"a":1}', "f", 0, "x"), None, out)
    parts.close(out, cut=False)
    assert [event.text for event in out if isinstance(event, PartDelta)] == ['{"a":1}']


def test_an_abandoned_answer_ends_its_open_part_only() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.call(0, 0, piece("{", "f", 0, "x"), None, out)
    parts.words(TEXT, "never told", out)
    assert parts.unfinished
    parts.abandon(out)
    parts.abandon(out)
    assert out[2:] == [PartEnd(complete=False)]


def test_a_citation_without_text_is_dropped() -> None:
    parts, out = Parts("seed"), list[Event]()
    parts.citation(SOURCE, out)
    parts.words(THINKING, "a", out)
    parts.citation(SOURCE, out)
    assert out == [PartStart(THINKING), PartDelta("a")]
