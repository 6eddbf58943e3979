import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from korproxy_addons.io import database_file
from korproxy_addons.io.database_file import Trouble, trouble
from korproxy_addons.io.tables import TABLES
from korproxy_addons.io.tables.table import Table

NOTES = Table(
    "notes",
    ("CREATE TABLE notes (word TEXT UNIQUE, at REAL)",),
    pruned_by=("DELETE FROM notes WHERE at < ? - 60",),
)
INSERT = "INSERT INTO notes VALUES (?, ?)"


@contextmanager
def opened(path: Path, *tables: Table, now: float = 100.0) -> Iterator[sqlite3.Connection]:
    connection = database_file.opened(path, tables, now)
    try:
        yield connection
    finally:
        connection.close()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_nobody_else_can_read_the_file_or_what_lies_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "home" / "korproxy.db"
    path.parent.mkdir()
    path.touch(0o644)
    with opened(path, NOTES) as connection:
        database_file.write(connection, [(INSERT, [("a", 100.0)])])
        found = {it.name: stat.S_IMODE(it.stat().st_mode) for it in path.parent.iterdir()}
    assert found == dict.fromkeys(("korproxy.db", "korproxy.db-wal", "korproxy.db-shm"), 0o600)


def test_the_schema_of_every_area_can_be_made(tmp_path: Path) -> None:
    with opened(tmp_path / "db", *TABLES) as connection:
        versions = dict(connection.execute("SELECT * FROM schema_versions"))
    assert versions == {it.name: len(it.statements) for it in TABLES}
    assert len(versions) == len(TABLES), "two areas of one name"


def test_a_file_of_an_older_version_is_brought_up_and_keeps_its_rows(tmp_path: Path) -> None:
    newer = Table("notes", (*NOTES.statements, "ALTER TABLE notes ADD COLUMN by TEXT DEFAULT 'me'"))
    with opened(tmp_path / "db", NOTES) as connection:
        database_file.write(connection, [(INSERT, [("a", 100.0)])])
    with opened(tmp_path / "db", newer) as connection:
        assert connection.execute("SELECT word, by FROM notes").fetchall() == [("a", "me")]
    with opened(tmp_path / "db", newer) as connection:
        assert dict(connection.execute("SELECT * FROM schema_versions")) == {"notes": 2}


def test_a_file_of_a_newer_version_is_used_as_it_is(tmp_path: Path) -> None:
    newer = Table("notes", (*NOTES.statements, "ALTER TABLE notes ADD COLUMN by TEXT"))
    with opened(tmp_path / "db", newer):
        pass
    with opened(tmp_path / "db", NOTES) as connection:
        assert dict(connection.execute("SELECT * FROM schema_versions")) == {"notes": 2}


def test_a_step_that_fails_leaves_the_version_it_came_from(tmp_path: Path) -> None:
    broken = Table("notes", ("CREATE TABLE notes (word TEXT)", "ALTER TABLE nowhere ADD COLUMN a"))
    with pytest.raises(sqlite3.OperationalError), opened(tmp_path / "db", broken):
        pass
    with opened(tmp_path / "db", NOTES) as connection:
        assert dict(connection.execute("SELECT * FROM schema_versions")) == {"notes": 1}


def test_a_batch_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with opened(tmp_path / "db", NOTES) as connection:
        with pytest.raises(sqlite3.IntegrityError):
            database_file.write(connection, [(INSERT, [("a", 1.0)]), (INSERT, [("a", 2.0)])])
        assert connection.execute("SELECT * FROM notes").fetchall() == []
        database_file.write(connection, [(INSERT, [("a", 1.0), ("b", 2.0)])])
        assert len(connection.execute("SELECT * FROM notes").fetchall()) == 2


def test_what_a_batch_says_is_done_in_its_order(tmp_path: Path) -> None:
    batch: list[tuple[str, list[database_file.Row]]] = [
        (INSERT, [("a", 1.0), ("b", 2.0)]),
        (INSERT, [("c", 3.0)]),
        ("DELETE FROM notes WHERE at > ?", [(1.0,)]),
        (INSERT, [("b", 9.0)]),
    ]
    with opened(tmp_path / "db", NOTES) as connection:
        database_file.write(connection, batch)
        found = connection.execute("SELECT * FROM notes ORDER BY at").fetchall()
    assert found == [("a", 1.0), ("b", 9.0)]


def test_what_is_too_old_goes_when_the_file_is_opened(tmp_path: Path) -> None:
    with opened(tmp_path / "db", NOTES) as connection:
        database_file.write(connection, [(INSERT, [("old", 100.0), ("young", 150.0)])])
    with opened(tmp_path / "db", NOTES, now=170.0) as connection:
        assert connection.execute("SELECT word FROM notes").fetchall() == [("young",)]


def test_the_space_of_what_was_pruned_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with opened(path, NOTES) as connection:
        rows = [(f"{n:0500}", 100.0) for n in range(2000)]
        database_file.write(connection, [(INSERT, rows)])
    full = path.stat().st_size
    with opened(path, NOTES, now=1000.0):
        pass
    assert path.stat().st_size < full / 10


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    with opened(tmp_path / "db", NOTES):
        reader = database_file.opened_to_read(tmp_path / "db")
        with pytest.raises(sqlite3.OperationalError):
            reader.execute(INSERT, ("a", 1.0))
        reader.close()


def test_a_reader_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError) as caught:
        database_file.opened_to_read(tmp_path / "db")
    assert trouble(caught.value) is Trouble.UNAVAILABLE
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_file_is_told_from_a_wrong_statement(tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(b"no database at all, but long enough to be looked at" * 30)
    with pytest.raises(sqlite3.DatabaseError) as damaged, opened(tmp_path / "bad", NOTES):
        pass
    assert trouble(damaged.value) is Trouble.DAMAGED
    with opened(tmp_path / "good", NOTES) as connection:
        with pytest.raises(sqlite3.Error) as mistake:
            connection.execute("SELECT * FROM nowhere")
        with pytest.raises(sqlite3.Error) as values:
            connection.execute(INSERT, ("a",))
    assert trouble(mistake.value) is Trouble.MISTAKE
    assert trouble(values.value) is Trouble.MISTAKE


def test_a_file_that_may_not_grow_is_full(tmp_path: Path) -> None:
    with opened(tmp_path / "db", NOTES) as connection:
        connection.execute("PRAGMA max_page_count = 1")
        with pytest.raises(sqlite3.OperationalError) as caught:
            database_file.write(connection, [(INSERT, [("x" * 100_000, 1.0)])])
        assert trouble(caught.value) is Trouble.FULL
        assert not connection.in_transaction


def test_a_folder_that_cannot_be_written_is_no_damage() -> None:
    assert trouble(PermissionError("no")) is Trouble.UNAVAILABLE


def test_what_is_moved_aside_takes_its_log_with_it_and_the_last_one_stays(tmp_path: Path) -> None:
    for content in ("first", "second"):
        (tmp_path / "db").write_text(content)
        (tmp_path / "db-wal").write_text(content)
        aside = database_file.move_aside(tmp_path / "db")
    assert {it.name: it.read_text() for it in tmp_path.iterdir()} == {
        "db.damaged": "second",
        "db.damaged-wal": "second",
    }
    assert aside.name == "db.damaged"
