"""Collects the facts: from the supervisor, the config, the gateway's word on its accounts, and what is left of them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions.profiles import list_profiles
from launcher.actions.quota import AccountQuota, WindowView, quotas
from launcher.actions.recording import recording_state
from launcher.supervisor.states import Status
from launcher.tray.facts import AccountFact, Facts, ProfileFact

_STATES = {
    "rate_limited": "cooling",
    "erroring": "failing",
    "needs_login": "needs login",
    "disabled": "switched off by its provider",
}


def gather(
    home: Path,
    status: Status,
    healths: Iterable[Mapping[str, Any]],
    *,
    starts_at_login: bool | None,
    now: float,
) -> Facts:
    """
    Everything the tray shows; what cannot be read now is left out.

    Args:
        home: The KorProxy folder.
        status: How the gateway stands.
        healths: Its word on its accounts, as on the health page.
        starts_at_login: KorProxy starts with the session; None: this system offers no such thing.
        now: Unix seconds.
    """
    state = recording_state(home, now)
    until = moment(state.until_at, now) if state.until_at is not None else ""
    try:
        config = ConfigStore(home).load()
        profiles = list_profiles(home)
        left = {it.id: it for it in quotas(home, clock=lambda: now)}
    except (ConfigProblems, KorProxyError):
        return Facts(status, starts_at_login=starts_at_login, recording=until)
    worst: dict[str, Mapping[str, Any]] = {}
    for health in healths:
        # A limit of one model alone is not the account's.
        if health["model"] == "*" and health["state"] in _STATES:
            worst[str(health["account"])] = health
    accounts = tuple(
        _account(it.id, it.shown_as, worst.get(it.id), left.get(it.id), now)
        for it in config.enabled_accounts()
    )
    shown = tuple(ProfileFact(it.id, it.name, it.active) for it in profiles)
    return Facts(status, shown, accounts, starts_at_login, until)


def _account(
    account_id: str,
    label: str,
    health: Mapping[str, Any] | None,
    quota: AccountQuota | None,
    now: float,
) -> AccountFact:
    state = ""
    if health is not None:
        state = _STATES[str(health["state"])]
        if health["state"] == "rate_limited" and health["until"]:
            state += f" until {moment(float(health['until']), now)}"
    window = _tightest(quota)
    return AccountFact(
        id=account_id,
        label=label,
        state=state,
        remaining_percent=None if window is None else window.remaining_percent,
        window="" if window is None else window.name,
        resets=""
        if window is None or window.reset_in_s is None
        else moment(now + window.reset_in_s, now),
    )


def _tightest(quota: AccountQuota | None) -> WindowView | None:
    told = [] if quota is None else [it for it in quota.windows if it.remaining_percent is not None]
    return min(told, key=lambda it: it.remaining_percent or 0.0, default=None)


def moment(at: float, now: float) -> str:
    """A time for people, in local time: today's without the day."""
    local = datetime.fromtimestamp(at, UTC).astimezone()
    today = datetime.fromtimestamp(now, UTC).astimezone().date()
    return local.strftime("%H:%M") if local.date() == today else local.strftime("%a %H:%M")
