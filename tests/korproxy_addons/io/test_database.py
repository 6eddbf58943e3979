import logging
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.io import database as module
from korproxy_addons.io import database_file
from korproxy_addons.io.database import Database, Reader, open_database
from korproxy_addons.io.tables import TABLES
from korproxy_addons.io.tables.table import Table
from support.clock import FakeClock
from support.waiting import until

NOTES = Table(
    "notes",
    ("CREATE TABLE notes (word TEXT UNIQUE, at REAL)",),
    pruned_by=("DELETE FROM notes WHERE at < ? - 60",),
)
INSERT = "INSERT INTO notes VALUES (?, ?)"
WORDS = "SELECT word FROM notes ORDER BY at"

type Make = Callable[..., Database]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    """Makes databases in one file, opened; each is closed at the end."""
    made: list[Database] = []

    def one(**words: object) -> Database:
        words = {"clock": lambda: 50.0, **words}
        database = Database(tmp_path / "state.db", (NOTES,), **words)  # type: ignore[arg-type]
        made.append(database)
        database.open()
        return database

    yield one
    for database in made:
        database.close()


def codes(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.__dict__["fields"]["code"]
        for record in caplog.records
        if record.levelno >= logging.ERROR
    ]


def test_what_was_handed_in_is_there_after_the_flush(make: Make) -> None:
    database = make()
    database.write(INSERT, [("a", 1.0), ("b", 2.0)])
    assert database.flush()
    assert database.read(WORDS) == [("a",), ("b",)]
    assert database.read(f"{WORDS} LIMIT ?", (1,)) == [("a",)]


class Waited(threading.Condition):
    """Knows how long it was to be waited for at most; None: until something happens."""

    def __init__(self) -> None:
        super().__init__()
        self.most_s: list[float | None] = []

    def wait_for[Seen](self, predicate: Callable[[], Seen], timeout: float | None = None) -> Seen:
        self.most_s.append(timeout)
        return super().wait_for(predicate, timeout)


def test_it_is_committed_by_itself_within_a_quarter_of_a_second(tmp_path: Path) -> None:
    """All that it waits for by itself; how soon a thread gets to run is the machine's."""
    waited = Waited()
    database = Database(tmp_path / "state.db", (NOTES,))
    database._changed = waited
    database.open()
    stranger = Reader(tmp_path / "state.db")
    database.write(INSERT, [("a", 1.0)])
    until(lambda: stranger.read(WORDS))
    stranger.close()
    assert [it for it in waited.most_s if it is not None] == [module.GATHER_S]
    database.close()
    assert 0 < module.GATHER_S < 0.25


def test_what_is_handed_in_before_it_is_open_is_not_lost(tmp_path: Path) -> None:
    database = Database(tmp_path / "state.db", (NOTES,))
    database.write(INSERT, [("early", 1.0)])
    assert not database.flush()
    database.open()
    database.open()
    assert database.flush()
    assert database.read(WORDS) == [("early",)]
    database.close()


def test_closing_writes_what_is_waiting_and_the_next_start_reads_it(make: Make) -> None:
    first = make()
    first.write(INSERT, [("a", 1.0)])
    first.close()
    first.close()
    assert make().read(WORDS) == [("a",)]


def test_kill_9_loses_nothing_that_was_committed(tmp_path: Path) -> None:
    program = (
        "import sys, threading\n"
        "from pathlib import Path\n"
        "from korproxy_addons.io.database import Database\n"
        "from korproxy_addons.io.tables.table import Table\n"
        "d = Database(Path(sys.argv[1]), (Table('notes', (sys.argv[2],)),))\n"
        "d.open()\n"
        "d.write('INSERT INTO notes VALUES (?, ?)', [('kept', 1.0)])\n"
        "print('flushed', d.flush(), flush=True)\n"
        "threading.Event().wait()\n"
    )
    path = tmp_path / "state.db"
    argv = [sys.executable, "-c", program, str(path), NOTES.statements[0]]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "flushed True\n"
        process.send_signal(getattr(signal, "SIGKILL", signal.SIGTERM))
        process.wait()
    database = Database(path, (NOTES,), clock=lambda: 50.0)
    database.open()
    assert database.read(WORDS) == [("kept",)]
    database.write(INSERT, [("more", 2.0)])
    assert database.flush()
    database.close()


def test_nobody_waits_for_a_disk_that_hangs(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    inside, go_on = threading.Event(), threading.Event()
    real = database_file.write

    def slow(connection: sqlite3.Connection, batch: database_file.Batch) -> None:
        inside.set()
        assert go_on.wait(30)
        real(connection, batch)

    monkeypatch.setattr(database_file, "write", slow)
    database = make()
    database.write(INSERT, [("first", 1.0)])
    assert inside.wait(30)
    for n in range(1000):
        database.write(INSERT, [(str(n), 2.0)])
    assert not database.flush(timeout_s=0.0), "the disk hangs still"
    go_on.set()
    assert database.flush()
    assert len(database.read(WORDS)) == 1001
    assert database.dropped == 0


def test_when_too_much_waits_detail_is_dropped_first_and_every_drop_is_counted(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()
    real = database_file.write

    def slow(connection: sqlite3.Connection, batch: database_file.Batch) -> None:
        assert go_on.wait(30)
        real(connection, batch)

    monkeypatch.setattr(database_file, "write", slow)
    database = make(most_rows=8)
    for n in range(10):
        database.write(INSERT, [(f"detail {n}", n)], detail=True)
    for n in range(10):
        database.write(INSERT, [(f"state {n}", 100 + n)])
    go_on.set()
    assert database.flush()
    assert [word for (word,) in database.read(WORDS)] == [
        *(f"detail {n}" for n in range(6)),
        *(f"state {n}" for n in range(2)),
    ]
    assert database.dropped == 12
    assert [it.getMessage() for it in caplog.records].count("state falls behind") == 1


def test_a_wrong_statement_costs_nobody_else_his_row(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    database = make()
    database.write(INSERT, [("a", 1.0)])
    database.write("INSERT INTO nowhere VALUES (?)", [("secret words",)])
    database.write(INSERT, [("b", 2.0)])
    assert database.flush()
    assert database.read(WORDS) == [("a",), ("b",)]
    assert database.dropped == 1
    assert "secret words" not in caplog.text


@pytest.mark.parametrize("value", [("/src/\udcff", 1.0), ("big", 2**64)])
def test_a_value_that_cannot_be_kept_costs_nobody_else_his_row(
    make: Make, value: tuple[str, float]
) -> None:
    database = make()
    database.write(INSERT, [("a", 1.0)])
    database.write(INSERT, [value])
    database.write(INSERT, [("b", 2.0)])
    assert database.flush()
    assert database.read(WORDS) == [("a",), ("b",)]
    assert database.dropped == 1


def test_a_database_that_never_came_to_be_has_no_tables_and_no_wrong_queries(
    tmp_path: Path,
) -> None:
    (tmp_path / "state.db").mkdir()
    database = Database(tmp_path / "state.db", (NOTES,))
    database.open()
    assert database.read(WORDS) == []
    database.close()


def test_a_wrong_query_is_said(make: Make) -> None:
    with pytest.raises(sqlite3.OperationalError):
        make().read("SELECT * FROM nowhere")


def test_a_damaged_file_is_moved_aside_at_the_start_and_said_once(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "state.db").write_bytes(b"this is not a database" * 200)
    database = make()
    database.write(INSERT, [("a", 1.0)])
    assert database.flush()
    assert database.read(WORDS) == [("a",)]
    assert (tmp_path / "state.db.damaged").read_bytes().startswith(b"this is not")
    assert codes(caplog) == [catalogue.STATE_DAMAGED.code]


def test_a_file_that_is_damaged_while_it_is_open_is_replaced_too(
    make: Make, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = make()
    database.write(INSERT, [(f"{n:0200}", float(n)) for n in range(500)])
    assert database.flush()
    # What is in the log only would hide the damage: take it into the file first.
    with sqlite3.connect(tmp_path / "state.db") as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    other.close()
    with (tmp_path / "state.db").open("r+b") as file:
        file.seek(0)
        file.write(os.urandom((tmp_path / "state.db").stat().st_size))

    def anew() -> bool:
        database.write("INSERT OR REPLACE INTO notes VALUES (?, ?)", [("after", 1.0)])
        database.flush()
        return (tmp_path / "state.db.damaged").exists()

    until(anew)
    assert database.flush()
    assert database.read(WORDS) == [("after",)]
    assert codes(caplog) == [catalogue.STATE_DAMAGED.code]


def test_a_full_disk_is_said_once_and_what_waits_is_written_when_there_is_room(
    make: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL  # as SQLite would
    tried = 0
    room = threading.Event()
    real = database_file.write

    def write(connection: sqlite3.Connection, batch: database_file.Batch) -> None:
        nonlocal tried
        tried += 1
        if not room.is_set():
            raise full
        real(connection, batch)

    monkeypatch.setattr(database_file, "write", write)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    database = make()
    database.write(INSERT, [("a", 1.0)])
    until(lambda: tried > 2)
    database.write(INSERT, [("b", 2.0)])
    room.set()
    assert database.flush()
    assert database.read(WORDS) == [("a",), ("b",)]
    assert codes(caplog) == [catalogue.DISK_FULL.code]
    assert "state is kept again" in [it.getMessage() for it in caplog.records]


def test_a_disk_that_stays_full_does_not_hold_up_the_end(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = sqlite3.OperationalError("database or disk is full")
    full.sqlite_errorcode = sqlite3.SQLITE_FULL

    def write(_connection: sqlite3.Connection, _batch: database_file.Batch) -> None:
        raise full

    monkeypatch.setattr(database_file, "write", write)
    database = make()
    database.write(INSERT, [("a", 1.0)])
    database.close()


def test_a_folder_that_cannot_be_written_keeps_nobody_from_serving(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    database = Database(tmp_path / "file" / "state.db", (NOTES,))
    database.open()
    database.write(INSERT, [("a", 1.0)])
    assert database.read(WORDS) == []
    assert not database.flush(timeout_s=0.0)
    database.close()
    assert codes(caplog) == [catalogue.STATE_UNAVAILABLE.code]


def test_what_is_too_old_goes_while_it_runs(make: Make) -> None:
    clock = FakeClock(1000.0)
    database = make(clock=clock)
    database.write(INSERT, [("old", 1000.0)])
    assert database.flush()
    clock.advance(module.PRUNE_EVERY_S)
    database.write(INSERT, [("young", clock.now)])
    assert database.flush()
    assert database.read(WORDS) == [("young",)]


def test_a_reader_of_a_file_that_is_not_there_finds_nothing_and_makes_none(tmp_path: Path) -> None:
    reader = Reader(tmp_path / "state.db")
    assert reader.read(WORDS) == []
    reader.close()
    assert list(tmp_path.iterdir()) == []


def test_the_database_of_a_folder_has_every_area(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    database.open()
    areas = database.read("SELECT area FROM schema_versions")
    database.close()
    assert {area for (area,) in areas} == {table.name for table in TABLES}
    assert (tmp_path / "korproxy.db").exists()
