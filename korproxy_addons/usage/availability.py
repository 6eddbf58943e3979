"""
How dependable the gateway was, from the launcher's timeline; pure.

Time counts while the gateway was meant to serve: not while it was stopped or paused, not while the launcher was gone or the
machine asleep, and not while a person waits for a first start.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

ENDED = "ended"
"""State of the timeline alone: the launcher is gone."""
ASLEEP = "asleep"
"""State of the timeline alone: the machine slept."""
RESTART = "restart"
"""Reason of a moment at which the gateway had broken down."""

_UP = frozenset({"healthy", "degraded"})
_BROKEN = frozenset({"unreachable", "failed"})
# Reasons of `failed` that are no crash: only a person can help.
_NO_CRASH = frozenset({"port-busy", "config-error"})
_HOUR_S = 3600.0


class Moment(NamedTuple):
    """
    A change of state.

    Attributes:
        at: Unix seconds.
        state: A state of the supervisor, `ended` or `asleep`.
        reason: Why, in one word; "" if there is nothing to say.
        detail: A sentence for people.
    """

    at: float
    state: str
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Availability:
    """
    What came of it.

    Attributes:
        wanted_s: For so long the gateway was meant to serve.
        up_s: So much of that it answered.
        crashes: So often it ended by itself, or was ended because it no longer answered.
        hours: Hours of the clock in which it was meant to serve.
        crash_hours: Those of them in which it crashed.
    """

    wanted_s: float = 0.0
    up_s: float = 0.0
    crashes: int = 0
    hours: int = 0
    crash_hours: int = 0

    @property
    def uptime_share(self) -> float | None:
        """Share of the time in which it answered, 0 to 1; None where it was never meant to."""
        return self.up_s / self.wanted_s if self.wanted_s > 0 else None

    @property
    def crash_free_share(self) -> float | None:
        """Share of the hours without a crash, 0 to 1; None where there was no hour."""
        return 1 - self.crash_hours / self.hours if self.hours else None


def availability(
    moments: Iterable[Moment], seen_at: float | None, since: float, until: float
) -> Availability:
    """
    How dependable the gateway was in a span.

    Args:
        moments: In their order; the first may lie before `since`.
        seen_at: When the launcher was last there; what it saw last holds until then. None: never.
        since: Unix seconds at which the span begins.
        until: And at which it ends.
    """
    wanted_s = up_s = 0.0
    hours: set[int] = set()
    crash_hours: set[int] = set()
    crashes = 0
    for span in _spans(moments, min(until, seen_at or since)):
        moment, ends_at = span.moment, min(span.ends_at, until)
        begins_at = max(moment.at, since)
        length_s = ends_at - begins_at
        if span.crash and since <= moment.at < until:
            crashes += 1
            crash_hours.add(_hour(moment.at))
            hours.add(_hour(moment.at))
        if not span.counts or length_s <= 0:
            continue
        wanted_s += length_s
        if moment.state in _UP:
            up_s += length_s
        hours.update(range(_hour(begins_at), _hour(ends_at) + 1))
    return Availability(wanted_s, up_s, crashes, len(hours), len(crash_hours))


class _Span(NamedTuple):
    moment: Moment
    ends_at: float
    counts: bool
    crash: bool


def _spans(moments: Iterable[Moment], last_at: float) -> Iterator[_Span]:
    """Each moment, when its state ended, whether the gateway was meant to serve in it, and whether a crash began it."""
    last: _Span | None = None
    for moment in moments:
        if last is not None:
            yield last._replace(ends_at=moment.at)
        last = _Span(moment, last_at, _counts(moment, last), _is_crash(moment, last))
    if last is not None:
        yield last


def _counts(moment: Moment, after: _Span | None) -> bool:
    if moment.state in _UP or moment.state in _BROKEN:
        return True
    if moment.state != "starting":
        return False
    # A start that a breakdown made necessary is time lost; one that a person asked for is not.
    broke_down = after is not None and after.counts and after.moment.state != "failed"
    return moment.reason == RESTART or broke_down


def _is_crash(moment: Moment, after: _Span | None) -> bool:
    if moment.state == "failed":
        return moment.reason not in _NO_CRASH
    # A successor that was on its way takes over without a restart being counted.
    took_over = moment.state == "starting" and after is not None and after.moment.state in _UP
    return moment.reason == RESTART or took_over


def _hour(at: float) -> int:
    return int(at // _HOUR_S)
