"""Work for a thread of its own, handed over without waiting; what would take too much memory is not taken on."""

import logging
import threading
from collections.abc import Callable
from queue import SimpleQueue

log = logging.getLogger("korproxy.background")

type Work = Callable[[], None]


class Background:
    """
    Does one piece of work after the other; its thread begins with the first.

    Args:
        name: Of the thread.
        most_bytes: What may wait, by what its givers say that it takes.
    """

    def __init__(self, name: str, most_bytes: int) -> None:
        self._name = name
        self._most_bytes = most_bytes
        self._waiting: SimpleQueue[tuple[Work, int] | None] = SimpleQueue()
        self._bytes = 0
        self._mutex = threading.Lock()
        self._thread: threading.Thread | None = None

    def put(self, work: Work, size_bytes: int) -> bool:
        """
        Have `work` done; an exception in it is logged.

        Returns:
            Whether it was taken on.
        """
        with self._mutex:
            if self._bytes and self._bytes + size_bytes > self._most_bytes:
                return False
            self._bytes += size_bytes
        self._waiting.put((work, size_bytes))
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        return True

    def close(self, patience_s: float) -> bool:
        """
        Do what waits, for so long at most.

        Returns:
            Whether all of it is done.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return True
        self._waiting.put(None)
        thread.join(patience_s)
        return not thread.is_alive()

    def _run(self) -> None:
        while (given := self._waiting.get()) is not None:
            work, size_bytes = given
            try:
                work()
            except Exception:
                log.exception("background work failed", extra={"fields": {"what": self._name}})
            del work, given
            with self._mutex:
                self._bytes -= size_bytes
