"""The database's file: opened private and with its schema in place, moved aside when it is damaged."""

import os
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from enum import StrEnum
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path

from korproxy_addons.io.tables.table import Table

FILE_NAME = "korproxy.db"
_BUSY_S = 5.0
_WAL_BYTES = 4 * 1024 * 1024
_BESIDE = ("", "-wal", "-shm")

type Value = str | int | float | bytes | None
type Row = tuple[Value, ...]
type Batch = Sequence[tuple[str, Sequence[Row]]]


class Trouble(StrEnum):
    """What an error of SQLite is about."""

    DAMAGED = "damaged"
    FULL = "full"
    UNAVAILABLE = "unavailable"
    MISTAKE = "mistake"


_TROUBLES = {
    sqlite3.SQLITE_CORRUPT: Trouble.DAMAGED,
    sqlite3.SQLITE_NOTADB: Trouble.DAMAGED,
    sqlite3.SQLITE_FULL: Trouble.FULL,
    sqlite3.SQLITE_BUSY: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_CANTOPEN: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_IOERR: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_LOCKED: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_NOMEM: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_PERM: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_PROTOCOL: Trouble.UNAVAILABLE,
    sqlite3.SQLITE_READONLY: Trouble.UNAVAILABLE,
}


def trouble(error: Exception) -> Trouble:
    """What `error` is about; MISTAKE: the statement or its values, and nothing of the file."""
    if isinstance(error, OSError):
        return Trouble.UNAVAILABLE
    # The low byte is the family; an error of Python's own has no code.
    code = getattr(error, "sqlite_errorcode", None)
    return Trouble.MISTAKE if code is None else _TROUBLES.get(code & 0xFF, Trouble.MISTAKE)


def opened(path: Path, tables: Iterable[Table], now: float) -> sqlite3.Connection:
    """
    A connection that writes, to a file nobody but the user can read, with every table of `tables` at its version.

    Usable from any thread, by one at a time.

    Raises:
        sqlite3.Error: it cannot be opened, or is no database.
        OSError: the file cannot be made.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform != "win32":
            os.fchmod(
                descriptor, 0o600
            )  # it may be there already; what SQLite lays beside it takes over these rights
    finally:
        os.close(descriptor)
    connection = _connected(path)
    try:
        # After a kill nothing that was committed is lost; after a power cut the last moments may be, never the rest.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES}")
        _bring_up(connection, tables)
        prune(connection, tables, now)
    except BaseException:
        connection.close()
        raise
    return connection


def opened_to_read(path: Path) -> sqlite3.Connection:
    """
    A connection that only reads; usable from any thread, by one at a time.

    Raises:
        sqlite3.Error: there is no such file, or it cannot be opened.
    """
    connection = _connected(f"{path.absolute().as_uri()}?mode=ro")
    connection.execute("PRAGMA query_only = ON")
    return connection


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    """
    Write `batch` in one transaction: all of it or nothing.

    Raises:
        sqlite3.Error: nothing was written.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for sql, items in groupby(batch, itemgetter(0)):
            connection.executemany(sql, chain.from_iterable(rows for _, rows in items))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def prune(connection: sqlite3.Connection, tables: Iterable[Table], now: float) -> None:
    """
    Delete what the tables no longer keep at `now` (Unix seconds), and give its space back.

    Raises:
        sqlite3.Error: the file is in trouble.
    """
    for table in tables:
        for statement in table.pruned_by:
            connection.execute(statement, (now,))
    connection.execute("PRAGMA incremental_vacuum").fetchall()


def move_aside(path: Path) -> Path:
    """
    Put a damaged database out of the way, over the one before it; where it lies now.

    Raises:
        OSError: somebody holds it open (Windows).
    """
    aside = path.with_name(f"{path.name}.damaged")
    for suffix in _BESIDE:
        source, target = Path(f"{path}{suffix}"), Path(f"{aside}{suffix}")
        target.unlink(missing_ok=True)
        if source.exists():
            source.replace(target)
    return aside


def _connected(path: Path | str) -> sqlite3.Connection:
    return sqlite3.connect(
        path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False, uri=True
    )


def _bring_up(connection: sqlite3.Connection, tables: Iterable[Table]) -> None:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_versions (area TEXT PRIMARY KEY, version INTEGER NOT NULL)"
    )
    versions: dict[str, int] = dict(connection.execute("SELECT area, version FROM schema_versions"))
    # A file of a newer KorProxy is left as it is: its versions only added to what we know.
    behind = [it for it in tables if versions.get(it.name, 0) < len(it.statements)]
    if not behind:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for table in behind:
            for statement in table.statements[versions.get(table.name, 0) :]:
                connection.execute(statement)
            connection.execute(
                "INSERT OR REPLACE INTO schema_versions VALUES (?, ?)",
                (table.name, len(table.statements)),
            )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
