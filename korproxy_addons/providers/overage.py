"""Whether a reply says that the account is drawing on money beyond its plan."""

from collections.abc import Iterable, Mapping

from korproxy_addons.providers.quota import FIVE_HOURS_S, OverageSign
from korproxy_addons.providers.quota_headers import number
from korproxy_addons.providers.waits import instant_s

_UNIFIED = "anthropic-ratelimit-unified-"
_CODEX = "x-codex-"


def claude_overage(headers: Mapping[str, str], now: float) -> OverageSign | None:
    """Extra usage of a Claude plan (`providers.md` 2d): in use, or allowed while a shared window is full."""
    full = [
        name
        for name in ("5h", "7d")
        if headers.get(f"{_UNIFIED}{name}-status") == "rejected"
        or (number(headers.get(f"{_UNIFIED}{name}-utilization")) or 0.0) >= 1.0
    ]
    drawn = headers.get(f"{_UNIFIED}overage-in-use", "").lower() == "true"
    offered = headers.get(f"{_UNIFIED}overage-status", "").startswith("allowed")
    if not drawn and not (full and offered):
        return None
    names = [f"{_UNIFIED}{name}-reset" for name in full] or [f"{_UNIFIED}reset"]
    until = _latest((instant_s(headers.get(name)) for name in names), now)
    return OverageSign(drawn, until, "extra usage")


def codex_overage(headers: Mapping[str, str], now: float) -> OverageSign | None:
    """Credits of a ChatGPT plan (`providers.md` 3d): there are some, and a window of the plan is full."""
    has = headers.get(f"{_CODEX}credits-has-credits", "").lower() == "true"
    if not has and headers.get(f"{_CODEX}credits-unlimited", "").lower() != "true":
        return None
    full = [
        name
        for name in ("primary", "secondary")
        if (number(headers.get(f"{_CODEX}{name}-used-percent")) or 0.0) >= 100.0
    ]
    if not full:
        return None
    resets = (_codex_reset(headers, name, now) for name in full)
    return OverageSign(drawn=False, until=_latest(resets, now), words="credits")


def _codex_reset(headers: Mapping[str, str], name: str, now: float) -> float | None:
    seconds = number(headers.get(f"{_CODEX}{name}-reset-after-seconds"))
    reset_at = instant_s(headers.get(f"{_CODEX}{name}-reset-at"))
    return now + seconds if reset_at is None and seconds is not None else reset_at


def _latest(resets: Iterable[float | None], now: float) -> float:
    """The last reset that is still to come; the shortest window's length from now if none is named."""
    return max((it for it in resets if it is not None and it > now), default=now + FIVE_HOURS_S)
