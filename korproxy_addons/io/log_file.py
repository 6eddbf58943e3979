"""
A log on the disk: one file that is written to, older ones beside it, none older or larger in sum than is wanted.

`gateway.jsonl` is written, `gateway.jsonl.1` came before it, and so on. A file that is full, or began a while ago, makes room for
the next; old ones go by age, and by what all of them take. Two processes may write at once, as a gateway and its successor do: each
looks whether the name still means the file that it holds.
"""

import contextlib
import os
import re
import stat
import sys
from collections.abc import Callable
from pathlib import Path

PIECES = 5
"""A file is a fifth of what all may take, and a quarter of the time that lines are kept."""
TIDY_S = 60.0
_BEGIN = re.compile(rb'\{"ts": ([0-9]{1,12})')


class LogFile:
    """
    One process's end of a log.

    Args:
        path: The file that is written to; its folder is there.
        clock: Unix seconds.
        keep_s: Seconds for which a line is kept.
        keep_bytes: Most that all files together take.
    """

    def __init__(
        self, path: Path, clock: Callable[[], float], *, keep_s: float, keep_bytes: int
    ) -> None:
        self.path = path
        self.keep_s = keep_s
        self.keep_bytes = keep_bytes
        self._clock = clock
        self._descriptor: int | None = None
        self._inode = 0
        self._bytes = 0
        self._began_at = 0.0
        self._tidied_at = 0.0

    def write(self, lines: bytes) -> None:
        """
        Append whole lines.

        Raises:
            OSError: The disk is full, or the folder is gone.
        """
        if self._descriptor is None or self._moved():
            self._open()
        if self._bytes and self._due(len(lines)):
            self._rotate()
        assert self._descriptor is not None
        if not self._bytes:
            self._began_at = self._clock()
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self._bytes += len(lines)
        if not 0 <= self._clock() - self._tidied_at < TIDY_S:
            self.tidy()

    def tidy(self) -> None:
        """Let go what was kept long enough; called now and then, also while nothing is logged."""
        self._tidied_at = self._clock()
        with contextlib.suppress(OSError):
            if self._descriptor is not None and not self._moved() and self._bytes and self._due(0):
                self._rotate()
        oldest_at = self._clock() - self.keep_s
        # Room for what is written to now, up to its full size.
        rest = self.keep_bytes - max(self._bytes, self.keep_bytes // PIECES)
        for path in older_files(self.path):
            with contextlib.suppress(OSError):
                found = path.stat()
                rest -= found.st_size
                if rest < 0 or found.st_mtime < oldest_at:
                    path.unlink()

    def close(self) -> None:
        """Let the file go; a later write opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        self.close()
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self.path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)
        self._descriptor = descriptor
        found = os.fstat(descriptor)
        if sys.platform != "win32" and stat.S_IMODE(found.st_mode) != 0o600:
            os.fchmod(descriptor, 0o600)  # it may be there already
        self._inode, self._bytes = found.st_ino, found.st_size
        self._began_at = _first_at(self.path) or found.st_mtime
        self._tidied_at = 0.0

    def _moved(self) -> bool:
        """Whether another process has put another file in the place of ours, or a person has taken it away."""
        try:
            return self.path.stat().st_ino != self._inode
        except OSError:
            return True

    def _due(self, more_bytes: int) -> bool:
        if self._bytes + more_bytes > self.keep_bytes // PIECES:
            return True
        return not 0 <= self._clock() - self._began_at < self.keep_s / (PIECES - 1)

    def _rotate(self) -> None:
        self.close()
        # Refused on Windows while another process holds one of them: the newest then goes on growing until that one is gone.
        with contextlib.suppress(PermissionError):
            for path in reversed(older_files(self.path)):
                path.replace(path.with_suffix(f".{int(path.suffix[1:]) + 1}"))
            self.path.replace(self.path.with_name(f"{self.path.name}.1"))
        self._open()


def older_files(path: Path) -> list[Path]:
    """The files that came before the one at `path`, newest first."""
    numbers = []
    with contextlib.suppress(OSError):
        names = [it.name for it in path.parent.iterdir()]
        ends = (it.removeprefix(f"{path.name}.") for it in names if it.startswith(f"{path.name}."))
        numbers = sorted(int(it) for it in ends if it.isascii() and it.isdigit())
    return [path.with_name(f"{path.name}.{number}") for number in numbers]


def _first_at(path: Path) -> float | None:
    """When the first line of a file was logged."""
    with path.open("rb") as file:
        found = _BEGIN.match(file.read(32))
    return float(found[1]) if found else None
