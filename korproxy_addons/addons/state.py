"""
Opens the database with the master that carries the gateway, and closes it after everybody who writes to it.

Before the first request what was known of the accounts is known again.
"""

import random
import time
from collections.abc import Sequence
from typing import Any

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.health import Health
from korproxy_addons.accounts.pool import Changed as HealthChanged
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.quota import Changed as WindowsChanged
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.accounts.spending import SpendingBook
from korproxy_addons.accounts.stickiness import Stickiness
from korproxy_addons.io.account_state import AccountState
from korproxy_addons.io.database import Database
from korproxy_addons.io.quota_state import QuotaState, load_drawn, load_windows
from korproxy_addons.providers.quota import Windows


class State:
    """
    Before all who read what was kept; `closing`, behind all who write, ends it.

    Attributes:
        on_health: Told each health that has changed, as `Pool` tells it.
        on_windows: Told the windows that have changed, as `QuotaBook` tells them.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._kept = kept = AccountState(database)
        self._kept_quota = QuotaState(database.write)
        self.spending = SpendingBook(self._kept_quota.save_drawn)
        chance = random.Random().random  # noqa: S311 - spreads load, keeps no secret
        self.fleet = Fleet(
            pool=Pool(self._health_changed, chance),
            quota=QuotaBook(self._windows_changed),
            stickiness=Stickiness(kept.save_home),
            chance=chance,
        )
        self.closing = StateEnd(database)
        self.on_health: HealthChanged = lambda _account, _models, _health: None
        self.on_windows: WindowsChanged = lambda _account, _windows: None

    def load(self, _loader: object) -> None:
        self._database.open()
        self.fleet.pool.restore(self._kept.load_healths(), time.time())
        self.fleet.stickiness.restore(self._kept.load_homes())
        self.fleet.quota.restore(load_windows(self._database))
        self.spending.restore(load_drawn(self._database))

    def read(self, sql: str, parameters: tuple[Any, ...]) -> Sequence[tuple[Any, ...]]:
        """Rows of what was kept; see `Database.read`."""
        return self._database.read(sql, parameters)

    def _health_changed(self, account_id: str, models: str, health: Health | None) -> None:
        self._kept.save_health(account_id, models, health)
        self.on_health(account_id, models, health)

    def _windows_changed(self, account_id: str, windows: Windows) -> None:
        self._kept_quota.save_windows(account_id, windows)
        self.on_windows(account_id, windows)


class StateEnd:
    """Commits what is waiting when the master ends."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def done(self) -> None:
        self._database.close()
