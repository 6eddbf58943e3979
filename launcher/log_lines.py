"""The log as its lines, the gateway's and the launcher's together: the newest ones, those that pass a filter, and those to come."""

import heapq
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.io.log_file import older_files
from korproxy_addons.io.log_text import LEVELS
from korproxy_addons.io.logs import FILE_NAME, FOLDER, LAUNCHER_FILE_NAME

__all__ = ["FILE", "LEVELS", "LogFilter", "LogTail", "last_lines"]

FILE = Path(FOLDER) / FILE_NAME
FILES = (FILE, Path(FOLDER) / LAUNCHER_FILE_NAME)
READ_BYTES = 256 * 1024
# Lines of two processes may stand a little out of order in one file, as at a hand-over.
DISORDER_S = 60.0


@dataclass(frozen=True, slots=True)
class LogFilter:
    """
    Which lines are wanted.

    Attributes:
        level: This one and worse.
        component: Beginning of the component's name; "": any.
        request_id: Beginning of a request's correlation id, or its last digits; "": any.
        since: Unix seconds; what was logged before is not wanted.
    """

    level: str = "debug"
    component: str = ""
    request_id: str = ""
    since: float = 0.0

    def passes(self, line: dict[str, Any]) -> bool:
        """Whether a line is wanted."""
        level = str(line.get("level", "info"))
        rank = LEVELS.index(level) if level in LEVELS else 1
        return (
            rank >= LEVELS.index(self.level)
            and _at(line) >= self.since
            and str(line.get("component", "")).startswith(self.component)
            and self._of_request(str(line.get("request_id", "")))
        )

    def _of_request(self, request_id: str) -> bool:
        # Lists of requests show how an id begins, lists of recordings how it ends.
        return request_id.startswith(self.request_id) or request_id.endswith(self.request_id)


def last_lines(home: Path, wanted: LogFilter, count: int | None = None) -> list[dict[str, Any]]:
    """
    The newest lines that pass, oldest first; none where there is no log.

    Args:
        home: The KorProxy folder.
        wanted: Which ones.
        count: How many at most; None: all that are kept.
    """
    logs = (_newest_first(home / file, wanted.since - DISORDER_S) for file in FILES)
    lines = heapq.merge(*logs, key=_at, reverse=True)
    found = list(itertools.islice(filter(wanted.passes, lines), count))
    return found[::-1]


class LogTail:
    """
    The lines that come from now on, over rotations of the files.

    Args:
        home: The KorProxy folder.
    """

    def __init__(self, home: Path) -> None:
        self._tails = [_Tail(home / file) for file in FILES]

    def read(self, wanted: LogFilter) -> list[dict[str, Any]]:
        """The lines that came since the last call and pass, oldest first; half a line waits for its other half."""
        lines = [line for tail in self._tails for line in tail.read() if wanted.passes(line)]
        return sorted(lines, key=_at)


class _Tail:
    """The end of one log: how far it was read, and which of its files were there at the last look."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rest = b""
        files = self._files()
        self._known = {inode for _, inode in files}
        self._inode = files[0][1] if files and files[0][0] == path else 0
        self._offset = path.stat().st_size if self._inode else 0

    def read(self) -> Iterator[dict[str, Any]]:
        files = self._files()
        # Oldest first: the rest of the one that was read last, then all that came after it.
        for path, inode in reversed(files):
            if inode == self._inode:
                yield from self._read_on(path)
            elif inode not in self._known:
                self._inode, self._offset, self._rest = inode, 0, b""
                yield from self._read_on(path)
        self._known = {inode for _, inode in files}

    def _read_on(self, path: Path) -> Iterator[dict[str, Any]]:
        try:
            with path.open("rb") as file:
                if os.fstat(file.fileno()).st_size < self._offset:
                    self._offset, self._rest = 0, b""  # it was emptied
                file.seek(self._offset)
                while data := file.read(READ_BYTES):
                    self._offset += len(data)
                    *lines, self._rest = (self._rest + data).split(b"\n")
                    yield from filter(None, map(_parsed, lines))
        except OSError:
            return

    def _files(self) -> list[tuple[Path, int]]:
        """The log's files with their inodes, newest first."""
        found = []
        for path in (self._path, *older_files(self._path)):
            try:
                found.append((path, path.stat().st_ino))
            except OSError:
                continue
        return found


def _newest_first(path: Path, since: float) -> Iterator[dict[str, Any]]:
    """The lines of a log, newest first, back to a moment."""
    seen: set[int] = set()
    for file in (path, *older_files(path)):
        for raw in _backwards(file, seen):
            line = _parsed(raw)
            if line is None:
                continue
            if _at(line) < since:
                return
            yield line


def _backwards(path: Path, seen: set[int]) -> Iterator[bytes]:
    """The whole lines of a file, last first, without reading more of it than is asked for; none of a file that was `seen`."""
    try:
        with path.open("rb") as file:
            # It may have been given its next name meanwhile.
            inode = os.fstat(file.fileno()).st_ino
            if inode in seen:
                return
            seen.add(inode)
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


def _at(line: dict[str, Any]) -> float:
    at = line.get("ts")
    return float(at) if isinstance(at, int | float) else 0.0


def _parsed(raw: bytes) -> dict[str, Any] | None:
    try:
        line = json.loads(raw)
    except ValueError:
        return None
    return line if isinstance(line, dict) else None
