"""Waiting for what another process does."""

import threading
import time
from collections.abc import Callable

PATIENCE_S = 30.0
_INTERVAL_S = 0.01


def until[Found](look: Callable[[], Found | None], patience_s: float = PATIENCE_S) -> Found:
    """
    What `look` finds, as soon as that is something.

    For what gives no sign of its own, such as a line in a file.

    Raises:
        TimeoutError: it never did.
    """
    pause = threading.Event()
    deadline = time.monotonic() + patience_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {patience_s:g} s, last saw {found!r}")
        pause.wait(_INTERVAL_S)
