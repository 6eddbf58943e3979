"""Reads replies of the Responses API, streamed and whole."""

from collections.abc import Callable, Iterator
from typing import Final

from korproxy_addons.dialects.base import DecodeContext, Decoder
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import Event, StreamFailed, reply_error
from korproxy_addons.dialects.model import Usage
from korproxy_addons.dialects.openai_responses.call_slot import CallSlot
from korproxy_addons.dialects.openai_responses.errors import decoded_error
from korproxy_addons.dialects.openai_responses.slots import MessageSlot, ReasoningSlot
from korproxy_addons.dialects.openai_responses.turn import Turn, failure_of
from korproxy_addons.dialects.openai_responses.wire import (
    EVENT,
    EVENT_HEAD,
    PART,
    RESPONSE,
    ResponseBody,
    StreamEvent,
    given,
)
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, Frame, SseParser
from korproxy_addons.errors.catalogue import STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_NO_END: Final = "the stream ended without its last event"


def reply_decoder(context: DecodeContext) -> Decoder:
    """A reader for one reply."""
    return StreamDecoder(context) if context.streamed else WholeDecoder(context)


class WholeDecoder:
    """Reads one JSON body."""

    def __init__(self, context: DecodeContext) -> None:
        self._turn = Turn(context)
        self._body = Body()

    def feed(self, data: bytes) -> Iterator[Event]:
        self._body.feed(data)
        return iter(())

    def close(self) -> Iterator[Event]:
        raw = self._body.close()
        answer = decode_payload(RESPONSE, raw)
        failure = failure_of(answer, raw)
        if failure is not None:
            self._turn.fail(failure)
        elif answer.output is None and answer.status is None:
            raise KorProxyError(UPSTREAM_INVALID_REPLY, "it has no `output`")
        else:
            self._turn.end(answer)
        return iter(self._turn.taken())

    def told(self) -> Usage | None:
        return None  # it is told at the end, with everything else


class StreamDecoder:
    """Reads server-sent events; the JSON's `type` counts, the event's name where there is none (T153)."""

    def __init__(self, context: DecodeContext) -> None:
        self._parser = SseParser()
        self._turn = Turn(context)

    def feed(self, data: bytes) -> Iterator[Event]:
        turn = self._turn
        if turn.over():
            return
        for frame in self._parser.feed(data):
            self._take(frame)
            yield from turn.taken()
            if turn.over():
                return

    def close(self) -> Iterator[Event]:
        turn = self._turn
        if not turn.over():
            for frame in self._parser.close():
                self._take(frame)
        if not turn.over():
            turn.fail(StreamFailed(reply_error(KorProxyError(STREAM_CUT, _NO_END))))
        yield from turn.taken()

    def told(self) -> Usage | None:
        return None  # it is told with the last event

    def _take(self, frame: Frame) -> None:
        turn = self._turn
        if turn.over():
            return
        if frame.data.strip() == DONE:
            if turn.whole:  # a service that knows no last event but this (T111)
                turn.end(ResponseBody())
            return
        event = _event(frame.data)
        kind = event.type or frame.event
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(turn, event)
        elif kind in _ENDS:
            self._end(kind, event, frame.data)
        elif kind == "error" or given(event.error) or (not kind and given(event.detail)):
            turn.fail(StreamFailed(decoded_error(0, frame.data)))
        elif kind not in _SILENT:
            turn.keep_alive()

    def _end(self, kind: str, event: StreamEvent, data: bytes) -> None:
        answer = decode_payload(RESPONSE, event.response) if given(event.response) else None
        if answer is None or kind in {"response.failed", "response.cancelled"}:
            self._turn.fail(StreamFailed(decoded_error(0, data)))
            return
        failure = failure_of(answer, event.response)
        if failure is not None:
            self._turn.fail(failure)
            return
        if answer.status is None:
            answer.status = kind.removeprefix("response.")
        self._turn.end(answer)


def _event(data: bytes) -> StreamEvent:
    """An event; one of a type that is not known may have other types of fields."""
    try:
        return decode_payload(EVENT, data)
    except KorProxyError:
        kind = decode_payload(EVENT_HEAD, data).type
        if kind is None or kind in _HANDLERS or kind in _ENDS:
            raise
        return StreamEvent(type=kind)


def _created(turn: Turn, event: StreamEvent) -> None:
    turn.start(decode_payload(RESPONSE, event.response) if given(event.response) else None)


def _added(turn: Turn, event: StreamEvent) -> None:
    if given(event.item):
        turn.added(event.output_index, event.item)


def _finished(turn: Turn, event: StreamEvent) -> None:
    if given(event.item):
        turn.finished(event.output_index, event.item)


def _text_delta(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, MessageSlot)
    if slot is not None:
        slot.delta(event.content_index or 0, event.delta or "")


def _text_done(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, MessageSlot)
    if slot is not None:
        slot.text(event.content_index or 0, event.text or "")


def _refusal_delta(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, MessageSlot)
    if slot is not None:
        slot.delta(event.content_index or 0, event.delta or "", refusal=True)


def _refusal_done(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, MessageSlot)
    if slot is not None:
        slot.text(event.content_index or 0, event.refusal or "", refusal=True)


def _annotation(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, MessageSlot)
    if slot is not None and given(event.annotation):
        slot.annotation(event.content_index or 0, event.annotation)


def _part_done(turn: Turn, event: StreamEvent) -> None:
    if not given(event.part):
        return
    part = decode_payload(PART, event.part)
    if part.type == "reasoning_text":
        thinking = turn.found(event, ReasoningSlot)
        if thinking is not None:
            thinking.text(event.content_index or 0, part.text or "", summary=False)
        return
    slot = turn.found(event, MessageSlot)
    if slot is not None:
        slot.part(event.content_index or 0, part)


def _summary_delta(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, ReasoningSlot)
    if slot is not None:
        slot.delta(event.summary_index or 0, event.delta or "", summary=True)


def _summary_done(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, ReasoningSlot)
    if slot is not None:
        slot.text(event.summary_index or 0, event.text or "", summary=True)


def _reasoning_delta(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, ReasoningSlot)
    if slot is not None:
        slot.delta(event.content_index or 0, event.delta or "", summary=False)


def _reasoning_done(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, ReasoningSlot)
    if slot is not None:
        slot.text(event.content_index or 0, event.text or "", summary=False)


def _call_delta(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, CallSlot)
    if slot is not None:
        slot.delta(event.delta or "")


def _call_done(turn: Turn, event: StreamEvent) -> None:
    slot = turn.found(event, CallSlot)
    if slot is not None:
        slot.text((event.arguments if event.input is None else event.input) or "")


_ENDS: Final = frozenset(
    {
        "response.completed",
        "response.done",
        "response.incomplete",
        "response.failed",
        "response.cancelled",
    }
)
# Steps of which the events around them say enough.
_SILENT: Final = frozenset(
    {
        "response.content_part.added",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_part.added",
        "response.reasoning_part.done",
    }
)
_HANDLERS: Final[dict[str, Callable[[Turn, StreamEvent], None]]] = {
    "response.created": _created,
    "response.in_progress": _created,
    "response.output_item.added": _added,
    "response.output_item.done": _finished,
    "response.output_text.delta": _text_delta,
    "response.output_text.done": _text_done,
    "response.output_text.annotation.added": _annotation,
    "response.refusal.delta": _refusal_delta,
    "response.refusal.done": _refusal_done,
    "response.content_part.done": _part_done,
    "response.reasoning_summary_text.delta": _summary_delta,
    "response.reasoning_summary_text.done": _summary_done,
    "response.reasoning_text.delta": _reasoning_delta,
    "response.reasoning_text.done": _reasoning_done,
    "response.reasoning.delta": _reasoning_delta,
    "response.reasoning.done": _reasoning_done,
    "response.function_call_arguments.delta": _call_delta,
    "response.function_call_arguments.done": _call_done,
    "response.custom_tool_call_input.delta": _call_delta,
    "response.custom_tool_call_input.done": _call_done,
}
