"""The finished exchange: one line in the log, one row in the ledger, and the counters."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from weakref import WeakValueDictionary

from korproxy_addons.accounts.health import State
from korproxy_addons.accounts.pool import ALL_MODELS, Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.config.schema import Config
from korproxy_addons.gateway.callers import Callers
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.exchange_record import record_of
from korproxy_addons.gateway.front import start_task
from korproxy_addons.gateway.hook import closing_hook, request_hook
from korproxy_addons.gateway.replies import Reply
from korproxy_addons.io.database import Database
from korproxy_addons.io.tables.exchanges import DELETE_BEYOND, DELETE_OLD, INSERT_EXCHANGE
from korproxy_addons.io.workspace import Workspace
from korproxy_addons.licensing.entitlement import FREE, Entitlement, kept_days
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.prices import PriceTable, Rates
from korproxy_addons.usage.record import ExchangeRecord

log = logging.getLogger("korproxy.exchange")

PRUNE_EVERY_S = 600.0
# Deleted in pieces, so that rows which wait to be written do not wait for long.
PRUNED_AT_ONCE = 2_000
# Asked for by launchers and Prometheus, again and again.
OWN_PAGES = ("/_korproxy/", "/metrics")
_DAY_S = 86_400.0


class Metering:
    """
    Counts each exchange once, when its reply is out or has failed and its leg has told all it knows.

    Args:
        metrics: Counters of this process.
        database: Keeps the ledger.
        config: The configuration in force at the moment of the call.
        listeners: Each is told the record of every finished exchange.
        clock: Unix seconds.
        workspace: Finds who calls, where a request does not say; None: nobody is looked for.

    Attributes:
        entitlement: KorProxy's plan at the moment of the call: it bounds for how long requests are kept.
    """

    def __init__(
        self,
        metrics: Metrics,
        database: Database,
        config: Callable[[], Config],
        listeners: tuple[Callable[[ExchangeRecord], None], ...] = (),
        clock: Callable[[], float] = time.time,
        workspace: Workspace | None = None,
    ) -> None:
        self.entitlement: Callable[[], Entitlement] = lambda: FREE
        self._metrics = metrics
        self._database = database
        self._config = config
        self._listeners = listeners
        self._clock = clock
        self._priced_by: Config | None = None
        self._prices = PriceTable()
        self._open: WeakValueDictionary[str, Exchange] = WeakValueDictionary()
        self._pruning: asyncio.Task[None] | None = None
        self._callers = Callers(workspace, self._keep)

    def running(self) -> None:
        self._pruning = start_task(self._prune_for_ever(), "ledger pruning")

    def done(self) -> None:
        if self._pruning is not None:
            self._pruning.cancel()
        # Nobody tells of those that the end of the process ends.
        for exchange in list(self._open.values()):
            self._over(exchange, "client_gone")
        self._callers.flush()

    @request_hook
    def requestheaders(self, exchange: Exchange) -> Reply | None:
        self._open[exchange.seed] = exchange
        if not exchange.client.path.startswith(OWN_PAGES):
            # The connection is there now; at the end of a short exchange its client may have closed it.
            self._callers.look(exchange)
        return None

    @closing_hook
    def response(self, exchange: Exchange) -> None:
        self._over(exchange, "ok")

    @closing_hook
    def error(self, exchange: Exchange) -> None:
        total_ms = _elapsed_ms(exchange)
        exchange.when_settled(lambda: self._over(exchange, "client_gone", total_ms))

    def prune(self) -> None:
        """Have what is too old, or too much, deleted by the database's own thread."""
        settings = self._config().usage
        days = kept_days(settings.keep_days, self.entitlement())
        before = self._clock() - days * _DAY_S
        self._database.write(DELETE_OLD, [(before, PRUNED_AT_ONCE)])
        self._database.write(DELETE_BEYOND, [(PRUNED_AT_ONCE, settings.keep_requests)])

    async def _prune_for_ever(self) -> None:
        while True:
            await asyncio.sleep(PRUNE_EVERY_S)
            self.prune()

    def _over(self, exchange: Exchange, outcome: str, total_ms: float | None = None) -> None:
        if exchange.finished:
            return
        exchange.finished = True
        self._open.pop(exchange.seed, None)
        wanted = exchange.wanted
        if (wanted is None or wanted.operation is None) and exchange.error is None:
            return  # the gateway's own pages are nobody's request
        if exchange.error is not None or exchange.stream_error:
            outcome = "error"
        record = record_of(
            exchange,
            outcome=outcome,
            total_ms=_elapsed_ms(exchange) if total_ms is None else total_ms,
            prices=self._prices_of(exchange.config),
        )
        self._callers.complete(exchange, record)
        self._metrics.count(record)
        for tell in self._listeners:
            tell(record)
        log.info("exchange finished", extra={"fields": _fields(record, exchange.losses)})

    def _keep(self, record: ExchangeRecord) -> None:
        self._database.write(INSERT_EXCHANGE, [record.row()])

    def _prices_of(self, config: Config) -> PriceTable:
        if config is not self._priced_by:
            own = {name: Rates(**price.model_dump()) for name, price in config.usage.prices.items()}
            self._prices = PriceTable(own=own)
            self._priced_by = config
        return self._prices


def quota_left(config: Config, book: QuotaBook, now: float) -> Iterator[tuple[str, str, float]]:
    """Provider, window and the share that is left of it, for every window that is known of."""
    for account in config.accounts:
        for window in book.windows(account.id):
            left = window.at(now).remaining_share()
            if left is not None:
                yield account.provider, window.name, left


def account_states(config: Config, pool: Pool, now: float) -> Iterator[tuple[str, str]]:
    """Provider and state of every account; what stands in the way of single models alone is not said."""
    healths = pool.snapshot()
    for account in config.accounts:
        health = healths.get((account.id, ALL_MODELS))
        state = health.shown(now) if health is not None else State.AVAILABLE
        yield account.provider, State.DISABLED if account.disabled else state


def _elapsed_ms(exchange: Exchange) -> float:
    return (time.monotonic() - exchange.clock_started_s) * 1000


def _fields(record: ExchangeRecord, losses: list[str]) -> dict[str, object]:
    """What the log says of an exchange."""
    heard = record.total_tokens > 0
    return {
        "request_id": record.request_id,
        "dialect": record.client_dialect,
        "operation": record.operation,
        "model": record.requested_model,
        "outcome": record.outcome,
        "code": record.code,
        "account": record.account,
        "provider": record.provider,
        "attempts": len(record.attempts),
        "why": record.why.split(", ") if record.why else [],
        "losses": list(losses),
        "first_byte_ms": record.first_byte_ms,
        "duration_ms": record.total_ms,
        "bytes_out": record.bytes_out,
        "input_tokens": record.input_tokens if heard else None,
        "output_tokens": record.output_tokens if heard else None,
    }
