"""
How the last requests on each client's WebSockets went, so that a client whose requests keep failing is sent back to POST.

Codex tries each transport as often as it tries at all: with sockets open to it, a request that nobody can serve is refused twelve
times instead of six before the person reads why. It makes a new socket for each try, and one answered with 426 makes it
POST at once; so the third try in a row gets that.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

FAILURES_IN_A_ROW = 2
FORGOTTEN_AFTER_S = 120.0
CLIENTS_KEPT = 512
# The names that a client's sockets have in common, in order of preference.
_NAMES = ("session-id", "thread-id", "x-client-request-id")


@dataclass(slots=True)
class _Failures:
    count: int
    last_at_s: float


class SocketHistory:
    """
    Failures in a row, by the client's session.

    Args:
        clock_s: Any clock that only goes forward.
    """

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._failures: OrderedDict[str, _Failures] = OrderedDict()

    def failed(self, session: str) -> None:
        """A request of this session was refused, or its reply broke off."""
        if not session:
            return
        now_s = self._clock_s()
        before = self._failures.pop(session, None)
        fresh = before is not None and now_s - before.last_at_s < FORGOTTEN_AFTER_S
        count = before.count + 1 if before is not None and fresh else 1
        self._failures[session] = _Failures(count, now_s)
        while len(self._failures) > CLIENTS_KEPT:
            self._failures.popitem(last=False)

    def served(self, session: str) -> None:
        """A request of this session was served."""
        self._failures.pop(session, None)

    def is_failing(self, session: str) -> bool:
        """Whether another socket would only repeat what has just failed."""
        found = self._failures.get(session)
        return (
            found is not None
            and found.count >= FAILURES_IN_A_ROW
            and self._clock_s() - found.last_at_s < FORGOTTEN_AFTER_S
        )


def session_of(headers: Mapping[str, str]) -> str:
    """
    The session that a socket belongs to; "" if it does not say.

    Args:
        headers: Of its opening, names in lower case.
    """
    return next((headers[name] for name in _NAMES if headers.get(name)), "")
