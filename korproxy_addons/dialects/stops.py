"""
Stop strings that an upstream does not take, kept by the gateway (T119).

Responses has none, OpenAI's reasoning models refuse them, others take four or five. What an upstream cannot be told
is looked for in its answer: the text ends where one of them begins, and nothing that comes later is shown. The
answer is read to its end all the same, for its counts: stream and whole reply say the same.
"""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from korproxy_addons.dialects.events import (
    Event,
    KeepAlive,
    MessageEnd,
    MessageStart,
    PartCitation,
    PartDelta,
    PartEnd,
    PartStart,
    StreamFailed,
)
from korproxy_addons.dialects.model import FinishReason, TextPart


def shared_stops(
    stops: Sequence[str], limit: int, *, takes_blank: bool = True
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """
    Which stop strings the upstream is told, and which the gateway keeps.

    Args:
        stops: The client's, without empty ones.
        limit: The most that the upstream takes.
        takes_blank: Whether it takes those of white space only (Anthropic does not).
    """
    wanted = list(dict.fromkeys(stop for stop in stops if stop))
    told = [stop for stop in wanted if takes_blank or stop.strip()][:limit]
    return tuple(told), tuple(stop for stop in wanted if stop not in told)


class StopCutter:
    """
    Events in, events out, up to the first stop string in a text part.

    Args:
        stops: What to look for; not empty.
    """

    __slots__ = ("_fired", "_held", "_longest", "_stops", "_text")

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stops)
        self._longest = max(map(len, stops))
        self._held = ""  # the end of the text so far, which may begin a stop string
        self._text = False  # the open part is text
        self._fired = ""

    def feed(self, event: Event) -> Iterator[Event]:
        """The events that one event becomes."""
        if self._fired:
            yield from self._after(event)
        elif isinstance(event, PartDelta):
            if self._text:
                yield from self._words(event.text)
            else:
                yield event
        elif isinstance(event, PartStart):
            self._text = isinstance(event.part, TextPart)
            yield event
        elif isinstance(event, PartEnd):
            if self._held:
                yield PartDelta(self._held)
                self._held = ""
            yield event
        else:
            yield event

    def _words(self, text: str) -> Iterator[Event]:
        text = self._held + text
        found = [(place, stop) for stop in self._stops if (place := text.find(stop)) >= 0]
        if found:
            # The one that is complete first, as a model that was told them stops as soon as one is there.
            place, self._fired = min(found, key=lambda it: (it[0] + len(it[1]), it[0]))
            self._held = ""
            if place:
                yield PartDelta(text[:place])
            yield PartEnd()
            return
        keep = self._beginning(text)
        self._held = text[len(text) - keep :]
        if keep < len(text):
            yield PartDelta(text[: len(text) - keep])

    def _beginning(self, text: str) -> int:
        """How many characters at the end of the text may begin a stop string."""
        for length in range(min(self._longest - 1, len(text)), 0, -1):
            end = text[-length:]
            if any(stop.startswith(end) for stop in self._stops):
                return length
        return 0

    def _after(self, event: Event) -> Iterator[Event]:
        if isinstance(event, MessageEnd):
            yield replace(
                event,
                finish=FinishReason.STOP_SEQUENCE,
                stop_sequence=self._fired,
                reason="",
                explanation="",
            )
        elif isinstance(event, MessageStart | KeepAlive | StreamFailed):
            yield event
        else:
            assert isinstance(event, PartStart | PartDelta | PartCitation | PartEnd)
