"""The database's schema, one file for each area."""

from korproxy_addons.io.tables.account_state import ACCOUNT_HEALTH, STICKINESS
from korproxy_addons.io.tables.conversations import CONVERSATIONS
from korproxy_addons.io.tables.exchanges import EXCHANGES
from korproxy_addons.io.tables.quota_windows import OVERAGE, QUOTA_WINDOWS
from korproxy_addons.io.tables.spreads import SPREADS
from korproxy_addons.io.tables.table import Table

TABLES: tuple[Table, ...] = (
    ACCOUNT_HEALTH,
    STICKINESS,
    EXCHANGES,
    SPREADS,
    CONVERSATIONS,
    QUOTA_WINDOWS,
    OVERAGE,
)
"""Every area, in the order in which they are made."""
