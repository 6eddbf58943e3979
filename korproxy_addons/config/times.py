"""
Spans of the week as people write them: `mon-fri 09:00-18:00`, `sat,sun`, `22:00-06:00`.

A span that ends before it begins goes on into the next day, and counts as that of the day it began on.
"""

import re
from dataclasses import dataclass

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Days of the week in the order of `datetime.weekday()`."""

DAY_MINUTES = 24 * 60
EXPECTED = "days and hours such as mon-fri 09:00-18:00, sat,sun or 22:00-06:00"

_DAYS = re.compile(r"[a-z]{3}(-[a-z]{3})?(,[a-z]{3}(-[a-z]{3})?)*\Z")
_HOURS = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])\Z")


@dataclass(frozen=True, slots=True)
class WeekSpan:
    """
    A part of the week, in local time.

    Attributes:
        days: Days it begins on; 0 is Monday.
        begin_minutes: Its begin, in minutes from midnight.
        length_minutes: Its length; 1440 is the whole day.
    """

    days: frozenset[int]
    begin_minutes: int
    length_minutes: int

    def holds(self, weekday: int, minutes: int) -> bool:
        """
        Whether a moment lies in it.

        Args:
            weekday: 0 is Monday.
            minutes: Full minutes since midnight.
        """
        since = minutes - self.begin_minutes
        if 0 <= since < self.length_minutes:
            return weekday in self.days
        return since + DAY_MINUTES < self.length_minutes and (weekday - 1) % 7 in self.days


def read_span(text: str) -> WeekSpan:
    """
    The span that a text means.

    Raises:
        ValueError: It means none; the message says what is expected.
    """
    words = text.lower().split()
    days = frozenset(range(7))
    if words and _DAYS.match(words[0]):
        days = frozenset(day for part in words.pop(0).split(",") for day in _day_range(part))
    elif len(words) != 1:
        raise ValueError(EXPECTED)
    if not words:
        return WeekSpan(days, 0, DAY_MINUTES)
    hours = _HOURS.match(words[0])
    if len(words) > 1 or not hours:
        raise ValueError(EXPECTED)
    begin = int(hours[1]) * 60 + int(hours[2])
    end = int(hours[3]) * 60 + int(hours[4])
    if end > DAY_MINUTES or begin == end:
        raise ValueError(EXPECTED)
    return WeekSpan(days, begin, (end - begin) % DAY_MINUTES or DAY_MINUTES)


def _day_range(text: str) -> list[int]:
    first, _, last = text.partition("-")
    try:
        begin, end = DAYS.index(first), DAYS.index(last or first)
    except ValueError:
        raise ValueError(EXPECTED) from None
    return [(begin + step) % 7 for step in range((end - begin) % 7 + 1)]
