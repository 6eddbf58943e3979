"""
How long answers took, how fast they came, and why requests failed, by hour and by day.

Added up by triggers in the transaction of the row itself, as the sums of `exchanges.py` are.
"""

from collections.abc import Iterator
from itertools import pairwise

from korproxy_addons.io.tables.exchanges import KEYS
from korproxy_addons.io.tables.table import Table
from korproxy_addons.usage.spread import FIRST_BYTE_MS, MEASURES, TOKENS_PER_S, TOTAL_MS, Measure

_SPANS = (("hourly", "hour_at", 3600), ("daily", "day_at", 86_400))

# What is left of a tiny answer is sent at once: that says nothing of a speed.
_LEAST_TOKENS, _LEAST_MS = 10, 20
_VALUES = {
    TOTAL_MS: "NEW.total_ms",
    FIRST_BYTE_MS: "NEW.first_byte_ms",
    TOKENS_PER_S: f"CASE WHEN NEW.streamed AND NEW.output_tokens >= {_LEAST_TOKENS}"
    f" AND NEW.total_ms - NEW.first_byte_ms >= {_LEAST_MS}"
    " THEN NEW.output_tokens * 1000.0 / (NEW.total_ms - NEW.first_byte_ms) END",
}

SPREAD_COLUMNS = tuple(column for measure in MEASURES for column in measure.columns)
"""Buckets of all measures, in their order."""

FAILURE_SUMS = ("requests", "attempts")
"""Requests that failed with a code, and attempts that did, whatever became of their request."""


def _begins(length_s: int) -> str:
    return f"CAST(NEW.started_at / {length_s} AS INTEGER) * {length_s}"


def _spread_table(span: str, at: str) -> str:
    keys = ", ".join(f"{key} TEXT NOT NULL" for key in KEYS)
    counts = ", ".join(f"{column} INTEGER NOT NULL" for column in SPREAD_COLUMNS)
    return (
        f"CREATE TABLE spread_{span} ({at} INTEGER NOT NULL, {keys}, {counts},"
        f" PRIMARY KEY ({at}, {', '.join(KEYS)})) WITHOUT ROWID"
    )


def _in_buckets(measure: Measure) -> Iterator[str]:
    name, bounds = measure.name, measure.bounds
    yield f"coalesce({name} < {bounds[0]}, 0)"
    for low, high in pairwise(bounds):
        yield f"coalesce({name} >= {low} AND {name} < {high}, 0)"
    yield f"coalesce({name} >= {bounds[-1]}, 0)"


def _spreading(span: str, at: str, length_s: int) -> str:
    values = ", ".join(f"{value} AS {measure.name}" for measure, value in _VALUES.items())
    counts = ", ".join(it for measure in MEASURES for it in _in_buckets(measure))
    added = ", ".join(f"{it} = {it} + excluded.{it}" for it in SPREAD_COLUMNS)
    keys = ", ".join(f"NEW.{key}" for key in KEYS)
    return (
        f"CREATE TRIGGER exchanges_to_spread_{span} AFTER INSERT ON exchanges WHEN NEW.outcome = 'ok' BEGIN"  # noqa: S608 - our own names
        f" INSERT INTO spread_{span} ({at}, {', '.join(KEYS)}, {', '.join(SPREAD_COLUMNS)})"
        f" SELECT {_begins(length_s)}, {keys}, {counts} FROM (SELECT {values}) WHERE true"
        f" ON CONFLICT ({at}, {', '.join(KEYS)}) DO UPDATE SET {added}; END"
    )


def _failure_table(span: str, at: str) -> str:
    keys = ", ".join(f"{key} TEXT NOT NULL" for key in (*KEYS, "code"))
    sums = ", ".join(f"{column} INTEGER NOT NULL" for column in FAILURE_SUMS)
    return (
        f"CREATE TABLE failures_{span} ({at} INTEGER NOT NULL, {keys}, {sums},"
        f" PRIMARY KEY ({at}, {', '.join(KEYS)}, code)) WITHOUT ROWID"
    )


def _failing(span: str, at: str, length_s: int) -> str:
    of_attempt = {
        key: f"coalesce(json_extract(value, '$.{key}'), '')"
        for key in ("provider", "account", "model", "code")
    }
    keys = (*KEYS, "code")
    # What the client was told without a code of ours still has a status.
    told = "CASE NEW.code WHEN '' THEN 'status ' || coalesce(NEW.status, '?') ELSE NEW.code END"
    whole = ", ".join(told if key == "code" else f"NEW.{key}" for key in keys)
    tries = ", ".join(of_attempt.get(key, f"NEW.{key}") for key in keys)
    added = ", ".join(f"{it} = {it} + excluded.{it}" for it in FAILURE_SUMS)
    grouped = ", ".join(str(2 + keys.index(key)) for key in of_attempt)
    failed = f"INSERT INTO failures_{span} ({at}, {', '.join(keys)}, requests, attempts)"
    again = f"ON CONFLICT ({at}, {', '.join(keys)}) DO UPDATE SET {added}"
    # Most exchanges went well, and are not looked at any further.
    any_code = """NEW.attempts GLOB '*"code":"[^"]*'"""
    return (
        f"CREATE TRIGGER exchanges_to_failures_{span} AFTER INSERT ON exchanges"  # noqa: S608 - our own names
        f" WHEN NEW.outcome = 'error' OR {any_code} BEGIN"
        f" {failed} SELECT {_begins(length_s)}, {whole}, 1, 0 WHERE NEW.outcome = 'error' {again};"
        f" {failed} SELECT {_begins(length_s)}, {tries}, 0, count(*) FROM json_each(NEW.attempts)"
        f" WHERE json_extract(value, '$.code') <> '' GROUP BY {grouped} {again}; END"
    )


SPREADS = Table(
    "spreads",
    tuple(
        statement
        for span in _SPANS
        for statement in (
            _spread_table(*span[:2]),
            _spreading(*span),
            _failure_table(*span[:2]),
            _failing(*span),
        )
    ),
    pruned_by=(
        "DELETE FROM spread_hourly WHERE hour_at < ? - 8640000",
        "DELETE FROM spread_daily WHERE day_at < ? - 34560000",
        "DELETE FROM failures_hourly WHERE hour_at < ? - 8640000",
        "DELETE FROM failures_daily WHERE day_at < ? - 34560000",
    ),
)
