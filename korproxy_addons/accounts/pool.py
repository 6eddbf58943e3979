"""
Health of every account, per model: what may be used now, and when the rest may be used again.

Pure but for its own table: the clock is handed in. A limit that concerns one model never cools the whole account.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict

ALL_MODELS = "*"
FIRST_BACKOFF_S = 2.0
LONGEST_BACKOFF_S = 300.0
ERRORING_AFTER = 3
ERRORING_S = 30 * 60.0
MOST_ENTRIES = 256


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
        guessed: `until` is our own guess, not the provider's word.
        failed_at: Unix seconds of the last failure.
    """

    state: State = State.AVAILABLE
    until: float | None = 0.0
    failures: int = 0
    code: str = ""
    guessed: bool = False
    failed_at: float = 0.0

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
            return Health(State.NEEDS_LOGIN, None, failures, code, failed_at=now)
        case Verdict.DISABLED:
            return Health(State.DISABLED, None, failures, code, failed_at=now)
        case Verdict.COOL:
            guessed = failure.reset_at is None and failure.source in (None, Source.GUESS)
            until = cool_until(failure, failures, now)
            return Health(State.RATE_LIMITED, until, failures, code, guessed, now)


def after_breakdown(health: Health, failure: Failure, now: float) -> Health:
    """The health after an attempt that failed for the upstream's own reasons, with no verdict on the account."""
    failures = health.failures + 1
    code = failure.spec.code
    if failures >= ERRORING_AFTER:
        return Health(State.ERRORING, now + ERRORING_S, failures, code, True, now)
    return Health(State.AVAILABLE, 0.0, failures, code, failed_at=now)


def cool_until(failure: Failure, failures: int, now: float) -> float:
    """Unix seconds at which a cooled account is tried again: as the provider says, else by back-off."""
    if failure.reset_at is not None and failure.reset_at > now:
        return failure.reset_at
    if failure.retry_after_s is not None:
        return now + failure.retry_after_s
    doublings = min(failures - 1, 16)
    return now + min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0**doublings)


def stricter(before: Health, after: Health, now: float) -> Health:
    """`after`, unless `before` keeps the account out of play for longer: an answer that was under way lifts nothing."""
    if before.usable(now) or after.until is None:
        return after
    if before.until is None or before.until > after.until:
        return replace(before, failures=after.failures, failed_at=now)
    return after


def covers(pattern: str, model: str) -> bool:
    """Whether a key of the table is about `model`; only `*` is special, as ids such as `opus[1m]` exist."""
    if "*" not in pattern:
        return pattern == model
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), model) is not None


class Pool:
    """The table of healths; an account that is not in it is available."""

    def __init__(self) -> None:
        self._healths: dict[str, dict[str, Health]] = {}

    def worst(self, account_id: str, model: str, now: float) -> Health:
        """What stands in the way of asking `account_id` for `model` at `now`; an available one if nothing does."""
        found = [
            health
            for pattern, health in self._healths.get(account_id, {}).items()
            if not health.usable(now) and covers(pattern, model)
        ]
        never = [health for health in found if health.until is None]
        if never:
            return never[0]
        return max(found, key=lambda health: health.until or 0.0, default=_FRESH)

    def usable(self, account_id: str, model: str, now: float) -> bool:
        """Whether `account_id` may be asked for `model` at `now`."""
        return account_id not in self._healths or self.worst(account_id, model, now).usable(now)

    def worth_a_try(self, account_id: str, model: str, now: float) -> bool:
        """Whether nothing but our own guesses stands in the way of asking `account_id` for `model`."""
        return all(
            health.usable(now) or health.guessed
            for pattern, health in self._healths.get(account_id, {}).items()
            if covers(pattern, model)
        )

    def failed(
        self, account_id: str, model: str, failure: Failure, now: float, *, breakdown: bool = False
    ) -> None:
        """
        Take in one failed attempt.

        Args:
            account_id: Whose attempt it was.
            model: The upstream model that was asked for.
            failure: What it means.
            now: Unix seconds.
            breakdown: The upstream broke down (no connection, 5xx): three in a row take the account out for a while.
        """
        if failure.verdict is Verdict.NONE and not breakdown:
            return
        scoped = failure.scope is Scope.MODEL
        key = (failure.model_glob or model) if scoped else ALL_MODELS
        table = self._healths.setdefault(account_id, {})
        before = table.get(key, _FRESH)
        after = after_breakdown if failure.verdict is Verdict.NONE else after_failure
        table[key] = stricter(before, after(before, failure, now), now)
        if len(table) > MOST_ENTRIES:
            # Clients name what models they like; what has run its course need not be remembered.
            self._healths[account_id] = {
                pattern: health for pattern, health in table.items() if not health.usable(now)
            }

    def succeeded(self, account_id: str, model: str, started_at: float = math.inf) -> None:
        """
        A reply came: what was held against the account, and against it for this model, is over.

        Args:
            account_id: Whose attempt it was.
            model: The upstream model that answered.
            started_at: Unix seconds at which the attempt began: what it knows nothing of, it cannot end.
        """
        table = self._healths.get(account_id)
        if table is not None:
            for pattern, health in list(table.items()):
                if covers(pattern, model) and health.failed_at <= started_at:
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
