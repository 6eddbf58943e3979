"""Spans of the week: what is read, what is refused, and what lies in them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.times import DAY_MINUTES, DAYS, WeekSpan, read_span

WEEK = [(day, minutes) for day in range(7) for minutes in range(0, DAY_MINUTES, 30)]


def moments(text: str) -> set[tuple[int, int]]:
    """The half hours of the week that lie in a span."""
    span = read_span(text)
    return {it for it in WEEK if span.holds(*it)}


def test_days_alone_are_whole_days() -> None:
    assert moments("sat,sun") == {it for it in WEEK if it[0] in (5, 6)}


def test_hours_alone_hold_on_every_day() -> None:
    assert moments("09:00-18:00") == {it for it in WEEK if 540 <= it[1] < 1080}


def test_days_and_hours_hold_together() -> None:
    expected = {it for it in WEEK if it[0] in (4, 5, 6, 0) and it[1] >= 23 * 60}
    assert moments("fri-mon 23:00-24:00") == expected


def test_a_night_belongs_to_the_day_it_began_on() -> None:
    span = read_span("fri 22:00-06:00")
    assert span.holds(4, 22 * 60)
    assert span.holds(5, 5 * 60 + 59)
    assert not span.holds(5, 6 * 60)
    assert not span.holds(4, 5 * 60)
    assert not span.holds(5, 22 * 60)


def test_case_and_blanks_do_not_matter() -> None:
    assert read_span("  MON-Fri   09:00-10:30 ") == WeekSpan(frozenset(range(5)), 540, 90)


@pytest.mark.parametrize(
    "text",
    ["", " ", "mon-", "mond", "mon tue", "9:00-10:00", "09:00", "25:00-26:00", "09:00-09:00",
     "mon 09:00-10:00 x", "09:60-10:00", "mon-frx", "10:00-24:30", "mon,", "09:00-10:00 mon"],
)  # fmt: skip
def test_what_means_no_span_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="mon-fri 09:00-18:00"):
        read_span(text)


@given(st.text(max_size=30))
def test_any_text_is_a_span_or_a_value_error(text: str) -> None:
    try:
        span = read_span(text)
    except ValueError:
        return
    assert span.days <= set(range(7))
    assert 0 < span.length_minutes <= DAY_MINUTES


@given(
    st.lists(st.sampled_from(DAYS), min_size=1, max_size=7, unique=True),
    st.integers(0, 23), st.integers(0, 59), st.integers(0, 23), st.integers(0, 59),
)  # fmt: skip
def test_a_span_holds_what_counting_minute_by_minute_holds(
    days: list[str], hour: int, minute: int, end_hour: int, end_minute: int
) -> None:
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if begin == end:
        return
    span = read_span(f"{','.join(days)} {hour:02}:{minute:02}-{end_hour:02}:{end_minute:02}")
    inside = set()
    for day in map(DAYS.index, days):
        at = begin
        while at % DAY_MINUTES != end:
            inside.add(((day + at // DAY_MINUTES) % 7, at % DAY_MINUTES))
            at += 1
    every_minute = [(day, at) for day in range(7) for at in range(0, DAY_MINUTES, 7)]
    assert [span.holds(*it) for it in every_minute] == [it in inside for it in every_minute]
