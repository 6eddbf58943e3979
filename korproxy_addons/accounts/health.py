"""
Health of one account, for one model or for all: the states a person sees, and what a failed attempt makes of them.

Pure functions of the failure, the time and a random number. Three kinds of failures are told apart: a limit (the account
rests until its provider's time), a breakdown (it rests for a moment, and for half an hour after the third in a row) and a
refusal (it waits for its owner).
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from korproxy_addons.providers.failure import Failure, Source, Verdict

FIRST_BACKOFF_S = 2.0
LONGEST_BACKOFF_S = 300.0
ERRORING_AFTER = 3
ERRORING_S = 30 * 60.0
# The longest window of any plan is a month; a provider that names a later time has made a mistake.
LONGEST_REST_S = 35 * 24 * 3600.0
# A provider's word below this is none: the account would be back before the next request.
LEAST_TOLD_S = 1.0
# An account that failed again within this time has not recovered: its next rest is longer than its last.
REMEMBERED_S = 2 * LONGEST_BACKOFF_S
STEPS_REMEMBERED_S = 24 * 3600.0
# So long one request may take to show whether a rest is over, before another may try.
TRIAL_S = 60.0
_LONGEST_REASON = 300
_LIMITS = "KP-RATE-"


class State(StrEnum):
    """The states a person sees."""

    AVAILABLE = "available"
    RATE_LIMITED = "rate_limited"
    ERRORING = "erroring"
    NEEDS_LOGIN = "needs_login"
    DISABLED = "disabled"


@dataclass(frozen=True, slots=True)
class Health:
    """
    State of one account for one model, for a glob of models, or for all (`*`).

    When a rest is over, the account is on trial: one request at a time, until one is answered.

    Attributes:
        state: See `State`.
        until: Unix seconds at which the rest is over; None: not before the person acts.
        failures: Breakdowns in a row.
        rests: Rests in a row, which make the next one longer.
        code: Code of the last failure, "" if none.
        reason: Why, in our own words, "" if there are none beside the code.
        guessed: `until` is our own guess, not the provider's word.
        failed_at: Unix seconds of the last failure.
        trial_until: Unix seconds until which a request that is under way has the trial to itself.
    """

    state: State = State.AVAILABLE
    until: float | None = 0.0
    failures: int = 0
    rests: int = 0
    code: str = ""
    reason: str = ""
    guessed: bool = False
    failed_at: float = 0.0
    trial_until: float = 0.0

    def usable(self, now: float) -> bool:
        """Whether a request may be sent at `now`."""
        return self.state is State.AVAILABLE or (self.rested(now) and now >= self.trial_until)

    def rested(self, now: float) -> bool:
        """Whether its rest is over at `now`, and only a request can tell whether it has recovered."""
        return self.state is not State.AVAILABLE and self.until is not None and now >= self.until

    def lately_limited(self, now: float) -> bool:
        """Whether a limit was met so lately that it may well be met again at once."""
        return self.code.startswith(_LIMITS) and now - self.failed_at < REMEMBERED_S

    def shown(self, now: float) -> State:
        """The state to show at `now`: what only its owner can mend is shown until it is mended."""
        if self.state in (State.NEEDS_LOGIN, State.DISABLED):
            return self.state
        return State.AVAILABLE if self.rested(now) else self.state


FRESH = Health()


def after_failure(
    health: Health,
    failure: Failure,
    now: float,
    *,
    chance: float = 0.0,
    started_at: float | None = None,
) -> Health:
    """
    The health after a failed attempt that says something of the account.

    Args:
        health: The health before.
        failure: What the attempt came to; one without a verdict is a breakdown.
        now: Unix seconds.
        chance: In [0, 1): spreads the rests that we guess.
        started_at: Unix seconds at which the attempt began; None: just now.
    """
    after = _after(health, failure, now, chance, started_at)
    return _stricter(health, after, now)


def after_success(health: Health) -> Health | None:
    """The health after a reply; None if there is nothing to remember."""
    if health.rests == 0:
        return None
    return Health(rests=health.rests, code=health.code, failed_at=health.failed_at)


def _after(
    health: Health, failure: Failure, now: float, chance: float, started_at: float | None
) -> Health:
    known = Health(
        failures=health.failures,
        rests=health.rests if _remembered(health, failure, now) else 0,
        code=failure.spec.code,
        reason=_reason(failure),
        failed_at=now,
    )
    match failure.verdict:
        case Verdict.NEEDS_LOGIN:
            return replace(known, state=State.NEEDS_LOGIN, until=None)
        case Verdict.DISABLED:
            return replace(known, state=State.DISABLED, until=None)
    # What was under way when the account failed before is the same incident, however many requests it hits.
    again = started_at is None or started_at >= health.failed_at
    rests = max(1, known.rests + again)
    failures = known.failures
    if failure.verdict is Verdict.NONE:
        failures += again
    if failures >= ERRORING_AFTER and failure.verdict is Verdict.NONE:
        state, until, guessed = State.ERRORING, now + ERRORING_S, True
    else:
        state = State.RATE_LIMITED
        until = rest_until(failure, rests, now, chance)
        guessed = failure.source in (None, Source.GUESS) or not _told(failure, now)
    return replace(known, state=state, until=until, failures=failures, rests=rests, guessed=guessed)


def rest_until(failure: Failure, rests: int, now: float, chance: float = 0.0) -> float:
    """
    Unix seconds at which an account is tried again: as the provider says, else by exponential back-off with jitter.

    Args:
        failure: What the attempt came to.
        rests: Rests in a row, this one included.
        now: Unix seconds.
        chance: In [0, 1).
    """
    if failure.reset_at is not None and failure.reset_at > now:
        return min(failure.reset_at, now + LONGEST_REST_S)
    if failure.steps_s:
        return now + failure.steps_s[min(rests, len(failure.steps_s)) - 1]
    if failure.retry_after_s is not None and failure.retry_after_s >= LEAST_TOLD_S:
        return now + min(failure.retry_after_s, LONGEST_REST_S)
    wait_s = min(LONGEST_BACKOFF_S, FIRST_BACKOFF_S * 2.0 ** min(rests - 1, 16))
    return now + wait_s * (1.0 - chance / 2)


def _remembered(health: Health, failure: Failure, now: float) -> bool:
    """Whether the account has not recovered since its last failure."""
    if failure.steps_s and health.state is State.RATE_LIMITED and health.until is not None:
        # Its rest was a guess of hours; if it fails in the day after that, the guess was too short.
        return now - health.until < STEPS_REMEMBERED_S
    return now - health.failed_at < REMEMBERED_S


def _reason(failure: Failure) -> str:
    """
    Our own words for it. A provider's are not kept: they may repeat what a client has sent.

    A failure with a status is a provider's answer; one without is of our making, such as a sign-in that could not be renewed.
    """
    if failure.verdict is Verdict.NONE:
        return ""
    return failure.hint if failure.status else failure.message[:_LONGEST_REASON] or failure.hint


def _told(failure: Failure, now: float) -> bool:
    """Whether the provider named a time that is still to come."""
    if failure.reset_at is not None and failure.reset_at > now:
        return True
    return failure.retry_after_s is not None and failure.retry_after_s >= LEAST_TOLD_S


def _stricter(before: Health, after: Health, now: float) -> Health:
    """`after`, unless `before` keeps the account out of play for longer: an answer that was under way lifts nothing."""
    if before.usable(now) or before.rested(now) or after.until is None:
        return after
    if before.until is None or before.until > after.until:
        return replace(before, failures=after.failures, rests=after.rests, failed_at=now)
    return after
