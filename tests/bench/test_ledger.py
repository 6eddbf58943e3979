"""
The ledger's cost: what keeping an exchange takes of the event loop, and how fast a million rows are read and written.

Run by `python3 packaging/dev.py bench`.
"""

import sqlite3
import statistics
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from korproxy_addons.dialects.model import Usage
from korproxy_addons.gateway.exchange import Attempt
from korproxy_addons.gateway.exchange_record import record_of
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.io.database import Database
from korproxy_addons.io.tables.exchanges import EXCHANGES, INSERT_EXCHANGE
from korproxy_addons.providers.base import Operation
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.prices import PriceTable
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
from support.flows import client_flow, config_with, exchange_of

pytestmark = pytest.mark.bench

DAY_S = 86_400.0
NOW = 1_800_000_000.0
ROWS = 1_000_000
ACCOUNTS, MODELS, TOOLS = 6, 5, 4

RECENT = (
    "SELECT id, started_at, tool, requested_model, account, status, outcome, total_ms, input_tokens,"
    " output_tokens, cost_usd FROM exchanges ORDER BY started_at DESC LIMIT 200"
)
BY_DAY = (
    "SELECT day_at, provider, model, sum(requests), sum(failed), sum(input_tokens), sum(output_tokens),"
    " sum(cached_tokens), sum(cost_usd) FROM usage_daily WHERE day_at >= ? GROUP BY 1, 2, 3"
)


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


def _filled(path: Path) -> tuple[sqlite3.Connection, float]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL"):
        connection.execute(f"PRAGMA {pragma}")
    for statement in EXCHANGES.statements:
        connection.execute(statement)
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
    begin = time.perf_counter()
    for start in range(0, ROWS, 10_000):
        rows = []
        for number in range(start, start + 10_000):
            account, model = f"account-{number % ACCOUNTS}", f"model-{number % MODELS}"
            provider = f"provider-{number % 3}"
            tried = structs.replace(attempt, account=account, provider=provider, model=model)
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
                ).row()
            )
        connection.execute("BEGIN")
        connection.executemany(INSERT_EXCHANGE, rows)
        connection.execute("COMMIT")
    return connection, time.perf_counter() - begin


def _timed(connection: sqlite3.Connection, sql: str, *values: Any) -> float:
    took = []
    for _ in range(5):
        begin = time.perf_counter()
        assert connection.execute(sql, values).fetchall()
        took.append((time.perf_counter() - begin) * 1000)
    return statistics.median(took)


def test_a_million_rows(tmp_path: Path) -> None:
    """Recent requests and the report of 30 days in less than 100 ms each."""
    path = tmp_path / "korproxy.db"
    connection, took_s = _filled(path)
    recent_ms = _timed(connection, RECENT)
    report_ms = _timed(connection, BY_DAY, NOW - 30 * DAY_S)
    size_bytes = path.stat().st_size
    connection.close()
    print(
        f"\n{ROWS} rows: {size_bytes / ROWS:.0f} bytes each, written in {took_s / ROWS * 1e6:.0f} µs each;"
        f" recent 200: {recent_ms:.1f} ms; 30 days: {report_ms:.1f} ms"
    )
    assert recent_ms < 100
    assert report_ms < 100
