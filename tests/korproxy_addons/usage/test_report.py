"""What the ledger's sums come to."""

from datetime import date

import pytest

from korproxy_addons.usage.report import (
    DIMENSIONS,
    Day,
    Failure,
    Sums,
    costs_by_account,
    dates,
    days_of,
    failures_of,
    lines_by,
    total_of,
)
from korproxy_addons.usage.spread import MEASURES, TOTAL_MS

KEYS = ("account", "model")
COLUMNS = (
    "requests", "succeeded", "failed", "abandoned", "attempts", "input_tokens", "cached_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "cost_usd", "unpriced", "incomplete",
)  # fmt: skip
ONE = (10, 7, 2, 1, 12, 100, 60, 5, 40, 4, 0.5, 1, 2)
TWO = (1, 1, 0, 0, 1, 10, 0, 0, 5, 0, 2.0, 0, 0)


def counts(**at: int) -> tuple[int, ...]:
    """Counts of all measures, with so many in one bucket of the first."""
    width = sum(it.buckets for it in MEASURES)
    bucket, count = at.get("bucket", 0), at.get("count", 0)
    return tuple(count if number == bucket else 0 for number in range(width))


SUMS = Sums(
    keys=KEYS,
    columns=COLUMNS,
    sums=[(("a", "m"), ONE), (("a", "n"), TWO), (("b", "m"), TWO)],
    spreads=[(("a", "m"), counts(bucket=9, count=3)), (("b", "m"), counts(bucket=41, count=1))],
    failures=[
        (("a", "m"), ("KP-RATE-401", 0, 5)),
        (("b", "m"), ("KP-RATE-401", 1, 1)),
        (("b", "m"), ("overloaded_error", 2, 2)),
    ],
    hours=[(0, 3, 1, 30, 0.25), (3600, 2, 0, 20, 0.25), (90_000, 1, 1, 10, 1.0)],
)


def test_everything_together() -> None:
    total = total_of(SUMS)
    assert (total.requests, total.succeeded, total.failed, total.abandoned) == (12, 9, 2, 1)
    assert (total.input_tokens, total.output_tokens, total.total_tokens) == (120, 50, 170)
    assert (total.cost_usd, total.unpriced, total.incomplete) == (4.5, 1, 2)
    assert total.success_percent == 81.82, "of those that somebody waited for"
    assert total.latency_ms is not None
    assert total.latency_ms.count == 4
    assert (total.first_byte_ms, total.tokens_per_s) == (None, None)


def test_nothing_at_all_is_nothing() -> None:
    total = total_of(Sums(KEYS, COLUMNS, [], [], [], []))
    assert (total.requests, total.cost_usd, total.success_percent) == (0, 0, None)
    assert total.latency_ms is None


def test_lines_are_told_by_a_dimension_the_dearest_first() -> None:
    first, second = lines_by(SUMS, "account")
    assert (first.name, first.requests, first.cost_usd) == ("a", 11, 2.5)
    assert (second.name, second.requests, second.cost_usd) == ("b", 1, 2.0)
    assert first.latency_ms is not None
    assert first.latency_ms.count == 3
    low, high = TOTAL_MS.bounds[8:10]
    assert low <= first.latency_ms.p50 <= high
    assert [it.name for it in lines_by(SUMS, "model")] == ["m", "n"]


def test_what_a_dimension_is_called_is_known() -> None:
    with pytest.raises(KeyError):
        lines_by(SUMS, "colour")
    assert DIMENSIONS["key"] == "local_key"


def test_failures_are_told_by_cause() -> None:
    assert failures_of(SUMS) == (
        Failure("overloaded_error", 2, 2),
        Failure("KP-RATE-401", 1, 6),
    )


def test_costs_are_told_by_account() -> None:
    assert costs_by_account(SUMS) == {"a": 2.5, "b": 2.0}


def test_the_course_has_every_day_also_those_without_a_request() -> None:
    names = {0: "2026-01-01", 3600: "2026-01-01", 90_000: "elsewhere"}
    found = days_of(SUMS, dates(date(2025, 12, 31), date(2026, 1, 1)), lambda at: names[at])
    assert found == (Day("2025-12-31", 0, 0, 0, 0.0), Day("2026-01-01", 5, 1, 50, 0.5))
