"""The gateway's own pages, the watch on its config, and its end: health, metrics, reload, drain."""

import asyncio
import contextlib
import html
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from korproxy_addons import __version__
from korproxy_addons.accounts.health import Health as PoolHealth
from korproxy_addons.accounts.health import State
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.config.store import ConfigStore, ReloadState
from korproxy_addons.control.guard import is_navigation
from korproxy_addons.control.health import AccountHealth, Health, RecordingHealth, folder_mark
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.front import shut_down, start_task
from korproxy_addons.gateway.hook import closing_hook, request_hook, response_hook
from korproxy_addons.gateway.listening import open_connections, stop_listening
from korproxy_addons.gateway.replies import Reply, own_headers
from korproxy_addons.io.recording_state import RecordingState
from korproxy_addons.usage.metrics import Metrics

if TYPE_CHECKING:
    from mitmproxy import http

log = logging.getLogger("korproxy.control")

# A changed file is picked up within this time; one `stat` is all it costs.
WATCH_INTERVAL_S = 0.5
# A client that was told to close its connection does so within moments; one that keeps it idle is not waited for.
CONNECTION_LOOKS = 60
CONNECTION_LOOK_S = 0.05
# One that was accepted a moment ago may not have been counted yet.
QUIET_LOOKS = 5


class Control:
    """
    Answers what the gateway can say by itself, and keeps its lifecycle.

    Args:
        store: The config; watched while the gateway runs.
        pool: Health of the accounts, for the health page.
        metrics: What is counted.
        instance: Random name of this run, so that a supervisor can tell it from a stranger on the same port.
        on_config: Each is called after a new config is in force.
    """

    def __init__(
        self,
        store: ConfigStore,
        pool: Pool,
        metrics: Metrics,
        instance: str,
        on_config: tuple[Callable[[], None], ...],
    ) -> None:
        self._store = store
        self._pool = pool
        self.metrics = metrics
        self.instance = instance
        self._on_config = on_config
        self._started_at = time.time()
        self._problems: tuple[str, ...] = ()
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.draining = False
        self.paused = False
        self.retiring = False
        self.on_problems: Callable[[tuple[str, ...]], None] = lambda _problems: None
        self.vault_state: Callable[[], str] = str
        self.offline: Callable[[], bool] = bool
        self.recording: Callable[[], RecordingState | None] = _nothing
        self._watch: asyncio.Task[None] | None = None

    def running(self) -> None:
        self._watch = start_task(self._watch_config(), "config watch")

    def done(self) -> None:
        if self._watch is not None:
            self._watch.cancel()

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        client = exchange.client
        # The gateway's own pages are not work in flight: they are answered while it ends, and it ends while they are read.
        if client.method in ("GET", "HEAD"):
            match client.path:
                case "/_korproxy/health":
                    return _page(exchange, "application/json", self._health())
                case "/metrics":
                    metrics = self.metrics.page(client.headers.get("accept", ""))
                    return _page(exchange, metrics.content_type, metrics.body)
                case "/":
                    return _root(exchange)
        if self.draining:
            raise KorProxyError(catalogue.DRAINING, retry_after_s=2)
        if self.paused:
            raise KorProxyError(catalogue.PAUSED, retry_after_s=10)
        self._begin(exchange)
        return None

    @response_hook
    def responseheaders(self, exchange: Exchange, response: "http.Response") -> None:
        del exchange
        if self.retiring:
            # The next request shall find the successor.
            response.headers["connection"] = "close"

    @closing_hook
    def response(self, exchange: Exchange) -> None:
        self._end(exchange)

    @closing_hook
    def error(self, exchange: Exchange) -> None:
        self._end(exchange)

    def accounts(self) -> tuple[AccountHealth, ...]:
        """What is held against accounts now."""
        return self._accounts(time.time())

    @property
    def in_flight(self) -> int:
        """Requests that are being served."""
        return self._in_flight

    async def drain(self) -> None:
        """Refuse what is new, wait for what is in flight, then let the master end."""
        self.draining = True
        await self._until_idle()
        shut_down()

    async def retire(self) -> None:
        """
        Leave the listening to a successor, serve what still comes on the connections there are, then let the master end.

        Nothing is refused: each reply tells its client to close the connection.
        """
        self.retiring = True
        await stop_listening()
        await self._until_idle()
        quiet = 0
        for _ in range(CONNECTION_LOOKS):
            await asyncio.sleep(CONNECTION_LOOK_S)
            quiet = 0 if open_connections() or self._in_flight else quiet + 1
            if quiet == QUIET_LOOKS:
                break
        await self._until_idle()
        shut_down()

    async def _until_idle(self) -> None:
        try:
            async with asyncio.timeout(self._store.current.limits.drain_s):
                # Nothing is in flight to nobody: a request whose end was missed must not hold up ours.
                while not self._idle.is_set() and open_connections():
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(CONNECTION_LOOK_S):
                            await self._idle.wait()
        except TimeoutError:
            log.warning("drain timed out", extra={"fields": {"in_flight": self._in_flight}})

    def reload(self) -> None:
        """Look at the config file now."""
        outcome = self._store.reload_if_changed()
        if outcome.state is ReloadState.UNCHANGED:
            return
        self._problems = tuple(str(problem) for problem in outcome.problems)
        self.on_problems(self._problems)
        if outcome.state is ReloadState.LOADED:
            fields = {"accounts": len(outcome.config.accounts), "new_hosts": outcome.new_hosts}
            log.info("config reloaded", extra={"fields": fields})
            self._store.keep_last_good()
            for tell in self._on_config:
                tell()
        for problem in self._problems:
            log.error("config refused", extra={"fields": {"problem": problem}})

    async def _watch_config(self) -> None:
        while True:
            await asyncio.sleep(WATCH_INTERVAL_S)
            try:
                self.reload()
            except Exception:
                log.exception("config watch failed")

    def _begin(self, exchange: Exchange) -> None:
        exchange.counted = True
        self._in_flight += 1
        self.metrics.in_flight.inc()
        self._idle.clear()

    def _end(self, exchange: Exchange) -> None:
        if not exchange.counted:
            return
        exchange.counted = False
        self._in_flight -= 1
        self.metrics.in_flight.dec()
        if self._in_flight == 0:
            self._idle.set()

    def _health(self) -> bytes:
        now = time.time()
        health = Health(
            status=self._status(),
            folder=folder_mark(self._store.home.resolve()),
            version=__version__,
            instance=self.instance,
            started_at=self._started_at,
            uptime_s=round(now - self._started_at, 3),
            in_flight=self._in_flight,
            draining=self.draining,
            accounts_configured=len(self._store.current.accounts),
            config_problems=self._problems,
            vault=self.vault_state(),
            offline=self.offline(),
            recording=_recording(self.recording()),
            # The page is open even where keys are required; what it says of accounts is then for nobody.
            accounts=() if self._store.current.local_keys.required else self._accounts(now),
        )
        return health.model_dump_json().encode()

    def _status(self) -> str:
        if self.draining or self.retiring:
            return "draining"
        return "paused" if self.paused else "ok"

    def _accounts(self, now: float) -> tuple[AccountHealth, ...]:
        return tuple(
            _account_health(account, model, health, now)
            for (account, model), health in self._pool.snapshot().items()
        )


def _account_health(account: str, model: str, health: PoolHealth, now: float) -> AccountHealth:
    state = health.shown(now)
    if state is State.AVAILABLE:
        return AccountHealth(account=account, model=model, state=state, until=0.0, code="")
    until = health.until if state not in (State.NEEDS_LOGIN, State.DISABLED) else None
    return AccountHealth(
        account=account,
        model=model,
        state=state,
        until=until,
        code=health.code,
        reason=health.reason,
    )


def _nothing() -> None:
    return None


def _recording(state: RecordingState | None) -> RecordingHealth | None:
    if state is None:
        return None
    return RecordingHealth(until_at=state.until_at, tool=state.tool, shapes=state.shapes)


def _page(exchange: Exchange, content_type: str, body: bytes) -> Reply:
    fields = (("content-type", content_type), ("cache-control", "no-store"), *own_headers(exchange))
    return Reply(200, fields, body)


def _root(exchange: Exchange) -> Reply:
    """What a person who opens the address in a browser sees; tools probe it with HEAD."""
    host = html.escape(exchange.client.headers.get("host", "localhost:1337"))
    if not is_navigation(exchange.client.headers.fields):
        return _page(
            exchange, "application/json", b'{"name":"KorProxy","health":"/_korproxy/health"}'
        )
    page = (
        "<!doctype html><html lang=en><meta charset=utf-8><title>KorProxy</title>"
        "<h1>KorProxy is running</h1>"
        f"<p>Point your coding tool at <code>http://{host}</code> (Anthropic and Gemini tools) or "
        f"<code>http://{host}/v1</code> (OpenAI tools). Its state: "
        "<a href=/_korproxy/health>/_korproxy/health</a>.</p></html>"
    )
    reply = _page(exchange, "text/html; charset=utf-8", page.encode())
    policy = ("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
    return Reply(reply.status, (*reply.headers, policy), reply.body)
