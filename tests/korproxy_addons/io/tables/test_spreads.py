"""What the ledger adds up of times, speeds and failures."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from korproxy_addons.io.tables.exchanges import EXCHANGES, INSERT_EXCHANGE
from korproxy_addons.io.tables.spreads import SPREADS
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord
from korproxy_addons.usage.spread import (
    FIRST_BYTE_MS,
    MEASURES,
    TOKENS_PER_S,
    TOTAL_MS,
    Measure,
    percentiles,
)

NOON = 1_795_003_200.0 + 12 * 3600

ATTEMPT = AttemptRecord(account="a", provider="p", access="key", dialect="d", model="m")
RECORD = ExchangeRecord(
    id="kp1", request_id="r", started_at=NOON, client_dialect="gemini", operation="generate",
    outcome="ok", total_ms=5000.0, first_byte_ms=1000.0, streamed=True, output_tokens=200,
    tool="codex-cli", provider="p", account="a", model="m", attempts=(ATTEMPT,),
)  # fmt: skip


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    for statement in (*EXCHANGES.statements, *SPREADS.statements):
        connection.execute(statement)
    return connection


@pytest.fixture
def ledger() -> Iterator[sqlite3.Connection]:
    """An empty ledger."""
    connection = opened()
    yield connection
    connection.close()


def add(ledger: sqlite3.Connection, **fields: Any) -> None:
    ledger.execute(INSERT_EXCHANGE, structs.replace(RECORD, **fields).row())


def counts(ledger: sqlite3.Connection, measure: Measure, span: str = "daily") -> list[int]:
    sums = ", ".join(f"coalesce(sum({column}), 0)" for column in measure.columns)
    return list(ledger.execute(f"SELECT {sums} FROM spread_{span}").fetchone())


def told(ledger: sqlite3.Connection, measure: Measure) -> float | None:
    found = percentiles(measure, counts(ledger, measure))
    return None if found is None else found.p50


@pytest.mark.parametrize("span", ["hourly", "daily"])
def test_each_answer_is_counted_once_in_each_measure(ledger: sqlite3.Connection, span: str) -> None:
    for number in range(3):
        add(ledger, id=f"kp{number}", started_at=NOON + number * 3600)
        add(ledger, id=f"kp{number}")
    assert [sum(counts(ledger, measure, span)) for measure in MEASURES] == [3, 3, 3]
    rows = ledger.execute(f"SELECT count(*) FROM spread_{span}").fetchone()[0]
    assert rows == {"hourly": 3, "daily": 1}[span]


def test_the_values_are_those_of_the_exchange(ledger: sqlite3.Connection) -> None:
    add(ledger)
    assert told(ledger, TOTAL_MS) == pytest.approx(5000, rel=0.1)
    assert told(ledger, FIRST_BYTE_MS) == pytest.approx(1000, rel=0.1)
    assert told(ledger, TOKENS_PER_S) == pytest.approx(50, rel=0.1)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.floats(0.001, 1e8), max_size=20))
def test_every_value_is_in_one_bucket(values: list[float]) -> None:
    ledger = opened()
    for number, value in enumerate(values):
        add(ledger, id=f"kp{number}", total_ms=value, first_byte_ms=None)
    assert sum(counts(ledger, TOTAL_MS)) == len(values)
    assert sum(counts(ledger, FIRST_BYTE_MS)) == 0
    ledger.close()


@pytest.mark.parametrize(
    "fields",
    [{"streamed": False}, {"output_tokens": 9}, {"first_byte_ms": 4990.0}, {"first_byte_ms": None}],
    ids=["whole", "few-tokens", "no-time", "no-first-byte"],
)
def test_an_answer_that_says_nothing_of_a_speed_has_none(
    ledger: sqlite3.Connection, fields: dict[str, Any]
) -> None:
    add(ledger, **fields)
    assert sum(counts(ledger, TOTAL_MS)) == 1
    assert sum(counts(ledger, TOKENS_PER_S)) == 0


@pytest.mark.parametrize("outcome", ["error", "client_gone"])
def test_only_answers_are_measured(ledger: sqlite3.Connection, outcome: str) -> None:
    """A refusal after a millisecond would make everything look fast."""
    add(ledger, outcome=outcome, code="KP-NET-305")
    assert sum(counts(ledger, TOTAL_MS)) == 0


def failures(ledger: sqlite3.Connection, span: str = "daily") -> set[tuple[str, str, int, int]]:
    rows = ledger.execute(f"SELECT account, code, requests, attempts FROM failures_{span}")
    return {tuple(row) for row in rows}


@pytest.mark.parametrize("span", ["hourly", "daily"])
def test_failures_are_told_by_cause_of_request_and_of_attempt(
    ledger: sqlite3.Connection, span: str
) -> None:
    refused = structs.replace(ATTEMPT, account="b", code="KP-RATE-401")
    cut = structs.replace(ATTEMPT, code="KP-NET-305")
    add(ledger, attempts=(refused, refused, ATTEMPT))
    for number in (2, 3):
        add(ledger, id=f"kp{number}", outcome="error", code="KP-NET-305", attempts=(refused, cut))
    assert failures(ledger, span) == {("b", "KP-RATE-401", 0, 4), ("a", "KP-NET-305", 2, 2)}


def test_a_request_that_nobody_was_asked_for_failed_too(ledger: sqlite3.Connection) -> None:
    add(ledger, outcome="error", code="KP-REQ-702", attempts=(), account="")
    add(ledger, id="kp2", outcome="error", code="", status=500, attempts=())
    add(ledger, id="kp3", outcome="error", code="", status=None, attempts=())
    assert failures(ledger) == {
        ("", "KP-REQ-702", 1, 0), ("a", "status 500", 1, 0), ("a", "status ?", 1, 0),
    }  # fmt: skip


def test_a_client_that_left_is_no_failure(ledger: sqlite3.Connection) -> None:
    add(ledger, outcome="client_gone")
    assert failures(ledger) == set()


def test_old_counts_are_forgotten(ledger: sqlite3.Connection) -> None:
    add(ledger)
    add(ledger, id="kp2", outcome="error", code="KP-NET-305")
    for days, left in ((99, [1, 1, 1, 1]), (101, [0, 0, 1, 1]), (401, [0, 0, 0, 0])):
        for statement in SPREADS.pruned_by:
            ledger.execute(statement, (NOON + days * 86_400.0,))
        tables = ("spread_hourly", "failures_hourly", "spread_daily", "failures_daily")
        assert left == [ledger.execute(f"SELECT count(*) FROM {it}").fetchone()[0] for it in tables]
