"""A moment in the past as people write it: `10m`, `2h`, `14:30`, `2026-11-22T10:00`."""

import re
from datetime import UTC, datetime, timedelta

EXPECTED = "a time such as 10m, 2h, 3d, 14:30, 2026-11-22 or 2026-11-22T14:30"

_AGO = re.compile(r"([0-9]{1,6})\s*(s|m|min|h|d)\Z")
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?\Z")
_SECONDS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}


def since_at(text: str, now: float) -> float:
    """
    The moment that a text means.

    Args:
        text: So long ago; or a time of this machine's clock, which without a day is the last one that has passed; or, with
            a zone, of that zone's.
        now: Unix seconds.
    Returns:
        Unix seconds.
    Raises:
        ValueError: It means none; the message says what is expected.
    """
    text = text.strip()
    ago = _AGO.match(text)
    if ago:
        return now - int(ago[1]) * _SECONDS[ago[2]]
    clock = _CLOCK.match(text)
    if clock:
        hour, minute, second = (int(it or 0) for it in clock.groups())
        here = datetime.fromtimestamp(now, UTC).astimezone().replace(tzinfo=None)
        at = here.replace(hour=hour, minute=minute, second=second, microsecond=0)
        return (at if at <= here else at - timedelta(days=1)).timestamp()
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError, OSError):
        raise ValueError(EXPECTED) from None
