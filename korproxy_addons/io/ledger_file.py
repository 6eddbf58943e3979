"""The ledger as other programs read it: beside a running gateway, after it, or where there has never been one."""

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import database_file
from korproxy_addons.io.database_file import Trouble, trouble

_NO_TABLE = "no such table"
_SPECS = {Trouble.DAMAGED: catalogue.STATE_DAMAGED, Trouble.FULL: catalogue.DISK_FULL}


class LedgerFile:
    """
    Reads one database file; nothing is written, and who writes it meanwhile is not kept waiting.

    Args:
        path: The file; it need not be there.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def rows(self, sql: str, params: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        """
        The rows of a query; none where there is no file, or it does not know a table yet.

        Raises:
            KorProxyError: STATE_DAMAGED or STATE_UNAVAILABLE, the file cannot be read.
            sqlite3.Error: The query itself is wrong.
        """
        return list(self.each(sql, params))

    def each(self, sql: str, params: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """The same one by one, for more rows than one wants to hold."""
        try:
            connection = self._opened()
            if connection is not None:
                yield from connection.execute(sql, params)
        except sqlite3.Error as error:
            what = trouble(error)
            if what is Trouble.MISTAKE:
                if str(error).startswith(_NO_TABLE):
                    return
                raise
            self.close()
            reason = getattr(error, "sqlite_errorname", type(error).__name__)
            spec = _SPECS.get(what, catalogue.STATE_UNAVAILABLE)
            raise KorProxyError(spec, f"{self._path.name}: {reason}") from error

    @contextlib.contextmanager
    def at_one_moment(self) -> Iterator[None]:
        """Queries inside see the file as it stood at the first of them, whatever is written meanwhile."""
        self.rows("BEGIN")
        try:
            yield
        finally:
            if self._connection is not None:
                self._connection.rollback()

    def _opened(self) -> sqlite3.Connection | None:
        if self._connection is None and self._path.exists():
            self._connection = database_file.opened_to_read(self._path)
        return self._connection

    def close(self) -> None:
        """Close the file; the next query opens it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
