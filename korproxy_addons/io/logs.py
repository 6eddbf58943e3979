"""
Logs: JSON lines with a constant event and named fields, redacted, rotated, private to the user.

`log.info("attempt failed", extra={"fields": {"request_id": ..., "code": ...}})`: what varies is a field, what is content is
not logged at all.
"""

import json
import logging
import logging.handlers
import os
import queue
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from korproxy_addons.recording.redact import Redactor

FILE_NAME = "gateway.jsonl"
FILE_BYTES = 5 * 1024 * 1024
FILE_COUNT = 5
ROOT = "korproxy"
LIBRARIES = ("mitmproxy", "asyncio", "aiohttp")


class JsonLines(logging.Formatter):
    """One JSON object per record, secrets out."""

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
        return self._redactor.text(json.dumps(line, ensure_ascii=False, default=str))


def _event(record: logging.LogRecord) -> str:
    """Our own events are constant words; a library puts the exception's text into its own, which may quote anything."""
    foreign = record.name.partition(".")[0] != ROOT
    return "library error" if foreign and record.exc_info else record.getMessage()


def _exception(kind: type[BaseException], trace: Any) -> dict[str, Any]:
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
        return os.fdopen(descriptor, "a", encoding="utf-8")


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
        sinks: list[logging.Handler] = [
            _PrivateFile(folder / FILE_NAME, maxBytes=FILE_BYTES, backupCount=FILE_COUNT - 1)
        ]
        if terminal:
            sinks.append(logging.StreamHandler(sys.stderr))
        formatter = JsonLines(redactor)
        for sink in sinks:
            sink.setFormatter(formatter)
        lines: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._handler = _Hand(lines)
        self._listener = logging.handlers.QueueListener(lines, *sinks)
        self._sinks = sinks

    def start(self, level: str, components: Mapping[str, str], *, adopt: bool) -> None:
        """
        Begin to log.

        Args:
            level: `debug`, `info`, `warning` or `error`, but for the named components.
            components: Levels of their own.
            adopt: Take over what the libraries below us have to warn of, which would else go to the terminal as it is.
        """
        for name in LIBRARIES if adopt else ():
            library = logging.getLogger(name)
            library.propagate = False
            library.setLevel(logging.WARNING)
            library.addHandler(self._handler)
        root = logging.getLogger(ROOT)
        root.propagate = False
        root.addHandler(self._handler)
        self._listener.start()
        self.configure(level, components)

    def configure(self, level: str, components: Mapping[str, str]) -> None:
        """Take over the levels of a new configuration."""
        logging.getLogger(ROOT).setLevel(level.upper())
        for name, own in components.items():
            logging.getLogger(f"{ROOT}.{name}").setLevel(own.upper())

    def stop(self) -> None:
        """Write what is waiting, and close."""
        for name in (ROOT, *LIBRARIES):
            logging.getLogger(name).removeHandler(self._handler)
        self._listener.stop()
        for sink in self._sinks:
            sink.close()


class _Hand(logging.handlers.QueueHandler):
    """Hands records over as they are: formatting, and its cost, are the thread's."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record
