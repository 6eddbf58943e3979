"""What must be known of accounts after a restart: their health, and which conversations are at home with whom."""

from korproxy_addons.io.tables.table import Table

ACCOUNT_HEALTH = Table(
    "account_health",
    (
        """
        CREATE TABLE account_health (
            account TEXT NOT NULL,
            model TEXT NOT NULL,
            state TEXT NOT NULL,
            until REAL,
            failures INTEGER NOT NULL,
            rests INTEGER NOT NULL,
            code TEXT NOT NULL,
            reason TEXT NOT NULL,
            guessed INTEGER NOT NULL,
            failed_at REAL NOT NULL,
            PRIMARY KEY (account, model)
        ) WITHOUT ROWID
        """,
    ),
)

STICKINESS = Table(
    "stickiness",
    (
        """
        CREATE TABLE stickiness (
            conversation BLOB NOT NULL PRIMARY KEY,
            account TEXT NOT NULL,
            model TEXT NOT NULL,
            cached_tokens INTEGER NOT NULL,
            used_at REAL NOT NULL
        ) WITHOUT ROWID
        """,
    ),
    # A prompt cache lives an hour at most; a conversation taken up after a day costs the same anywhere.
    pruned_by=("DELETE FROM stickiness WHERE used_at < ? - 86400",),
)
