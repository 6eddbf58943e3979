"""What the quota pages of plans that are used by key say: Kimi Code's and GLM's (`providers.md` 7)."""

from collections.abc import Iterator, Mapping
from typing import Any

from korproxy_addons.providers.quota import (
    DAY_S,
    FIVE_HOURS_S,
    HOUR_S,
    WEEK_S,
    Window,
    name_of_length,
)
from korproxy_addons.providers.quota_headers import number
from korproxy_addons.providers.waits import instant_s

WEB_TOOLS = "web-tools"
"""Stands for a model in the window of GLM's own web tools: no request to a model is counted by it."""

_KIMI_UNITS_S = {
    "TIME_UNIT_SECOND": 1.0,
    "TIME_UNIT_MINUTE": 60.0,
    "TIME_UNIT_HOUR": HOUR_S,
    "TIME_UNIT_DAY": DAY_S,
    "TIME_UNIT_WEEK": WEEK_S,
}
_MONTH_S = 30 * DAY_S
# As live accounts showed in September 2026: 3 stands for hours, 5 for months, 6 for weeks.
_GLM_UNITS_S = {3: HOUR_S, 5: _MONTH_S, 6: WEEK_S}
_GLM_COUNTED = {"TOKENS_LIMIT": "tokens", "CREDIT_LIMIT": "credits", "TIME_LIMIT": "calls"}
# Older answers name no unit and give both of a plan's windows one type, the shorter one first.
_GLM_UNNAMED_S = (FIVE_HOURS_S, WEEK_S)
# A window that begins anew later than this is not that of five hours, wherever it stands.
_LATEST_RESET_S = 6 * HOUR_S
# `percentage` is a whole number; where used and limit say the same more exactly, they are taken.
_ROUNDED_BY = 0.015
_MOST = 64


def kimi_windows(body: Mapping[str, Any], now: float) -> Iterator[Window]:
    """
    Kimi Code's week and its shorter windows.

    Args:
        body: The page; numbers may be texts.
        now: Unix seconds.
    """
    yield from _kimi_window("weekly", WEEK_S, body.get("usage"), now)
    for entry in _listed(body.get("limits")):
        window = _field(entry, "window")
        duration = number(_field(window, "duration"))
        unit_s = _KIMI_UNITS_S.get(str(_field(window, "timeUnit")))
        if duration and unit_s:
            length_s = duration * unit_s
            name = name_of_length(length_s)
            yield from _kimi_window(name, length_s, _field(entry, "detail"), now)


def glm_windows(data: Mapping[str, Any], now: float) -> Iterator[Window]:
    """
    A GLM plan's five hours and week, in tokens or credits, and the month of its web tools.

    Args:
        data: `data` of the page. `usage` is the limit there, `currentValue` what is used of it.
        now: Unix seconds.
    """
    unnamed = iter(_GLM_UNNAMED_S)
    for limit in _listed(data.get("limits")):
        percent = number(_field(limit, "percentage"))
        kind = _field(limit, "type")
        if percent is None or not isinstance(kind, str) or not kind:
            continue
        reset_at = _glm_reset(_field(limit, "nextResetTime"))
        length_s = _glm_length(limit)
        if length_s is None and kind == "TIME_LIMIT":
            length_s = _MONTH_S
        elif length_s is None and kind in _GLM_COUNTED:
            length_s = next(unnamed, None)
            if length_s == FIVE_HOURS_S and (reset_at or now) > now + _LATEST_RESET_S:
                length_s = next(unnamed, None)
        name = kind.lower().removesuffix("_limit") if length_s is None else name_of_length(length_s)
        share, used, whole = _glm_use(limit, percent / 100.0)
        yield Window(
            name,
            share,
            used,
            whole,
            unit=_GLM_COUNTED.get(kind, "") if used is not None else "",
            reset_at=reset_at,
            length_s=length_s,
            seen_at=now,
            model_glob=WEB_TOOLS if kind == "TIME_LIMIT" else "*",
        )


def _kimi_window(name: str, length_s: float, detail: Any, now: float) -> Iterator[Window]:
    limit, used = number(_field(detail, "limit")), number(_field(detail, "used"))
    remaining = number(_field(detail, "remaining"))
    if used is None and limit is not None and remaining is not None:
        used = max(0.0, limit - remaining)
    if not limit or used is None:
        return
    yield Window(
        name,
        used / limit,
        used,
        limit,
        unit="requests",
        reset_at=instant_s(_field(detail, "resetTime")),
        length_s=length_s,
        seen_at=now,
    )


def _glm_length(limit: Any) -> float | None:
    """Seconds of a window that says how long it is."""
    unit, count = number(_field(limit, "unit")), number(_field(limit, "number"))
    unit_s = _GLM_UNITS_S.get(int(unit)) if unit is not None else None
    return None if unit_s is None else unit_s * (count or 1.0)


def _glm_use(limit: Any, share: float) -> tuple[float, float | None, float | None]:
    """Share, used and limit of a window; the numbers where they are all there and fit the share."""
    used, whole = number(_field(limit, "currentValue")), number(_field(limit, "usage"))
    if whole is None:
        left = number(_field(limit, "remaining"))
        whole = used + left if used is not None and left is not None else None
    if used is None or not whole:
        return share, None, None
    exact = used / whole
    return (exact if abs(exact - share) <= _ROUNDED_BY else share), used, whole


def _glm_reset(value: Any) -> float | None:
    """Unix seconds of a reset in milliseconds; a window that nobody has begun has none."""
    reset = number(value)
    return None if not reset else reset / 1000.0 if reset > 1e11 else reset


def _field(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _listed(value: Any) -> list[Any]:
    return value[:_MOST] if isinstance(value, list) else []
