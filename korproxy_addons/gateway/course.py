"""
The course of one exchange through the accounts that may serve it: who is asked first, who next, and when enough is enough.

Bounded (`accounts/failover.py`), and only while nothing has reached the client; each failure is taken into the pool.
"""

import logging
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

from korproxy_addons.accounts.balancing import Fit, Group
from korproxy_addons.accounts.failover import Next, next_step, usefulness
from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.selection import Choice, Offer, choose, fits, reasons
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.gateway.affinity import Affinity
from korproxy_addons.gateway.attempt_failure import AttemptFailedError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.trial_wait import TRIAL_LOOK_S, TrialWait
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from korproxy_addons.routing.plan import Plan
from korproxy_addons.routing.rules import Candidate

if TYPE_CHECKING:
    from korproxy_addons.gateway.leg import Services

log = logging.getLogger("korproxy.course")

_TOLD_AS_IT_IS = {
    it.code: it
    for it in (catalogue.QUOTA_EXHAUSTED, catalogue.OVERAGE_HELD, catalogue.EXTRA_USAGE_REQUIRED)
}
"""Rests that are told by their own names when all accounts rest; any other is a limit."""

ONLY_ACCOUNT = "only-account"
"""What is said where nobody else could have served, and nothing else decided."""


@dataclass(frozen=True, slots=True)
class NextStep:
    """Whom to ask next, and after how many seconds; with nobody to ask, a wait means: then look again."""

    candidate: Candidate | None
    wait_s: float = 0.0


class Course:
    """
    Chooses among the accounts of a plan for one exchange.

    Args:
        exchange: Is told the reasons.
        plan: Groups in the order to ask them.
        services: What all exchanges share.
    """

    def __init__(self, exchange: Exchange, plan: Plan, services: "Services") -> None:
        self._exchange = exchange
        self._plan = plan
        self._services = services
        self._pool = services.fleet.pool
        self._balancer = services.fleet.balancer
        self._accounts = services.wire.accounts(exchange.config)
        self._offers = [
            Offer(
                Group(step.group, step.strategy, step.weights, step.reserves),
                step.candidates,
                step.sticky,
            )
            for step in plan.steps
        ]
        self._affinity = Affinity(exchange, services, plan.home_name(exchange.model or ""))
        self._trials = TrialWait()
        self._done: list[Candidate] = []
        self._began_at: dict[Candidate, float] = {}
        self._count: dict[str, int] = {}
        self._tried: list[tuple[Candidate, AttemptFailedError]] = []
        self._unfit: KorProxyError | None = None
        self._answered = False

    def first(self) -> NextStep:
        """
        The first to ask.

        Raises:
            KorProxyError: RATE_LIMITED, QUOTA_EXHAUSTED or ACCOUNT_REJECTED: all rest; until when, and why.
        """
        self._revive()
        choice = self._choose()
        if choice is None:
            if self._tried:
                return NextStep(None)
            raise self._all_resting()
        step = self._take(choice)
        if step.candidate is not None and not self._affinity.leaves(choice.option):
            self._say_why(choice)
        return step

    def _say_why(self, choice: Choice[Candidate]) -> None:
        words = reasons(self._balancer, choice, self._services.clock())
        for word in words or ([] if self._exchange.why else [ONLY_ACCOUNT]):
            self._exchange.note(word)

    def again(self, candidate: Candidate) -> NextStep:
        """
        `candidate` once more, after a wait; somebody else where it came to be known meanwhile that he must rest.

        What another request was told holds for this one: to ask again would be refused, or, worse, be answered and lift a
        limit that stands. Where several waited for the same rest to end, one asks, and the others hear what it was told.
        """
        fit = self._fits(()).get(candidate, Fit.READY)
        if self._trials.again((fit,)):
            return NextStep(candidate, TRIAL_LOOK_S)
        if fit is not Fit.NOT_NOW:
            return NextStep(candidate)
        self._done.append(candidate)
        choice = self._choose()
        return NextStep(None) if choice is None else self._take(choice)

    @contextmanager
    def asking(self, candidate: Candidate) -> Iterator[None]:
        """An attempt on `candidate` is under way."""
        account_id, now = candidate.account_id, self._services.clock()
        self._began_at.setdefault(candidate, now)
        self._balancer.load.began(account_id, now)
        self._pool.began(account_id, candidate.model, now)
        try:
            yield
        finally:
            self._balancer.load.ended(account_id)
            # Where nothing has come to be known of it, the next request may find out.
            self._pool.ended(account_id, candidate.model, now)

    def answered(self, candidate: Candidate) -> None:
        """Its reply is good so far; what came to be known of the account since it was asked still holds."""
        self._answered = True
        started_at = self._exchange.attempts[-1].started_at
        self._pool.succeeded(candidate.account_id, candidate.model, started_at)
        self._affinity.answered(candidate)

    def ended(self, candidate: Candidate) -> None:
        """Its reply is over, well or not."""
        if not self._answered:
            return
        self._affinity.ended(candidate)
        if self._exchange.stream_error:
            # It is too late for this client; the next one shall find somebody else.
            broken = Failure(
                spec=catalogue.STREAM_CUT,
                scope=Scope.MODEL,
                message=self._exchange.stream_error,
            )
            self._pool.failed(
                candidate.account_id,
                candidate.model,
                broken,
                self._services.clock(),
                breakdown=True,
                started_at=self._began_at[candidate],
            )

    def without(self, candidate: Candidate, error: KorProxyError) -> NextStep:
        """
        The next after one whose upstream has no words for the request; one of another kind may have.

        Raises:
            KorProxyError: `error`, or the first such one, where there is nobody left and nobody else failed.
        """
        self._unfit = self._unfit or error
        access = self._accounts[candidate.account_id].access
        self._done += [
            it for it in self._plan.candidates if self._accounts[it.account_id].access is access
        ]
        choice = self._choose()
        if choice is None and not self._tried:
            raise self._unfit
        return NextStep(None) if choice is None else self._take(choice)

    def after(self, candidate: Candidate, failed: AttemptFailedError) -> NextStep:
        """What follows a failed attempt."""
        count = self._count[candidate.account_id] = self._count.get(candidate.account_id, 0) + 1
        if failed.failure.retry is Retry.REFRESH and count > 1:
            # The token was read anew and is refused again: only its owner can help.
            failed.failure = replace(
                failed.failure, spec=catalogue.ACCOUNT_REJECTED, verdict=Verdict.NEEDS_LOGIN
            )
        self._tried.append((candidate, failed))
        failure, now = failed.failure, self._services.clock()
        self._pool.failed(
            candidate.account_id,
            candidate.model,
            failure,
            now,
            # A token that has run its course is no breakdown: it is renewed.
            breakdown=failed.breakdown and failure.retry is not Retry.REFRESH,
            # A second try on the same account meets the same trouble: it counts once.
            started_at=self._began_at.get(candidate),
        )
        self._affinity.failed(candidate, failure)
        other = self._choose(candidate)
        step = next_step(
            failure,
            attempts=len(self._exchange.attempts),
            on_this_account=count,
            others=self._others(candidate),
            elapsed_s=now - self._exchange.received_at,
            chance=self._services.fleet.chance(),
        )
        self._log(candidate, failed, step.action)
        reason = failure.status or failure.spec.code
        match step.action:
            case Next.SAME_ACCOUNT:
                self._exchange.note(f"retry:{reason}")
                return NextStep(candidate, step.wait_s)
            case Next.NEXT_ACCOUNT if other is not None:
                self._exchange.note(f"failover:{reason}")
                self._done.append(candidate)
                return self._take(other)
        return NextStep(None)

    def failure(self) -> AttemptFailedError:
        """Of all attempts that failed, the one that tells the client most; with what was tried."""
        # The last of equals: it is the freshest.
        told = min(reversed(self._tried), key=lambda it: usefulness(it[1].failure))[1]
        if len(self._tried) > 1:
            for candidate, failed in self._tried:
                reason = failed.failure.status or failed.failure.spec.code
                self._exchange.note(f"tried:{candidate.account_id}:{reason}")
        return told

    def _take(self, choice: Choice[Candidate]) -> NextStep:
        """Ask whoever was chosen; or wait a little, where another request is about to know whether he has recovered."""
        unsure = choice.fit in (Fit.LAST_RESORT, Fit.ON_TRIAL)
        if unsure and self._trials.again(self._fits(self._done).values()):
            return NextStep(None, TRIAL_LOOK_S)
        self._exchange.group = choice.offer.group.id
        if not choice.home:
            now = self._services.clock()
            self._balancer.picked(choice.offer.group, choice.option, choice.others, now)
        fit_of_home: Fit | None = None
        if self._affinity.leaves(choice.option):
            home = self._affinity.home_in(self._plan.candidates)
            fit_of_home = None if home is None else self._fits(()).get(home)
        self._affinity.chosen(choice.option, sticky=choice.offer.sticky, fit_of_home=fit_of_home)
        return NextStep(choice.option)

    def _choose(self, *besides: Candidate) -> Choice[Candidate] | None:
        return choose(
            self._balancer,
            self._offers,
            self._services.clock(),
            home=self._affinity.home_in(self._plan.candidates),
            tried=[*self._done, *besides],
        )

    def _others(self, besides: Candidate) -> int:
        """How many other accounts could be asked now."""
        found = self._fits([*self._done, besides])
        return len({it.account_id for it, how in found.items() if how is not Fit.NOT_NOW})

    def _fits(self, tried: Collection[Candidate]) -> dict[Candidate, Fit]:
        return fits(self._balancer, self._offers, self._services.clock(), tried=tried)

    def _revive(self) -> None:
        """An account whose secret its owner has put in order since it was refused is asked again."""
        now = self._services.clock()
        for it in self._plan.candidates:
            state = self._pool.worst(it.account_id, it.model, now).state
            if state is State.NEEDS_LOGIN and self._services.wire.secret_renewed(
                self._accounts[it.account_id]
            ):
                self._pool.reset(it.account_id)

    def _all_resting(self) -> KorProxyError:
        now = self._services.clock()
        candidates = self._plan.candidates
        healths = [self._pool.worst(it.account_id, it.model, now) for it in candidates]
        names = ", ".join(
            f"{self._accounts[it.account_id].label} ({_standing(health, now)})"
            for it, health in zip(candidates, healths, strict=True)
        )
        codes = {it.code for it in healths}
        if len(healths) == 1 and healths[0].reason:
            names = f"{names}: {healths[0].reason}"
        soonest = min(
            (it for it in healths if it.until is not None),
            key=lambda it: it.until or 0.0,
            default=None,
        )
        if soonest is None or soonest.until is None:
            # One reason for all is told as what it is: a lost sign-in is no wrong key.
            shared = catalogue.CATALOGUE.get(codes.pop()) if len(codes) == 1 else None
            if shared is None or shared.kind is not Kind.INVALID_REQUEST:
                shared = catalogue.ACCOUNT_REJECTED
            return KorProxyError(shared, names)
        spec = _TOLD_AS_IT_IS.get(soonest.code, catalogue.RATE_LIMITED)
        return KorProxyError(spec, names, retry_after_s=max(1.0, soonest.until - now))

    def _log(self, candidate: Candidate, failed: AttemptFailedError, action: Next) -> None:
        failure = failed.failure
        clients = failure.spec.kind is Kind.INVALID_REQUEST and failure.scope is Scope.REQUEST
        fields = {
            "request_id": self._exchange.id,
            "account": candidate.account_id,
            "model": candidate.model,
            "attempt": len(self._exchange.attempts),
            "code": failure.spec.code,
            "upstream_code": failure.code,
            "status": failure.status,
            "next": action,
        }
        level = logging.INFO if clients else logging.WARNING
        log.log(level, "attempt failed", extra={"fields": fields})


def _standing(health: Health, now: float) -> str:
    """What keeps an account from serving, and until when."""
    words = f"{health.state}, {health.code}"
    if health.until is None or health.until <= now:
        return words
    at = datetime.fromtimestamp(health.until).astimezone()
    return f"{words}, until {at.isoformat(timespec='seconds')}"
