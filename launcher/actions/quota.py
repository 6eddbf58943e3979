"""What is left of every account, as the gateway last heard it; read from the database, so no gateway need run."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from korproxy_addons.config.schema import AccountConfig
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import ACCOUNT_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import Reader
from korproxy_addons.io.database_file import FILE_NAME
from korproxy_addons.io.quota_state import load_drawn, load_windows
from korproxy_addons.providers.quota import Window
from korproxy_addons.providers.resolve import resolve_account


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowView:
    """
    One window of an account.

    Attributes:
        name: Such as `5h` or `weekly`.
        models: The models it counts; `*`: all.
        used_percent, remaining_percent: Of the whole; None: not told.
        used, remaining, limit, unit: The same as numbers, where the provider gives them.
        reset_at: ISO 8601, UTC; None: not known, or it never begins anew.
        reset_in_s: Seconds until then.
        pace: Share used over share of time passed; above 1 it runs out before its reset.
        runs_out_at: When, at that pace; ISO 8601; None: not before the reset.
        seen_at: When the provider said so; ISO 8601.
    """

    name: str
    models: str
    used_percent: float | None
    remaining_percent: float | None
    used: float | None
    remaining: float | None
    limit: float | None
    unit: str
    reset_at: str | None
    reset_in_s: int | None
    pace: float | None
    runs_out_at: str | None
    seen_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OverageView:
    """
    Paid use beyond the account's plan in the current month.

    Attributes:
        allowed: Its owner has allowed it.
        cap_usd: Most that a month may cost; None: nothing is allowed.
        drawn_usd: So much was drawn, at list prices.
        requests: By so many requests.
    """

    allowed: bool
    cap_usd: float | None
    drawn_usd: float
    requests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountQuota:
    """
    An account's windows, shortest first; none where nothing was ever told.

    Attributes:
        tells: Its provider tells what is left at all; if not, only a limit that was met shows here.
    """

    id: str
    label: str
    provider: str
    access: str
    tells: bool
    windows: tuple[WindowView, ...]
    overage: OverageView


def quotas(
    home: Path, account_id: str | None = None, clock: Callable[[], float] = time.time
) -> tuple[AccountQuota, ...]:
    """
    What is left of the accounts, in the configuration's order.

    Args:
        home: The KorProxy folder.
        account_id: Of this account alone; None: of all.
        clock: Unix seconds.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: ACCOUNT_UNKNOWN.
    """
    config = ConfigStore(home).load()
    accounts = config.accounts
    if account_id is not None:
        accounts = tuple(it for it in accounts if it.id == account_id)
        if not accounts:
            raise KorProxyError(ACCOUNT_UNKNOWN, account_id)
    now = clock()
    windows, drawn = _kept(home, now)
    found = []
    for account in accounts:
        way = resolve_account(config, account)
        found.append(
            AccountQuota(
                id=account.id,
                label=account.shown_as,
                provider=way.provider.id,
                access=way.access.id,
                tells=way.access.quota.tells,
                windows=_views(windows.get(account.id, []), now),
                overage=_overage(account, drawn),
            )
        )
    return tuple(found)


def _kept(
    home: Path, now: float
) -> tuple[dict[str, list[Window]], Mapping[str, tuple[float, int]]]:
    reader = Reader(home / FILE_NAME)
    month = datetime.fromtimestamp(now, UTC).strftime("%Y-%m")
    try:
        windows = load_windows(reader)
        drawn = {
            it.account_id: (it.usd, it.requests) for it in load_drawn(reader) if it.month == month
        }
    finally:
        reader.close()
    return windows, drawn


def _views(windows: list[Window], now: float) -> tuple[WindowView, ...]:
    ordered = sorted(windows, key=lambda it: (it.length_s or float("inf"), it.name, it.model_glob))
    return tuple(_view(it.at(now), now) for it in ordered)


def _view(window: Window, now: float) -> WindowView:
    remaining = window.remaining_share()
    pace = window.pace(now)
    reset_at = window.reset_at
    return WindowView(
        name=window.name,
        models=window.model_glob,
        used_percent=None if window.used_share is None else round(window.used_share * 100, 1),
        remaining_percent=None if remaining is None else round(remaining * 100, 1),
        used=window.used,
        remaining=window.remaining(),
        limit=window.limit,
        unit=window.unit,
        reset_at=_iso(reset_at),
        reset_in_s=None if reset_at is None else max(0, round(reset_at - now)),
        pace=None if pace is None else round(pace, 2),
        runs_out_at=_iso(window.runs_out_at(now)),
        seen_at=_iso(window.seen_at) or "",
    )


def _overage(account: AccountConfig, drawn: Mapping[str, tuple[float, int]]) -> OverageView:
    usd, requests = drawn.get(account.id, (0.0, 0))
    settings = account.overage
    return OverageView(
        allowed=settings.allow,
        cap_usd=settings.cap_usd if settings.allow else None,
        drawn_usd=round(usd, 4),
        requests=requests,
    )


def _iso(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
