"""One exchange's tie to the account its conversation is at home with: found, kept, or left with a reason and a price."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from korproxy_addons.accounts.balancing import Fit
from korproxy_addons.accounts.health import State
from korproxy_addons.accounts.stickiness import Cause, Home, conversation_key
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec
from korproxy_addons.errors.kinds import Kind
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.providers.failure import Failure
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.rules import Candidate

if TYPE_CHECKING:
    from korproxy_addons.gateway.leg import Services


class Affinity:
    """
    Knows where the conversation of `exchange` is at home.

    Args:
        exchange: Is told of a move.
        services: What all exchanges share.
        model: `Plan.home_name`: rules may send turns of one conversation to several models, and each has a cache of its own.
    """

    def __init__(self, exchange: Exchange, services: "Services", model: str) -> None:
        self._exchange = exchange
        self._services = services
        session, wanted = exchange.session, exchange.wanted
        # Only what makes an answer fills a cache.
        tied = bool(session) and wanted is not None and wanted.operation is Operation.GENERATE
        self._key = conversation_key(session, model) if tied else None
        self._home = (
            services.fleet.stickiness.home(self._key, services.clock())
            if self._key is not None
            else None
        )
        self._cause: Cause | None = None
        self._sticky = True

    def failed(self, candidate: Candidate, failure: Failure) -> None:
        """An attempt on `candidate` has failed."""
        if self._home is not None and candidate.account_id == self._home.account_id:
            self._cause = _cause_of(failure.spec)

    def chosen(self, candidate: Candidate, *, sticky: bool, fit_of_home: Fit | None) -> None:
        """
        `candidate` is asked; if that is not home, it can be seen now why.

        Args:
            candidate: Who is asked.
            sticky: Whether his group keeps conversations at their accounts.
            fit_of_home: How fit home is; None: the request may not go there at all.
        """
        self._sticky = sticky
        if self._home is not None and self._cause is None and self.leaves(candidate):
            self._cause = self._why_not_home(self._home, fit_of_home)

    def leaves(self, candidate: Candidate) -> bool:
        """Whether to ask `candidate` is to leave home."""
        return self._home is not None and not self._at_home(candidate)

    def home_in(self, candidates: Sequence[Candidate]) -> Candidate | None:
        """Which of `candidates` is the conversation's home."""
        if self._home is None:
            return None
        at = Candidate(self._home.account_id, self._home.model)
        return at if at in candidates else None

    def answered(self, candidate: Candidate) -> None:
        """`candidate` serves the conversation, and is its home from now on."""
        if self._key is None or not self._sticky:
            return
        home, cached_tokens = self._home, 0
        if home is not None:
            if self._at_home(candidate):
                cached_tokens = home.cached_tokens
            else:
                exchange = self._exchange
                exchange.moved = self._cause or Cause.DRAIN
                exchange.cache_lost_tokens = home.cached_tokens
                exchange.note(f"moved:{exchange.moved}")
        self._serve(candidate, cached_tokens)

    def ended(self, candidate: Candidate) -> None:
        """The reply is over: its provider may have said what is in its cache now."""
        usage = self._exchange.usage
        if self._key is None or not self._sticky:
            return
        if usage is not None and not usage.estimated:
            self._serve(candidate, usage.cached_tokens + usage.cache_write_tokens)

    def _serve(self, candidate: Candidate, cached_tokens: int) -> None:
        assert self._key is not None
        home = Home(candidate.account_id, candidate.model, cached_tokens, self._services.clock())
        self._services.fleet.stickiness.served(self._key, home)

    def _at_home(self, candidate: Candidate) -> bool:
        return self._home is not None and self._home.account_id == candidate.account_id

    def _why_not_home(self, home: Home, fit: Fit | None) -> Cause:
        if fit is None:
            return Cause.DRAIN
        now = self._services.clock()
        health = self._services.fleet.pool.worst(home.account_id, home.model, now)
        if health.state is not State.AVAILABLE:
            return _cause_of(catalogue.CATALOGUE.get(health.code))
        return Cause.RETURN if fit is Fit.READY else Cause.QUOTA


def _cause_of(spec: ErrorSpec | None) -> Cause:
    if spec in (catalogue.QUOTA_EXHAUSTED, catalogue.BILLING_REQUIRED):
        return Cause.QUOTA
    return Cause.RATE if spec is not None and spec.kind is Kind.RATE_LIMIT else Cause.FAILURE
