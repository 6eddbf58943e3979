"""
Health of every account, per model: what may be used now, and when the rest may be used again.

Pure but for its own table: the clock is handed in. A limit that concerns one model never cools the whole account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from korproxy_addons.providers.failure import Failure, Scope, Verdict

ALL_MODELS = "*"
FIRST_BACKOFF_S = 2.0
LONGEST_BACKOFF_S = 300.0
ERRORING_AFTER = 3
ERRORING_S = 30 * 60.0


class State(StrEnum):
    """The states a person sees (`product.md` section 3)."""

    AVAILABLE = "available"
    RATE_LIMITED = "rate_limited"
    ERRORING = "erroring"
    NEEDS_LOGIN = "needs_login"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Health:
    """
    State of one account for one model, for a glob of models, or for all (`*`).

    Attributes:
        state: See `State`.
        until: Unix seconds at which it is tried again; None: not before the person acts.
        failures: Failures in a row.
        code: Code of the last failure, "" if none.
    """

    state: State = State.AVAILABLE
    until: float | None = 0.0
    failures: int = 0
    code: str = ""

    def usable(self, now: float) -> bool:
        """Whether a request may be sent at `now`."""
        return self.state is State.AVAILABLE or (self.until is not None and now >= self.until)


_FRESH = Health()


def after_failure(health: Health, failure: Failure, now: float) -> Health:
    """The health that follows one failed attempt at `now` (Unix seconds)."""
    failures = health.failures + 1
    code = failure.spec.code
    match failure.verdict:
        case Verdict.NONE:
            return health
        case Verdict.NEEDS_LOGIN:
            return Health(State.NEEDS_LOGIN, None, failures, code)
        case Verdict.DISABLED:
            return Health(State.DISABLED, None, failures, code)
        case Verdict.COOL:
            return Health(State.RATE_LIMITED, cool_until(failure, failures, now), failures, code)


def after_breakdown(health: Health, failure: Failure, now: float) -> Health:
    """The health after an attempt that failed for the upstream's own reasons, with no verdict on the account."""
    failures = health.failures + 1
    if failures >= ERRORING_AFTER:
        return Health(State.ERRORING, now + ERRORING_S, failures, failure.spec.code)
    return Health(State.AVAILABLE, 0.0, failures, failure.spec.code)


def cool_until(failure: Failure, failures: int, now: float) -> float:
    """Unix seconds at which a cooled account is tried again: as the provider says, else by back-off."""
    if failure.reset_at is not None:
        return failure.reset_at
    if failure.retry_after_s is not None:
        return now + failure.retry_after_s
    return now + min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** (failures - 1))


class Pool:
    """The table of healths; an account that is not in it is available."""

    def __init__(self) -> None:
        self._healths: dict[str, dict[str, Health]] = {}

    def worst(self, account_id: str, model: str, now: float) -> Health:
        """What stands in the way of asking `account_id` for `model` at `now`; an available one if nothing does."""
        found = [
            health
            for pattern, health in self._healths.get(account_id, {}).items()
            if not health.usable(now) and fnmatchcase(model, pattern)
        ]
        never = [health for health in found if health.until is None]
        if never:
            return never[0]
        return max(found, key=lambda health: health.until or 0.0, default=_FRESH)

    def usable(self, account_id: str, model: str, now: float) -> bool:
        """Whether `account_id` may be asked for `model` at `now`."""
        return account_id not in self._healths or self.worst(account_id, model, now).usable(now)

    def failed(
        self, account_id: str, model: str, failure: Failure, now: float, *, breakdown: bool = False
    ) -> None:
        """
        Take in one failed attempt.

        Args:
            breakdown: The upstream broke down (no connection, 5xx): three in a row take the account out for a while.
        """
        if failure.verdict is Verdict.NONE and not breakdown:
            return
        scoped = failure.scope is Scope.MODEL
        key = (failure.model_glob or model) if scoped else ALL_MODELS
        table = self._healths.setdefault(account_id, {})
        before = table.get(key, _FRESH)
        if failure.verdict is Verdict.NONE:
            table[key] = after_breakdown(before, failure, now)
        else:
            table[key] = after_failure(before, failure, now)

    def succeeded(self, account_id: str, model: str) -> None:
        """A reply came: what was held against the account, and against it for this model, is over."""
        table = self._healths.get(account_id)
        if table is not None:
            for pattern in [it for it in table if it in (ALL_MODELS, model)]:
                del table[pattern]
            if not table:
                del self._healths[account_id]

    def reset(self, account_id: str) -> None:
        """Forget everything about an account, as a person asked."""
        self._healths.pop(account_id, None)

    def keep(self, account_ids: Iterable[str]) -> None:
        """Drop what is known of accounts that left the config."""
        kept = set(account_ids)
        self._healths = {key: table for key, table in self._healths.items() if key in kept}

    def snapshot(self) -> dict[tuple[str, str], Health]:
        """A copy of the table, for the health page."""
        return {
            (account, pattern): health
            for account, table in self._healths.items()
            for pattern, health in table.items()
        }
