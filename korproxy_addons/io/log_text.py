"""A line of the log for people: when, how bad, who, what, and the fields that say something, under each other."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

LEVELS = ("debug", "info", "warning", "error", "critical")
"""From the quietest to the worst."""

_OWN = ("ts", "level", "component", "event")
_MARKS = {"debug": "·", "info": " ", "warning": "▲", "error": "✕", "critical": "✕"}
_COLOURS = {"debug": "2", "warning": "33", "error": "31", "critical": "31;1"}
_COMPONENT_WIDTH = 10
_EVENT_WIDTH = 22


def as_text(line: Mapping[str, Any], *, colour: bool = False) -> str:
    """
    One line of the log for people; the request's id stands last.

    Args:
        line: As it stands in the file.
        colour: For a terminal that shows colours.
    """
    level = str(line.get("level"))
    time = local_time(line).strftime("%H:%M:%S.%f")[:-3]
    component = _safe(str(line.get("component") or "")).ljust(_COMPONENT_WIDTH)
    event = _safe(str(line.get("event") or ""))
    fields = [
        (name, it) for name, it in line.items() if name not in _OWN and it not in ("", [], None)
    ]
    fields.sort(key=lambda field: field[0] == "request_id")
    if fields:
        event = event.ljust(_EVENT_WIDTH)
    words = " ".join(
        f"{_styled(_safe(name) + '=', '2', colour)}{_safe(_value(value))}" for name, value in fields
    )
    mark = _styled(_MARKS.get(level, " "), _COLOURS.get(level, ""), colour)
    told = _styled(event, _COLOURS.get(level, ""), colour)
    start = f"{_styled(time, '2', colour)} {mark} {_styled(component, '36', colour)} {told}"
    return f"{start}  {words}".rstrip() if words else start.rstrip()


def local_time(line: Mapping[str, Any]) -> datetime:
    """When a line was logged, on this machine's clock."""
    at = line.get("ts")
    seconds = float(at) if isinstance(at, int | float) and 0 <= at < 2**36 else 0.0
    return datetime.fromtimestamp(seconds, UTC).astimezone()


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _styled(text: str, style: str, colour: bool) -> str:  # noqa: FBT001 - said by every call
    return f"\x1b[{style}m{text}\x1b[0m" if colour and style and text.strip() else text


def _safe(text: str) -> str:
    """What is logged may hold text from outside: nothing of it shall steer a terminal."""
    return "".join(c if c.isprintable() else "?" for c in text)
