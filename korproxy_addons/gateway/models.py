"""
What each account serves: the lists we ship, the user's own, and what the provider says when asked.

The provider is asked only when it matters (a model nobody lists, or a client that wants the list), at most every few minutes,
and a provider that does not answer is no reason to answer less than we know.
"""

import asyncio
import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.config.schema import Config
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.routing.rules import ANY_MODEL, Offer

log = logging.getLogger("korproxy.models")

FRESH_S = 600.0
RETRY_S = 60.0
ASK_BUDGET_S = 5.0


class ModelLists:
    """
    The models of every account.

    Args:
        wire: Resolves accounts and asks their providers.
        clock: Monotonic seconds.
    """

    def __init__(self, wire: Wire, clock: Callable[[], float] = time.monotonic) -> None:
        self._wire = wire
        self._clock = clock
        self._live: dict[str, tuple[ModelFacts, ...]] = {}
        self._ask_again_at: dict[str, float] = {}
        self._asking: dict[str, asyncio.Task[bool]] = {}
        # What was said last stays the same object while nothing changes: what is made of it is kept as long.
        self._offered: tuple[Config, tuple[Offer, ...]] | None = None

    @property
    def live(self) -> Mapping[str, tuple[ModelFacts, ...]]:
        """Models that providers have named themselves, by account id."""
        return self._live

    def forget(self) -> None:
        """The config has changed: what was asked of its accounts may not hold."""
        # New tables: an answer that is still on its way belongs to the old config.
        self._live, self._ask_again_at, self._asking = {}, {}, {}
        self._offered = None

    def offers(self, exchange: Exchange) -> tuple[Offer, ...]:
        """What each account can serve, in the order of the config; the same object until anything changes."""
        if self._offered is not None and self._offered[0] is exchange.config:
            return self._offered[1]
        offers = offers_of(self._wire.accounts(exchange.config).values(), self._live)
        self._offered = (exchange.config, offers)
        return offers

    def facts(self, exchange: Exchange) -> tuple[ModelFacts, ...]:
        """The models of all accounts that this client may use, each once, the first account's word first."""
        merged: dict[str, ModelFacts] = {}
        for account in self._wire.accounts(exchange.config).values():
            if account.refusal(exchange.tool) is not None:
                continue
            if account.access.own_login != exchange.own_login:
                continue
            for model in known_models(account, self._live):
                if model.id != ANY_MODEL:
                    merged.setdefault(model.id, model)
        return tuple(merged.values())

    async def complete(self, config: Config) -> bool:
        """
        Ask the providers whose lists are not fresh.

        Returns:
            Whether anything was learned.
        """
        now = self._clock()
        for account in self._wire.accounts(config).values():
            if (
                account.access.lists_models
                and account.refusal("") is None
                and account.id not in self._asking
                and now >= self._ask_again_at.get(account.id, -math.inf)
            ):
                # One question for all requests that wait for its answer; a client that leaves must not take it away.
                task = asyncio.get_running_loop().create_task(self._ask(config, account.id))
                self._asking[account.id] = task
        if not self._asking:
            return False
        learned = await asyncio.gather(*map(asyncio.shield, self._asking.values()))
        return any(learned)

    async def _ask(self, config: Config, account_id: str) -> bool:
        live, ask_again_at, asking = self._live, self._ask_again_at, self._asking
        try:
            return await self._learn(config, account_id, live, ask_again_at)
        finally:
            asking.pop(account_id, None)

    async def _learn(
        self,
        config: Config,
        account_id: str,
        live: dict[str, tuple[ModelFacts, ...]],
        ask_again_at: dict[str, float],
    ) -> bool:
        ask_again_at[account_id] = self._clock() + RETRY_S
        try:
            async with asyncio.timeout(ASK_BUDGET_S):
                found = await self._wire.model_list(config, account_id)
        except (KorProxyError, TimeoutError) as error:
            code = error.spec.code if isinstance(error, KorProxyError) else "timeout"
            fields = {"account": account_id, "code": code}
            log.warning("model list not available", extra={"fields": fields})
            return False
        changed = found != live.get(account_id)
        live[account_id] = found
        self._offered = None
        ask_again_at[account_id] = self._clock() + FRESH_S
        return changed


def known_models(
    account: ResolvedAccount, live: Mapping[str, tuple[ModelFacts, ...]]
) -> tuple[ModelFacts, ...]:
    """
    What one account serves.

    Args:
        account: The account.
        live: What providers have said, by account id.
    """
    known = {it.id: it for it in account.models}
    known.update({it.id: it for it in live.get(account.id, ())})
    if account.only_models is None:
        return tuple(known.values())
    listed = [it for it in known.values() if it.id in account.only_models]
    unknown = sorted(account.only_models - known.keys())
    return (*listed, *(ModelFacts(id=name) for name in unknown))


def offers_of(
    accounts: Iterable[ResolvedAccount], live: Mapping[str, tuple[ModelFacts, ...]]
) -> tuple[Offer, ...]:
    """What each account can serve, in their order; `live` as for `known_models`."""
    return tuple(
        Offer(
            account_id=account.id,
            provider=account.provider.id,
            models=frozenset(it.id for it in known_models(account, live)),
            own_login=account.access.own_login,
        )
        for account in accounts
    )
