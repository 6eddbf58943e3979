"""The ledger read by another program: there, being written, not there, or damaged."""

import sqlite3
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import open_database
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from support.ledgers import ledger, record

COUNT = "SELECT count(*) FROM exchanges"


def test_a_folder_without_a_ledger_has_no_rows_and_gets_none(tmp_path: Path) -> None:
    with LedgerFile(tmp_path / FILE_NAME) as file, file.at_one_moment():
        assert file.rows(COUNT) == []
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_knows_no_table_yet_has_no_rows(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).touch()
    with LedgerFile(tmp_path / FILE_NAME) as file:
        assert file.rows(COUNT) == []
        assert file.rows("SELECT 1") == [(1,)]


def test_a_query_that_is_wrong_is_no_empty_answer(tmp_path: Path) -> None:
    with LedgerFile(ledger(tmp_path) / FILE_NAME) as file, pytest.raises(sqlite3.Error):
        file.rows("SELECT nothing FROM exchanges")


@pytest.mark.parametrize(
    ("content", "spec"),
    [(b"this is no database at all" * 200, catalogue.STATE_DAMAGED)],
)
def test_a_damaged_file_is_told(tmp_path: Path, content: bytes, spec: object) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    with LedgerFile(tmp_path / FILE_NAME) as file, pytest.raises(KorProxyError) as caught:
        file.rows(COUNT)
    assert caught.value.spec is spec
    assert FILE_NAME in caught.value.detail


def test_a_folder_in_its_place_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).mkdir()
    with LedgerFile(tmp_path / FILE_NAME) as file, pytest.raises(KorProxyError) as caught:
        file.rows(COUNT)
    assert caught.value.spec is catalogue.STATE_UNAVAILABLE


def test_what_a_running_gateway_writes_is_seen_but_not_within_one_moment(tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1))
    gateway = open_database(home)
    gateway.open()
    with LedgerFile(home / FILE_NAME) as file:
        with file.at_one_moment():
            assert file.rows(COUNT) == [(1,)]
            gateway.write(INSERT_EXCHANGE, [record(2).row()])
            assert gateway.flush(), "the writer is not kept waiting"
            assert file.rows(COUNT) == [(1,)]
        assert file.rows(COUNT) == [(2,)]
    gateway.close()


def test_nothing_can_be_written_through_it(tmp_path: Path) -> None:
    with LedgerFile(ledger(tmp_path) / FILE_NAME) as file, pytest.raises(KorProxyError):
        file.rows("DELETE FROM exchanges")


def test_rows_come_one_by_one(tmp_path: Path) -> None:
    home = ledger(tmp_path, *(record(number) for number in range(1, 4)))
    with LedgerFile(home / FILE_NAME) as file:
        rows = file.each("SELECT id FROM exchanges ORDER BY id")
        assert next(rows) == ("kp0001",)
        assert list(rows) == [("kp0002",), ("kp0003",)]
