"""
The course of one exchange through the accounts that may serve it: who is asked first, who next, and when enough is enough.

Bounded (`accounts/failover.py`), and only while nothing has reached the client; each failure is taken into the pool.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from korproxy_addons.accounts.balancing import select
from korproxy_addons.accounts.failover import Next, next_step
from korproxy_addons.accounts.pool import Pool, State
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.gateway.attempt_failure import AttemptFailedError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.routing.rules import Candidate

log = logging.getLogger("korproxy.course")


@dataclass(frozen=True, slots=True)
class NextStep:
    """Whom to ask next (None: nobody), and after how many seconds."""

    candidate: Candidate | None
    wait_s: float = 0.0


class Course:
    """
    Chooses among `candidates` for one exchange.

    Args:
        exchange: Is told the reasons.
        candidates: Those that may serve it, best first; at least one.
        wire: Knows the accounts and their secrets.
        pool: Health of the accounts.
        clock: Unix seconds.
    """

    def __init__(
        self,
        exchange: Exchange,
        candidates: tuple[Candidate, ...],
        wire: Wire,
        pool: Pool,
        clock: Callable[[], float],
    ) -> None:
        self._exchange = exchange
        self._candidates = candidates
        self._wire = wire
        self._pool = pool
        self._clock = clock
        self._accounts = wire.accounts(exchange.config)
        self._done: list[Candidate] = []
        self._count: dict[str, int] = {}
        self._failed: AttemptFailedError | None = None
        self._unfit: KorProxyError | None = None

    def first(self) -> Candidate:
        """
        The first to ask.

        Raises:
            KorProxyError: RATE_LIMITED or ACCOUNT_REJECTED: all rest; until when, and why.
        """
        self._revive()
        candidate = self._select()
        if candidate is None:
            raise self._all_resting()
        return candidate

    def succeeded(self, candidate: Candidate) -> None:
        """Its reply has reached the client; what came to be known of the account since it was sent still holds."""
        attempts = self._exchange.attempts
        started_at = attempts[-1].started_at if attempts else math.inf
        self._pool.succeeded(candidate.account_id, candidate.model, started_at)

    def without(self, candidate: Candidate, error: KorProxyError) -> Candidate | None:
        """
        The next after one whose upstream has no words for the request; one of another kind may have.

        Raises:
            KorProxyError: `error`, or the first such one, where there is nobody left and nobody else failed.
        """
        self._unfit = self._unfit or error
        access = self._accounts[candidate.account_id].access
        self._done += [
            it for it in self._candidates if self._accounts[it.account_id].access is access
        ]
        other = self._select()
        if other is None and self._failed is None:
            raise self._unfit
        return other

    def after(self, candidate: Candidate, failed: AttemptFailedError) -> NextStep:
        """What follows a failed attempt."""
        count = self._count[candidate.account_id] = self._count.get(candidate.account_id, 0) + 1
        if failed.failure.retry is Retry.REFRESH and count > 1:
            # The token was read anew and is refused again: only its owner can help.
            failed.failure = replace(
                failed.failure, spec=catalogue.ACCOUNT_REJECTED, verdict=Verdict.NEEDS_LOGIN
            )
        self._failed = failed
        failure = failed.failure
        self._pool.failed(
            candidate.account_id,
            candidate.model,
            failure,
            self._clock(),
            breakdown=failed.breakdown,
        )
        other = self._select(candidate)
        step = next_step(
            failure,
            attempts=len(self._exchange.attempts),
            on_this_account=count,
            others=other is not None,
        )
        self._log(candidate, failed, step.action)
        reason = failure.status or failure.spec.code
        match step.action:
            case Next.GIVE_UP:
                return NextStep(None)
            case Next.SAME_ACCOUNT:
                self._exchange.note(f"retry:{reason}")
                return NextStep(candidate, step.wait_s)
            case Next.NEXT_ACCOUNT:
                self._exchange.note(f"failover:{reason}")
                self._done.append(candidate)
                return NextStep(other)

    def failure(self) -> AttemptFailedError:
        """How the last attempt failed."""
        assert self._failed is not None
        return self._failed

    def _select(self, *besides: Candidate) -> Candidate | None:
        pool, now = self._pool, self._clock()
        tried = [*self._done, *besides]
        return select(
            self._candidates, tried, lambda it: pool.usable(it.account_id, it.model, now)
        ) or select(
            # Better an account that may have recovered than none: only what a provider said itself is final.
            self._candidates,
            tried,
            lambda it: pool.worth_a_try(it.account_id, it.model, now),
        )

    def _revive(self) -> None:
        """An account whose secret its owner has put in order since it was refused is asked again."""
        now = self._clock()
        for it in self._candidates:
            state = self._pool.worst(it.account_id, it.model, now).state
            if state is State.NEEDS_LOGIN and self._wire.secret_renewed(
                self._accounts[it.account_id]
            ):
                self._pool.reset(it.account_id)

    def _all_resting(self) -> KorProxyError:
        now = self._clock()
        healths = [self._pool.worst(it.account_id, it.model, now) for it in self._candidates]
        soonest = min(
            (health.until for health in healths if health.until is not None), default=None
        )
        names = ", ".join(
            f"{self._accounts[it.account_id].label} ({health.state}, {health.code})"
            for it, health in zip(self._candidates, healths, strict=True)
        )
        if soonest is None:
            return KorProxyError(catalogue.ACCOUNT_REJECTED, names)
        return KorProxyError(catalogue.RATE_LIMITED, names, retry_after_s=max(1.0, soonest - now))

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
