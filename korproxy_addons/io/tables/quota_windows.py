"""What providers said is left of the accounts, and what was drawn beyond their plans."""

from korproxy_addons.io.tables.table import Table

QUOTA_WINDOWS = Table(
    "quota_windows",
    (
        """
        CREATE TABLE quota_windows (
            account TEXT NOT NULL,
            name TEXT NOT NULL,
            models TEXT NOT NULL,
            used_share REAL,
            used REAL,
            most REAL,
            unit TEXT NOT NULL,
            reset_at REAL,
            length_s REAL,
            seen_at REAL NOT NULL,
            PRIMARY KEY (account, name, models)
        ) WITHOUT ROWID
        """,
    ),
    # The longest window is a month; what nobody has confirmed for longer says nothing of today.
    pruned_by=("DELETE FROM quota_windows WHERE seen_at < ? - 3024000",),
)

OVERAGE = Table(
    "overage",
    (
        """
        CREATE TABLE overage (
            account TEXT NOT NULL,
            month TEXT NOT NULL,
            usd REAL NOT NULL,
            requests INTEGER NOT NULL,
            last_at REAL NOT NULL,
            PRIMARY KEY (account, month)
        ) WITHOUT ROWID
        """,
    ),
)
