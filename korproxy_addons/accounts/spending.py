"""What was drawn beyond accounts' plans, and whether more may be; pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from korproxy_addons.config.spending import OverageSettings


@dataclass(frozen=True, slots=True)
class Drawn:
    """
    What one account drew in one calendar month (UTC).

    Attributes:
        account_id: Whose plan was used up.
        month: Such as `2026-11`.
        usd: At the vendors' list prices; what the provider bills may differ.
        requests: So many.
        last_at: Unix seconds of the last of them; 0: none.
    """

    account_id: str
    month: str
    usd: float = 0.0
    requests: int = 0
    last_at: float = 0.0


class SpendingBook:
    """
    What all accounts have drawn.

    Args:
        changed: Told every change, so that it outlives the process.
    """

    def __init__(self, changed: Callable[[Drawn], None] = lambda _: None) -> None:
        self._changed = changed
        self._drawn: dict[tuple[str, str], Drawn] = {}

    def drawn(self, account_id: str, now: float) -> Drawn:
        """What the account has drawn in the month of `now` (Unix seconds)."""
        month = month_of(now)
        return self._drawn.get((account_id, month)) or Drawn(account_id, month)

    def add(self, account_id: str, usd: float, now: float) -> Drawn:
        """One more request was paid for beyond the plan."""
        before = self.drawn(account_id, now)
        after = replace(before, usd=before.usd + usd, requests=before.requests + 1, last_at=now)
        self._drawn[account_id, after.month] = after
        self._changed(after)
        return after

    def restore(self, kept: Iterable[Drawn]) -> None:
        """Take in what was kept of an earlier run."""
        for it in kept:
            self._drawn.setdefault((it.account_id, it.month), it)

    def may_draw(self, account_id: str, settings: OverageSettings, now: float) -> bool:
        """Whether the account may draw more: its owner has allowed it, and the cap is not reached."""
        if not settings.allow or settings.cap_usd is None:
            return False
        return self.drawn(account_id, now).usd < settings.cap_usd


def month_of(now: float) -> str:
    """The calendar month of an instant, in UTC."""
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
