"""
The ledger's cost: what keeping an exchange takes of the event loop, and how fast a million rows are read and written.

Run by `python3 packaging/dev.py bench`.
"""

import faulthandler
import random
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.dialects.model import Usage
from korproxy_addons.gateway.exchange import Attempt
from korproxy_addons.gateway.exchange_record import record_of
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.io import database_file, past_exchanges
from korproxy_addons.io.database import Database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.tables import TABLES
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.licensing.entitlement import LIMITS, Entitlement, Plan
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.prices import PriceTable
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
from launcher.actions.exchanges import one, recent
from launcher.actions.usage import report
from support.flows import client_flow, config_with, exchange_of

pytestmark = pytest.mark.bench

DAY_S = 86_400.0
NOW = 1_800_000_000.0
ROWS = 1_000_000
ACCOUNTS, MODELS, TOOLS = 6, 5, 4
FAILS_EACH = 33
CODES = ("KP-RATE-401", "KP-NET-305", "overloaded_error")


def test_what_an_exchange_costs_the_event_loop(tmp_path: Path) -> None:
    """Less than 0.1 ms: record, row, hand-over to the writer, metrics, limits."""
    rules = [{"name": f"r{n}", "tool": "*", "requests": 10**9, "per": "day"} for n in range(10)]
    config = config_with(quota_rules=rules)
    exchange = exchange_of(
        client_flow(), config, wanted=Wanted("openai-chat", Operation.GENERATE), tool="codex-cli"
    )
    exchange.attempts = [
        Attempt(1, "a", "A", "codex", "api-key", "openai-responses", "gpt-6.1-sol", "", NOW, 1.0, 9.0,
                200, None, True, 50.0, Usage(input_tokens=9000, output_tokens=400), whole=True)
    ]  # fmt: skip
    database = Database(tmp_path / "korproxy.db", most_rows=10**6)
    metrics, prices, limiter = Metrics(), PriceTable(), Limiter(None, None, lambda: NOW)
    limiter.configure(config)
    took = []
    for number in range(5000):
        exchange.seed = f"kp{number}"
        begin = time.perf_counter()
        record = record_of(exchange, outcome="ok", total_ms=60.0, prices=prices)
        database.write(INSERT_EXCHANGE, [record.row()])
        metrics.count(record)
        limiter.finished(record)
        took.append((time.perf_counter() - begin) * 1e6)
    print(
        f"\none exchange: median {statistics.median(took):.0f} µs, p99 {sorted(took)[4950]:.0f} µs"
    )
    assert statistics.median(took) < 100


def _filled(path: Path) -> float:
    """A ledger of so many rows over thirty days; seconds that writing took of the processor."""
    connection = database_file.opened(path, TABLES, NOW)
    attempt = AttemptRecord(
        account="", provider="", access="api-key", dialect="openai-responses", model="", status=200,
        sent_ms=1.2, first_byte_ms=300.1, ended_ms=4000.0, reused=True, input_tokens=9000,
        output_tokens=400, cached_tokens=8000, cost_usd=0.01,
    )  # fmt: skip
    base = ExchangeRecord(
        id="", request_id="", started_at=0.0, client_dialect="openai-chat", operation="generate",
        outcome="ok", total_ms=4001.0, profile="default", kind="chat", streamed=True,
        requested_model="opus", route_group="default", why="alias, sticky", first_byte_ms=301.0,
        overhead_ms=0.9, bytes_in=90_000, bytes_out=7000, input_tokens=9000, output_tokens=400,
        cached_tokens=8000, cost_usd=0.01, stop_reason="stop", status=200,
    )  # fmt: skip
    chance = random.Random(7)
    took_s = 0.0
    for start in range(0, ROWS, 10_000):
        rows = []
        for number in range(start, start + 10_000):
            account, model = f"account-{number % ACCOUNTS}", f"model-{number % MODELS}"
            provider = f"provider-{number % 3}"
            failed = number % FAILS_EACH == 0
            code = CODES[number % len(CODES)] if failed else ""
            tried = structs.replace(
                attempt, account=account, provider=provider, model=model, code=code
            )
            first_byte_ms = round(chance.lognormvariate(6.5, 0.6), 3)
            rows.append(
                structs.replace(
                    base,
                    id=f"kp{number:012x}0123456789abcdef",
                    request_id=f"kp{number:012x}0123456789abcdef",
                    started_at=NOW - 30 * DAY_S * (1 - number / ROWS),
                    tool=f"tool-{number % TOOLS}",
                    attempts=(tried,),
                    account=account,
                    provider=provider,
                    model=model,
                    first_byte_ms=first_byte_ms,
                    total_ms=first_byte_ms + round(chance.lognormvariate(8.5, 0.9), 3),
                    outcome="error" if failed else "ok",
                    code=code,
                ).row()
            )
        begin = time.process_time()
        database_file.write(connection, [(INSERT_EXCHANGE, rows)])
        took_s += time.process_time() - begin
    connection.close()
    return took_s


class Timed:
    """How long a few calls take; each opens the file anew, as a command does."""

    def __init__(self, call: Callable[[], object]) -> None:
        wall, cpu = [], []
        for _ in range(5):
            begin, began = time.perf_counter(), time.process_time()
            assert call()
            wall.append((time.perf_counter() - begin) * 1000)
            cpu.append((time.process_time() - began) * 1000)
        self.best_ms = min(wall)
        self.cpu_ms = statistics.median(cpu)

    def __str__(self) -> str:
        return f"{self.best_ms:.1f} ms ({self.cpu_ms:.1f} ms of the processor)"


def test_a_million_rows(tmp_path: Path) -> None:
    """
    Recent requests and the report of 30 days, with its percentiles and causes, in less than 100 ms each.

    Held by the processor's time: the file is in memory, nothing is waited for, and others may be at work on the machine.
    """
    path = tmp_path / FILE_NAME
    faulthandler.cancel_dump_traceback_later()  # to write so much takes minutes, and is no hang
    took_s = _filled(path)
    pro = Entitlement(Plan.PRO, LIMITS[Plan.PRO])
    failures = past_exchanges.Wanted(tool="tool-2", failed=True)
    nowhere = past_exchanges.Wanted(text="no such thing")
    newest = Timed(lambda: recent(tmp_path, limit=200))
    of_a_tool = Timed(lambda: recent(tmp_path, failures, limit=50))
    single = Timed(lambda: one(tmp_path, f"kp{ROWS // 2:012x}0123456789abcdef"))
    month = Timed(lambda: report(tmp_path, 30, entitlement=pro, clock=lambda: NOW))
    week = Timed(lambda: report(tmp_path, 7, {"provider": "provider-1"}, clock=lambda: NOW))
    everywhere = Timed(lambda: not recent(tmp_path, nowhere, limit=50))
    size_bytes = path.stat().st_size
    print(
        f"\n{ROWS} rows: {size_bytes / ROWS:.0f} bytes each, written in {took_s / ROWS * 1e6:.0f} µs each"
        f" of the processor\nrecent 200: {newest}; failures of a tool: {of_a_tool}; one by its id: {single}"
        f"\nreport of 30 days: {month}; of a week and a provider: {week}"
        f"\na text that is nowhere, so all rows are read: {everywhere}"
    )
    assert max(it.cpu_ms for it in (newest, of_a_tool, single, month, week)) < 100
