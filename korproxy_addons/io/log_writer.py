"""
Log records on their way from who logs to where they are written: a queue with an end, and a thread.

Who logs is never held up: not by a slow disk, not by a terminal that was stopped. What finds the queue full is dropped and counted,
and the log says so itself.
"""

import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from typing import Protocol, TextIO

from korproxy_addons.io.log_file import LogFile

MOST_WAITING = 10_000
MOST_AT_ONCE = 64
# A line that comes alone is written at once; of many, what comes meanwhile is written together.
GATHER_S = 0.05
IDLE_S = 60.0
STOP_S = 5.0
LOST_COMPONENT = "korproxy.logs"

type Format = Callable[[logging.LogRecord], str]
"""Makes a line of a record; must not raise."""


class Sink(Protocol):
    """Where records end."""

    def write(self, records: list[logging.LogRecord]) -> bool:
        """Write them down, and say whether that worked; must not raise."""

    def idle(self) -> None:
        """Nothing was logged for a minute."""

    def close(self) -> None:
        """No more comes."""


class LogWriter:
    """
    Hands records to a sink, in a thread.

    Args:
        sink: Where they end.
        most_waiting: How many may wait; what comes on top of that is dropped.
    """

    def __init__(self, sink: Sink, most_waiting: int = MOST_WAITING) -> None:
        self._sink = sink
        self._most = most_waiting
        self._records: queue.SimpleQueue[logging.LogRecord | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._lost = 0
        self._told_lost = 0
        self._thread: threading.Thread | None = None
        self._ending = threading.Event()

    @property
    def lost(self) -> int:
        """How many records were dropped, or could not be written."""
        return self._lost

    def offer(self, record: logging.LogRecord) -> None:
        """Take a record in; never waits. Safe from any thread."""
        if self._records.qsize() >= self._most:
            with self._lock:
                self._lost += 1
            return
        self._records.put(record)

    def start(self) -> None:
        """Begin to write."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, and end; a sink that hangs is not waited for."""
        if self._thread is not None:
            self._records.put(None)
            self._ending.set()
            self._thread.join(STOP_S)
            if self._thread.is_alive():
                return
            self._thread = None
        self._sink.close()

    def _run(self) -> None:
        more = True
        rests_until_s = 0.0
        while more:
            try:
                batch = [self._records.get(timeout=IDLE_S)]
            except queue.Empty:
                self._sink.idle()
                continue
            # Woken for each line, this thread would take the interpreter away from who logs, line by line.
            self._ending.wait(max(0.0, rests_until_s - time.monotonic()))
            with contextlib.suppress(queue.Empty):
                while len(batch) < MOST_AT_ONCE:
                    batch.append(self._records.get_nowait())
            if len(batch) < MOST_AT_ONCE:
                rests_until_s = time.monotonic() + GATHER_S
            more = None not in batch
            records = [it for it in batch if it is not None]
            told = self._lost_record()
            if (records or told) and not self._sink.write([*records, *told]):
                with self._lock:
                    self._lost += len(records)

    def _lost_record(self) -> list[logging.LogRecord]:
        with self._lock:
            lost, self._told_lost = self._lost - self._told_lost, self._lost
        if not lost:
            return []
        told = {"name": LOST_COMPONENT, "levelno": logging.WARNING, "levelname": "WARNING"}
        return [logging.makeLogRecord(told | {"msg": "lines lost", "fields": {"lines": lost}})]


class FileSink:
    """
    Records as lines of a file.

    Args:
        file: The file.
        line: Makes a line of a record.
        crashed: Told each record of an exception that nobody expected.
    """

    def __init__(
        self, file: LogFile, line: Format, crashed: Callable[[logging.LogRecord], None] | None
    ) -> None:
        self._file = file
        self._line = line
        self._crashed = crashed

    def write(self, records: list[logging.LogRecord]) -> bool:
        # A full disk must not fill the terminal, with the record's content at that.
        written = False
        with contextlib.suppress(OSError):
            lines = "".join(f"{self._line(it)}\n" for it in records)
            # Half a letter, as from a client's header, is no reason for this thread to end.
            self._file.write(lines.encode("utf-8", "replace"))
            written = True
        for record in records if self._crashed is not None else ():
            if record.levelno >= logging.ERROR and record.exc_info and record.exc_info[1]:
                assert self._crashed is not None
                self._crashed(record)
        return written

    def idle(self) -> None:
        self._file.tidy()

    def close(self) -> None:
        self._file.close()


class TerminalSink:
    """
    Records as lines of a terminal.

    Args:
        stream: The terminal.
        line: Makes a line of a record.
    """

    def __init__(self, stream: TextIO, line: Format) -> None:
        self._stream = stream
        self._line = line

    def write(self, records: list[logging.LogRecord]) -> bool:
        # A closed terminal is nobody's trouble.
        with contextlib.suppress(OSError, ValueError):
            self._stream.write("".join(f"{self._line(it)}\n" for it in records))
            self._stream.flush()
        return True

    def idle(self) -> None:
        pass

    def close(self) -> None:
        pass
