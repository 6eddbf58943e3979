"""What the simulator received, what it answered, and what became of the answer."""

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

MAX_ENTRIES = 20_000


@dataclass
class Entry:
    """
    One request and its answer.

    `received_at`, `ended_at` and `client_gone_at` are Unix seconds of the machine's own clock, whatever clock the
    simulator uses in its replies. `body` is the request's text after decompression if it was short enough to keep.
    `verdict` is `answered`, `refused`, the name of the fault that replaced or spoiled the answer, `unknown-path`, or
    `simulator-error` for a mistake of the simulator itself. `usage` is what the whole answer comes to, `told` what of it
    went out before the reply ended.
    """

    number: int
    host: str
    method: str
    path: str
    query: str
    headers: list[tuple[str, str]]
    received_at: float
    provider: str = ""
    access: str = ""
    operation: str = ""
    model: str = ""
    key: str = ""
    stream: bool = False
    body_bytes: int = 0
    body_sha256: str = ""
    body: str | None = None
    status: int = 0
    verdict: str = ""
    message: str = ""
    sent_bytes: int = 0
    sent_frames: int = 0
    frames: int = 0
    ended_at: float | None = None
    client_gone_at: float | None = None
    usage: dict[str, int] = field(default_factory=dict)
    told: dict[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> bool:
        """True if every byte of the answer went out and the client was still there."""
        return self.ended_at is not None and self.client_gone_at is None

    def header(self, name: str) -> str | None:
        """The first request header of that name."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    def as_json(self, *, with_body: bool) -> dict[str, Any]:
        """The entry as a JSON object."""
        value = asdict(self)
        if not with_body:
            del value["body"]
        return value


class Ledger:
    """
    All entries since the last reset. Usable from every thread.

    Args:
        keep_body_bytes: Longest request body whose text is kept.
    """

    def __init__(self, keep_body_bytes: int = 1 << 20) -> None:
        self.keep_body_bytes = keep_body_bytes
        self._entries: list[Entry] = []
        self._opened = 0
        self._changed = threading.Condition()

    def open(
        self, host: str, method: str, path: str, query: str, headers: list[tuple[str, str]]
    ) -> Entry:
        """Begin an entry."""
        with self._changed:
            self._opened += 1
            entry = Entry(self._opened, host, method, path, query, headers, time.time())
            self._entries.append(entry)
            del self._entries[:-MAX_ENTRIES]
            self._changed.notify_all()
            return entry

    def note_body(self, entry: Entry, body: bytes) -> None:
        """Note the decompressed body."""
        entry.body_bytes = len(body)
        entry.body_sha256 = hashlib.sha256(body).hexdigest()
        if len(body) <= self.keep_body_bytes:
            entry.body = body.decode("utf-8", "replace")

    def close(self, entry: Entry, *, client_gone: bool = False) -> None:
        """End an entry, once: the answer is out, or nobody was there to take it."""
        with self._changed:
            if entry.ended_at is None:
                entry.ended_at = time.time()
                if client_gone:
                    entry.client_gone_at = entry.ended_at
            self._changed.notify_all()

    def touch(self) -> None:
        """Wake who waits for a change."""
        with self._changed:
            self._changed.notify_all()

    def clear(self) -> None:
        """Forget all entries."""
        with self._changed:
            self._entries.clear()

    @property
    def entries(self) -> list[Entry]:
        """All entries, oldest first."""
        with self._changed:
            return list(self._entries)

    def wait(
        self, condition: Callable[[list[Entry]], bool], timeout_s: float = 10.0
    ) -> list[Entry]:
        """
        Block until the entries satisfy a condition; never call it on the simulator's own event loop.

        Raises:
            TimeoutError: they didn't in time.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: condition(list(self._entries)), timeout_s):
                raise TimeoutError(f"the ledger did not come to that: {self._entries[-3:]}")
            return list(self._entries)
