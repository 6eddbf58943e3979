"""Kept answers in the database, for users who want them to outlive the process."""

from collections.abc import Sequence
from dataclasses import dataclass

from korproxy_addons.config.conversations import ConversationSettings
from korproxy_addons.io.database import Database

_COLUMNS = "owner, id, parent, input, answer, used_at"
_PUT = f"INSERT OR REPLACE INTO conversations ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - a constant
_FIND = f"SELECT {_COLUMNS} FROM conversations WHERE owner = ? AND id = ?"  # noqa: S608 - a constant
_USED = "UPDATE conversations SET used_at = ? WHERE owner = ? AND id = ?"
_REMOVE = "DELETE FROM conversations WHERE owner = ? AND id = ?"
_CLEAR = "DELETE FROM conversations"
_TRIM = """
    DELETE FROM conversations WHERE (owner, id) IN (
        SELECT owner, id FROM (
            SELECT owner, id, used_at,
                COUNT(*) OVER newest AS place,
                SUM(LENGTH(input) + LENGTH(answer)) OVER newest AS bytes
            FROM conversations WINDOW newest AS (ORDER BY used_at DESC, owner, id)
        ) WHERE place > ? OR bytes > ? OR used_at < ?
    )
"""
# The bounds are looked after now and then: a statement that reads every row is too much for each answer.
_TRIM_EVERY = 16


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """
    An answer, and what was new in the request that it was given to.

    Attributes:
        owner: Whose it is; nobody else finds it.
        id: Its id, as the client knows it.
        parent: Id of the answer that the request went on from, or "".
        input: JSON array of the request's own items.
        answer: The whole answer as JSON, its `output` filled.
        used_at: Unix seconds of its last use.
    """

    owner: str
    id: str
    parent: str
    input: bytes
    answer: bytes
    used_at: float

    @property
    def size_bytes(self) -> int:
        """What it takes."""
        return len(self.input) + len(self.answer)


class ConversationShelf:
    """
    Answers in the database. Writing waits for nothing; `find` waits for the disk, so it is called from a thread.

    Args:
        database: Open, or to be opened.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._puts = 0

    def put(self, kept: KeptAnswer, settings: ConversationSettings) -> None:
        """Keep an answer within the bounds of `settings`."""
        row = (kept.owner, kept.id, kept.parent, kept.input, kept.answer, kept.used_at)
        self._database.write(_PUT, [row])
        self._puts += 1
        if self._puts % _TRIM_EVERY == 1:
            oldest = kept.used_at - settings.max_hours * 3600
            most_bytes = settings.max_megabytes * 1024 * 1024
            self._database.write(_TRIM, [(settings.max_answers, most_bytes, oldest)])

    def find(self, owner: str, response_id: str) -> KeptAnswer | None:
        """The answer, if it is there."""
        rows = self._database.read(_FIND, (owner, response_id))
        return KeptAnswer(*rows[0]) if rows else None  # type: ignore[arg-type]

    def used(self, owner: str, response_ids: Sequence[str], now: float) -> None:
        """Answers were gone on from at `now`."""
        self._database.write(_USED, [(now, owner, it) for it in response_ids])

    def remove(self, owner: str, response_id: str) -> None:
        """Delete an answer."""
        self._database.write(_REMOVE, [(owner, response_id)])

    def clear(self) -> None:
        """Delete all of them."""
        self._database.write(_CLEAR, [()])
