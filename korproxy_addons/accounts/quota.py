"""What is left of every account: the windows as their providers told them last; pure."""

from collections.abc import Callable, Iterable, Mapping

from korproxy_addons.accounts.pool import covers
from korproxy_addons.providers.quota import HOUR_S, Window, Windows

type Changed = Callable[[str, Windows], None]
"""Told an account's id and those of its windows that have changed."""

# Smaller steps are not worth a write.
_STEP = 1000.0
_MOST_WINDOWS = 32


class QuotaBook:
    """
    The windows of all accounts.

    Args:
        changed: Told what has changed enough to be worth keeping; None: nobody is.
    """

    def __init__(self, changed: Changed | None = None) -> None:
        self._changed = changed
        self._windows: dict[str, dict[tuple[str, str], Window]] = {}
        self._sorted: dict[str, Windows] = {}

    def windows(self, account_id: str) -> Windows:
        """
        What is known of an account, shortest window first, as it was told: `Window.at` says what holds now.

        The same object as long as nothing more is told.
        """
        found = self._sorted.get(account_id)
        if found is None:
            known = self._windows.get(account_id, {}).values()
            found = self._sorted[account_id] = tuple(
                sorted(known, key=lambda it: (it.length_s or float("inf"), it.name, it.model_glob))
            )
        return found

    def observe(self, account_id: str, windows: Iterable[Window]) -> None:
        """Take in what a provider has just said; what it said later wins over what comes in late."""
        table = self._windows.setdefault(account_id, {})
        self._sorted.pop(account_id, None)
        changed = []
        for window in windows:
            before = table.get(window.key)
            if before is not None and before.seen_at > window.seen_at:
                continue
            if before is None and len(table) >= _MOST_WINDOWS:
                continue
            table[window.key] = window
            if before is None or _worth_keeping(before) != _worth_keeping(window):
                changed.append(window)
        if changed and self._changed is not None:
            self._changed(account_id, tuple(changed))

    def restore(self, windows: Mapping[str, Iterable[Window]]) -> None:
        """Take in what was kept of an earlier run, by account."""
        for account_id, kept in windows.items():
            self._sorted.pop(account_id, None)
            table = self._windows.setdefault(account_id, {})
            for window in kept:
                table.setdefault(window.key, window)

    def tightest(self, account_id: str, model: str, now: float) -> Window | None:
        """
        The window that will stop the account first when it is asked for `model`; None if none is known.

        Minutes' limits are left out: they are over before anybody could plan by them.
        """
        standing = [
            it.at(now)
            for it in self._windows.get(account_id, {}).values()
            if covers(it.model_glob, model) and (it.length_s is None or it.length_s >= HOUR_S)
        ]
        told = [it for it in standing if it.used_share is not None]
        return max(told, key=lambda it: it.used_share or 0.0, default=None)

    def keep(self, account_ids: Iterable[str]) -> None:
        """Drop what is known of accounts that left the config."""
        kept = set(account_ids)
        self._windows = {key: table for key, table in self._windows.items() if key in kept}
        self._sorted.clear()


def _worth_keeping(window: Window) -> tuple[object, ...]:
    """What of a window is worth a write when it changes."""
    share = None if window.used_share is None else round(window.used_share * _STEP)
    reset_at = None if window.reset_at is None else round(window.reset_at / 60.0)
    return share, reset_at, window.limit, window.unit
