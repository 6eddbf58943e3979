"""Differences as lines."""

from typing import Any

import pytest

from korproxy_addons.recording.changes import Change, Kind
from launcher.cli.changes import MOST_SHOWN, lines_of, one_line, print_changes, shortened
from support.console import printed_by


def lines(width: int | None, *change: Any, plain: bool = False) -> list[tuple[str, int, str]]:
    return list(lines_of(Change(*change), width, plain=plain))


def test_a_short_change_is_one_line() -> None:
    assert lines(80, "model", Kind.CHANGED, "a", "b") == [("~", 0, 'model: "a" → "b"')]
    assert lines(80, "n", Kind.ADDED, None, {"x": [1, None]}) == [("+", 0, 'n: {"x": [1, null]}')]
    assert lines(80, "n", Kind.REMOVED, True) == [("-", 0, "n: true")]
    assert lines(80, "", Kind.CHANGED, 1, 2) == [("~", 0, "(all of it): 1 → 2")]


def test_what_stands_in_a_head_has_no_quotation_marks() -> None:
    assert lines(80, "x-a", Kind.CHANGED, "a", "b", plain=True) == [("~", 0, "x-a: a → b")]
    assert lines(80, "x-a", Kind.REMOVED, 'a"b', plain=True) == [("-", 0, 'x-a: a\\"b')]


def test_two_masks_are_no_change_that_can_be_shown() -> None:
    (line,) = lines(80, "cookie", Kind.CHANGED, "[redacted]", "[redacted]", plain=True)
    assert line == ("~", 0, "cookie: not shown on either side")


def test_a_longer_one_is_two_lines() -> None:
    assert lines(24, "url", Kind.CHANGED, "a" * 16, "b" * 16) == [
        ("~", 0, "url"),
        ("-", 2, '"' + "a" * 16 + '"'),
        ("+", 2, '"' + "b" * 16 + '"'),
    ]


def test_long_texts_are_shown_from_where_they_part() -> None:
    before, after = "same " * 50 + "old end", "same " * 50 + "new end"
    _, (minus, _, old), (plus, _, new) = lines(60, "text", Kind.CHANGED, before, after)
    assert (minus, plus) == ("-", "+")
    assert old == "…" + ' same same same old end"'[-len(old) + 1 :]
    assert old.endswith('old end"')
    assert new.endswith('new end"')
    assert len(old) < 60


def test_no_line_is_wider_than_it_may_be() -> None:
    for kind in Kind:
        for found in lines(40, "path", kind, "x" * 500, "y" * 500):
            assert len(found[2]) + found[1] <= 40
            assert "(502 characters)" in found[2] or found[2] == "path"


def test_all_of_a_value_is_there_for_who_asks() -> None:
    (line,) = lines(None, "a", Kind.ADDED, None, "x" * 500)
    assert line[2].count("x") == 500


def test_control_characters_stay_in_the_value() -> None:
    assert one_line("a\x1b[31m\n\x7f") == '"a\\u001b[31m\\n\\u007f"'
    assert one_line("a\x1b", plain=True) == "a\\u001b"
    assert one_line("é") == '"é"'


def test_a_text_that_fits_is_not_cut() -> None:
    assert shortened("abc", 3, 3) == "abc"
    assert shortened("abcdef" * 10, 25, 60) == "abcdefab… (60 characters)"[:25]


@pytest.mark.parametrize("full", [False, True])
def test_only_the_first_are_shown_unless_all_are_asked_for(*, full: bool) -> None:
    many = tuple(Change(f"p{number}", Kind.ADDED, None, number) for number in range(MOST_SHOWN + 5))
    text = printed_by(lambda console: print_changes(console, many, indent=2, full=full))
    assert text.splitlines()[0] == "  + p0: 0"
    assert (f"p{MOST_SHOWN + 4}" in text) is full
    assert ("5 more; --full" in text) is not full
