"""
The gateway's state on disk: one SQLite file, one thread that writes it, and nobody who waits for that.

What is written is committed within a quarter of a second, so kill -9 takes no more than that. A disk that is full or a file
that is damaged costs what should have been kept, never a request: it is said once in the log, and writing goes on as soon as
it can.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec
from korproxy_addons.io import database_file
from korproxy_addons.io.database_file import FILE_NAME, Row, Trouble, trouble
from korproxy_addons.io.tables import TABLES
from korproxy_addons.io.tables.table import Table

log = logging.getLogger("korproxy.database")

GATHER_S = 0.2
RETRY_S = 5.0
PRUNE_EVERY_S = 3600.0
MOST_ROWS = 20_000
# From here on only what must not be lost is still taken in.
MOST_DETAIL_ROWS = 15_000

_SPECS: dict[Trouble, ErrorSpec] = {
    Trouble.DAMAGED: catalogue.STATE_DAMAGED,
    Trouble.FULL: catalogue.DISK_FULL,
    Trouble.UNAVAILABLE: catalogue.STATE_UNAVAILABLE,
}

# The last two come before SQLite is asked: half a letter, a number beyond 64 bits.
_REFUSALS = (sqlite3.Error, OSError, UnicodeEncodeError, OverflowError)


class Reader:
    """
    Reads the database, from any thread.

    Args:
        path: The file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        # Whether every table can be expected to be there.
        self._has_schema = True

    def read(self, sql: str, params: Row = ()) -> list[Row]:
        """
        The rows of a query; none where the file cannot be read, which the log then says.

        Waits for the disk: not for the event loop of a running gateway.

        Raises:
            sqlite3.Error: the query itself is wrong.
        """
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = database_file.opened_to_read(self._path)
                return self._connection.execute(sql, params).fetchall()
            except sqlite3.Error as error:
                what = trouble(error)
                if what is Trouble.MISTAKE and self._has_schema:
                    raise
                self._close()
                if self._has_schema and self._path.exists():
                    _say("state cannot be read", what, self._path, error)
                return []

    def close(self) -> None:
        """Close the file; the next read opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Database(Reader):
    """
    Keeps rows.

    Args:
        path: The file.
        tables: Its schema.
        clock: Unix seconds.
        most_rows: Rows that may wait to be written; further ones are dropped and counted.
    """

    def __init__(
        self,
        path: Path,
        tables: Sequence[Table] = TABLES,
        *,
        clock: Callable[[], float] = time.time,
        most_rows: int = MOST_ROWS,
    ) -> None:
        super().__init__(path)
        self._tables = tables
        self._clock = clock
        self._most_rows = most_rows
        self._most_detail_rows = most_rows * MOST_DETAIL_ROWS // MOST_ROWS
        self.dropped = 0
        self._falls_behind = False
        self._waiting: deque[tuple[str, Sequence[Row]]] = deque()
        self._waiting_rows = 0
        self._taken = 0
        self._settled = 0
        self._changed = threading.Condition()
        self._hurry = 0
        self._ending = False
        self._thread: threading.Thread | None = None
        self._writing: sqlite3.Connection | None = None
        self._trouble: Trouble | None = None
        self._prune_at = 0.0
        self._has_schema = False

    def open(self) -> None:
        """Open the file (a damaged one is moved aside and a new one made), and begin to write; never raises for its sake."""
        if self._thread is None:
            self._try(())
            self._ending = False
            self._thread = threading.Thread(target=self._work, name="database", daemon=True)
            self._thread.start()

    def write(self, sql: str, rows: Sequence[Row], *, detail: bool = False) -> None:
        """
        Have `sql` executed for each of `rows`, soon; never waits for the disk.

        Args:
            sql: One statement with placeholders.
            rows: Its values; not changed by anybody afterwards.
            detail: May be dropped first when the disk is too slow.
        """
        with self._changed:
            most = self._most_detail_rows if detail else self._most_rows
            if self._waiting_rows + len(rows) > most:
                self.dropped += len(rows)
                behind, self._falls_behind = self._falls_behind, True
                if behind:
                    return
            else:
                first = not self._waiting
                self._waiting.append((sql, rows))
                self._waiting_rows += len(rows)
                self._taken += 1
                if first:
                    self._changed.notify_all()
                return
        log.warning("state falls behind", extra={"fields": {"waiting_rows": most}})

    def flush(self, timeout_s: float = 5.0) -> bool:
        """Wait until everything handed in so far is committed; False if it was not in time, or not at all."""
        with self._changed:
            if self._thread is None:
                return self._settled >= self._taken
            wanted, self._hurry = self._taken, self._hurry + 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(lambda: self._settled >= wanted, timeout_s)
            finally:
                self._hurry -= 1

    def close(self) -> None:
        """Write what is waiting, and close the file."""
        thread = self._thread
        if thread is not None:
            with self._changed:
                self._ending = True
                self._changed.notify_all()
            thread.join()
            self._thread = None
        if self._writing is not None:
            with contextlib.suppress(sqlite3.Error):
                self._writing.close()
            self._writing = None
        super().close()

    def _work(self) -> None:
        while self._gathered():
            with self._changed:
                batch = list(self._waiting)
            done = self._try(batch)
            with self._changed:
                if done:
                    for _, rows in batch:
                        self._waiting.popleft()
                        self._waiting_rows -= len(rows)
                    self._settled += len(batch)
                    self._falls_behind = False
                    self._changed.notify_all()
                elif self._ending:
                    return
                else:
                    self._changed.wait_for(lambda: self._ending, RETRY_S)

    def _gathered(self) -> bool:
        """Wait for rows, and a little for more; False at the end, when everything is written."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending)
            self._changed.wait_for(lambda: self._ending or self._hurry > 0, GATHER_S)
            return bool(self._waiting)

    def _try(self, batch: database_file.Batch) -> bool:
        """Write `batch`; False if it is to be tried again later."""
        try:
            self._write(batch)
        except _REFUSALS as error:
            what = trouble(error)
            if what is Trouble.MISTAKE:
                self._one_by_one(batch)
            elif what is Trouble.DAMAGED:
                return self._anew(batch, error)
            else:
                self._fell(what, error)
                return False
        if self._trouble is not None:
            self._trouble = None
            log.warning("state is kept again")
        return True

    def _write(self, batch: database_file.Batch) -> None:
        now = self._clock()
        if self._writing is None:
            self._writing = database_file.opened(self._path, self._tables, now)
            self._has_schema = True
            self._prune_at = now + PRUNE_EVERY_S
        if batch:
            database_file.write(self._writing, batch)
        if now >= self._prune_at:
            self._prune_at = now + PRUNE_EVERY_S
            database_file.prune(self._writing, self._tables, now)

    def _one_by_one(self, batch: database_file.Batch) -> None:
        """A statement of ours is wrong; the others of its batch shall not suffer."""
        for item in batch:
            try:
                self._write((item,))
            except _REFUSALS as error:
                self.dropped += len(item[1])
                fields = {"statement": " ".join(item[0].split())[:80], "what": trouble(error)}
                log.exception("state not written", extra={"fields": fields})

    def _anew(self, batch: database_file.Batch, error: Exception) -> bool:
        """The file is damaged: go on with a new one."""
        self._let_go()
        _say("state is damaged", Trouble.DAMAGED, self._path, error)
        super().close()
        try:
            aside = database_file.move_aside(self._path)
            self._write(batch)
        except _REFUSALS as again:
            self._fell(trouble(again), again)
            return False
        log.warning("state begins anew", extra={"fields": {"old": aside.name}})
        return True

    def _fell(self, what: Trouble, error: Exception) -> None:
        self._let_go()
        if self._trouble is not what:
            self._trouble = what
            _say("state is not kept", what, self._path, error)

    def _let_go(self) -> None:
        if self._writing is not None:
            with contextlib.suppress(sqlite3.Error):
                self._writing.close()
            self._writing = None


def open_database(home: Path) -> Database:
    """The database of the KorProxy folder `home`; `Database.open` is still to be called."""
    return Database(home / FILE_NAME)


def _say(event: str, what: Trouble, path: Path, error: Exception) -> None:
    spec = _SPECS.get(what)
    fields = {
        "code": spec.code if spec is not None else "",
        "file": path.name,
        "error": type(error).__name__,
        "reason": getattr(error, "sqlite_errorname", ""),
    }
    log.error(event, extra={"fields": fields})
