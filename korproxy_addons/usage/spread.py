"""
How values are spread: counts in buckets that grow by a fixed ratio, and the percentiles they tell.

Buckets can be added up, over hours and over whatever requests are told apart by; exact values cannot. A bucket is 19 % wide,
and values within one are taken to lie evenly on a scale of ratios: a percentile of some hundred values is off by 2 % or so.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate

PER_DOUBLING = 4
_SHARES = (0.5, 0.9, 0.99)


@dataclass(frozen=True, slots=True)
class Measure:
    """
    What is measured.

    Attributes:
        name: Begins the names of its columns.
        doublings: From 1 to 2 to the power of this the buckets reach; what is less or more has one bucket each.
    """

    name: str
    doublings: int

    @property
    def bounds(self) -> tuple[float, ...]:
        """Where buckets begin, from the second one on."""
        return _bounds(self.doublings)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of its buckets' columns."""
        return tuple(f"{self.name}_{number}" for number in range(self.buckets))

    @property
    def buckets(self) -> int:
        """How many there are."""
        return len(self.bounds) + 1


@cache
def _bounds(doublings: int) -> tuple[float, ...]:
    steps = range(doublings * PER_DOUBLING + 1)
    return tuple(round(2.0 ** (step / PER_DOUBLING), 4) for step in steps)


TOTAL_MS = Measure("total", 21)
"""Whole time of an answer: 1 ms to 35 minutes."""
FIRST_BYTE_MS = Measure("first", 21)
"""Time to its first byte."""
TOKENS_PER_S = Measure("rate", 13)
"""Tokens of a streamed answer per second, from its first byte on: 1 to 8192."""
MEASURES = (TOTAL_MS, FIRST_BYTE_MS, TOKENS_PER_S)


@dataclass(frozen=True, slots=True)
class Percentiles:
    """
    What is told of a measure.

    Attributes:
        count: So many values there were.
        p50, p90, p99: Half, nine tenths, all but a hundredth of them are no larger.
    """

    count: int
    p50: float
    p90: float
    p99: float


def percentiles(measure: Measure, counts: Sequence[int]) -> Percentiles | None:
    """
    The percentiles of a measure.

    Args:
        measure: What was counted.
        counts: How many values each bucket holds.
    Returns:
        None where there are no values.
    """
    upto = tuple(accumulate(counts))
    count = upto[-1] if upto else 0
    if not count:
        return None
    found = (round(_quantile(measure, counts, upto, share * count), 1) for share in _SHARES)
    return Percentiles(count, *found)


def _quantile(measure: Measure, counts: Sequence[int], upto: Sequence[int], rank: float) -> float:
    bounds = measure.bounds
    number = bisect_left(upto, rank)
    if number == 0:
        return bounds[0]
    if number == len(bounds):
        return bounds[-1]
    low, high = bounds[number - 1], bounds[number]
    return float(low * (high / low) ** ((rank - upto[number - 1]) / counts[number]))
