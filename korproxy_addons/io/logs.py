"""
Logs: JSON lines with a constant event and named fields, redacted, rotated, private to the user; for people on a terminal.

`log.info("attempt failed", extra={"fields": {"request_id": ..., "code": ...}})`: what varies is a field, what is content
is not logged at all.
"""

import atexit
import json
import logging
import math
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from korproxy_addons.config.logs import Logging
from korproxy_addons.io.log_file import LogFile
from korproxy_addons.io.log_text import as_text
from korproxy_addons.io.log_writer import FileSink, Format, LogWriter, TerminalSink
from korproxy_addons.io.private_file import make_private_folder
from korproxy_addons.recording.redact import Redactor

FOLDER = "logs"
FILE_NAME = "gateway.jsonl"
LAUNCHER_FILE_NAME = "launcher.jsonl"
ROOT = "korproxy"
LIBRARIES = ("mitmproxy", "asyncio", "aiohttp", "uvicorn")
LONGEST_FOREIGN_TEXT = 300


class JsonLines(logging.Formatter):
    """One JSON object per record, secrets out of every text in it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        try:
            return self._format(record)
        except Exception as error:  # noqa: BLE001 - a `__str__` may raise anything, and the next record must have its turn
            what = {
                "component": "logs",
                "event": "line not written",
                "exception": type(error).__name__,
            }
            return json.dumps({"ts": round(record.created, 3), "level": "error", **what})

    def _format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "ts": round(record.created, 3),
            "level": record.levelname.lower(),
            "component": record.name.removeprefix(f"{ROOT}."),
            "event": _event(record),
        }
        fields = getattr(record, "fields", None)
        if isinstance(fields, Mapping):
            line.update({key: value for key, value in fields.items() if key not in line})
        if record.exc_info and record.exc_info[0] is not None:
            line |= _exception(record.exc_info[0], record.exc_info[2])
        try:
            text = json.dumps(line, ensure_ascii=False, default=_words, allow_nan=False)
        except (TypeError, ValueError):
            text = ""
        # A line with nothing to hide, which is nearly every one, is looked at once and not taken apart.
        if text and self._redactor.clean(text):
            return text
        return json.dumps(self._plain(line), ensure_ascii=False)

    def _plain(self, value: Any) -> Any:
        """`value` as JSON has it. Texts are redacted one by one: in the finished line a mask could eat a quote."""
        match value:
            case None | bool() | int():
                return value
            case float():
                return value if math.isfinite(value) else str(value)
            case Mapping():
                return {self._redactor.text(str(key)): self._plain(it) for key, it in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self._plain(it) for it in value]
            case _:
                return self._redactor.text(str(value))


def _words(value: object) -> object:
    return sorted(map(str, value)) if isinstance(value, set | frozenset) else str(value)


def _event(record: logging.LogRecord) -> str:
    if record.name == ROOT or record.name.startswith(f"{ROOT}."):
        return record.getMessage()
    if record.exc_info:
        # A library's text then quotes the exception, which may quote a body.
        return "library error"
    return record.getMessage()[:LONGEST_FOREIGN_TEXT]


def _exception(kind: type[BaseException], trace: TracebackType | None) -> dict[str, Any]:
    """Where it happened; not what it says, which may quote a body."""
    frames = traceback.extract_tb(trace)[-8:]
    return {
        "exception": kind.__name__,
        "trace": [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames],
    }


class Logs:
    """
    The log of a process: a file under `home`, and the terminal.

    Lines are handed to threads, one for each end, so that neither a slow disk nor a stopped terminal ever holds up a stream.

    Args:
        home: The KorProxy folder.
        redactor: Shared with whoever learns secrets.
        terminal: Also write to stderr: for people if it is a terminal, else as in the file.
        file_name: Of the file in `logs/`.
        crashed: Told, in a thread of its own, each record of an exception that nobody expected; must not raise.
        clock: Unix seconds.
    """

    def __init__(
        self,
        home: Path,
        redactor: Redactor,
        *,
        terminal: bool,
        file_name: str = FILE_NAME,
        crashed: Callable[[logging.LogRecord], None] | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        folder = home / FOLDER
        make_private_folder(folder)
        line = JsonLines(redactor).format
        wanted = Logging()
        self._file = LogFile(
            folder / file_name, clock, keep_s=wanted.keep_hours * 3600, keep_bytes=wanted.keep_bytes
        )
        self._writers = [LogWriter(FileSink(self._file, line, crashed))]
        if terminal:
            shown = _for_terminal(sys.stderr, line, os.environ)
            self._writers.append(LogWriter(TerminalSink(sys.stderr, shown)))
        self._handler = _Hand(self._writers)
        self._components: set[str] = set()
        self._before: list[tuple[logging.Logger, int, bool]] = []

    @property
    def lost(self) -> int:
        """How many lines of the file were dropped, as more came than could be written."""
        return self._writers[0].lost

    def start(self, settings: Logging, *, adopt: bool) -> None:
        """
        Begin to log.

        Args:
            settings: Levels, and what is kept.
            adopt: Take over what the libraries below us have to warn of, which would else go to the terminal as it is.
        """
        root = logging.getLogger(ROOT)
        loggers = [root, *(logging.getLogger(name) for name in LIBRARIES if adopt)]
        self._before = [(it, it.level, it.propagate) for it in loggers]
        for logger in loggers:
            # A library's records still go up: mitmproxy ends a start that logged an error.
            logger.propagate = logger is not root
            logger.setLevel(logging.WARNING)
            logger.addHandler(self._handler)
        for writer in self._writers:
            writer.start()
        # A start that fails ends the process past everybody's `stop`; why it failed must still be written.
        atexit.register(self.stop)
        self.configure(settings)

    def configure(self, settings: Logging) -> None:
        """Take over a new configuration."""
        self._file.keep_s = settings.keep_hours * 3600
        self._file.keep_bytes = settings.keep_bytes
        self._set_levels(settings.level, settings.components)

    def _set_levels(self, level: str, components: Mapping[str, str]) -> None:
        logging.getLogger(ROOT).setLevel(level.upper())
        for name in self._components - components.keys():
            logging.getLogger(f"{ROOT}.{name}").setLevel(logging.NOTSET)
        for name, own in components.items():
            logging.getLogger(f"{ROOT}.{name}").setLevel(own.upper())
        self._components = set(components)

    def stop(self) -> None:
        """Write what is waiting, and close; leave the loggers as they were found."""
        atexit.unregister(self.stop)
        if self._before:
            self._set_levels("warning", {})
        for logger, level, propagate in self._before:
            logger.removeHandler(self._handler)
            logger.setLevel(level)
            logger.propagate = propagate
        self._before = []
        for writer in self._writers:
            writer.stop()


def _for_terminal(stream: TextIO, line: Format, environ: Mapping[str, str]) -> Format:
    """How lines are written to `stream`: for people who look at it, as they are for a program that reads it."""
    if not stream.isatty():
        return line
    colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return lambda record: as_text(json.loads(line(record)), colour=colour)


class _Hand(logging.Handler):
    """Hands records over as they are: formatting, and its cost, are the threads'."""

    def __init__(self, writers: list[LogWriter]) -> None:
        super().__init__()
        self._writers = writers

    def emit(self, record: logging.LogRecord) -> None:
        for writer in self._writers:
            writer.offer(record)
