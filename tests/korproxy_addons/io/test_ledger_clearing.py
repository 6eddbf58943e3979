"""The ledger forgotten, beside whoever else has the file open."""

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io import database_file, ledger_clearing
from korproxy_addons.io.database import open_database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_clearing import Forgotten, forget_before, rows_before
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.past_exchanges import Wanted, recent
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from support.ledgers import NOON, failed, ledger, record

DAY_S = 86_400.0


def ids(home: Path) -> list[str]:
    with LedgerFile(home / FILE_NAME) as file:
        return [it.id for it in recent(file, Wanted(), 99)]


def forget(home: Path, before: float = NOON + DAY_S) -> Forgotten:
    return forget_before(home / FILE_NAME, before, NOON)


def test_everything_is_forgotten_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_clearing, "AT_ONCE", 2)
    many = (record(number) for number in range(1, 6))
    home = ledger(tmp_path, *many, failed(77, "KP-NET-305"))
    there = rows_before(home / FILE_NAME, NOON + DAY_S)
    # Sums, times and failures, each by the hour, of which there are two, and by the day.
    assert there == Forgotten(6, (2 + 1) + (1 + 1) + (1 + 1))
    assert forget(home) == there
    assert (ids(home), rows_before(home / FILE_NAME, NOON + DAY_S)) == ([], Forgotten(0, 0))


def test_what_began_later_stays(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1, started_at=NOON - 2 * DAY_S), record(2))
    assert forget(home, NOON - DAY_S) == Forgotten(1, 4)
    assert ids(home) == ["kp0002"]
    assert forget(home) == Forgotten(1, 4)


def test_nothing_of_it_is_left_in_the_file(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(2, project="/a-folder-nobody-should-know"))
    assert b"a-folder-nobody" in (home / FILE_NAME).read_bytes()
    forget(home)
    kept = b"".join(it.read_bytes() for it in home.glob(f"{FILE_NAME}*"))
    assert b"a-folder-nobody" not in kept


def test_other_state_stays(tmp_path: Path) -> None:
    home = ledger(tmp_path, record())
    drawn = (
        "INSERT INTO overage (account, month, usd, requests, last_at) VALUES ('a', 'm', 1, 1, 1)"
    )
    connection = sqlite3.connect(home / FILE_NAME)
    with connection:
        connection.execute(drawn)
    connection.close()
    forget(home)
    with LedgerFile(home / FILE_NAME) as file:
        assert file.rows("SELECT count(*) FROM overage") == [(1,)]


def test_a_running_gateway_goes_on_writing(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1), record(2))
    gateway = open_database(home)
    gateway.open()
    assert forget(home).requests == 2
    gateway.write(INSERT_EXCHANGE, [record(3).row()])
    assert gateway.flush()
    assert ids(home) == ["kp0003"]
    gateway.close()


def test_a_folder_without_a_ledger_gets_none(tmp_path: Path) -> None:
    assert forget(tmp_path) == rows_before(tmp_path / FILE_NAME, NOON) == Forgotten(0, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def locked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose ledger somebody else is writing, for good."""
    home = ledger(tmp_path, record())
    monkeypatch.setattr(database_file, "_BUSY_S", 0.01)
    connection = sqlite3.connect(home / FILE_NAME, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    yield home
    connection.close()


def test_a_ledger_that_cannot_be_written_is_said(locked: Path) -> None:
    with pytest.raises(KorProxyError) as caught:
        forget(locked)
    assert caught.value.spec is catalogue.STATE_UNAVAILABLE
    assert ids(locked) == ["kp0001"]


def test_a_damaged_ledger_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(os.urandom(20_000))
    with pytest.raises(KorProxyError) as caught:
        forget(tmp_path)
    assert caught.value.spec is catalogue.STATE_DAMAGED
