"""Accounts with the windows that plans have in fact, on a clock that the week turns."""

from dataclasses import dataclass, field

from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import (
    DAY_S,
    FIVE_HOURS_S,
    WEEK_S,
    Window,
    window_of_failure,
)

MODEL = "m"
# A prompt cache is kept this long after its last use.
CACHE_S = 3600.0
CACHED_PRICE = 0.1
OUTPUT_PRICE = 5.0


@dataclass
class Limit:
    """
    One window of a plan.

    Attributes:
        name: As providers call it.
        length_s: From one beginning to the next.
        capacity: What may be used of it, in units.
        ends_at: Unix seconds; None: it begins with the next use, as five-hour windows do.
        on_use: It begins anew with the first use after its end, and not by itself.
        used: In units.
        wasted: What was left over whenever it began anew, in units.
    """

    name: str
    length_s: float
    capacity: float
    ends_at: float | None = None
    on_use: bool = False
    used: float = 0.0
    wasted: float = 0.0

    def turn(self, now: float) -> None:
        """Begin anew as often as its end has passed."""
        while self.ends_at is not None and now >= self.ends_at:
            self.wasted += max(0.0, self.capacity - self.used)
            self.used = 0.0
            self.ends_at = None if self.on_use else self.ends_at + self.length_s

    def use(self, units: float, now: float) -> None:
        """Take units out of it."""
        self.turn(now)
        if self.ends_at is None:
            self.ends_at = now + self.length_s
        self.used += units

    @property
    def spent(self) -> bool:
        """Whether the next request is refused."""
        return self.used >= self.capacity


@dataclass
class Plan:
    """
    One account.

    Attributes:
        account_id: Its id.
        limits: Its windows.
        step: The share it rounds to when it tells how much is used; 0: it tells nothing before it refuses.
        by_request: A request counts as one, whatever it says.
    """

    account_id: str
    limits: list[Limit]
    step: float = 0.01
    by_request: bool = False
    model: str = MODEL
    caches: dict[str, tuple[float, int]] = field(default_factory=dict)

    def refusal(self, now: float) -> Failure | None:
        """How a request is refused; None if it is served."""
        for limit in self.limits:
            limit.turn(now)
        ends = [it.ends_at for it in self.limits if it.spent and it.ends_at is not None]
        if not ends:
            return None
        return Failure(
            spec=catalogue.QUOTA_EXHAUSTED,
            scope=Scope.ACCOUNT,
            verdict=Verdict.COOL,
            reset_at=max(ends),
            source=Source.HEADER,
            status=429,
        )

    def serve(self, conversation: str, read: int, written: int, now: float) -> int:
        """
        Serve a request.

        Args:
            conversation: Whose prompt may be in the cache.
            read: Tokens of the prompt.
            written: Tokens of the answer.
            now: Unix seconds.
        Returns:
            Tokens of the prompt that were in the cache.
        """
        at, cached = self.caches.get(conversation, (-CACHE_S, 0))
        cached = min(cached, read) if now - at < CACHE_S else 0
        self.caches[conversation] = (now, read + written)
        units = read - cached + cached * CACHED_PRICE + written * OUTPUT_PRICE
        for limit in self.limits:
            limit.use(1.0 if self.by_request else units, now)
        return cached

    def told(self, now: float) -> tuple[Window, ...]:
        """What the reply's headers say of its windows."""
        if not self.step:
            return ()
        return tuple(
            Window(
                it.name,
                int(it.used / it.capacity / self.step) * self.step,
                reset_at=it.ends_at,
                length_s=it.length_s,
                seen_at=now,
            )
            for it in self.limits
        )

    def told_by(self, failure: Failure, now: float) -> tuple[Window, ...]:
        """What a refusal says of its windows."""
        if self.step:
            return self.told(now)
        found = window_of_failure(failure, self.model, now)
        return () if found is None else (found,)


def coding_plan(
    account_id: str, begins: float, *, resets_in_days: float, used: float, step: float = 0.01
) -> Plan:
    """A Claude or Codex plan: five hours from the first use, and a week that ends on its own day."""
    week = 9_000_000.0
    return Plan(
        account_id,
        [
            Limit("5h", FIVE_HOURS_S, week / 8, on_use=True),
            Limit("weekly", WEEK_S, week, begins + resets_in_days * DAY_S, used=used * week),
        ],
        step=step,
    )


def daily_tier(account_id: str, begins: float, requests: int) -> Plan:
    """A Gemini licence: so many requests a day, until midnight in California, as its quota endpoint tells."""
    midnight = begins - begins % DAY_S + 8 * 3600.0
    if midnight <= begins:
        midnight += DAY_S
    return Plan(account_id, [Limit("daily", DAY_S, requests, midnight)], by_request=True)
