"""Answers that were kept for `previous_response_id`: content, so written only where the user's config allows it."""

from korproxy_addons.io.tables.table import Table

CONVERSATIONS = Table(
    "conversations",
    (
        """
        CREATE TABLE conversations (
            owner TEXT NOT NULL,
            id TEXT NOT NULL,
            parent TEXT NOT NULL,
            input BLOB NOT NULL,
            answer BLOB NOT NULL,
            used_at REAL NOT NULL,
            PRIMARY KEY (owner, id)
        ) WITHOUT ROWID
        """,
    ),
    # The longest time that the config can ask for; shorter ones are kept to by the gateway.
    pruned_by=("DELETE FROM conversations WHERE used_at < ? - 2592000",),
)
