"""The gateway's log as its lines: the newest ones, those that pass a filter, and those to come."""

import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path("logs") / "gateway.jsonl"
LEVELS = ("debug", "info", "warning", "error", "critical")
READ_BYTES = 256 * 1024
MOST_READ_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class LogFilter:
    """
    Which lines are wanted.

    Attributes:
        level: This one and worse.
        component: Beginning of the component's name; "": any.
        request_id: Of one request; "": any.
    """

    level: str = "debug"
    component: str = ""
    request_id: str = ""

    def passes(self, line: dict[str, Any]) -> bool:
        """Whether a line is wanted."""
        level = str(line.get("level", "info"))
        rank = LEVELS.index(level) if level in LEVELS else 1
        return (
            rank >= LEVELS.index(self.level)
            and str(line.get("component", "")).startswith(self.component)
            and self.request_id in ("", line.get("request_id"))
        )


def last_lines(home: Path, wanted: LogFilter, count: int) -> list[dict[str, Any]]:
    """The newest lines that pass, oldest first; none where there is no log."""
    found: deque[dict[str, Any]] = deque()
    for path in (home / FILE, home / f"{FILE}.1"):
        for raw in _backwards(path):
            line = _parsed(raw)
            if line is not None and wanted.passes(line):
                found.appendleft(line)
                if len(found) == count:
                    return list(found)
    return list(found)


class LogTail:
    """
    The lines that come from now on, over rotations of the file.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / FILE
        self._inode, self._offset = self._seen()
        self._rest = b""

    def read(self, wanted: LogFilter) -> Iterator[dict[str, Any]]:
        """The lines that came since the last call and pass; half a line waits for its other half."""
        try:
            with self._path.open("rb") as file:
                status = os.fstat(file.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._offset, self._rest = status.st_ino, 0, b""
                file.seek(self._offset)
                data = file.read(MOST_READ_BYTES)
        except OSError:
            return
        self._offset += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        for raw in lines:
            line = _parsed(raw)
            if line is not None and wanted.passes(line):
                yield line

    def _seen(self) -> tuple[int, int]:
        try:
            status = self._path.stat()
        except OSError:
            return 0, 0
        return status.st_ino, status.st_size


def _backwards(path: Path) -> Iterator[bytes]:
    """The whole lines of a file, last first, without reading more of it than is asked for."""
    try:
        with path.open("rb") as file:
            end = file.seek(0, os.SEEK_END)
            rest = b""
            while end > 0:
                begin = max(0, end - READ_BYTES)
                file.seek(begin)
                block = file.read(end - begin) + rest
                rest, *lines = block.split(b"\n")
                yield from reversed(lines)
                end = begin
            yield rest
    except OSError:
        return


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
