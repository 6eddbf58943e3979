"""
Counters of the user's limits: windows by the calendar, and windows that slide; the clock is handed in.

A window by the calendar begins at a full minute or hour, at midnight, on Monday, or on the first of the month, in local time.
One that slides is kept in pieces of a sixtieth of its length, so that it may let go up to so much too late, never too early.
"""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Protocol

from korproxy_addons.config.limits import Per

LENGTH_S = {
    Per.MINUTE: 60.0,
    Per.HOUR: 3600.0,
    Per.DAY: 86_400.0,
    Per.WEEK: 7 * 86_400.0,
    Per.MONTH: 30 * 86_400.0,
}
"""Length of a sliding window, in seconds."""

_PIECES = 60


def window_at(per: Per, at: float, zone: tzinfo | None = None) -> tuple[float, float]:
    """
    The calendar's window that a moment lies in.

    Args:
        per: Its length.
        at: Unix seconds.
        zone: Whose midnight counts; by default this machine's.
    Returns:
        Its begin, and its end, which is not in it; Unix seconds.
    """
    # Without a zone it is the machine's own, summer time included; `timestamp` reads it the same way.
    moment = datetime.fromtimestamp(at, zone)
    match per:
        case Per.MINUTE:
            begin = at - at % 60
            return begin, begin + 60
        case Per.HOUR:
            begin = moment.replace(minute=0, second=0, microsecond=0).timestamp()
            return begin, begin + 3600
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    match per:
        case Per.DAY:
            following = day + timedelta(days=1)
        case Per.WEEK:
            day -= timedelta(days=day.weekday())
            following = day + timedelta(days=7)
        case _:
            day = day.replace(day=1)
            following = (day + timedelta(days=32)).replace(day=1)
    return day.timestamp(), following.timestamp()


class Counter(Protocol):
    """Adds up what is used of one limit."""

    def add(self, amount: float, at: float) -> None:
        """Count `amount`, used at `at`; what lies outside of the window is passed over."""

    def used(self, now: float) -> float:
        """What is used of the window at `now`."""

    def resets_at(self, most: float, now: float) -> float:
        """When less than `most` will be used again, if nothing is added; Unix seconds."""

    def empty(self, now: float) -> bool:
        """Whether it could as well be forgotten."""


@dataclass(slots=True)
class CalendarCounter:
    """Of windows by the calendar."""

    per: Per
    zone: tzinfo | None = None
    _begin: float = 0.0
    _end: float = 0.0
    _used: float = 0.0

    def add(self, amount: float, at: float) -> None:
        self._turn_to(at)
        if at >= self._begin:
            self._used += amount

    def used(self, now: float) -> float:
        self._turn_to(now)
        return self._used

    def resets_at(self, most: float, now: float) -> float:
        self._turn_to(now)
        return self._end if self._used >= most else now

    def empty(self, now: float) -> bool:
        return now >= self._end

    def _turn_to(self, at: float) -> None:
        if at >= self._end:
            self._begin, self._end = window_at(self.per, at, self.zone)
            self._used = 0.0


@dataclass(slots=True)
class SlidingCounter:
    """Of the time that has just passed."""

    length_s: float
    _pieces: deque[tuple[float, float]] = field(default_factory=deque)
    _used: float = 0.0

    def add(self, amount: float, at: float) -> None:
        step_s = self.length_s / _PIECES
        begin = at - at % step_s
        if self._pieces and begin <= self._pieces[-1][0]:
            # What comes late counts as of the newest piece: rather too long than too short.
            begin, before = self._pieces.pop()
            self._pieces.append((begin, before + amount))
        else:
            self._pieces.append((begin, amount))
        self._used += amount

    def used(self, now: float) -> float:
        while self._pieces and self._gone_at(self._pieces[0][0]) <= now:
            self._used -= self._pieces.popleft()[1]
        if not self._pieces:
            self._used = 0.0
        return self._used

    def resets_at(self, most: float, now: float) -> float:
        left = self.used(now)
        for begin, amount in self._pieces:
            if left < most:
                break
            left -= amount
            now = self._gone_at(begin)
        return now

    def empty(self, now: float) -> bool:
        return not self._pieces or self._gone_at(self._pieces[-1][0]) <= now

    def _gone_at(self, begin: float) -> float:
        return begin + self.length_s / _PIECES + self.length_s


def counter_of(per: Per, *, sliding: bool, zone: tzinfo | None = None) -> Counter:
    """A counter that has counted nothing yet."""
    return SlidingCounter(LENGTH_S[per]) if sliding else CalendarCounter(per, zone)
