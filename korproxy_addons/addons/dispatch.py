"""The last request hook, and the one non-blocking hook that starts the leg."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.spending import SpendingBook
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.gateway.caretaker import Caretaker
from korproxy_addons.gateway.client_keys import OWN_KEY
from korproxy_addons.gateway.conversations import Conversations
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.flow_record import FlowRecord
from korproxy_addons.gateway.front import listening_on, start_task
from korproxy_addons.gateway.hook import request_hook
from korproxy_addons.gateway.layer import UpstreamRequest
from korproxy_addons.gateway.layer_sink import ClientGoneError, LayerSink
from korproxy_addons.gateway.leg import Leg, Services
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.gateway.models import ModelLists
from korproxy_addons.gateway.money_guard import MoneyGuard
from korproxy_addons.gateway.planning import Planner
from korproxy_addons.gateway.reachability import Reachability
from korproxy_addons.gateway.replies import Reply
from korproxy_addons.gateway.wire import Wire
from korproxy_addons.io.address_guard import AddressGuard, Origin
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.upstream import NOT_REACHED, UpstreamClient
from korproxy_addons.io.workspace import Workspace
from korproxy_addons.providers.outgoing import origin_of
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.routing.tools import tool_of

log = logging.getLogger("korproxy.dispatch")

# How long a door may take to open, when all of them are knocked at.
KNOCK_S = 5.0


class Dispatch:
    """
    Starts one task per exchange; the task owns everything upstream.

    Args:
        store: The config.
        secret_store: Reads accounts' secrets.
        fleet: What is known of the accounts.
        conversations: What is kept for clients whose upstream keeps nothing; None: in memory alone.
        spending: What the accounts have drawn beyond their plans; None: nothing yet, and nothing is kept.
        limiter: Keeps the limits of the user; None: nothing is known of earlier runs.
        on_renewal: Told how each renewal of a login went (`Broker.on_renewal`).
        workspace: Finds who calls; None: one of its own.

    Attributes:
        on_network: Told when no provider can be reached any more (True), and when one can be again.
    """

    def __init__(
        self,
        store: ConfigStore,
        secret_store: SecretStore,
        fleet: Fleet,
        *,
        conversations: Conversations | None = None,
        spending: SpendingBook | None = None,
        limiter: Limiter | None = None,
        on_renewal: Callable[[str], None] | None = None,
        workspace: Workspace | None = None,
    ) -> None:
        self._store = store
        self._secret_store = secret_store
        self._fleet = fleet
        self._conversations = conversations or Conversations()
        self._limiter = limiter or Limiter()
        self._on_renewal = on_renewal
        self._workspace = workspace or Workspace(Path.home())
        self._guard = MoneyGuard(fleet, spending or SpendingBook())
        self.on_network: Callable[[bool], None] = lambda _offline: None
        self._caretaker: Caretaker | None = None
        self._reach = Reachability(self._knock, self._network)
        self._services: Services | None = None
        self._client: UpstreamClient | None = None
        self._legs: set[asyncio.Task[None]] = set()

    def running(self) -> None:
        self._client = UpstreamClient(AddressGuard())
        self._client.on_reach = self._heard
        wire = Wire(self._client, self._secret_store)
        if self._on_renewal is not None:
            wire.broker.on_renewal = self._on_renewal
        lists = ModelLists(wire)
        self._services = Services(
            wire=wire,
            lists=lists,
            planner=Planner(wire, lists, self._workspace),
            fleet=self._fleet,
            conversations=self._conversations,
            guard=self._guard,
            limiter=self._limiter,
        )
        self.apply_config()
        self._caretaker = Caretaker(
            wire, self._fleet, lambda: self._store.current, self._client.renew
        )
        self._caretaker.start()

    async def done(self) -> None:
        legs = list(self._legs)
        for leg in legs:
            leg.cancel()
        # Each closes its upstream connection on the way out.
        self._reach.stop()
        await asyncio.gather(*legs, return_exceptions=True)
        if self._caretaker is not None:
            await self._caretaker.stop()
        if self._client is not None:
            await self._client.close()

    def apply_config(self) -> None:
        """Take over a new config: what may be reached, which accounts are known."""
        config = self._store.current
        assert self._client is not None
        assert self._services is not None
        accounts = self._services.wire.accounts(config).values()
        self._client.configure(own_ports(config), local_origins(accounts))
        self._secret_store.forget()
        self._conversations.configure(config.conversations)
        self._limiter.configure(config)
        self._fleet.keep(account.id for account in config.accounts)
        # Who waits for his owner may be tried again: the owner has just been here.
        self._fleet.pool.second_chance(self._services.clock())
        self._guard.price_by(config)
        self._guard.release(accounts, self._services.clock())
        self._services.lists.forget()
        self._services.wire.forget()

    def services(self) -> Services:
        """What every leg works with; there once the master runs. No property: mitmproxy reads those of addons at once."""
        assert self._services is not None
        return self._services

    def wake(self) -> None:
        """The machine slept, or its network changed."""
        if self._client is not None:
            self._client.renew()
        if self._caretaker is not None:
            self._caretaker.wake()
        self._reach.wake()

    def offline(self) -> bool:
        """Whether no provider can be reached."""
        return self._reach.offline

    def _heard(self, reached: bool) -> None:  # noqa: FBT001 - what the client tells
        if reached:
            self._reach.reached()
        else:
            self._reach.failed()

    async def _knock(self) -> bool:
        """Whether any provider that is not on this network can be connected to; True where there is none."""
        assert self._services is not None
        assert self._client is not None
        ways = self._services.wire.accounts(self._store.current).values()
        doors = {(it.facts.base_url, it.proxy) for it in ways if not it.local}
        knocks = [self._client.knock(url, proxy, KNOCK_S) for url, proxy in doors]
        return not knocks or any(await asyncio.gather(*knocks))

    def _network(self, offline: bool) -> None:  # noqa: FBT001 - what Reachability tells
        log.warning("network", extra={"fields": {"offline": offline}})
        if not offline:
            # What failed meanwhile was nobody's fault, and idle connections led through a network that is gone.
            self._fleet.pool.forgive({it.code for it in NOT_REACHED})
            self.wake()
        self.on_network(offline)

    @request_hook
    def request(self, exchange: Exchange) -> Reply | None:
        # Every check before this one has let the request pass; without this mark the leg sends nothing.
        exchange.own_login = OWN_KEY in exchange.client.lower and self._relays(exchange.config)
        exchange.tool = tool_of(exchange.client.lower)
        exchange.cleared = True
        return None

    def korproxy_upstream(self, request: UpstreamRequest) -> None:
        exchange = Exchange.of(request.flow)
        try:
            sink = LayerSink.of(request)
        except ClientGoneError:
            return
        assert self._services is not None
        if exchange is None:
            # The entrance failed before it could open one: nothing is known, so nothing goes out.
            self._start(sink.cut("no exchange"), sink)
            return
        tape = exchange.tape
        if tape is not None:
            tape.over_socket = request.stream.over_socket
        way_back = sink if tape is None else tape.beside(sink)
        leg = Leg(exchange, way_back, FlowRecord(request.flow), self._services)
        self._start(self._run(leg, sink), sink, exchange)

    def _relays(self, config: Config) -> bool:
        """Whether some account stands for a tool's own login; if not, the key's place says nothing about one."""
        assert self._services is not None
        accounts = self._services.wire.accounts(config).values()
        return any(account.access.own_login for account in accounts)

    def _start(
        self, work: Coroutine[Any, Any, None], sink: LayerSink, exchange: Exchange | None = None
    ) -> None:
        task = start_task(work, "upstream leg")
        self._legs.add(task)
        task.add_done_callback(self._legs.discard)
        if exchange is not None:
            exchange.leg_running = True
            # Called also where the task is cancelled before it has begun.
            task.add_done_callback(lambda _: exchange.leg_ended())
        sink.when_gone(lambda: _cancel(task))

    async def _run(self, leg: Leg, sink: LayerSink) -> None:
        with sink.watch_paused():
            await leg.run()


def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()


def own_ports(config: Config) -> frozenset[int]:
    """The ports this gateway listens on, and the launcher's: never an upstream's on loopback."""
    bound = {port for _, port in listening_on()}
    return frozenset({config.listen.port, config.admin.port} | bound)


def local_origins(accounts: Iterable[ResolvedAccount]) -> set[Origin]:
    """Every address of a provider that the user marked as local."""
    origins: set[Origin] = set()
    for account in accounts:
        if account.local:
            urls = (account.token_url, account.auth_url, account.quota_url)
            origins.add(account.origin)
            origins.update((host, port) for _, host, port in map(origin_of, filter(None, urls)))
    return origins
