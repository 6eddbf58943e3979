"""
Forgetting what the ledger holds: in pieces, so that a gateway that writes meanwhile waits for a moment at most.

What is forgotten is overwritten in the file. Health, quota windows and conversations stay.
"""

import contextlib
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.errors.catalogue import STATE_DAMAGED, STATE_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import database_file
from korproxy_addons.io.database_file import Trouble, trouble
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.tables import TABLES

AT_ONCE = 2_000
_SUM_TABLES = {
    "usage_hourly": "hour_at",
    "usage_daily": "day_at",
    "spread_hourly": "hour_at",
    "spread_daily": "day_at",
    "failures_hourly": "hour_at",
    "failures_daily": "day_at",
}


@dataclass(frozen=True, slots=True)
class Forgotten:
    """
    What is there to be forgotten, or was.

    Attributes:
        requests: Requests.
        sums: Rows of sums by hour and by day.
    """

    requests: int
    sums: int


def rows_before(path: Path, before: float) -> Forgotten:
    """
    What `forget_before` would forget.

    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be read.
    """
    with LedgerFile(path) as file:
        counts = [
            _count(file.rows(f"SELECT count(*) FROM {table} WHERE {at} < ?", (before,)))  # noqa: S608 - our own names
            for table, at in (("exchanges", "started_at"), *_SUM_TABLES.items())
        ]
    return Forgotten(counts[0], sum(counts[1:]))


def forget_before(path: Path, before: float, now: float) -> Forgotten:
    """
    Forget requests and their sums.

    Args:
        path: The ledger; it need not be there.
        before: Unix seconds; what began then or later stays.
        now: Unix seconds.
    Raises:
        KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the ledger cannot be written.
    """
    if not path.exists():
        return Forgotten(0, 0)
    try:
        with contextlib.closing(database_file.opened(path, TABLES, now)) as connection:
            connection.execute("PRAGMA secure_delete = ON").fetchall()
            gone = Forgotten(_forget_requests(connection, before), _forget_sums(connection, before))
            connection.execute("PRAGMA incremental_vacuum").fetchall()
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return gone
    except (sqlite3.Error, OSError) as error:
        damaged = trouble(error) is Trouble.DAMAGED
        reason = getattr(error, "sqlite_errorname", type(error).__name__)
        spec = STATE_DAMAGED if damaged else STATE_UNAVAILABLE
        raise KorProxyError(spec, f"{path.name}: {reason}") from error


def _forget_requests(connection: sqlite3.Connection, before: float) -> int:
    """Each piece is a transaction of its own."""
    sql = (
        "DELETE FROM exchanges WHERE id IN (SELECT id FROM exchanges WHERE started_at < ? LIMIT ?)"
    )
    total = 0
    while (count := connection.execute(sql, (before, AT_ONCE)).rowcount) > 0:
        total += count
    return total


def _forget_sums(connection: sqlite3.Connection, before: float) -> int:
    return sum(
        connection.execute(f"DELETE FROM {table} WHERE {at} < ?", (before,)).rowcount  # noqa: S608 - our own names
        for table, at in _SUM_TABLES.items()
    )


def _count(rows: list[tuple[Any, ...]]) -> int:
    return int(rows[0][0]) if rows else 0
