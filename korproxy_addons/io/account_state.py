"""Accounts' health and conversations' homes, to the database and back."""

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.pool import Key
from korproxy_addons.accounts.stickiness import MOST_CONVERSATIONS, Home
from korproxy_addons.io.database import Database, Reader

_SAVE_HEALTH = "INSERT OR REPLACE INTO account_health VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_DROP_HEALTH = "DELETE FROM account_health WHERE account = ? AND model = ?"
_SAVE_HOME = "INSERT OR REPLACE INTO stickiness VALUES (?, ?, ?, ?, ?)"


class AccountState:
    """Writes what changes, and reads it again after a restart."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save_health(self, account_id: str, pattern: str, health: Health | None) -> None:
        """The health of `account_id` for the models of `pattern` is this now; None: nothing is held against it."""
        if health is None:
            self._database.write(_DROP_HEALTH, [(account_id, pattern)])
            return
        row = (
            account_id,
            pattern,
            health.state.value,
            health.until,
            health.failures,
            health.rests,
            health.code,
            health.reason,
            int(health.guessed),
            health.failed_at,
        )
        self._database.write(_SAVE_HEALTH, [row])

    def save_home(self, conversation: bytes, home: Home) -> None:
        """A conversation is at home there now."""
        row = (conversation, home.account_id, home.model, home.cached_tokens, home.used_at)
        self._database.write(_SAVE_HOME, [row], detail=True)

    def load_healths(self) -> dict[Key, Health]:
        """What was held against accounts when it was last written."""
        return load_healths(self._database)

    def load_homes(self) -> list[tuple[bytes, Home]]:
        """Where conversations are at home, those used longest ago first."""
        rows = self._database.read(
            "SELECT conversation, account, model, cached_tokens, used_at FROM stickiness"
            " ORDER BY used_at DESC LIMIT ?",
            (MOST_CONVERSATIONS,),
        )
        return [
            (
                row[0],
                Home(str(row[1]), str(row[2]), int(row[3] or 0), float(row[4] or 0.0)),
            )
            for row in reversed(rows)
            if isinstance(row[0], bytes)
        ]


def load_healths(source: Database | Reader) -> dict[Key, Health]:
    """What was held against accounts; a row that a newer KorProxy wrote and we do not understand is left out."""
    rows = source.read(
        "SELECT account, model, state, until, failures, rests, code, reason, guessed, failed_at"
        " FROM account_health"
    )
    known = set(State)
    return {
        (str(row[0]), str(row[1])): Health(
            state=State(str(row[2])),
            until=None if row[3] is None else float(row[3]),
            failures=int(row[4] or 0),
            rests=int(row[5] or 0),
            code=str(row[6]),
            reason=str(row[7]),
            guessed=bool(row[8]),
            failed_at=float(row[9] or 0.0),
        )
        for row in rows
        if row[2] in known
    }
