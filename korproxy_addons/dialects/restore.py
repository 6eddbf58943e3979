"""
What the answer's way back undoes of what the request's way up did.

Between decoder and encoder, event by event: tool names become the client's again (T29), calls of functions that
stood in for custom tools become calls of those (T139), the call of a tool that was forced to get structured
output becomes the text that the client asked for (T130), halves of an emoji are joined (T178), and the text ends at
stop strings that the upstream was not told (T119).
"""

from collections.abc import Iterator

from msgspec.structs import replace

from korproxy_addons.dialects.base import EncodedRequest
from korproxy_addons.dialects.custom import InputReader
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    PartDelta,
    PartEnd,
    PartStart,
)
from korproxy_addons.dialects.model import FinishReason, TextPart, ToolCallPart
from korproxy_addons.dialects.stops import StopCutter
from korproxy_addons.dialects.surrogates import SurrogateJoiner


class Restorer:
    """
    Events in, events out.

    Args:
        encoded: The request that was sent.
    """

    __slots__ = (
        "_answer_tool",
        "_as_text",
        "_called",
        "_custom",
        "_cutter",
        "_joiner",
        "_names",
        "_reader",
    )

    def __init__(self, encoded: EncodedRequest) -> None:
        self._names = encoded.names
        self._custom = encoded.custom_tools
        self._answer_tool = encoded.answer_tool
        self._joiner = SurrogateJoiner()
        self._cutter = StopCutter(encoded.stops) if encoded.stops else None
        self._reader: InputReader | None = None
        self._as_text = False  # the open part is the structured answer
        self._called = False  # a call that is the client's affair was seen

    def feed(self, event: Event) -> Iterator[Event]:
        """The events that one event becomes."""
        if self._cutter is None:
            return self._restored(event)
        return (cut for restored in self._restored(event) for cut in self._cutter.feed(restored))

    def _restored(self, event: Event) -> Iterator[Event]:
        if isinstance(event, PartDelta):
            text = self._joiner.feed(event.text)
            if self._reader is not None:
                text = self._reader.feed(text)
            if text:
                yield event if text is event.text else PartDelta(text)
        elif isinstance(event, PartStart):
            yield self._opened(event)
        elif isinstance(event, PartEnd):
            yield from self._ended(event)
        elif isinstance(event, MessageEnd):
            answered = event.finish is FinishReason.TOOL_CALLS and not self._called
            yield replace(event, finish=FinishReason.STOP) if answered else event
        else:
            yield event

    def _opened(self, event: PartStart) -> PartStart:
        part = event.part
        if not isinstance(part, ToolCallPart):
            return event
        if self._answer_tool and part.name == self._answer_tool:
            self._as_text = True
            return PartStart(TextPart(""))
        self._called = True
        custom = part.custom or part.name in self._custom
        if custom and not part.custom:
            self._reader = InputReader()
        name = self._names.original(part.name)
        if name == part.name and custom == part.custom:
            return event
        return PartStart(replace(part, name=name, custom=custom))

    def _ended(self, event: PartEnd) -> Iterator[Event]:
        text = self._joiner.close()
        if self._reader is not None:
            text = self._reader.feed(text)
            if event.complete:  # half a call is not repaired (T56)
                text += self._reader.close()
            self._reader = None
        if text:
            yield PartDelta(text)
        yield replace(event, state=None) if self._as_text and event.state else event
        self._as_text = False
