"""
What a person wants to be told of the accounts without asking, each thing once; pure.

A login that is gone, an account that its provider has switched off, a plan whose next request would cost extra, a window that runs
low. What was so before this process began is no news.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.pool import Key
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.quota import HOUR_S, Window

LOW_SHARES = (0.2, 0.05)
"""A person is told when less than so much is left of a window, at each mark once."""
REARMED_SHARE = 0.1
"""A window must have so much more than the mark again before the mark is told once more."""
_PAID = frozenset({catalogue.BILLING_REQUIRED.code, catalogue.OVERAGE_HELD.code})


class Trouble(StrEnum):
    """What only the account's owner can end."""

    LOGIN = "login"
    SWITCHED_OFF = "switched-off"
    MONEY = "money"


@dataclass(frozen=True, slots=True)
class AccountTrouble:
    """
    An account waits for its owner.

    Attributes:
        account_id: Which one.
        trouble: What he has to do with it.
        health: All that is known.
    """

    account_id: str
    trouble: Trouble
    health: Health


class AccountNews:
    """Remembers what was told."""

    def __init__(self) -> None:
        self._troubles: dict[str, dict[str, Trouble]] = {}
        self._marks: dict[tuple[str, tuple[str, str]], float] = {}

    def restore(
        self, healths: Mapping[Key, Health], windows: Mapping[str, Iterable[Window]], now: float
    ) -> None:
        """Take in how things stood when this process began (`now`, Unix seconds): none of it is told."""
        for (account_id, pattern), health in healths.items():
            self.health(account_id, pattern, health)
        for account_id, known in windows.items():
            self.windows(account_id, known, now)

    def health(self, account_id: str, pattern: str, health: Health | None) -> AccountTrouble | None:
        """The health of an account for these models is another one from here on; None: there is nothing against it."""
        table = self._troubles.setdefault(account_id, {})
        trouble = None if health is None else _trouble(health)
        known = trouble in table.values()
        if trouble is None:
            table.pop(pattern, None)
        else:
            table[pattern] = trouble
        if not table:
            del self._troubles[account_id]
        if health is None or trouble is None or known:
            return None
        return AccountTrouble(account_id, trouble, health)

    def windows(self, account_id: str, windows: Iterable[Window], now: float) -> tuple[Window, ...]:
        """
        Those of an account's windows that have just fallen below a mark, as they stand at `now` (Unix seconds).

        Minutes' limits are left out: they are over before anybody could act.
        """
        found = []
        for told in windows:
            window = told.at(now)
            left = window.remaining_share()
            if left is None or (window.length_s is not None and window.length_s < HOUR_S):
                continue
            key = (account_id, window.key)
            before = self._marks.get(key)
            if before is not None and left >= before + REARMED_SHARE:
                del self._marks[key]
                # What rises past one mark may not have risen past the next: that one was told before.
                before = min(
                    (it for it in LOW_SHARES if it > before and left < it + REARMED_SHARE),
                    default=None,
                )
                if before is not None:
                    self._marks[key] = before
            mark = min((it for it in LOW_SHARES if left < it), default=None)
            if mark is not None and (before is None or mark < before):
                self._marks[key] = mark
                found.append(window)
        return tuple(found)

    def keep(self, account_ids: Iterable[str]) -> None:
        """Forget accounts that left the config."""
        kept = set(account_ids)
        self._troubles = {key: it for key, it in self._troubles.items() if key in kept}
        self._marks = {key: it for key, it in self._marks.items() if key[0] in kept}


def _trouble(health: Health) -> Trouble | None:
    if health.state is State.AVAILABLE:
        return None
    if health.code in _PAID:
        return Trouble.MONEY
    match health.state:
        case State.NEEDS_LOGIN:
            return Trouble.LOGIN
        case State.DISABLED:
            return Trouble.SWITCHED_OFF
    return None
