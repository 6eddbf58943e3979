"""The ledger taken along as rows, or forgotten."""

import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from korproxy_addons.errors.catalogue import FIELD_INVALID
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_clearing import Forgotten, forget_before, rows_before
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import like
from korproxy_addons.io.tables.exchanges import KEYS, SUMS
from korproxy_addons.licensing.entitlement import FREE, Entitlement, kept_days
from korproxy_addons.usage.record import COLUMNS
from korproxy_addons.usage.report import DIMENSIONS
from launcher.actions.readable_config import readable_config
from launcher.actions.steps import OnStep, Steps
from launcher.actions.usage import begin_of_day

_DAY_S = 86_400.0
ROWS_A_STEP = 500
"""So many rows are told of at once: telling of each would take longer than the row."""
_TIMES = {"requests": "started_at", "hours": "hour_at", "days": "day_at"}
_SOURCES = {
    "requests": ("exchanges", COLUMNS),
    "hours": ("usage_hourly", ("hour_at", *KEYS, *SUMS)),
    "days": ("usage_daily", ("day_at", *KEYS, *SUMS)),
}
# What a spreadsheet would take for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def rows_of(
    home: Path,
    what: str,
    days: int | None = None,
    only: Mapping[str, str] | None = None,
    *,
    entitlement: Entitlement = FREE,
    clock: Callable[[], float] = time.time,
    on_step: OnStep | None = None,
) -> Iterator[dict[str, Any]]:
    """
    The ledger's rows, oldest first.

    Args:
        home: The KorProxy folder.
        what: "requests"; "hours" or "days" (in UTC): the sums.
        days: So many days, today included; None: all that is kept.
        only: Dimension to what it must be, with `*` for anything.
        entitlement: KorProxy's plan.
        clock: Unix seconds.
        on_step: Is told of the rows, counted first; None: nobody is, and nothing is counted.
    Raises:
        KeyError: There is no such `what` or dimension.
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    table, columns = _SOURCES[what]
    at = _TIMES[what]
    kept = kept_days(readable_config(home).usage.keep_days, entitlement)
    today = datetime.fromtimestamp(clock(), UTC).astimezone().date()
    since = begin_of_day(today - timedelta(days=min(days or kept, kept) - 1))
    # A day's sums have no smaller parts: the day that the span begins in is taken whole.
    values: list[Any] = [
        since if what == "requests" else since - since % (3600 if what == "hours" else _DAY_S)
    ]
    where = f"{at} >= ?"
    for dimension, text in (only or {}).items():
        where += f" AND {DIMENSIONS[dimension]} LIKE ? ESCAPE '\\'"
        values.append(like(text))
    sql = f"SELECT {', '.join(columns)} FROM {table} WHERE {where} ORDER BY {at}"  # noqa: S608 - our own names
    with LedgerFile(home / FILE_NAME) as file:
        found = file.each(sql, tuple(values))
        if on_step is not None:
            count = f"SELECT COUNT(*) FROM {table} WHERE {where}"  # noqa: S608 - likewise
            total = sum(it[0] for it in file.rows(count, tuple(values)))
            steps = Steps(on_step, total)
            steps.at(what)
            found = steps.each(found, ROWS_A_STEP)
        for row in found:
            fields = dict(zip(columns, row, strict=True))
            if "attempts" in fields and what == "requests":
                fields["attempts"] = json.loads(fields["attempts"])
            moment = datetime.fromtimestamp(fields[at], UTC)
            yield {"at": moment.isoformat(timespec="milliseconds"), **fields}


def export_to(output: str, what: str, rows: Iterator[dict[str, Any]], *, as_json: bool) -> int:
    """
    Write rows to a file that only its owner can read, or to standard output.

    Args:
        output: The file; "-": standard output.
        what: Name of the rows in JSON.
        rows: The rows.
        as_json: One JSON object; else CSV.
    Returns:
        How many rows there were.
    Raises:
        KorProxyError: FIELD_INVALID, the file cannot be written.
    """
    write = _write_json if as_json else _write_csv
    if output == "-":
        return write(sys.stdout, what, rows)
    try:
        descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            if sys.platform != "win32":
                os.fchmod(descriptor, 0o600)  # it may have been there already
            return write(file, what, rows)
    except OSError as error:
        raise KorProxyError(FIELD_INVALID, f"{output}: {error.strerror}") from error


def usage_size(
    home: Path, older_than_days: int | None = None, clock: Callable[[], float] = time.time
) -> Forgotten:
    """
    What `clear_usage` would forget.

    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    return rows_before(home / FILE_NAME, _before(older_than_days, clock))


def clear_usage(
    home: Path, older_than_days: int | None = None, clock: Callable[[], float] = time.time
) -> Forgotten:
    """
    Forget requests and their sums; a gateway may run meanwhile, and waits for a moment at most.

    Args:
        home: The KorProxy folder.
        older_than_days: Only what is older; None: everything.
        clock: Unix seconds.
    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be written.
    """
    return forget_before(home / FILE_NAME, _before(older_than_days, clock), clock())


def _before(older_than_days: int | None, clock: Callable[[], float]) -> float:
    # A little later than now: what the gateway is about to write of the last second goes too.
    return clock() + _DAY_S if older_than_days is None else clock() - older_than_days * _DAY_S


def _write_json(file: TextIO, what: str, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    file.write(f'{{"{what}": [')
    for row in rows:
        file.write("\n" if count == 0 else ",\n")
        file.write(json.dumps(row, ensure_ascii=False))
        count += 1
    file.write("\n]}\n" if count else "]}\n")
    return count


def _write_csv(file: TextIO, what: str, rows: Iterator[dict[str, Any]]) -> int:
    columns = ("at", *_SOURCES[what][1])
    writer = csv.DictWriter(file, columns)
    writer.writeheader()
    count = 0
    for row in rows:
        writer.writerow({name: _cell(value) for name, value in row.items()})
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value
