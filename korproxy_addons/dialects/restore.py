"""
What the answer's way back undoes of what the request's way up did.

Between decoder and encoder, event by event: tool names become the client's again (T29), calls of functions that
stood in for custom tools become calls of those (T139), the call of a tool that was forced to get structured
output becomes the text that the client asked for (T130), a call that wraps calls becomes those (T143), halves of
an emoji are joined (T178), and the text ends at stop strings that the upstream was not told (T119).
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
    ReplyPart,
)
from korproxy_addons.dialects.model import FinishReason, TextPart, ToolCallPart
from korproxy_addons.dialects.stops import StopCutter
from korproxy_addons.dialects.surrogates import SurrogateJoiner
from korproxy_addons.dialects.wrapped_calls import WRAPPERS, inner_calls


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
        "_wrapped",
        "_wrapper",
    )

    def __init__(self, encoded: EncodedRequest) -> None:
        self._names = encoded.names
        self._custom = encoded.custom_tools
        self._answer_tool = encoded.answer_tool
        self._joiner = SurrogateJoiner()
        self._cutter = StopCutter(encoded.stops) if encoded.stops else None
        self._reader: InputReader | None = None
        self._wrapper: ToolCallPart | None = None  # the open part wraps calls
        self._wrapped: list[str] = []
        self._as_text = False  # the open part is the structured answer
        self._called = False  # a call that is the client's affair was seen

    def feed(self, event: Event) -> Iterator[Event]:
        """The events that one event becomes."""
        if self._cutter is None:
            return self._restored(event)
        return (cut for restored in self._restored(event) for cut in self._cutter.feed(restored))

    def _restored(self, event: Event) -> Iterator[Event]:
        if self._wrapper is not None and isinstance(event, PartDelta | PartEnd):
            yield from self._unwrapped(self._wrapper, event)
        elif isinstance(event, PartStart) and self._wraps(event.part):
            self._wrapped = []
        elif isinstance(event, PartDelta):
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

    def _wraps(self, part: ReplyPart) -> bool:
        if isinstance(part, ToolCallPart) and part.name in WRAPPERS - self._names.back.keys():
            self._wrapper = part
            return True
        return False

    def _unwrapped(self, wrapper: ToolCallPart, event: PartDelta | PartEnd) -> Iterator[Event]:
        if isinstance(event, PartDelta):
            self._wrapped.append(event.text)
            return
        self._wrapper = None
        calls = inner_calls("".join(self._wrapped)) if event.complete else ()
        if not calls:
            self._called = True
            yield PartStart(wrapper)
            yield from map(PartDelta, self._wrapped)
            yield event
        for number, (name, arguments) in enumerate(calls):
            part = ToolCallPart(f"{wrapper.call_id}_{number}", name)
            state = event.state if not number else None  # of a step's first call (T78)
            for inner in (PartStart(part), PartDelta(arguments), PartEnd(state)):
                yield from self._restored(inner)

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
