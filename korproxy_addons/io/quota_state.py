"""Accounts' quota windows and what was drawn beyond their plans, to the database and back."""

import sqlite3
from collections.abc import Callable
from typing import Protocol

from korproxy_addons.accounts.spending import Drawn
from korproxy_addons.io.database_file import Row
from korproxy_addons.providers.quota import Window, Windows

_SAVE_WINDOW = "INSERT OR REPLACE INTO quota_windows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_LOAD_WINDOWS = (
    "SELECT account, name, models, used_share, used, most, unit, reset_at, length_s, seen_at"
    " FROM quota_windows"
)
_SAVE_DRAWN = "INSERT OR REPLACE INTO overage VALUES (?, ?, ?, ?, ?)"
_LOAD_DRAWN = "SELECT account, month, usd, requests, last_at FROM overage"

type Write = Callable[[str, list[Row]], object]


class Reads(Protocol):
    """The database, or a reader of its file."""

    def read(self, sql: str, params: Row = ()) -> list[Row]: ...


class QuotaState:
    """
    Writes what changes.

    Args:
        write: Queues rows for a statement; never waits.
    """

    def __init__(self, write: Write) -> None:
        self._write = write

    def save_windows(self, account_id: str, windows: Windows) -> None:
        """These windows of `account_id` are so now."""
        rows: list[Row] = [
            (
                account_id,
                it.name,
                it.model_glob,
                it.used_share,
                it.used,
                it.limit,
                it.unit,
                it.reset_at,
                it.length_s,
                it.seen_at,
            )
            for it in windows
        ]
        self._write(_SAVE_WINDOW, rows)

    def save_drawn(self, drawn: Drawn) -> None:
        """So much was drawn beyond a plan in a month."""
        row: Row = (drawn.account_id, drawn.month, drawn.usd, drawn.requests, drawn.last_at)
        self._write(_SAVE_DRAWN, [row])


def load_windows(database: Reads) -> dict[str, list[Window]]:
    """Every account's windows, as they were told last."""
    found: dict[str, list[Window]] = {}
    for row in _rows(database, _LOAD_WINDOWS):
        window = Window(
            name=str(row[1]),
            used_share=_number(row[3]),
            used=_number(row[4]),
            limit=_number(row[5]),
            unit=str(row[6]),
            reset_at=_number(row[7]),
            length_s=_number(row[8]),
            seen_at=_number(row[9]) or 0.0,
            model_glob=str(row[2]),
        )
        found.setdefault(str(row[0]), []).append(window)
    return found


def load_drawn(database: Reads) -> list[Drawn]:
    """What was drawn, by account and month."""
    return [
        Drawn(
            account_id=str(row[0]),
            month=str(row[1]),
            usd=_number(row[2]) or 0.0,
            requests=int(_number(row[3]) or 0),
            last_at=_number(row[4]) or 0.0,
        )
        for row in _rows(database, _LOAD_DRAWN)
    ]


def _rows(database: Reads, sql: str) -> list[Row]:
    """The rows; none where an older gateway made the file, and none of today's has opened it since."""
    try:
        return database.read(sql)
    except sqlite3.OperationalError:
        return []


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None
