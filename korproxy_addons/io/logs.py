"""
Logs: JSON lines with a constant event and named fields, redacted, rotated, private to the user.

`log.info("attempt failed", extra={"fields": {"request_id": ..., "code": ...}})`: what varies is a field, what is content
is not logged at all.
"""

import atexit
import json
import logging
import logging.handlers
import math
import os
import queue
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from korproxy_addons.recording.redact import Redactor

FILE_NAME = "gateway.jsonl"
FILE_BYTES = 5 * 1024 * 1024
FILE_COUNT = 5
ROOT = "korproxy"
LIBRARIES = ("mitmproxy", "asyncio", "aiohttp")
LONGEST_FOREIGN_TEXT = 300


class JsonLines(logging.Formatter):
    """One JSON object per record, secrets out of every text in it."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
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


class _PrivateFile(logging.handlers.RotatingFileHandler):
    """A rotating file that nobody but the user can read, from its first byte."""

    def _open(self) -> Any:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        if sys.platform != "win32":
            os.fchmod(descriptor, 0o600)  # it may be there already
        return os.fdopen(descriptor, "a", encoding="utf-8")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging names it so
        """A full disk must not fill the terminal, with the record's content at that."""


class _Terminal(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging names it so
        """A closed terminal is nobody's trouble."""


class Logs:
    """
    The process's log: a file under `home`, and the terminal.

    Lines are handed to a thread, so that a slow disk never holds up a stream.

    Args:
        home: The KorProxy folder.
        redactor: Shared with whoever learns secrets.
        terminal: Also write to stderr.
    """

    def __init__(self, home: Path, redactor: Redactor, *, terminal: bool) -> None:
        folder = home / "logs"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        sinks: list[logging.Handler] = [
            _PrivateFile(
                folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILE_COUNT - 1, delay=True
            )
        ]
        if terminal:
            sinks.append(_Terminal(sys.stderr))
        formatter = JsonLines(redactor)
        for sink in sinks:
            sink.setFormatter(formatter)
        lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._handler = _Hand(lines)
        self._listener = logging.handlers.QueueListener(lines, *sinks)
        self._sinks = sinks
        self._components: set[str] = set()
        self._before: list[tuple[logging.Logger, int, bool]] = []

    def start(self, level: str, components: Mapping[str, str], *, adopt: bool) -> None:
        """
        Begin to log.

        Args:
            level: `debug`, `info`, `warning` or `error`, but for the named components.
            components: Levels of their own.
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
        self._listener.start()
        # A start that fails ends the process past everybody's `stop`; why it failed must still be written.
        atexit.register(self.stop)
        self.configure(level, components)

    def configure(self, level: str, components: Mapping[str, str]) -> None:
        """Take over the levels of a new configuration."""
        logging.getLogger(ROOT).setLevel(level.upper())
        for name in self._components - components.keys():
            logging.getLogger(f"{ROOT}.{name}").setLevel(logging.NOTSET)
        for name, own in components.items():
            logging.getLogger(f"{ROOT}.{name}").setLevel(own.upper())
        self._components = set(components)

    def stop(self) -> None:
        """Write what is waiting, and close; leave the loggers as they were found."""
        atexit.unregister(self.stop)
        self.configure("warning", {})
        for logger, level, propagate in self._before:
            logger.removeHandler(self._handler)
            logger.setLevel(level)
            logger.propagate = propagate
        if self._before:
            self._listener.stop()
        self._before = []
        for sink in self._sinks:
            sink.close()


class _Hand(logging.handlers.QueueHandler):
    """Hands records over as they are: formatting, and its cost, are the thread's."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record
