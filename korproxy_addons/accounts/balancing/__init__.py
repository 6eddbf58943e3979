"""Which account of a group is asked first: one strategy to a file, and who is not to be asked yet whatever it says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from types import MappingProxyType

from korproxy_addons.accounts.balancing.fixed import FillFirst, Priority
from korproxy_addons.accounts.balancing.least_used import LeastUsed
from korproxy_addons.accounts.balancing.option import Option, Ordering, View
from korproxy_addons.accounts.balancing.quota_aware import QuotaAware
from korproxy_addons.accounts.balancing.rotation import Random, RoundRobin, Weighted
from korproxy_addons.accounts.health import Health
from korproxy_addons.accounts.load import Load
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.accounts.standing import UNKNOWN, Standing, standing
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.providers.quota import Windows

_NONE: Mapping[str, float] = MappingProxyType({})
# Time alone changes little: so long a standing is good for, unless something is told.
STANDS_S = 1.0
_MOST_STANDINGS = 4096


class Fit(IntEnum):
    """How fit an account is to be asked now; the lower, the better."""

    READY = 0
    # What is left of its quota is kept back while others can serve.
    KEPT_BACK = 1
    # Its provider has told that a window is exhausted, or we guess that it has not recovered: better than nobody.
    LAST_RESORT = 2
    # Another request is just finding out whether it has recovered.
    ON_TRIAL = 3
    NOT_NOW = 4


@dataclass(frozen=True, slots=True)
class Group:
    """Whom a strategy chooses from: id, strategy, shares and reserves by account id."""

    id: str
    strategy: Strategy
    weights: Mapping[str, float] = _NONE
    reserves: Mapping[str, float] = _NONE


class Balancer:
    """
    All strategies, and what they remember.

    Args:
        pool: Health of the accounts.
        quota: Their windows.
        chance: A random number in [0, 1).
    """

    def __init__(
        self, pool: Pool, quota: QuotaBook, chance: Callable[[], float] = lambda: 0.0
    ) -> None:
        self.load = Load()
        self._pool = pool
        self._quota = quota
        self._chance = chance
        self._standings: dict[tuple[str, str], tuple[Windows, float, Standing]] = {}
        self._orderings: dict[Strategy, Ordering] = {
            Strategy.FILL_FIRST: FillFirst(),
            Strategy.ROUND_ROBIN: RoundRobin(),
            Strategy.LEAST_USED: LeastUsed(),
            Strategy.PRIORITY: Priority(),
            Strategy.RANDOM: Random(),
            Strategy.WEIGHTED: Weighted(),
            Strategy.QUOTA_AWARE: QuotaAware(),
        }

    def standing(self, option: Option, now: float) -> Standing:
        """What its windows say of an option at `now` (Unix seconds)."""
        windows = self._quota.windows(option.account_id)
        if not windows:
            return UNKNOWN
        key = option.account_id, option.model
        known = self._standings.get(key)
        if known is not None and known[0] is windows and 0 <= now - known[1] < STANDS_S:
            return known[2]
        found = standing(windows, option.model, now)
        if len(self._standings) >= _MOST_STANDINGS:
            self._standings.clear()
        self._standings[key] = windows, now, found
        return found

    def health(self, option: Option, now: float) -> Health:
        """What stands in the way of asking an option at `now` (Unix seconds)."""
        return self._pool.worst(option.account_id, option.model, now)

    def fit(self, option: Option, group: Group, now: float) -> Fit:
        """How fit an option is to be asked at `now` (Unix seconds)."""
        account_id, model = option.account_id, option.model
        if not self._pool.usable(account_id, model, now):
            if self._pool.on_trial(account_id, model, now):
                return Fit.ON_TRIAL
            worth = self._pool.worth_a_try(account_id, model, now)
            return Fit.LAST_RESORT if worth else Fit.NOT_NOW
        stands = self.standing(option, now)
        if stands.spent_until is not None and stands.spent_until > now:
            return Fit.LAST_RESORT
        reserve = group.reserves.get(account_id, 0.0)
        if reserve and stands.left is not None and stands.left <= reserve:
            return Fit.KEPT_BACK
        return Fit.READY

    def ranked[O: Option](self, group: Group, options: Sequence[O], now: float) -> list[O]:
        """All of `options`, the one that the group's strategy asks first in front."""
        return self._orderings[group.strategy].ranked(options, self._view(group, now))

    def picked(self, group: Group, option: Option, options: Sequence[Option], now: float) -> None:
        """`option` of `options` is asked, because the strategy said so."""
        self._orderings[group.strategy].picked(option, options, self._view(group, now))

    def _view(self, group: Group, now: float) -> View:
        return View(
            group=group.id,
            now=now,
            load=self.load,
            pool=self._pool,
            standing=lambda it: self.standing(it, now),
            weights=group.weights,
            chance=self._chance,
            ready=lambda it: self.fit(it, group, now) is Fit.READY,
        )
