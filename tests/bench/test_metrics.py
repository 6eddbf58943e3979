"""
What seeing costs: of the event loop for each exchange, with everything that watches one; and for each look at the metrics.

Run by `python3 packaging/dev.py bench`.
"""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from korproxy_addons.addons.metering import Metering
from korproxy_addons.addons.recorder import Recorder
from korproxy_addons.dialects.model import Usage
from korproxy_addons.gateway.exchange import Attempt, Exchange
from korproxy_addons.gateway.limiting import Limiter
from korproxy_addons.io.database import Database
from korproxy_addons.io.logs import Logs
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.recording.redact import Redactor
from korproxy_addons.routing.paths import Wanted
from korproxy_addons.usage.metrics import Metrics
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
from support.flows import client_flow, config_with, exchange_of

pytestmark = pytest.mark.bench

NOW = 1_800_000_000.0
EXCHANGES = 4000
BUDGET_US = 100.0
ATTEMPT = AttemptRecord(
    account="a", provider="claude", access="api-key", dialect="anthropic-messages",
    model="claude-opus-5-5", status=200, first_byte_ms=300.0, ended_ms=4000.0, input_tokens=9000,
    output_tokens=400, cached_tokens=8000, reasoning_tokens=20, cost_usd=0.1,
)  # fmt: skip
RECORD = ExchangeRecord(
    id="kp0123456789ab0123456789abcdef00", request_id="kp0123456789ab0123456789abcdef00",
    started_at=NOW, client_dialect="openai-chat", operation="generate", outcome="ok", total_ms=4001.0,
    tool="codex-cli", streamed=True, provider="claude", model="claude-opus-5-5", first_byte_ms=301.0,
    overhead_ms=0.9, attempts=(ATTEMPT,),
)  # fmt: skip


@contextmanager
def watched(home: Path) -> Iterator[tuple[Metering, Recorder]]:
    """Ledger, metrics, limits and log as a gateway has them, and a recorder that is off."""
    rules = [{"name": f"r{n}", "tool": "*", "requests": 10**9, "per": "day"} for n in range(10)]
    config = config_with(quota_rules=rules)
    redactor = Redactor()
    database = Database(home / "korproxy.db", most_rows=10**6)
    limiter = Limiter(None, None, lambda: NOW)
    limiter.configure(config)
    logs = Logs(home, redactor, terminal=False)
    logs.start(config.logging, adopt=False)
    database.open()
    try:
        yield (
            Metering(Metrics(), database, lambda: config, (limiter.finished,)),
            Recorder(home, redactor, lambda: config),
        )
    finally:
        logs.stop()
        database.close()


def test_what_seeing_costs_each_exchange(tmp_path: Path) -> None:
    """Everything at the end of an exchange: its row, its numbers, its line in the log, and that nobody records it."""
    flow = client_flow()
    exchange = exchange_of(
        flow, config_with(), wanted=Wanted("openai-chat", Operation.GENERATE), tool="codex-cli"
    )
    exchange.attempts = [
        Attempt(1, "a", "A", "codex", "api-key", "openai-responses", "gpt-6.1-sol", "", NOW, 1.0, 9.0,
                200, None, True, 50.0, Usage(input_tokens=9000, output_tokens=400), whole=True)
    ]  # fmt: skip
    took = []
    with watched(tmp_path) as (metering, recorder):
        for number in range(EXCHANGES):
            exchange.seed = f"kp{number:030}"
            exchange.finished = False
            begin = time.perf_counter()
            for addon in (recorder, metering):
                addon.requestheaders(flow)
            for addon in (metering, recorder):
                addon.response(flow)
            took.append((time.perf_counter() - begin) * 1e6)
    assert Exchange.of(flow) is exchange
    median_us, p99_us = statistics.median(took), sorted(took)[int(EXCHANGES * 0.99)]
    print(f"\nall that watches an exchange: median {median_us:.0f} µs, p99 {p99_us:.0f} µs")
    assert median_us < BUDGET_US


def test_what_a_look_at_the_metrics_costs() -> None:
    """Of the event loop, every time that Prometheus reads them: every quarter of a minute by the shipped example."""
    metrics = Metrics("1.0")
    for number in range(240):
        failed = number % 4 == 0
        tried = structs.replace(
            ATTEMPT, provider=f"provider-{number % 6}", code="KP-RATE-401" if failed else ""
        )
        metrics.count(
            structs.replace(
                RECORD,
                provider=tried.provider,
                model=("claude-opus-5", "gpt-6", "gemini-3", "qwen3")[number % 4],
                tool=("codex-cli", "claude-code", "aider")[number % 3],
                outcome="error" if failed else "ok",
                code=tried.code,
                attempts=(tried,),
            )
        )
    took = []
    for _ in range(40):
        begin = time.perf_counter()
        page = metrics.page("application/openmetrics-text")
        took.append((time.perf_counter() - begin) * 1000)
    lines = page.body.count(b"\n")
    print(
        f"\na page of {lines} lines: median {statistics.median(took):.1f} ms, {len(page.body)} bytes"
    )
    assert statistics.median(took) < 50
