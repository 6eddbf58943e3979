"""How busy each account is: what is under way, and what was asked of it lately; pure but for its own counts."""

import math
from dataclasses import dataclass

HALF_LIFE_S = 600.0


@dataclass(slots=True)
class _Count:
    in_flight: int = 0
    lately: float = 0.0
    at: float = 0.0

    def faded(self, now: float) -> float:
        return self.lately * math.exp2(-max(0.0, now - self.at) / HALF_LIFE_S)


class Load:
    """The counts of all accounts; times are Unix seconds."""

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}

    def began(self, account_id: str, now: float) -> None:
        """An attempt is sent."""
        count = self._counts.setdefault(account_id, _Count())
        count.in_flight += 1
        count.lately = count.faded(now) + 1.0
        count.at = now

    def ended(self, account_id: str) -> None:
        """An attempt is over, however it went."""
        self._counts[account_id].in_flight -= 1

    def in_flight(self, account_id: str) -> int:
        """Attempts under way."""
        count = self._counts.get(account_id)
        return 0 if count is None else count.in_flight

    def lately(self, account_id: str, now: float) -> float:
        """Attempts of late; one of ten minutes ago counts half."""
        count = self._counts.get(account_id)
        return 0.0 if count is None else count.faded(now)
