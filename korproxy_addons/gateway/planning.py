"""Where an exchange goes: its profile, its facts, and the plan that the configuration's rules make of them."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from korproxy_addons.config.schema import Config
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.models import ModelLists
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.workspace import NO_PROJECT, Project, Workspace
from korproxy_addons.routing.facts import Facts, Moment, ProjectNeededError
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.plan import Plan
from korproxy_addons.routing.profile_choice import HEADER, named_profile, project_profile
from korproxy_addons.routing.router import Router
from korproxy_addons.routing.rules import UnservedError

# Requests that came before a reload are planned by the configuration they came under.
_ROUTERS_KEPT = 2


class Planner:
    """
    Plans exchanges.

    Args:
        wire: Resolves accounts.
        lists: What accounts offer.
        workspace: Finds the project that a client runs in.
        clock: Unix seconds.
        home: The user's home folder, for `~` in patterns.
    """

    def __init__(
        self,
        wire: Wire,
        lists: ModelLists,
        workspace: Workspace,
        clock: Callable[[], float] = time.time,
        home: Path | None = None,
    ) -> None:
        self._wire = wire
        self._lists = lists
        self._workspace = workspace
        self._clock = clock
        self._home = str(home or Path.home())
        self._routers: list[Router] = []
        self._market = Market(())

    async def plan(self, exchange: Exchange) -> Plan:
        """
        The plan for an exchange, whose body was read; it is kept in the exchange, and its reasons are noted.

        Raises:
            KorProxyError: PROFILE_UNKNOWN; UNKNOWN_MODEL; FIELD_INVALID, a header that routes means nothing; what keeps
                every account that could serve it from serving this tool.
        """
        router = self.router(exchange.config)
        profile_id = await self._profile(exchange, router)
        if router.project_counts and not exchange.project:
            await self._project(exchange)
        facts = facts_of(exchange, self._clock())
        try:
            plan = await self._decide(exchange, router, facts, profile_id)
        except UnservedError:
            # A provider may serve models that are younger than our lists: ask before saying no.
            if not await self._lists.complete(exchange.config):
                raise
            plan = await self._decide(exchange, router, facts, profile_id)
        plan = self._allowed(exchange, plan)
        exchange.plan, exchange.profile, exchange.kind = plan, plan.profile, plan.kind
        for reason in plan.why:
            exchange.note(reason)
        return plan

    def router(self, config: Config) -> Router:
        """The routing of a configuration, made ready once."""
        for router in self._routers:
            if router.config is config:
                return router
        router = Router(config, self._home)
        self._routers = [router, *self._routers][:_ROUTERS_KEPT]
        return router

    async def _decide(
        self, exchange: Exchange, router: Router, facts: Facts, profile_id: str
    ) -> Plan:
        offers = self._lists.offers(exchange)
        if self._market.offers is not offers:
            self._market = Market(offers)
        try:
            return self._plan_now(exchange, router, facts, profile_id)
        except ProjectNeededError:
            facts.known_project = (await self._project(exchange)).folder
            return self._plan_now(exchange, router, facts, profile_id)

    def _plan_now(self, exchange: Exchange, router: Router, facts: Facts, profile_id: str) -> Plan:
        return router.plan(
            facts,
            profile_id,
            self._market,
            own_login=exchange.own_login,
            reroute=exchange.reroute,
        )

    async def _profile(self, exchange: Exchange, router: Router) -> str:
        client, key = exchange.client, exchange.local_key
        choice = named_profile(
            router,
            header=client.lower.get(HEADER, ""),
            path=client.profile,
            key=key.profile if key is not None else None,
        )
        if choice is None and router.project_matters:
            project = await self._project(exchange)
            choice = project_profile(router, project.folder, project.profile_word)
            if choice is not None and choice.by == "project-file":
                exchange.note("project-file")
            elif choice is None and project.profile_word and exchange.config.project_files:
                exchange.note("project-file:unknown-profile")
        return choice.id if choice is not None else exchange.config.active_profile

    async def _project(self, exchange: Exchange) -> Project:
        client = exchange.client
        if client.peer is None or client.own is None:
            return NO_PROJECT
        found = await self._workspace.project_of(client.connection, client.peer, client.own)
        exchange.project = found.folder
        return found

    def _allowed(self, exchange: Exchange, plan: Plan) -> Plan:
        """
        The plan without the accounts that may not serve this tool.

        Raises:
            KorProxyError: What the first of them lacks, where nobody is left.
        """
        accounts = self._wire.accounts(exchange.config)
        refusals = {
            it.account_id: accounts[it.account_id].refusal(exchange.tool) for it in plan.candidates
        }
        if not any(refusals.values()):
            return plan
        steps = []
        for step in plan.steps:
            candidates = tuple(it for it in step.candidates if refusals[it.account_id] is None)
            if candidates:
                steps.append(replace(step, candidates=candidates))
        if not steps:
            raise next(error for error in refusals.values() if error is not None)
        return replace(plan, steps=tuple(steps))


def facts_of(exchange: Exchange, now: float) -> Facts:
    """
    What rules may ask about an exchange.

    Args:
        exchange: Its body was read.
        now: Unix seconds.
    """
    local = time.localtime(now)
    wanted, client = exchange.wanted, exchange.client
    return Facts(
        operation=wanted.operation if wanted is not None else None,
        dialect=exchange.dialect,
        tool=exchange.tool,
        model=exchange.model or "",
        headers=client.lower,
        body=exchange.inbound.body if exchange.inbound is not None else b"",
        moment=Moment(local.tm_wday, local.tm_hour * 60 + local.tm_min),
        long_context_tokens=exchange.config.long_context_tokens,
    )
