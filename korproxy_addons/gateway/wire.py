"""From an account to bytes on the wire: address, headers, credential; and the account's side questions."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from pydantic import SecretStr

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.config.schema import Config
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.vigil import budgets_for
from korproxy_addons.io.broker import Broker, Clockwork
from korproxy_addons.io.http_driver import drive
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.io.secret_store import SecretStore
from korproxy_addons.io.token_endpoint import TokenEndpoint
from korproxy_addons.io.upstream import Budgets, UpstreamCall, UpstreamClient, UpstreamReply
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.outgoing import AccountFacts, Operation, Outgoing
from korproxy_addons.providers.quota import DAY_S, Windows
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_accounts

SIDE_REPLY_BYTES = 4 * 1024 * 1024


class Wire:
    """
    Makes calls for accounts.

    Args:
        client: The pool.
        secret_store: Reads accounts' secrets.
        sleep: Waits for so many seconds.
        broker: Keeps logins alive; None: one of its own is made.
        clock: Unix seconds.

    Attributes:
        broker: The same.
    """

    def __init__(
        self,
        client: UpstreamClient,
        secret_store: SecretStore,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        broker: Broker | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._client = client
        self._secret_store = secret_store
        self._sleep = sleep
        self.broker = broker or Broker(
            secret_store,
            secret_store.vault,
            lambda way: TokenEndpoint(way, client, secret_store),
            Clockwork(sleep=sleep),
        )
        self._clock = clock
        self._day = -1.0
        self._config: Config | None = None
        self._accounts: dict[str, ResolvedAccount] = {}
        self._projects: dict[str, asyncio.Task[str]] = {}
        self._refused: dict[str, SecretStr] = {}

    def accounts(self, config: Config) -> dict[str, ResolvedAccount]:
        """The accounts of `config` that may be used, resolved, by id, in their order."""
        day = self._clock() // DAY_S
        if config is not self._config or day != self._day:
            # A way in may end on a day that was announced; nobody need start the gateway anew for that.
            routes = load_routes(self._secret_store.home, self._clock)
            resolved = resolve_accounts(config, self._secret_store.home, routes)
            self._config, self._day = config, day
            self._accounts = {it.id: it for it in resolved}
        return self._accounts

    async def secret(self, way: ResolvedAccount) -> SecretStr | None:
        """
        The account's secret; None if it needs none. A login's token that was refused is renewed first.

        Raises:
            KorProxyError: As `Broker.secret`.
        """
        return await self.broker.secret(way, refused=self._refused.get(way.id))

    async def call(
        self,
        way: ResolvedAccount,
        outgoing: Outgoing,
        body: bytes,
        exchange: Exchange,
        secret: SecretStr | None,
    ) -> tuple[UpstreamCall, frozenset[str]]:
        """
        The call for one attempt, and the names (lower case) of its headers that are credentials.

        Raises:
            KorProxyError: the account cannot be used, or the upstream has no words for the request.
        """
        client_headers = tuple(exchange.client.headers.items(multi=True))
        account = await self._discovered(way)
        url = way.access.url(account, outgoing)
        if url is None:
            raise KorProxyError(
                catalogue.NOT_OFFERED,
                f"{outgoing.operation.replace('_', ' ')} at {way.provider.name}",
            )
        prepared = way.access.prepare(body, outgoing, account)
        headers = way.access.headers(account, outgoing, client_headers)
        secrets = way.access.credential_headers(account, url, secret, client_headers)
        call = UpstreamCall(
            method="POST",
            url=url,
            headers=(*headers, ("accept-encoding", "identity"), *secrets),
            body=prepared,
            budgets=budgets_for(exchange),
            ca_file=way.ca_file,
            proxy=way.proxy,
            local=way.local,
        )
        return call, frozenset(name for name, _ in secrets)

    def masked(self, data: bytes) -> bytes:
        """`data` without any secret in use: some servers repeat the key that they refuse."""
        return self._secret_store.mask(data)

    def masked_text(self, text: str) -> str:
        """`text` without any secret in use."""
        return self.masked(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """Send a call; see `UpstreamClient.send`."""
        return await self._client.send(call)

    async def model_list(self, config: Config, account_id: str) -> tuple[ModelFacts, ...]:
        """
        The models the provider says it serves to this account.

        Raises:
            KorProxyError: the provider did not answer with a list.
        """
        way = self.accounts(config)[account_id]
        dialect = way.access.dialects[0]
        outgoing = Outgoing(operation=Operation.MODELS, dialect=dialect, model="")
        account = await self._with_login(way)
        url = way.access.url(account, outgoing)
        if url is None:
            raise KorProxyError(catalogue.NOT_OFFERED, "models")
        reply = await self._side_call(
            way, account, Request("GET", url, tuple(way.access.headers(account, outgoing)))
        )
        if reply.status != 200:
            raise KorProxyError(catalogue.UPSTREAM_INVALID_REPLY, f"models: status {reply.status}")
        return way.access.parse_models(reply.body)

    async def quota(self, way: ResolvedAccount, now: float) -> Windows:
        """
        What the provider's quota page says of the account; nothing if it has none.

        Args:
            way: The account.
            now: Unix seconds.
        Raises:
            KorProxyError: It did not answer, or with no.
        """
        ask = way.access.quota.ask
        if ask is None or not way.quota_url:
            return ()
        await self.secret(way)  # what the login knows goes into the question
        account = await self._discovered(way)
        questions = ask(account, way.quota_url, now)
        return await drive(questions, lambda request: self._side_call(way, account, request))

    def secret_renewed(self, way: ResolvedAccount, refused: SecretStr | None = None) -> bool:
        """
        Whether the account's secret, read anew, is another one than the one that was refused.

        Args:
            way: The account.
            refused: The secret that its provider has just refused; None: the last one that was.
        """
        if refused is not None:
            self._refused[way.id] = refused
        return self.broker.changed(way, self._refused.get(way.id))

    def forget(self) -> None:
        """The config has changed."""
        self._projects.clear()
        self._refused.clear()
        self.broker.forget()

    async def _with_login(self, way: ResolvedAccount) -> AccountFacts:
        """The account's facts with those of its login, whose tokens may have to be read first."""
        await self.secret(way)
        return way.facts_of_login(self.broker.facts(way))

    async def _discovered(self, way: ResolvedAccount) -> AccountFacts:
        """The account's facts, completed by its login's and by what the provider must be asked for once."""
        facts = way.facts_of_login(self.broker.facts(way))
        if not way.access.discovers or facts.project:
            return facts
        key = way.id
        task = self._projects.get(key)
        if task is None:
            # One question for all requests that wait for its answer; a client that leaves must not take it away.
            task = asyncio.get_running_loop().create_task(self._discover(way))
            task.add_done_callback(lambda done: self._discovery_ended(key, done))
            self._projects[key] = task
        return replace(facts, project=await asyncio.shield(task))

    def _discovery_ended(self, key: str, task: asyncio.Task[str]) -> None:
        """Keep what was found; what failed is asked for again by the next request."""
        failed = task.cancelled() or task.exception() is not None
        if failed and self._projects.get(key) is task:
            del self._projects[key]

    async def _discover(self, way: ResolvedAccount) -> str:
        questions = way.access.discover(way.facts)
        return await drive(
            questions, lambda request: self._side_call(way, way.facts, request), self._sleep
        )

    async def _side_call(
        self, way: ResolvedAccount, account: AccountFacts, request: Request
    ) -> Reply:
        secret = await self.secret(way)
        credentials = way.access.credential_headers(account, request.url, secret)
        call = UpstreamCall(
            method=request.method,
            url=request.url,
            headers=(*request.headers, ("accept-encoding", "identity"), *credentials),
            body=request.body,
            budgets=Budgets(connect_s=5.0, first_byte_s=15.0, idle_s=15.0),
            ca_file=way.ca_file,
            proxy=way.proxy,
            local=way.local,
        )
        reply = await self._client.send(call)
        try:
            body = await reply.read_all(SIDE_REPLY_BYTES)
        except BaseException:
            reply.abort()
            raise
        reply.release()
        headers = {name.lower(): value for name, value in reply.headers}
        return Reply(reply.status, headers, body)
