"""
One launcher per KorProxy folder.

A lock, not a file with a process id: it ends with the process that holds it, however that one ends. Beside it lies how the
running launcher can be reached, for those who find the lock taken.
"""

import contextlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
from filelock import FileLock, Timeout

LOCK_NAME = "launcher.lock"
RUN_NAME = "launcher.run.json"
# Whoever asks whether a launcher runs holds the lock for an instant; a launcher holds it for good.
LOOK_S = 0.5


class Reach(msgspec.Struct, frozen=True):
    """
    How a running launcher is reached.

    Attributes:
        pid: Its process.
        url: Root of its admin listener; "" while it has none.
        key: What that listener wants to be shown; this file is its owner's alone.
    """

    pid: int
    url: str = ""
    key: str = ""

    def __repr__(self) -> str:
        return f"Reach(pid={self.pid}, url={self.url!r})"


class AlreadyRunningError(Exception):
    """
    Another launcher keeps this folder.

    Attributes:
        reach: How it is reached; None if it did not say.
    """

    def __init__(self, reach: Reach | None) -> None:
        super().__init__("another launcher is running")
        self.reach = reach


class SingleInstance:
    """
    Holds the lock of one KorProxy folder while the `with` block runs.

    Args:
        home: The KorProxy folder; made if there is none.
    Raises:
        AlreadyRunningError: on entering, where another process holds it.
        OSError: on entering, where the folder cannot be written.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._lock = FileLock(str(home / LOCK_NAME), mode=0o600)

    def __enter__(self) -> Self:
        self._home.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._lock.acquire(timeout=LOOK_S, poll_interval=LOOK_S / 20)
        except Timeout:
            raise AlreadyRunningError(load_reach(self._home)) from None
        self._forget()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._forget()
        self._lock.release()

    def _forget(self) -> None:
        with contextlib.suppress(OSError):
            (self._home / RUN_NAME).unlink()

    def say(self, reach: Reach) -> None:
        """Write down how this launcher is reached."""
        aside = self._home / f".{RUN_NAME}.{os.getpid()}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(reach))
        aside.replace(self._home / RUN_NAME)


def load_reach(home: Path) -> Reach | None:
    """How the launcher of a folder is reached; None if none says so."""
    try:
        return msgspec.json.decode((home / RUN_NAME).read_bytes(), type=Reach)
    except (OSError, msgspec.DecodeError):
        return None


def runs(home: Path) -> bool:
    """Whether a launcher keeps this folder now, whatever an earlier one left behind."""
    if not (home / LOCK_NAME).exists():
        return False
    lock = FileLock(str(home / LOCK_NAME), mode=0o600)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False


def running_launcher(home: Path) -> Reach | None:
    """How the launcher that runs now is reached; None if none runs, or it has not said yet."""
    return load_reach(home) if runs(home) else None
