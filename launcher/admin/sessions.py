"""
Who may use the admin listener: a management key for the command line, a session for the browser.

The browser gets its session by a one-time address that the command line asks for; the key itself never reaches it. Only
digests are kept, and every comparison takes the same time.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable

TICKET_S = 60.0
SESSION_S = 30 * 24 * 3600.0
MOST_SESSIONS = 32


class Sessions:
    """
    Keys, tickets and sessions of one run.

    Args:
        key: The management key of this run.
        clock: Seconds of a clock that only goes forward.
        own_key: A key that the person has chosen; "": none.
    """

    def __init__(self, key: str, clock: Callable[[], float], own_key: str = "") -> None:
        self._clock = clock
        self._key_digests = [_digest(it) for it in (key, own_key) if it]
        self._tickets: dict[bytes, float] = {}
        self._sessions: dict[bytes, float] = {}

    def knows_key(self, shown: str) -> bool:
        """Whether this is a management key."""
        digest = _digest(shown)
        # All are compared: how many there are is no secret, which of them fits is.
        return sum(hmac.compare_digest(digest, it) for it in self._key_digests) > 0

    def new_ticket(self) -> str:
        """A word that opens one session within a minute."""
        return self._new(self._tickets, TICKET_S)

    def redeem(self, ticket: str) -> str | None:
        """The session that a ticket opens, once; None if it is unknown, used or too old."""
        end = self._tickets.pop(_digest(ticket), None)
        if end is None or end < self._clock():
            return None
        return self._new(self._sessions, SESSION_S)

    def knows_session(self, shown: str) -> bool:
        """Whether this session is open."""
        end = self._sessions.get(_digest(shown))
        return end is not None and end >= self._clock()

    def _new(self, table: dict[bytes, float], life_s: float) -> str:
        now = self._clock()
        for digest in [it for it, end in table.items() if end < now]:
            del table[digest]
        while len(table) >= MOST_SESSIONS:
            del table[next(iter(table))]
        word = secrets.token_urlsafe(32)
        table[_digest(word)] = now + life_s
        return word


def _digest(word: str) -> bytes:
    # What is shown is looked up by its digest, so that the time a look-up takes says nothing about it.
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).digest()
