import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from korproxy_addons.io.tables.exchanges import (
    DELETE_BEYOND,
    DELETE_OLD,
    EXCHANGES,
    INSERT_EXCHANGE,
)
from korproxy_addons.usage.record import COLUMNS, AttemptRecord, ExchangeRecord

HOUR_S = 3600.0
DAY_S = 86_400.0
NOON = 1_795_003_200.0 + 12 * HOUR_S

ATTEMPT = AttemptRecord(
    account="a", provider="p", access="key", dialect="d", model="m", input_tokens=10, output_tokens=2,
    cost_usd=0.5,
)  # fmt: skip
RECORD = ExchangeRecord(
    id="kp1", request_id="r", started_at=NOON, client_dialect="gemini", operation="generate",
    outcome="ok", total_ms=8.0, tool="codex-cli", attempts=(ATTEMPT,), first_byte_ms=3.0,
)  # fmt: skip


def opened() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    for statement in EXCHANGES.statements:
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


def sums(ledger: sqlite3.Connection, table: str = "usage_hourly") -> list[dict[str, Any]]:
    return [dict(row) for row in ledger.execute(f"SELECT * FROM {table} ORDER BY 1, account")]


def test_the_table_has_the_columns_of_the_record(ledger: sqlite3.Connection) -> None:
    columns = {row["name"] for row in ledger.execute("PRAGMA table_info(exchanges)")}
    assert columns == set(COLUMNS)
    add(ledger)
    row = dict(ledger.execute("SELECT * FROM exchanges").fetchone())
    assert row == dict(zip(COLUMNS, RECORD.row(), strict=True))


def test_a_row_is_counted_once_however_often_it_comes(ledger: sqlite3.Connection) -> None:
    for _ in range(3):
        add(ledger)
    assert ledger.execute("SELECT count(*) FROM exchanges").fetchone()[0] == 1
    (hour,) = sums(ledger)
    assert (hour["requests"], hour["input_tokens"], hour["cost_usd"]) == (1, 10, 0.5)


def test_sums_are_made_by_hour_and_by_day(ledger: sqlite3.Connection) -> None:
    for number in range(3):
        add(ledger, id=f"kp{number}", started_at=NOON + number * HOUR_S / 2)
    assert [it["requests"] for it in sums(ledger)] == [2, 1]
    (day,) = sums(ledger, "usage_daily")
    assert (day["requests"], day["succeeded"], day["input_tokens"]) == (3, 3, 30)
    assert (day["total_ms"], day["first_byte_ms"], day["first_bytes"]) == (24.0, 9.0, 3)
    assert day["day_at"] == NOON - NOON % DAY_S


def test_what_an_attempt_used_counts_for_its_account_and_the_request_for_the_last(
    ledger: sqlite3.Connection,
) -> None:
    broken = structs.replace(ATTEMPT, account="b", input_tokens=7, output_tokens=0, incomplete=True)
    add(ledger, attempts=(broken, broken, ATTEMPT))
    first, second = sums(ledger)
    assert (first["account"], first["requests"], first["attempts"]) == ("a", 1, 1)
    assert (second["account"], second["requests"], second["attempts"]) == ("b", 0, 2)
    assert (first["input_tokens"], second["input_tokens"]) == (10, 14)
    assert (first["incomplete"], second["incomplete"]) == (0, 2)
    assert (first["total_ms"], second["total_ms"]) == (8.0, 0)


def test_a_request_without_an_attempt_is_counted_too(ledger: sqlite3.Connection) -> None:
    add(ledger, attempts=(), outcome="error", first_byte_ms=None)
    (hour,) = sums(ledger)
    assert (hour["requests"], hour["failed"], hour["attempts"], hour["account"]) == (1, 1, 0, "")
    assert hour["first_bytes"] == 0


def test_tokens_without_a_price_are_told_apart_from_none(ledger: sqlite3.Connection) -> None:
    add(ledger, attempts=(structs.replace(ATTEMPT, cost_usd=None),))
    nothing = structs.replace(ATTEMPT, cost_usd=None, input_tokens=0, output_tokens=0)
    add(ledger, id="kp2", attempts=(nothing,))
    assert sums(ledger)[0]["unpriced"] == 1


def test_a_row_that_is_deleted_stays_counted(ledger: sqlite3.Connection) -> None:
    for number in range(5):
        add(ledger, id=f"kp{number}", started_at=NOON + number)
    ledger.execute(DELETE_OLD, (NOON + 2, 100))
    assert [row["id"] for row in ledger.execute("SELECT id FROM exchanges")] == [
        "kp2",
        "kp3",
        "kp4",
    ]
    ledger.execute(DELETE_BEYOND, (100, 1))
    assert [row["id"] for row in ledger.execute("SELECT id FROM exchanges")] == ["kp4"]
    assert sums(ledger)[0]["requests"] == 5


def test_rows_are_deleted_in_pieces(ledger: sqlite3.Connection) -> None:
    for number in range(5):
        add(ledger, id=f"kp{number}", started_at=NOON + number)
    ledger.execute(DELETE_OLD, (NOON + 100, 2))
    assert [row["id"] for row in ledger.execute("SELECT id FROM exchanges")] == [
        "kp2",
        "kp3",
        "kp4",
    ]
    ledger.execute(DELETE_BEYOND, (1, 1))
    assert [row["id"] for row in ledger.execute("SELECT id FROM exchanges")] == ["kp2", "kp4"]
    ledger.execute(DELETE_BEYOND, (1, 1))
    assert [row["id"] for row in ledger.execute("SELECT id FROM exchanges")] == ["kp4"]


def test_old_sums_are_not_kept_for_ever(ledger: sqlite3.Connection) -> None:
    add(ledger)
    for later_days, kept in ((99, (1, 1)), (101, (0, 1)), (401, (0, 0))):
        for statement in EXCHANGES.pruned_by:
            ledger.execute(statement, (NOON + later_days * DAY_S,))
        assert (len(sums(ledger)), len(sums(ledger, "usage_daily"))) == kept


tries = st.lists(
    st.builds(
        AttemptRecord,
        account=st.sampled_from("ab"),
        provider=st.just("p"),
        access=st.just("k"),
        dialect=st.just("d"),
        model=st.sampled_from("mn"),
        input_tokens=st.integers(0, 99),
        output_tokens=st.integers(0, 99),
    ),
    max_size=4,
)


@given(st.lists(tries, max_size=6))
def test_the_sums_equal_those_of_the_rows(many: list[list[AttemptRecord]]) -> None:
    ledger = opened()
    for number, attempts in enumerate(many):
        for _ in range(2):
            add(ledger, id=str(number), attempts=tuple(attempts), started_at=NOON + number * 999)
    for table in ("usage_hourly", "usage_daily"):
        rows = sums(ledger, table)
        flat = [it for attempts in many for it in attempts]
        assert sum(it["requests"] for it in rows) == len(many)
        assert sum(it["attempts"] for it in rows) == len(flat)
        for account in "ab":
            told = sum(it.input_tokens for it in flat if it.account == account)
            assert sum(it["input_tokens"] for it in rows if it["account"] == account) == told
    ledger.close()
