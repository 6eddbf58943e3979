from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.io.database import Database
from korproxy_addons.io.past_use import PastUse
from korproxy_addons.io.tables.exchanges import DELETE_OLD, INSERT_EXCHANGE
from korproxy_addons.usage.limits import Subject, Used
from korproxy_addons.usage.record import AttemptRecord, ExchangeRecord

HOUR_S = 3600.0
# Half past an hour.
NOW = 1_800_001_800.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    found = Database(tmp_path / "korproxy.db", clock=lambda: NOW)
    found.open()
    yield found
    found.close()


def attempt(account: str, tokens: int) -> AttemptRecord:
    return AttemptRecord(
        account=account, provider="p", access="k", dialect="d", model="m", input_tokens=tokens,
        output_tokens=1, cost_usd=0.5,
    )  # fmt: skip


def kept(
    database: Database, at: float, *attempts: AttemptRecord, operation: str = "generate"
) -> None:
    record = ExchangeRecord(
        id=str(at), request_id="r", started_at=at, client_dialect="gemini", operation=operation,
        outcome="ok", total_ms=1.0, tool="t", profile="w", local_key="ci", route_group="g",
        project="/p", attempts=attempts,
    )  # fmt: skip
    database.write(INSERT_EXCHANGE, [record.row()])
    assert database.flush()


def subject(account: str) -> Subject:
    return Subject(account, "g", "w", "t", "ci", "/p")


def test_the_last_hour_is_read_one_by_one(database: Database) -> None:
    kept(database, NOW - 60, attempt("a", 4), attempt("b", 9))
    assert list(PastUse(database)(NOW)) == [
        (NOW - 60, subject("a"), Used(0, 1, 5, 0.5)),
        (NOW - 60, subject("b"), Used(1, 1, 10, 0.5)),
    ]


def test_what_is_older_is_read_by_the_hour_even_where_its_rows_are_gone(database: Database) -> None:
    for minutes in (1, 2):
        kept(database, NOW - 5 * HOUR_S + 60 * minutes, attempt("a", 4))
    database.write(DELETE_OLD, [(NOW, 100)])
    assert database.flush()
    hour = NOW - NOW % HOUR_S - 5 * HOUR_S
    assert list(PastUse(database)(NOW)) == [(hour, subject("a"), Used(2, 2, 10, 1.0))]


def test_nothing_is_read_twice(database: Database) -> None:
    for hours in range(6):
        kept(database, NOW - hours * HOUR_S, attempt("a", 1))
    assert sum(used.requests for _, _, used in PastUse(database)(NOW)) == 6


def test_what_used_nothing_and_what_is_long_past_is_left_out(database: Database) -> None:
    kept(database, NOW - 60)
    kept(database, NOW - 61, attempt("a", 1), operation="count_tokens")
    kept(database, NOW - 3 * HOUR_S)
    kept(database, NOW - 50 * 86_400, attempt("a", 1))
    assert list(PastUse(database)(NOW)) == []


def test_a_new_installation_has_used_nothing(tmp_path: Path) -> None:
    assert list(PastUse(Database(tmp_path / "not-there.db"))(NOW)) == []
