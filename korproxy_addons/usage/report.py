"""A usage report: what the ledger's sums come to, as a whole and by whatever requests are told apart by; pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from operator import add

from korproxy_addons.usage.spread import MEASURES, Percentiles, percentiles

type Keys = tuple[str, ...]

DIMENSIONS = {
    "provider": "provider",
    "account": "account",
    "model": "model",
    "profile": "profile",
    "project": "project",
    "tool": "tool",
    "key": "local_key",
    "group": "route_group",
    "operation": "operation",
}
"""What a report can be told by, and the ledger's word for it."""


@dataclass(frozen=True, slots=True)
class Sums:
    """
    The ledger's sums of a span.

    Attributes:
        keys: Names of what rows are told apart by.
        columns: Names of the sums.
        sums: For each combination of keys, its sums.
        spreads: And its counts in the buckets of all measures; answers to prompts alone.
        failures: And its code, with the requests and the attempts that failed by it.
        hours: Beginning of each hour (Unix seconds), with the requests, failures, tokens and cost of it.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    sums: Sequence[tuple[Keys, tuple[float, ...]]]
    spreads: Sequence[tuple[Keys, tuple[int, ...]]]
    failures: Sequence[tuple[Keys, tuple[str, int, int]]]
    hours: Sequence[tuple[int, int, int, int, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """
    What something comes to.

    Attributes:
        name: What it is; "" where that is not known.
        requests: Finished requests, counted where they were answered, or asked last.
        succeeded, failed, abandoned: How they ended; abandoned by the client.
        success_percent: Of those that somebody waited for; None: there are none.
        attempts: Tries upstream.
        input_tokens, cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens: Used by its attempts.
        cost_usd: What that would cost by the price list.
        unpriced: Attempts whose tokens have no price.
        incomplete: Attempts of which the provider may not have told everything.
        latency_ms: Whole time of its answers.
        first_byte_ms: Time to their first byte.
        tokens_per_s: How fast streamed ones came.
    """

    name: str
    requests: int
    succeeded: int
    failed: int
    abandoned: int
    success_percent: float | None
    attempts: int
    input_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: float
    unpriced: int
    incomplete: int
    latency_ms: Percentiles | None = None
    first_byte_ms: Percentiles | None = None
    tokens_per_s: Percentiles | None = None

    @property
    def total_tokens(self) -> int:
        """Input and output."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Failure:
    """
    A cause of failures.

    Attributes:
        code: Its code, an upstream's word for it, or `status 500`.
        requests: Requests that ended with it.
        attempts: Attempts that did; another account may have answered then.
    """

    code: str
    requests: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Day:
    """
    One day of a report, or one hour of a short one.

    Attributes:
        at: Its date, or its hour, in local time.
        requests, failed: Of it.
        tokens: Input and output.
        cost_usd: By the price list.
    """

    at: str
    requests: int
    failed: int
    tokens: int
    cost_usd: float


def total_of(sums: Sums) -> Line:
    """Everything together."""
    return _line(
        "all",
        sums.columns,
        [values for _, values in sums.sums],
        [counts for _, counts in sums.spreads],
    )


def lines_by(sums: Sums, dimension: str) -> tuple[Line, ...]:
    """
    A line for each provider, account or whatever `dimension` is, those with the highest cost, tokens and requests first.

    Raises:
        KeyError: There is no such dimension.
    """
    at = sums.keys.index(DIMENSIONS[dimension])
    values = _by(at, sums.sums)
    counts = _by(at, sums.spreads)
    found = (_line(name, sums.columns, rows, counts.get(name, ())) for name, rows in values.items())
    return tuple(
        sorted(found, key=lambda it: (-it.cost_usd, -it.total_tokens, -it.requests, it.name))
    )


def failures_of(sums: Sums) -> tuple[Failure, ...]:
    """Failures by cause, the most frequent first."""
    found: dict[str, tuple[int, int]] = {}
    for _, (code, requests, attempts) in sums.failures:
        before = found.get(code, (0, 0))
        found[code] = (before[0] + requests, before[1] + attempts)
    ordered = sorted(found.items(), key=lambda it: (-it[1][0], -it[1][1], it[0]))
    return tuple(Failure(code, *counts) for code, counts in ordered)


def costs_by_account(sums: Sums) -> Mapping[str, float]:
    """Cost-equivalent by account id."""
    at, cost = sums.keys.index("account"), sums.columns.index("cost_usd")
    found: dict[str, float] = {}
    for keys, values in sums.sums:
        found[keys[at]] = found.get(keys[at], 0.0) + values[cost]
    return found


def days_of(sums: Sums, names: Iterable[str], name_of: Callable[[int], str]) -> tuple[Day, ...]:
    """
    The course of it.

    Args:
        sums: The sums.
        names: Every day or hour there is to be, also those without a request.
        name_of: Which of them an hour (Unix seconds) belongs to.
    """
    found = {name: Day(name, 0, 0, 0, 0.0) for name in names}
    for hour_at, requests, failed, tokens, cost_usd in sums.hours:
        before = found.get(name_of(hour_at))
        if before is not None:
            found[before.at] = Day(
                before.at,
                before.requests + requests,
                before.failed + failed,
                before.tokens + tokens,
                round(before.cost_usd + cost_usd, 6),
            )
    return tuple(found.values())


def dates(first: date, last: date) -> tuple[str, ...]:
    """Every date from one to another, both included, as ISO 8601 has it."""
    days = range(first.toordinal(), last.toordinal() + 1)
    return tuple(date.fromordinal(it).isoformat() for it in days)


def _by[Row](at: int, rows: Iterable[tuple[Keys, Row]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for keys, row in rows:
        found.setdefault(keys[at], []).append(row)
    return found


def _line(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[float]],
    counts: Sequence[Sequence[int]],
) -> Line:
    told = dict(zip(columns, _added(rows, len(columns)), strict=True))
    waited_for = told["succeeded"] + told["failed"]
    spread: list[Percentiles | None] = []
    buckets, begin = _added(counts, sum(it.buckets for it in MEASURES)), 0
    for measure in MEASURES:
        end = begin + measure.buckets
        spread.append(percentiles(measure, buckets[begin:end]))
        begin = end
    whole = {
        field: int(told[field])
        for field in (
            "requests", "succeeded", "failed", "abandoned", "attempts", "input_tokens", "cached_tokens",
            "cache_write_tokens", "output_tokens", "reasoning_tokens", "unpriced", "incomplete",
        )
    }  # fmt: skip
    return Line(
        name=name,
        cost_usd=round(told["cost_usd"], 6),
        success_percent=round(100 * told["succeeded"] / waited_for, 2) if waited_for else None,
        latency_ms=spread[0],
        first_byte_ms=spread[1],
        tokens_per_s=spread[2],
        **whole,
    )


def _added[Number: (int, float)](rows: Sequence[Sequence[Number]], width: int) -> list[Number]:
    found: list[Number] = [0] * width
    for row in rows:
        found = list(map(add, found, row))
    return found
