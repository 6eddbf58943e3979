import io
import json
import logging
import threading
from pathlib import Path

import pytest

from korproxy_addons.io import log_writer
from korproxy_addons.io.log_file import LogFile
from korproxy_addons.io.log_writer import FileSink, LogWriter, TerminalSink
from support.waiting import until


def record(
    text: str, level: int = logging.INFO, error: Exception | None = None
) -> logging.LogRecord:
    exc_info = (type(error), error, None) if error is not None else None
    return logging.LogRecord("korproxy.x", level, "", 0, text, (), exc_info)


class SlowSink:
    """Holds each write back until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.busy = threading.Event()
        self.written: list[logging.LogRecord] = []
        self.idled = threading.Event()
        self.closed = False

    def write(self, records: list[logging.LogRecord]) -> bool:
        self.busy.set()
        assert self.go.wait(30)
        self.written += records
        return True

    def idle(self) -> None:
        self.idled.set()

    def close(self) -> None:
        self.closed = True


def test_a_slow_disk_holds_nobody_up_and_what_was_dropped_is_counted() -> None:
    sink = SlowSink()
    writer = LogWriter(sink, most_waiting=10)
    writer.start()
    writer.offer(record("first"))
    assert sink.busy.wait(30)
    for number in range(25):
        writer.offer(record(str(number)))
    assert writer.lost == 15
    sink.go.set()
    writer.stop()
    texts = [it.getMessage() for it in sink.written]
    assert texts == ["first", *map(str, range(10)), "lines lost"]
    lost = sink.written[-1]
    assert (lost.levelname, vars(lost)["fields"]) == ("WARNING", {"lines": 15})
    assert sink.closed


class PieceSink(SlowSink):
    """Keeps what is written together together."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[list[str]] = []
        self.go.set()

    def write(self, records: list[logging.LogRecord]) -> bool:
        self.pieces.append([it.getMessage() for it in records])
        return True


def test_a_line_that_comes_alone_is_written_at_once_and_many_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second line waits for a minute that the end cuts short, and the others come with it."""
    monkeypatch.setattr(log_writer, "GATHER_S", 60.0)
    sink = PieceSink()
    writer = LogWriter(sink)
    writer.start()
    writer.offer(record("first"))
    until(lambda: len(sink.pieces) == 1)
    for number in range(3):
        writer.offer(record(str(number)))
    writer.stop()
    assert sink.pieces == [["first"], ["0", "1", "2"]]


def test_more_than_is_written_at_once_waits_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "GATHER_S", 3600.0)
    sink = PieceSink()
    writer = LogWriter(sink)
    for number in range(2 * log_writer.MOST_AT_ONCE):
        writer.offer(record(str(number)))
    writer.start()
    until(lambda: len(sink.pieces) == 2)
    writer.stop()
    assert {len(it) for it in sink.pieces} == {log_writer.MOST_AT_ONCE}


def test_a_writer_that_was_stopped_can_begin_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "GATHER_S", 60.0)
    sink = PieceSink()
    writer = LogWriter(sink)
    for name in ("a", "b"):
        writer.start()
        writer.offer(record(name))
        writer.stop()
    assert sink.pieces == [["a"], ["b"]]


def test_what_was_dropped_is_told_once() -> None:
    sink = SlowSink()
    writer = LogWriter(sink, most_waiting=1)
    writer.start()
    writer.offer(record("first"))
    assert sink.busy.wait(30)
    for _ in range(3):
        writer.offer(record("x"))
    sink.go.set()
    until(lambda: len(sink.written) == 3)
    writer.offer(record("later"))
    writer.stop()
    assert [it.getMessage() for it in sink.written] == ["first", "x", "lines lost", "later"]


def test_what_a_full_disk_did_not_take_is_counted_too(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    file = LogFile(folder / "x", lambda: 1.0, keep_s=1e6, keep_bytes=10**6)
    writer = LogWriter(FileSink(file, logging.LogRecord.getMessage, None))
    writer.start()
    for number in range(3):
        writer.offer(record(str(number)))
    until(lambda: writer.lost == 3)
    folder.mkdir()
    writer.offer(record("later"))
    writer.stop()
    assert (folder / "x").read_text() == "later\nlines lost\n"


def test_a_terminal_that_was_stopped_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = SlowSink()
    writer = LogWriter(sink)
    writer.start()
    writer.offer(record("held"))
    assert sink.busy.wait(30)
    with monkeypatch.context() as patch:
        patch.setattr(log_writer, "STOP_S", 0.01)
        writer.stop()
    assert not sink.closed
    sink.go.set()
    writer.stop()
    assert sink.closed


def test_the_sink_hears_when_nothing_is_logged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sink = SlowSink()
    sink.go.set()
    monkeypatch.setattr(log_writer, "IDLE_S", 0.01)
    writer = LogWriter(sink)
    writer.start()
    assert sink.idled.wait(30)
    writer.stop()


def test_a_writer_that_never_began_can_be_stopped() -> None:
    sink = SlowSink()
    LogWriter(sink).stop()
    assert sink.closed


def test_an_exception_that_nobody_expected_is_told(tmp_path: Path) -> None:
    told: list[logging.LogRecord] = []
    file = LogFile(tmp_path / "x", lambda: 1.0, keep_s=1e6, keep_bytes=10**6)
    sink = FileSink(file, logging.LogRecord.getMessage, told.append)
    mistake = ValueError("x")
    sink.write(
        [
            record("crashed", logging.ERROR, mistake),
            record("warned", logging.WARNING, mistake),
            record("said", logging.ERROR),
        ]
    )
    sink.close()
    assert [it.getMessage() for it in told] == ["crashed"]
    assert (tmp_path / "x").read_text() == "crashed\nwarned\nsaid\n"


def test_half_a_letter_costs_no_other_line(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x.jsonl", lambda: 0.0, keep_s=3600, keep_bytes=10**6)
    writer = LogWriter(FileSink(file, lambda it: json.dumps(it.msg, ensure_ascii=False), None))
    writer.start()
    writer.offer(record("/src/\udcff"))
    writer.offer(record("next"))
    writer.stop()
    lines = (tmp_path / "x.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(it) for it in lines] == ["/src/?", "next"]


def test_nobody_need_be_told(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "x", lambda: 1.0, keep_s=1e6, keep_bytes=10**6)
    sink = FileSink(file, logging.LogRecord.getMessage, None)
    sink.write([record("crashed", logging.ERROR, ValueError())])
    sink.close()
    assert (tmp_path / "x").read_text() == "crashed\n"


def test_an_idle_minute_lets_old_lines_go(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.with_name("x.1").write_text(json.dumps({"ts": 1}))
    file = LogFile(path, lambda: 2.0e9, keep_s=3600, keep_bytes=10**6)
    FileSink(file, logging.LogRecord.getMessage, None).idle()
    TerminalSink(io.StringIO(), logging.LogRecord.getMessage).idle()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_or_a_closed_terminal_is_nobodys_trouble(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "gone" / "x", lambda: 1.0, keep_s=1e6, keep_bytes=10**6)
    FileSink(file, logging.LogRecord.getMessage, None).write([record("lost")])
    stream = io.StringIO()
    sink = TerminalSink(stream, logging.LogRecord.getMessage)
    sink.write([record("seen")])
    assert stream.getvalue() == "seen\n"
    stream.close()
    sink.write([record("lost")])
    sink.close()
