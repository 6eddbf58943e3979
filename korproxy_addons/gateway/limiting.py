"""The user's limits on the way of a request: what is refused, slowed down or sent elsewhere, and what is counted."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from korproxy_addons.config.limits import LimitAction
from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.runaway_guard import RunawayGuard
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.globs import matcher
from korproxy_addons.routing.plan import Plan
from korproxy_addons.usage.limits import (
    Counts,
    Limit,
    LimitBook,
    Reached,
    Subject,
    Used,
    amount,
    limits_of,
)
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.record import ExchangeRecord

log = logging.getLogger("korproxy.limits")

# What a tool asks on the side, such as a count, is no request that a person would count.
COUNTED = frozenset(
    (Operation.GENERATE, Operation.COMPLETIONS, Operation.EMBEDDINGS, Operation.COMPACT)
)
# A refusal that is over so soon may be waited for by the tool itself.
SOON_S = 90.0
_BUSY_RETRY_S = 1.0
CLOSING = (LimitAction.REFUSE, LimitAction.REROUTE)
"""What takes an account or a group out of a request's plan."""

_fits = lru_cache(maxsize=64)(matcher)
"""As in rules, `[` is a sign like any other: models are called such things as `opus[1m]`."""

type PastUse = Callable[[float], Iterable[tuple[float, Subject, Used]]]
"""Given the time (Unix seconds), what was used before it, piece by piece, each with its own time."""


class Limiter:
    """
    Keeps the limits of one process.

    Args:
        past: What earlier runs have used; None: nothing.
        metrics: Counts what is reached.
        clock: Unix seconds.
        home: The user's home folder, for `~` in a limit's project.

    Attributes:
        on_reached: Told each limit that a request met, and the time (Unix seconds).
    """

    def __init__(
        self,
        past: PastUse | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
        home: Path | None = None,
    ) -> None:
        self._past = past
        self._home = str(home or Path.home())
        self._metrics = metrics
        self._clock = clock
        self._book = LimitBook(())
        self._running: dict[str, set[str]] = {}
        self._runaway = RunawayGuard()
        self.on_reached: Callable[[Reached, float], None] = lambda _reached, _now: None

    def configure(self, config: Config) -> None:
        """
        Take over a configuration's limits.

        What was counted of a limit that stays is kept; a new one begins with what the ledger knows. That reads the disk.
        """
        book = LimitBook(limits_of(config, self._home))
        fresh = book.adopt(self._book)
        self._book = book
        if fresh and self._past is not None:
            self._restore(fresh, self._past)

    def admit(self, exchange: Exchange, plan: Plan) -> Plan | None:
        """
        Let a request go on, and count it.

        Args:
            exchange: Is told what was reached, and how long to wait (`delay_s`).
            plan: Where it goes.
        Returns:
            The plan without the accounts that have nothing left; None: it is to be planned anew, for `reroute`.
        Raises:
            KorProxyError: LIMIT_REACHED, LIMIT_PACE, CONCURRENCY, RUNAWAY or KEY_MODEL_REFUSED.
        """
        if exchange.wanted is None or exchange.wanted.operation not in COUNTED:
            return plan
        now = self._clock()
        if not exchange.reroute:
            # Planned anew, it is the same request and no repetition.
            self._runaway.check(exchange, now)
        self._check_key(exchange)
        subject = subject_of(exchange)
        if not self._meet(exchange, self._book.reached(subject, now, of_upstream=False), now):
            return None
        fitting = self._fitting(exchange, plan, subject, now)
        if fitting is None:
            return None
        self._book.count(subject, Counts.REQUESTS, 1, now, of_upstream=False)
        key = exchange.local_key
        if key is not None and key.limits.concurrency is not None:
            self._running.setdefault(key.id, set()).add(exchange.seed)
        return fitting

    def reached(self, subject: Subject, of_upstream: bool) -> list[Reached]:  # noqa: FBT001 - two sorts of limits
        """The limits that somebody has reached, those of accounts and groups or the others; asking changes nothing."""
        return list(self._book.reached(subject, self._clock(), of_upstream=of_upstream))

    def asked(self, exchange: Exchange, account_id: str) -> float:
        """
        An account is about to be asked: what warns of it or slows it down is met now, and the request is counted.

        Returns:
            Seconds to wait before; no more than the longest wait that any limit asks for, in all.
        """
        if exchange.wanted is None or exchange.wanted.operation not in COUNTED:
            return 0.0
        now, waited_s = self._clock(), exchange.delay_s
        subject = replace(subject_of(exchange), account=account_id, group=exchange.group)
        for it in self._book.reached(subject, now, of_upstream=True):
            if it.limit.action not in CLOSING:
                self._warn_or_slow(exchange, it, now)
        self._book.count(subject, Counts.REQUESTS, 1, now, of_upstream=True)
        return exchange.delay_s - waited_s

    def finished(self, record: ExchangeRecord) -> None:
        """An exchange is over: count what it used."""
        running = self._running.get(record.local_key)
        if running is not None:
            running.discard(record.id)
        if not self._book.limits:
            return
        now = self._clock()
        whose = Subject(
            profile=record.profile,
            tool=record.tool,
            key=record.local_key,
            project=record.project,
        )
        self._count_use(whose, record.total_tokens, record.cost_usd, now, of_upstream=False)
        for attempt in record.attempts:
            subject = replace(whose, account=attempt.account, group=record.route_group)
            tokens = attempt.input_tokens + attempt.output_tokens
            self._count_use(subject, tokens, attempt.cost_usd, now, of_upstream=True)

    def _count_use(
        self,
        subject: Subject,
        tokens: int,
        cost_usd: float | None,
        now: float,
        *,
        of_upstream: bool,
    ) -> None:
        self._book.count(subject, Counts.TOKENS, tokens, now, of_upstream=of_upstream)
        self._book.count(subject, Counts.COST, cost_usd or 0.0, now, of_upstream=of_upstream)

    def _check_key(self, exchange: Exchange) -> None:
        key = exchange.local_key
        if key is None:
            return
        model, models = exchange.model or "", key.limits.models
        if models and not _fits(models)(model):
            raise KorProxyError(
                catalogue.KEY_MODEL_REFUSED,
                f"rule “models” allows {', '.join(models)} for key {key.id}; asked for “{model[:120]}”; this does not"
                " reset",
                param="model",
            )
        most, running = key.limits.concurrency, len(self._running.get(key.id, ()))
        if (
            most is not None
            and exchange.seed not in self._running.get(key.id, ())
            and running >= most
        ):
            self._count("requests", LimitAction.REFUSE)
            raise KorProxyError(
                catalogue.CONCURRENCY,
                f"rule “concurrency” allows {amount(Counts.REQUESTS, most)} at the same time for key {key.id};"
                f" {running} running; resets when one of them ends",
                retry_after_s=_BUSY_RETRY_S,
            )

    def _meet(self, exchange: Exchange, reached: Iterable[Reached], now: float) -> bool:
        """
        Do what follows from limits that are reached; False: the request is to be planned anew.

        Raises:
            KorProxyError: one of them refuses it.
        """
        met = list(reached)
        refusing = [it for it in met if it.limit.action is LimitAction.REFUSE]
        if refusing:
            # All of them must have something left again.
            raise self._refused(max(refusing, key=lambda it: it.resets_at), now)
        for it in met:
            if it.limit.action is LimitAction.REROUTE:
                if exchange.reroute:
                    continue  # the first one decides
                exchange.reroute = it.limit.to
                self._say(exchange, it, "rerouted", now)
                return False
            self._warn_or_slow(exchange, it, now)
        return True

    def _warn_or_slow(self, exchange: Exchange, reached: Reached, now: float) -> None:
        if reached.limit.action is LimitAction.SLOW:
            exchange.delay_s = max(exchange.delay_s, reached.limit.slow_s)
            self._say(exchange, reached, "slowed", now)
        else:
            self._say(exchange, reached, "limit", now)

    def _fitting(self, exchange: Exchange, plan: Plan, subject: Subject, now: float) -> Plan | None:
        """
        The plan without accounts and groups that have nothing left; None: it is to be planned anew.

        Raises:
            KorProxyError: nobody is left.
        """
        if not any(it.of_upstream for it in self._book.limits):
            return plan
        out: list[Reached] = []
        steps = []
        for step in plan.steps:
            kept = []
            for candidate in step.candidates:
                asked = replace(subject, account=candidate.account_id, group=step.group)
                closing = [
                    it
                    for it in self._book.reached(asked, now, of_upstream=True)
                    if it.limit.action in CLOSING
                ]
                out += closing
                if not closing:
                    kept.append(candidate)
            if kept:
                steps.append(replace(step, candidates=tuple(kept)))
        if steps:
            for it in out:
                self._say(exchange, it, "rerouted", now)
            return replace(plan, steps=tuple(steps))
        for it in out:
            if it.limit.to and not exchange.reroute:
                exchange.reroute = it.limit.to
                self._say(exchange, it, "rerouted", now)
                return None
        raise self._refused(min(out, key=lambda it: it.resets_at), now)

    def _refused(self, reached: Reached, now: float) -> KorProxyError:
        self._count(reached.limit.counts, LimitAction.REFUSE)
        self.on_reached(reached, now)
        return refusal(reached, now)

    def _say(self, exchange: Exchange, reached: Reached, word: str, now: float) -> None:
        reason = f"{word}:{reached.limit.name}"
        if reason in exchange.why:
            return
        exchange.note(reason)
        self._count(reached.limit.counts, reached.limit.action)
        self.on_reached(reached, now)
        fields = {
            "request_id": exchange.id,
            "rule": reached.limit.name,
            "action": reached.limit.action,
            "said": reached.words(now),
        }
        log.warning("limit reached", extra={"fields": fields})

    def _count(self, counts: str, action: LimitAction) -> None:
        if self._metrics is not None:
            self._metrics.limits.labels(counts, action).inc()

    def _restore(self, limits: tuple[Limit, ...], past: PastUse) -> None:
        now = self._clock()
        of_upstream = tuple(it for it in limits if it.of_upstream)
        others = tuple(it for it in limits if not it.of_upstream)
        for at, subject, used in past(now):
            self._book.restore(of_upstream, subject, at, used)
            self._book.restore(others, subject, at, used)


def subject_of(exchange: Exchange) -> Subject:
    """Who asks, as far as the plan says; account and group are not known yet."""
    key = exchange.local_key
    return Subject(
        profile=exchange.profile,
        tool=exchange.tool,
        key=key.id if key is not None else "",
        project=exchange.project,
    )


def refusal(reached: Reached, now: float) -> KorProxyError:
    """The error for a limit that has nothing left: rule, limit, use and reset in words."""
    wait_s = max(1.0, reached.resets_at - now)
    spec = catalogue.LIMIT_PACE if wait_s <= SOON_S else catalogue.LIMIT_REACHED
    return KorProxyError(spec, reached.words(now), retry_after_s=wait_s)
