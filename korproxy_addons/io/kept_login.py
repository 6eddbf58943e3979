"""One login as a process knows it: what is in use, when it is to be renewed, and how long it is left alone after a failure."""

import asyncio
from dataclasses import dataclass, field

from korproxy_addons.auth.states import LoginError
from korproxy_addons.auth.tokens import TokenSet, due_at, is_due
from korproxy_addons.errors.exceptions import KorProxyError

# Renewals of several logins, or on several machines, shall not all come in the same second; only ever earlier.
EARLIEST_S = 60.0
EARLY_SHARE = 0.1
FIRST_BACKOFF_S = 5.0
LONGEST_BACKOFF_S = 300.0
# Tokens that come already due are used: asking again at once would bring the same, and use up the next refresh token.
DUE_AT_ONCE_PAUSE_S = 60.0


@dataclass(slots=True)
class KeptLogin:
    """
    The login.

    Attributes:
        tokens: In use.
        early_s: How much before its due time this process renews it.
        flight: The renewal that is under way.
        lost: Why `tokens` are of no more use.
        not_before: Unix seconds before which no renewal is tried again: the last one failed, or brought tokens that were due.
        failures: Failed renewals in a row.
        trouble: How the last one failed.
        unsaved: What still lies in the vault, though `tokens` have replaced it.
    """

    tokens: TokenSet
    early_s: float = 0.0
    flight: asyncio.Task[TokenSet] | None = None
    lost: LoginError | None = None
    not_before: float = 0.0
    failures: int = 0
    trouble: KorProxyError | None = None
    unsaved: TokenSet | None = field(default=None)

    def is_due(self, now: float) -> bool:
        """Whether the tokens are to be renewed at `now` (Unix seconds)."""
        return is_due(self.tokens, now, self.early_s)

    def is_as_good_as_can_be(self, now: float) -> bool:
        """Whether the tokens, though they are due, have only just been had, and are not known to be of no use."""
        return self.lost is None and self.trouble is None and now < self.not_before

    def take(self, tokens: TokenSet, chance: float) -> None:
        """These are in use from now on; `chance`, 0 to 1, says how early they are renewed."""
        self.tokens, self.early_s = tokens, early_s(tokens, chance)
        self.lost, self.trouble, self.not_before, self.failures = None, None, 0.0, 0

    def renewed(self, now: float) -> None:
        """The tokens in use were had at `now` (Unix seconds)."""
        if self.is_due(now):
            self.not_before = now + DUE_AT_ONCE_PAUSE_S
            ends = self.tokens.expires_at
            if ends is not None and ends > now:
                self.not_before = min(self.not_before, ends)  # what is dead by then is not kept

    def failed(self, error: KorProxyError, now: float) -> float:
        """A renewal failed at `now` (Unix seconds); how many seconds it is left alone."""
        self.trouble = error
        self.failures += 1
        wait_s = min(FIRST_BACKOFF_S * 2.0 ** min(self.failures - 1, 10), LONGEST_BACKOFF_S)
        if error.retry_after_s is not None:
            wait_s = max(wait_s, min(error.retry_after_s, LONGEST_BACKOFF_S))
        self.not_before = now + wait_s
        return wait_s


def early_s(tokens: TokenSet, chance: float) -> float:
    """Seconds by which tokens are renewed before they must be; `chance` is from 0 to 1."""
    due = due_at(tokens)
    if due is None:
        return 0.0
    # Of a token that lives for minutes only a small part.
    life_s = max(0.0, due - tokens.obtained_at)
    return chance * min(EARLIEST_S, EARLY_SHARE * life_s)
