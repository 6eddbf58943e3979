"""
Which account a conversation is at home with, so that its provider's prompt cache is of use; pure, and bounded.

Soft: a home that cannot serve is left, and the conversation is at home wherever it was served last.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

MOST_CONVERSATIONS = 20_000
# A home that is used is written down this often; one that changes, at once.
WRITE_EVERY_S = 30.0
# Prompt caches live an hour at most; later it is all the same who serves.
HOLDS_S = 24 * 3600.0


class Cause(StrEnum):
    """Why a conversation left its home."""

    QUOTA = "quota"
    RATE = "rate"
    FAILURE = "failure"
    # Its account was taken out of the group, disabled or removed.
    DRAIN = "drain"
    # It was with a group that stands in for a better one, which can serve again.
    RETURN = "return"


@dataclass(frozen=True, slots=True)
class Home:
    """
    Where a conversation was served last.

    Attributes:
        account_id: The account.
        model: The upstream model.
        cached_tokens: What its provider had in its cache of the last request, as far as it said so.
        used_at: Unix seconds.
    """

    account_id: str
    model: str
    cached_tokens: int = 0
    used_at: float = 0.0


type Changed = Callable[[bytes, Home], None]
"""Told a conversation's key and where it is at home."""


def conversation_key(session: str, model: str) -> bytes:
    """What a conversation is remembered by; caches are per upstream model, and ids of sessions are nobody's business on disk."""
    return blake2b(f"{model}\0{session}".encode("utf-8", "surrogatepass"), digest_size=12).digest()


class Stickiness:
    """
    The homes of conversations; the least recently used are forgotten.

    Args:
        changed: Told what should outlive the process.
        most: Conversations to remember.
    """

    def __init__(self, changed: Changed | None = None, most: int = MOST_CONVERSATIONS) -> None:
        self._changed = changed
        self._most = most
        self._homes: OrderedDict[bytes, Home] = OrderedDict()
        self._written_at: dict[bytes, float] = {}

    def home(self, conversation: bytes, now: float) -> Home | None:
        """Where it is at home at `now` (Unix seconds)."""
        home = self._homes.get(conversation)
        return None if home is None or now - home.used_at > HOLDS_S else home

    def served(self, conversation: bytes, home: Home) -> None:
        """It was served there; from now on that is its home."""
        before = self._homes.get(conversation)
        self._homes[conversation] = home
        self._homes.move_to_end(conversation)
        moved = before is None or before.account_id != home.account_id
        due = home.used_at - self._written_at.get(conversation, 0.0) >= WRITE_EVERY_S
        if self._changed is not None and (moved or due):
            self._written_at[conversation] = home.used_at
            self._changed(conversation, home)
        while len(self._homes) > self._most:
            oldest, _ = self._homes.popitem(last=False)
            self._written_at.pop(oldest, None)

    def restore(self, homes: Iterable[tuple[bytes, Home]]) -> None:
        """Take in what was kept of an earlier run, the oldest first."""
        for conversation, home in homes:
            self._homes.setdefault(conversation, home)
            self._written_at[conversation] = home.used_at
        while len(self._homes) > self._most:
            oldest, _ = self._homes.popitem(last=False)
            self._written_at.pop(oldest, None)

    def __len__(self) -> int:
        return len(self._homes)
