"""
The ledger's sums of a span of hours.

Days are read where they lie in the span whole, hours at its ends: a month costs no more than its days and two of their edges.
"""

from collections.abc import Iterable, Mapping
from operator import add
from typing import Any

from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import like
from korproxy_addons.io.tables.exchanges import KEYS, SUMS
from korproxy_addons.io.tables.spreads import FAILURE_SUMS, SPREAD_COLUMNS
from korproxy_addons.usage.record import OWN_REQUESTS
from korproxy_addons.usage.report import DIMENSIONS, Keys, Sums

HOUR_S = 3600
DAY_S = 86_400

type Piece = tuple[str, str, int, int]
"""Span of a table, its column, and the Unix seconds from and before which its rows are taken."""


def load_sums(
    file: LedgerFile, since: float, until: float, only: Mapping[str, str] | None = None
) -> Sums:
    """
    The sums from one time to another.

    Args:
        file: The ledger.
        since: Unix seconds; the hour it lies in is taken whole.
        until: Unix seconds; so is its hour.
        only: Dimension to what it must be, as in `past_exchanges.Wanted`.
    Raises:
        KorProxyError: The file cannot be read.
    """
    parts = pieces(since, until)
    where, values = _only(only or {})
    keys = ", ".join(KEYS)
    sums = _rows(
        file, parts, "usage", f"{keys}, {_summed(SUMS)}", f"{where} GROUP BY {keys}", values
    )
    generated = f"{where} AND operation = 'generate' GROUP BY {keys}"
    spreads = _rows(file, parts, "spread", f"{keys}, {_summed(SPREAD_COLUMNS)}", generated, values)
    failures = _rows(
        file,
        parts,
        "failures",
        f"{keys}, code, {_summed(FAILURE_SUMS)}",
        f"{where} GROUP BY {keys}, code",
        values,
    )
    begin, end = _hours(since, until)
    hours = _rows(
        file,
        (("hourly", "hour_at", begin, end),),
        "usage",
        "hour_at, sum(requests), sum(failed), sum(input_tokens + output_tokens), sum(cost_usd)",
        f"{where} GROUP BY hour_at",
        values,
    )
    width = len(KEYS)
    return Sums(
        keys=KEYS,
        columns=SUMS,
        sums=_added(sums, width),
        spreads=_added(spreads, width),
        failures=[(row[:width], row[width:]) for row in failures],
        hours=hours,
    )


def success_of(file: LedgerFile, since: float, until: float) -> tuple[int, int]:
    """
    Requests that succeeded, and those that failed, in the hours of a span.

    Those of KorProxy's own tests are left out: some ask for what must be refused, and nobody's work waited for them.

    Raises:
        KorProxyError: The file cannot be read.
    """
    columns, others = "sum(succeeded), sum(failed)", "AND tool <> ?"
    rows = _rows(file, pieces(since, until), "usage", columns, others, (OWN_REQUESTS,))
    return sum(row[0] or 0 for row in rows), sum(row[1] or 0 for row in rows)


def pieces(since: float, until: float) -> tuple[Piece, ...]:
    """The tables' parts that make up the hours of a span."""
    begin, end = _hours(since, until)
    first_day, last_day = -(-begin // DAY_S) * DAY_S, end // DAY_S * DAY_S
    if first_day >= last_day:
        return (("hourly", "hour_at", begin, end),)
    found = (
        ("hourly", "hour_at", begin, first_day),
        ("daily", "day_at", first_day, last_day),
        ("hourly", "hour_at", last_day, end),
    )
    return tuple(it for it in found if it[2] < it[3])


def _hours(since: float, until: float) -> tuple[int, int]:
    begin = int(since // HOUR_S) * HOUR_S
    return begin, max(begin, -int(-until // HOUR_S) * HOUR_S)


def _only(only: Mapping[str, str]) -> tuple[str, tuple[str, ...]]:
    where = "".join(f" AND {DIMENSIONS[it]} LIKE ? ESCAPE '\\'" for it in only)
    return where, tuple(map(like, only.values()))


def _summed(columns: Iterable[str]) -> str:
    return ", ".join(f"sum({it})" for it in columns)


def _rows(
    file: LedgerFile,
    parts: Iterable[Piece],
    table: str,
    columns: str,
    rest: str,
    values: tuple[str, ...],
) -> list[tuple[Any, ...]]:
    found = []
    for span, at, begin, end in parts:
        sql = f"SELECT {columns} FROM {table}_{span} WHERE {at} >= ? AND {at} < ? {rest}"  # noqa: S608 - our own names
        found += file.rows(sql, (begin, end, *values))
    return found


def _added(rows: Iterable[tuple[Any, ...]], width: int) -> list[tuple[Keys, tuple[Any, ...]]]:
    """The pieces' rows, those with the same keys added up."""
    found: dict[Keys, tuple[Any, ...]] = {}
    for row in rows:
        keys, values = row[:width], row[width:]
        before = found.get(keys)
        found[keys] = values if before is None else tuple(map(add, before, values))
    return list(found.items())
