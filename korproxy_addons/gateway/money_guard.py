"""
What replies say of the accounts' limits, and of money: plan limits only, unless the owner has said otherwise.

A provider says that a plan is used up and that it bills the rest; from then on the account rests until its plan serves
again, and its owner is told, once. Where more is allowed, what it costs is counted until the cap.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.pool import ALL_MODELS
from korproxy_addons.accounts.spending import SpendingBook
from korproxy_addons.config.schema import Config
from korproxy_addons.dialects.outcome import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import OverageSign, no_windows, window_of_failure
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.usage.prices import PriceTable, Rates

log = logging.getLogger("korproxy.money")

# For a request whose price nobody knows; a cap that is guessed too low is better than one that does not hold.
UNKNOWN_USD = 1.0


class MoneyGuard:
    """
    Watches the replies of all accounts.

    Args:
        fleet: What is known of them.
        spending: What they have drawn beyond their plans.
        cost_usd: Price of a request by model, usage and time; None where it is not known.
    """

    def __init__(
        self,
        fleet: Fleet,
        spending: SpendingBook,
        cost_usd: Callable[[str, Usage, float], float | None] | None = None,
    ) -> None:
        self._fleet = fleet
        self._spending = spending
        self._cost_usd = cost_usd or PriceTable().cost_usd

    def price_by(self, config: Config) -> None:
        """Count by the vendors' list, and by the user's own prices before it."""
        own = {name: Rates(**price.model_dump()) for name, price in config.usage.prices.items()}
        self._cost_usd = PriceTable(own=own).cost_usd

    def meter(self, way: ResolvedAccount, model: str, clock: Callable[[], float]) -> "Meter":
        """For one attempt."""
        return Meter(self, way, model, clock)

    def head(
        self, way: ResolvedAccount, status: int, headers: Iterable[tuple[str, str]], now: float
    ) -> OverageSign | None:
        """
        Take in a reply's head.

        Returns:
            What it says of money beyond the plan; None if nothing.
        """
        named = {name.lower(): value for name, value in headers}
        self._fleet.quota.observe(way.id, way.access.read_windows(status, named, now))
        if way.access.own_login:
            # The login is the tool's own, and so is what it costs.
            return None
        sign = way.access.quota.overage(named, now)
        if sign is not None and not self._spending.may_draw(way.id, way.config.overage, now):
            self._hold(way, sign, now)
        return sign

    def met(self, way: ResolvedAccount, model: str, failure: Failure, now: float) -> None:
        """Take down a limit that was met, of a provider whose headers tell none before."""
        if way.access.quota.headers is no_windows and failure.verdict is Verdict.COOL:
            window = window_of_failure(failure, model, now)
            self._fleet.quota.observe(way.id, [] if window is None else [window])

    def count(self, way: ResolvedAccount, model: str, usage: Usage | None, now: float) -> None:
        """A request was paid for beyond the plan."""
        usd = None if usage is None else self._cost_usd(model, usage, now)
        drawn = self._spending.add(way.id, UNKNOWN_USD if usd is None else usd, now)
        fields = {"account": way.id, "usd_this_month": round(drawn.usd, 4), "cap_usd": None}
        fields["cap_usd"] = way.config.overage.cap_usd
        log.warning("a request was billed beyond the plan", extra={"fields": fields})

    def release(self, ways: Iterable[ResolvedAccount], now: float) -> None:
        """Take back what was held for want of permission from those who have it: a new config is in force."""
        held = {
            account
            for (account, _), health in self._fleet.pool.snapshot().items()
            if health.code == catalogue.OVERAGE_HELD.code
        }
        for way in ways:
            if way.id in held and self._spending.may_draw(way.id, way.config.overage, now):
                self._fleet.pool.reset(way.id)

    def _hold(self, way: ResolvedAccount, sign: OverageSign, now: float) -> None:
        settings = way.config.overage
        until = datetime.fromtimestamp(sign.until, UTC).isoformat(timespec="minutes")
        why = "plan limits only"
        if settings.allow:
            why = f"the cap of {settings.cap_usd:g} USD a month is reached"
        reason = f"the plan is used up until {until}, and {sign.words} would be billed: {why}"
        failure = Failure(
            spec=catalogue.OVERAGE_HELD,
            message=reason,
            scope=Scope.ACCOUNT,
            verdict=Verdict.COOL,
            reset_at=sign.until,
            source=Source.HEADER,
        )
        before = self._fleet.pool.worst(way.id, ALL_MODELS, now)
        self._fleet.pool.failed(way.id, ALL_MODELS, failure, now)
        if before.code != catalogue.OVERAGE_HELD.code:
            fields = {"account": way.id, "code": catalogue.OVERAGE_HELD.code, "reason": reason}
            log.warning("account held back from billing", extra={"fields": fields})


class Meter:
    """One attempt's part of the guard: its reply's head, and what it came to."""

    def __init__(
        self, guard: MoneyGuard, way: ResolvedAccount, model: str, clock: Callable[[], float]
    ) -> None:
        self._guard = guard
        self._way = way
        self._model = model
        self._clock = clock
        self._drawn = False

    def head(self, status: int, headers: Iterable[tuple[str, str]]) -> None:
        """The reply's head has come."""
        sign = self._guard.head(self._way, status, headers, self._clock())
        self._drawn = sign is not None and sign.drawn and 200 <= status < 300

    def failed(self, failure: Failure) -> None:
        """The reply was an error, and this is how its provider's code reads it."""
        self._guard.met(self._way, self._model, failure, self._clock())

    def ended(self, usage: Usage | None) -> None:
        """The attempt is over; may be said more than once."""
        if self._drawn:
            self._drawn = False
            self._guard.count(self._way, self._model, usage, self._clock())
