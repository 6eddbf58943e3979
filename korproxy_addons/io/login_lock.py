"""
One renewal at a time for one login, across all processes that share a KorProxy folder; and what became of the last one.

The lock is the operating system's own, so a process that dies gives it back. Beside it lies a note of a few bytes, without
any secret: that a renewal was sent, and which tokens it was to replace. Should its sender die before the reply is stored, the
next one that is told "this refresh token was used" knows why.
"""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from korproxy_addons.auth.tokens import TokenSet

FOLDER = "locks"
POLL_S = 0.02
WAIT_S = 90.0


@dataclass(frozen=True, slots=True)
class Note:
    """
    What is known of the renewal of certain tokens.

    Attributes:
        tokens: Which tokens were to be replaced, by `mark_of`.
        sent_at: Unix seconds at which the renewal was sent.
        lost: Why these tokens are of no more use; "": that is not known.
    """

    tokens: str
    sent_at: float
    lost: str = ""


def mark_of(tokens: TokenSet) -> str:
    """What tells tokens from those that came before and after, without saying anything of them."""
    return f"{tokens.obtained_at}/{tokens.expires_at}"


class LoginLockTimeoutError(Exception):
    """Another process holds the lock for longer than any renewal takes."""


class LoginLock:
    """
    The lock and the note of one login.

    Args:
        home: The KorProxy folder.
        name: Of the login's entry in the vault.
        sleep: Waits for so many seconds.
    """

    def __init__(
        self, home: Path, name: str, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._folder = home / FOLDER
        self._name = _file_name(name)
        self._sleep = sleep

    @asynccontextmanager
    async def held(self, wait_s: float = WAIT_S) -> AsyncIterator[None]:
        """
        Hold the lock; waits without blocking the event loop, and may be cancelled.

        Raises:
            LoginLockTimeoutError: It was not free within `wait_s`.
            OSError: The folder cannot be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FileLock(self._folder / f"{self._name}.lock", thread_local=False, mode=0o600)
        waited_s = 0.0
        while True:
            try:
                lock.acquire(blocking=False)
                break
            except Timeout:
                if waited_s >= wait_s:
                    raise LoginLockTimeoutError(self._name) from None
                await self._sleep(POLL_S)
                waited_s += POLL_S
        try:
            yield
        finally:
            lock.release()

    def note(self) -> Note | None:
        """The note; None if there is none that can be read."""
        try:
            value: Any = json.loads(self._path.read_bytes())
            return Note(str(value["tokens"]), float(value["sent_at"]), str(value["lost"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, note: Note) -> None:
        """
        Replace the note; one write, so that a reader finds it whole or not at all.

        Raises:
            OSError: The folder cannot be written.
        """
        data = json.dumps({"tokens": note.tokens, "sent_at": note.sent_at, "lost": note.lost})
        new = self._path.with_suffix(".new")
        with suppress(FileNotFoundError):
            new.unlink()
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(data)
        new.replace(self._path)

    def clear(self) -> None:
        """Take the note away: all is well with the tokens at hand."""
        with suppress(OSError):
            self._path.unlink()

    @property
    def _path(self) -> Path:
        return self._folder / f"{self._name}.note"


def _file_name(name: str) -> str:
    """A file name for any entry's name; names that people type stay as they are."""
    return "".join(
        it if it.isascii() and (it.isalnum() or it in "._-") else f"%{ord(it):x}" for it in name
    )
