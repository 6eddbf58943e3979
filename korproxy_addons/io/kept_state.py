"""What a gateway has kept in its database, for programs that only look: a file of another version is no error."""

import contextlib
import math
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import Database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.quota_state import load_windows


class KeptState:
    """
    The state of a KorProxy folder; nothing is written.

    Args:
        home: The folder; its database need not be there.
    """

    def __init__(self, home: Path) -> None:
        self._database = Database(home / FILE_NAME)  # never opened to write

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._database.close()

    def fleet(self) -> Fleet:
        """Health, homes and windows of the accounts as they were kept."""
        found, kept = Fleet(), AccountState(self._database)
        with contextlib.suppress(sqlite3.Error):
            # Nobody asks an account here: what waits for its owner goes on waiting, and gets no chance of a new start.
            found.pool.restore(kept.load_healths(), math.inf)
            found.stickiness.restore(kept.load_homes())
        with contextlib.suppress(sqlite3.Error):
            found.quota.restore(load_windows(self._database))
        return found

    def rows(self, sql: str, params: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """The rows of a query; none where the file does not know the tables."""
        try:
            return self._database.read(sql, params)
        except sqlite3.Error:
            return []
