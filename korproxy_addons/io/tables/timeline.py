"""What the launcher saw of the gateway's life: a file of the launcher's own, so each of the two has one writer."""

from korproxy_addons.io.tables.table import Table

FILE_NAME = "launcher.db"

INSERT_MOMENT = "INSERT INTO timeline (at, state, reason, detail) VALUES (?, ?, ?, ?)"
"""Keeps one moment: Unix seconds, the state that begins, why, and a sentence for people."""

SEE = "INSERT INTO seen (only_one, at) VALUES (0, ?) ON CONFLICT DO UPDATE SET at = excluded.at"
"""Says that the launcher is still there (Unix seconds)."""

MOMENTS = """
    SELECT at, state, reason, detail FROM timeline
    WHERE id >= coalesce((SELECT max(id) FROM timeline WHERE at <= ?), 0) ORDER BY id
"""
"""The moments since a time, and the one before, which says how things stood then."""

LAST_MOMENT = "SELECT at, state, reason, detail FROM timeline ORDER BY id DESC LIMIT 1"
SEEN_AT = "SELECT at FROM seen"

TIMELINE = Table(
    "timeline",
    (
        """
        CREATE TABLE timeline (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,
            state TEXT NOT NULL,
            reason TEXT NOT NULL,
            detail TEXT NOT NULL
        )
        """,
        "CREATE INDEX timeline_by_time ON timeline (at)",
        "CREATE TABLE seen (only_one INTEGER PRIMARY KEY CHECK (only_one = 0), at REAL NOT NULL)",
    ),
    # The newest stays: it says how things stand, however long they have.
    pruned_by=(
        "DELETE FROM timeline WHERE at < ? - 7776000 AND id < (SELECT max(id) FROM timeline)",
    ),
)
