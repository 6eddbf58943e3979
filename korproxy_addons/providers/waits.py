"""Times to wait, in the many ways in which providers write them."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST_S = 400 * 86_400
"""Longer waits are mistakes of the sender."""

_UNIT_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_PART = r"\d{1,9}(?:\.\d{1,9})?\s?(?:ms|[smhd])"
_DURATION = re.compile(rf"(?:{_PART})+\Z")
_PARTS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s?(ms|[smhd])")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,9})?\Z")
_IN_TEXT = re.compile(
    rf"(?:try again in|retry in|resets in|retry after)\s+((?:{_PART})+|\d{{1,9}}\s?seconds)",
    re.IGNORECASE,
)


def duration_s(text: object) -> float | None:
    """Seconds in `34.07s`, `900ms`, `6m0s` or `9h22m20s`; None for anything else."""
    if not isinstance(text, str) or len(text) > 64 or not _DURATION.match(text.strip()):
        return None
    total = sum(float(number) * _UNIT_S[unit] for number, unit in _PARTS.findall(text))
    return total if total <= LONGEST_S else None


def duration_in_text_s(text: str) -> float | None:
    """Seconds in a sentence such as "Please try again in 11.5s."; None if it names none."""
    match = _IN_TEXT.search(text)
    if match is None:
        return None
    words = match[1].lower()
    return duration_s(re.sub(r"\s?seconds", "s", words))


def instant_s(value: object) -> float | None:
    """Unix seconds of an RFC 3339 text, or of a number of seconds; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, (int, float)):
        return float(value) if math.isfinite(value) and 0 < value < 1e11 else None
    if not isinstance(value, str) or len(value) > 64:
        return None
    if _NUMBER.match(value):
        return instant_s(float(value))
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def retry_after_s(headers: Mapping[str, str], now: float) -> float | None:
    """
    Seconds in `retry-after-ms` or `retry-after` (RFC 9110, section 10.2.3); None if neither says.

    Args:
        headers: Names in lower case.
        now: Unix seconds, to which an HTTP date is compared.
    """
    millis = headers.get("retry-after-ms", "").strip()
    if _NUMBER.match(millis):
        return min(float(millis) / 1000, LONGEST_S)
    text = headers.get("retry-after", "").strip()
    if _NUMBER.match(text):
        return min(float(text), LONGEST_S)
    if not text or len(text) > 64:
        return None
    try:
        moment = parsedate_to_datetime(text)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
    return min(max(at - now, 0.0), LONGEST_S)


def next_pacific_midnight(now: float) -> float:
    """
    Unix seconds of the next midnight in California, where daily Gemini quotas begin anew.

    Computed by the rule in force since 2007 (second Sunday of March to first Sunday of November),
    because a time-zone database is not at hand on every system.
    """
    midnights = []
    for zone_h in (-8, -7):
        local = datetime.fromtimestamp(now, UTC) + timedelta(hours=zone_h)
        midnight = datetime(local.year, local.month, local.day, tzinfo=UTC) + timedelta(days=1)
        midnights.append(midnight.timestamp() - _pacific_offset_h(midnight) * 3600)
    return min(it for it in midnights if it > now)


def _pacific_offset_h(local: datetime) -> int:
    start = _sunday(local.year, 3, 2)
    end = _sunday(local.year, 11, 1)
    return -7 if start <= local < end else -8


def _sunday(year: int, month: int, number: int) -> datetime:
    """Two in the morning of a month's first, second, ... Sunday; wall clock, written as UTC."""
    first = datetime(year, month, 1, 2, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (number - 1))
