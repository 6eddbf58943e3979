"""
Clients that have run away: the same request again and again, or a model that calls the same tool with the same result.

Pure; the clock is handed in. What is remembered is bounded: whoever has not been seen for longest is forgotten first.
"""

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from korproxy_addons.dialects.model import Message, Role
from korproxy_addons.dialects.parts import TextPart, ToolCallPart, ToolResultPart

MOST_REMEMBERED = 2_000


@dataclass(slots=True)
class _Seen:
    since: float
    times: int = 0


class RepeatWatch:
    """Counts what comes again within a time."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._seen: OrderedDict[Hashable, _Seen] = OrderedDict()

    def times(self, what: Hashable, now: float, window_s: float) -> tuple[int, float]:
        """
        How often `what` has come, this time included, since it came first.

        Returns:
            The number, and when the count begins anew (Unix seconds).
        """
        seen = self._seen.get(what)
        if seen is None or now - seen.since >= window_s:
            seen = self._seen[what] = _Seen(now)
        self._seen.move_to_end(what)
        while len(self._seen) > self._most:
            self._seen.popitem(last=False)
        seen.times += 1
        return seen.times, seen.since + window_s


def call_loop(messages: Sequence[Message]) -> tuple[str, int]:
    """
    The tool call that a conversation ends with, and how often in a row it stands there with the same result.

    Returns:
        The tool's name and the number; ("", 0) where the conversation does not end with a tool's result.
    """
    calls: dict[str, ToolCallPart] = {}
    rounds: list[tuple[str, str, str, str]] = []
    for message in messages:
        if _is_said(message):
            # What follows is not the same again.
            rounds.clear()
        for part in message.parts:
            if isinstance(part, ToolCallPart):
                calls[part.call_id] = part
            elif isinstance(part, ToolResultPart):
                call = calls.get(part.call_id)
                if call is not None:
                    rounds.append((call.namespace, call.name, call.arguments, _text(part)))
    if not rounds:
        return "", 0
    last = rounds[-1]
    times = next((number for number, it in enumerate(reversed(rounds)) if it != last), len(rounds))
    return last[1], times


def _is_said(message: Message) -> bool:
    """Whether a person speaks: tools put reminders of their own beside results."""
    return message.role is Role.USER and not any(
        isinstance(part, ToolResultPart) for part in message.parts
    )


def _text(result: ToolResultPart) -> str:
    return "\n".join(it.text for it in result.content if isinstance(it, TextPart))
