"""What is known of all accounts together; pure, as its parts are."""

from collections.abc import Callable, Iterable

from korproxy_addons.accounts.balancing import Balancer
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.accounts.stickiness import Stickiness


class Fleet:
    """
    Health, quota, load and conversations of the accounts.

    Args:
        pool: Their health.
        quota: Their windows.
        stickiness: Which conversations are at home with whom.
        chance: A random number in [0, 1).
    """

    def __init__(
        self,
        pool: Pool | None = None,
        quota: QuotaBook | None = None,
        stickiness: Stickiness | None = None,
        chance: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.pool = pool if pool is not None else Pool(chance=chance)
        self.quota = quota if quota is not None else QuotaBook()
        self.stickiness = stickiness if stickiness is not None else Stickiness()
        self.chance = chance
        self.balancer = Balancer(self.pool, self.quota, chance)

    def keep(self, account_ids: Iterable[str]) -> None:
        """Drop what is known of accounts that left the config."""
        kept = set(account_ids)
        self.pool.keep(kept)
        self.quota.keep(kept)
