"""Limits in replies' headers: Anthropic's keys and plans, Codex' plans, OpenAI's keys and whoever copies them."""

import re
from collections.abc import Iterator, Mapping

from korproxy_addons.providers.quota import (
    FIVE_HOURS_S,
    WEEK_S,
    Window,
    Windows,
    name_of_length,
)
from korproxy_addons.providers.waits import duration_s, instant_s

_MINUTE_S = 60.0
_LARGEST = 1e15

_UNIFIED = re.compile(r"anthropic-ratelimit-unified-(5h|7d)(?:_([a-z0-9]+))?-utilization\Z")
_LENGTHS = {"5h": FIVE_HOURS_S, "7d": WEEK_S}
CLAUDE_FAMILIES = {"oi": "fable", "overage_included": "fable"}
"""Suffixes of windows that do not name their model family by its own name."""

_CODEX = re.compile(r"x-codex-(?:(.+)-)?(primary|secondary)-used-percent\Z")
_KEY_LIMITS = ("requests", "tokens", "input-tokens", "output-tokens")


def anthropic_windows(headers: Mapping[str, str], now: float) -> Windows:
    """A key's limits per minute, a plan's five hours and weeks: whichever the reply names."""
    if "anthropic-ratelimit-unified-status" in headers:
        return tuple(_unified(headers, now))
    return tuple(_key_limits(headers, now))


def codex_windows(headers: Mapping[str, str], now: float) -> Windows:
    """The windows of a ChatGPT plan, those of single models, and its credits (`providers.md` 3d)."""
    return (*_codex_limits(headers, now), *_codex_credits(headers, now))


def openai_windows(headers: Mapping[str, str], now: float) -> Windows:
    """`x-ratelimit-*` as OpenAI sends it: numbers, and durations until they are full again."""
    found = []
    for name in ("requests", "tokens"):
        limit = number(headers.get(f"x-ratelimit-limit-{name}"))
        remaining = number(headers.get(f"x-ratelimit-remaining-{name}"))
        if not limit or remaining is None:
            continue
        wait_s = duration_s(headers.get(f"x-ratelimit-reset-{name}"))
        found.append(
            _counted(name, limit, remaining, None if wait_s is None else now + wait_s, now)
        )
    return tuple(found)


def number(value: object) -> float | None:
    """A number that is not negative, out of a header's or a JSON's text or number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return None
    if isinstance(value, str) and (len(value) > 32 or "_" in value):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if 0 <= found < _LARGEST else None


def claude_glob(family: str) -> str:
    """The models that a window named after a family counts; all of them for none."""
    name = CLAUDE_FAMILIES.get(family, family)
    return f"claude-{name}-*" if name else "*"


def _unified(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    for name, value in headers.items():
        match = _UNIFIED.match(name)
        share = number(value) if match else None
        if match is None or share is None:
            continue
        reset_at = instant_s(headers.get(name.removesuffix("utilization") + "reset"))
        length_s = _LENGTHS[match[1]]
        yield Window(
            name_of_length(length_s),
            share,
            reset_at=reset_at,
            length_s=length_s,
            seen_at=now,
            model_glob=claude_glob(match[2] or ""),
        )


def _key_limits(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    for name in _KEY_LIMITS:
        stem = f"anthropic-ratelimit-{name}"
        limit = number(headers.get(f"{stem}-limit"))
        remaining = number(headers.get(f"{stem}-remaining"))
        if limit and remaining is not None:
            reset_at = instant_s(headers.get(f"{stem}-reset"))
            yield _counted(name, limit, remaining, reset_at, now)


def _counted(
    name: str, limit: float, remaining: float, reset_at: float | None, now: float
) -> Window:
    used = max(0.0, limit - remaining)
    return Window(
        f"{name}-minute",
        used / limit,
        used,
        limit,
        unit="requests" if name == "requests" else "tokens",
        reset_at=reset_at,
        length_s=_MINUTE_S,
        seen_at=now,
    )


def _codex_limits(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    for name, value in headers.items():
        match = _CODEX.match(name)
        percent = number(value) if match else None
        if match is None or percent is None:
            continue
        stem = name.removesuffix("-used-percent")
        minutes = number(headers.get(f"{stem}-window-minutes"))
        reset_at = instant_s(headers.get(f"{stem}-reset-at"))
        seconds = number(headers.get(f"{stem}-reset-after-seconds"))
        if reset_at is None and seconds is not None:
            reset_at = now + seconds
        model = ""
        if match[1]:
            model = headers.get(f"x-codex-{match[1]}-limit-name", match[1])
        length_s = minutes * 60.0 if minutes else None
        fallback = "5h" if match[2] == "primary" else "weekly"
        yield Window(
            name_of_length(length_s) if length_s else fallback,
            percent / 100.0,
            reset_at=reset_at,
            length_s=length_s,
            seen_at=now,
            model_glob=f"{model}*" if model else "*",
        )


def _codex_credits(headers: Mapping[str, str], now: float) -> Iterator[Window]:
    if headers.get("x-codex-credits-has-credits", "").lower() != "true":
        return
    balance = number(headers.get("x-codex-credits-balance"))
    if balance is not None:
        yield credits_left(balance, now)


def credits_left(balance: float, now: float) -> Window:
    """Credits of which only the rest is told: what is used of them is not known."""
    return Window("credits", None, None, balance, unit="credits left", seen_at=now)
