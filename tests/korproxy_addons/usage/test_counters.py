from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.limits import Per
from korproxy_addons.usage.counters import (
    LENGTH_S,
    CalendarCounter,
    Counter,
    SlidingCounter,
    counter_of,
    window_at,
)

# A Wednesday.
AT = datetime(2026, 11, 25, 13, 37, 42, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


def utc(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]


@pytest.mark.parametrize(
    ("per", "begin", "end"),
    [
        (Per.MINUTE, (2026, 11, 25, 13, 37), (2026, 11, 25, 13, 38)),
        (Per.HOUR, (2026, 11, 25, 13), (2026, 11, 25, 14)),
        (Per.DAY, (2026, 11, 25), (2026, 11, 26)),
        (Per.WEEK, (2026, 11, 23), (2026, 11, 30)),
        (Per.MONTH, (2026, 11, 1), (2026, 12, 1)),
    ],
)
def test_windows_are_those_of_the_calendar(
    per: Per, begin: tuple[int, ...], end: tuple[int, ...]
) -> None:
    assert window_at(per, AT.timestamp(), UTC) == (utc(*begin), utc(*end))


def test_a_day_begins_at_the_local_midnight_and_may_be_longer_or_shorter() -> None:
    begin, end = window_at(Per.DAY, AT.timestamp(), BERLIN)
    assert (begin, end) == (utc(2026, 11, 24, 23), utc(2026, 11, 25, 23))
    begin, end = window_at(Per.DAY, utc(2026, 10, 25, 12), BERLIN)
    assert end - begin == 25 * 3600


def test_a_year_ends_with_its_last_month() -> None:
    assert window_at(Per.MONTH, utc(2026, 12, 31, 23), UTC) == (utc(2026, 12, 1), utc(2027, 1, 1))


@given(st.sampled_from(Per), st.floats(0, 4e9), st.sampled_from([UTC, BERLIN]))
def test_a_moment_lies_in_its_window(per: Per, at: float, zone: ZoneInfo) -> None:
    begin, end = window_at(per, at, zone)
    assert begin <= at < end
    assert window_at(per, begin, zone) == (begin, end)
    assert window_at(per, end, zone)[0] == end or per is Per.HOUR


def test_a_calendars_counter_begins_anew_with_its_window() -> None:
    counter = CalendarCounter(Per.MINUTE)
    counter.add(3, 600.0)
    counter.add(2, 659.0)
    assert (counter.used(659.9), counter.resets_at(5, 659.9)) == (5, 660.0)
    assert not counter.empty(659.9)
    assert counter.resets_at(6, 659.9) == 659.9
    assert (counter.used(660.0), counter.empty(660.0)) == (0, False)
    assert counter.empty(720.0)


def test_what_an_earlier_window_used_is_not_of_this_one() -> None:
    counter = CalendarCounter(Per.MINUTE)
    counter.add(1, 660.0)
    counter.add(5, 600.0)
    assert counter.used(661.0) == 1


def test_a_sliding_counter_lets_go_piece_by_piece() -> None:
    counter = SlidingCounter(60.0)
    for at in (0.0, 10.0, 20.0):
        counter.add(1, at)
    assert counter.used(59.0) == 3
    assert counter.resets_at(3, 59.0) == 61.0
    assert counter.resets_at(1, 59.0) == 81.0
    assert not counter.empty(80.0)
    assert (counter.used(61.0), counter.used(71.0), counter.used(81.0)) == (2, 1, 0)
    assert counter.empty(81.0)


@pytest.mark.parametrize("sliding", [True, False])
@given(st.lists(st.tuples(st.floats(0, 300), st.integers(1, 5)), max_size=30), st.integers(1, 20))
def test_a_counter_counts_no_less_than_its_window_and_tells_its_reset(
    sliding: bool, uses: list[tuple[float, int]], most: int
) -> None:
    counter: Counter = counter_of(Per.MINUTE, sliding=sliding)
    now = 0.0
    for later, amount in uses:
        now += later / 10
        counter.add(amount, now)
    used = counter.used(now)
    total = sum(amount for _, amount in uses)
    assert 0 <= used <= total
    resets_at = counter.resets_at(most, now)
    assert now <= resets_at <= now + 2 * LENGTH_S[Per.MINUTE]
    assert counter.used(resets_at) < most


def test_a_sliding_counter_stays_small() -> None:
    counter = SlidingCounter(60.0)
    for step in range(100_000):
        counter.add(1, step * 0.01)
        counter.used(step * 0.01)
    assert len(counter._pieces) < 70
