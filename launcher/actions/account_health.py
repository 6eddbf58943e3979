"""What the gateway last learned of the accounts' health; read from the database, so no gateway need run."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from korproxy_addons.io.account_state import load_healths
from korproxy_addons.io.database import Reader
from korproxy_addons.io.database_file import FILE_NAME

_ALL_MODELS = "*"
_WAITS_FOR_OWNER = "needs_login"


@dataclass(frozen=True, slots=True)
class Trouble:
    """
    Why an account is not asked, whatever the model.

    Attributes:
        state: `needs-login`, `rate-limited` or `erroring`.
        met_at: Unix seconds at which it was met.
        reason: Why: a code, and words where there are any.
        until: Unix seconds at which it is over; None: not before its owner acts.
    """

    state: str
    met_at: float
    reason: str
    until: float | None

    def waits_for_owner(self) -> bool:
        """Whether only its owner can mend it."""
        return self.state == _shown(_WAITS_FOR_OWNER)

    def told(self) -> str:
        """A sentence for people."""
        met = _moment(self.met_at)
        if self.waits_for_owner():
            return f"Its provider refused it at {met}: {self.reason}."
        until = f", until {_moment(self.until)}" if self.until is not None else ""
        return f"It rests since {met}{until}: {self.reason}."


def troubles(home: Path, now: float) -> dict[str, Trouble]:
    """
    The accounts that are not asked at `now`, by id, as a gateway last wrote it down.

    Args:
        home: The KorProxy folder.
        now: Unix seconds.
    """
    reader = Reader(home / FILE_NAME)
    try:
        healths = load_healths(reader)
    finally:
        reader.close()
    return {
        account_id: Trouble(
            state=_shown(health.shown(now).value),
            met_at=health.failed_at,
            reason=": ".join(it for it in (health.code, health.reason) if it) or "no reason told",
            until=health.until,
        )
        for (account_id, models), health in healths.items()
        if models == _ALL_MODELS and health.shown(now).value != "available"
    }


def _shown(state: str) -> str:
    return state.replace("_", "-")


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
