"""Writes an answer of the Messages API: the message around its blocks, streamed or whole."""

from abc import ABC, abstractmethod
from typing import Any, Final

from korproxy_addons.dialects.anthropic_messages.errors import error_frame
from korproxy_addons.dialects.anthropic_messages.part_writers import PartWriter, part_writer
from korproxy_addons.dialects.anthropic_messages.sinks import Sink, StreamSink, WholeSink
from korproxy_addons.dialects.anthropic_messages.usage import (
    service_tier_of,
    stop_reason_of,
    wire_usage,
)
from korproxy_addons.dialects.anthropic_messages.wire import json_bytes
from korproxy_addons.dialects.base import ReplyContext
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
from korproxy_addons.dialects.model import FinishReason, RefusalPart, Usage
from korproxy_addons.dialects.sse import frame_bytes

PING: Final = frame_bytes(b'{"type":"ping"}', "ping")
_STOP: Final = frame_bytes(b'{"type":"message_stop"}', "message_stop")


class _Encoder(ABC):
    """What both roads share."""

    __slots__ = ("_context", "_id", "_over", "_refused", "_sink", "_usage", "_writer")

    def __init__(self, context: ReplyContext, sink: Sink) -> None:
        self._context = context
        self._id = context.ids.make("msg_")
        self._sink = sink
        self._usage = Usage(input_tokens=context.input_tokens)  # until the upstream states it (T99)
        self._writer: PartWriter | None = None
        self._refused = False
        self._over = False

    def feed(self, event: Event) -> bytes:
        writer = self._writer
        if writer is not None:
            if type(event) is PartDelta:  # nearly all events are one
                return writer.delta(event.text)
            if isinstance(event, PartEnd):
                self._writer = None
                return writer.end(event)
            if isinstance(event, PartCitation):
                return writer.cite(event.citation)
        if self._over:
            return b""
        if isinstance(event, PartStart):
            self._refused = self._refused or isinstance(event.part, RefusalPart)
            self._writer = part_writer(self._sink, event.part)
            return self._writer.start()
        if isinstance(event, MessageStart):
            self._usage = event.usage or self._usage
            return self._begun()
        if isinstance(event, KeepAlive):
            return self._alive()
        if isinstance(event, MessageEnd):
            self._over = True
            return self._ended(event)
        if isinstance(event, StreamFailed):
            self._over = True
            self._writer = None
            return self._failed(event)
        return b""

    def _begun(self) -> bytes:
        return b""

    def _alive(self) -> bytes:
        return b""

    @abstractmethod
    def _ended(self, end: MessageEnd) -> bytes: ...

    def _failed(self, failed: StreamFailed) -> bytes:  # noqa: ARG002 - whole: there is no body then
        return b""

    def _message(
        self, content: list[dict[str, Any]], stop: dict[str, Any], usage: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._context.model,
            "content": content,
            **stop,
            "usage": usage,
        }

    def _stop(self, end: MessageEnd) -> dict[str, Any]:
        finish = end.finish
        if self._refused and finish is FinishReason.STOP:
            finish = FinishReason.REFUSAL  # the model's own no, said in text (T177)
        stop: dict[str, Any] = {
            "stop_reason": stop_reason_of(finish),
            "stop_sequence": end.stop_sequence or None,
        }
        if end.reason or end.explanation:
            stop["stop_details"] = {
                "type": "refusal",
                "category": end.reason or None,
                "explanation": end.explanation or None,
            }
        return stop

    def _counts(self, end: MessageEnd) -> dict[str, Any]:
        counts = wire_usage(end.usage or self._usage)
        tier = service_tier_of(end.service_tier)
        return {**counts, "service_tier": tier} if tier else counts


class StreamEncoder(_Encoder):
    """Writes server-sent events."""

    __slots__ = ()

    def __init__(self, context: ReplyContext) -> None:
        super().__init__(context, StreamSink())

    def _begun(self) -> bytes:
        stop = {"stop_reason": None, "stop_sequence": None}
        message = self._message([], stop, wire_usage(self._usage))
        data = json_bytes({"type": "message_start", "message": message})
        return frame_bytes(data, "message_start")

    def _alive(self) -> bytes:
        return PING

    def _ended(self, end: MessageEnd) -> bytes:
        data = json_bytes(
            {"type": "message_delta", "delta": self._stop(end), "usage": self._counts(end)}
        )
        return frame_bytes(data, "message_delta") + _STOP

    def _failed(self, failed: StreamFailed) -> bytes:
        return error_frame(failed.error)


class WholeEncoder(_Encoder):
    """Writes one JSON body."""

    __slots__ = ("_blocks",)

    def __init__(self, context: ReplyContext) -> None:
        sink = WholeSink()
        super().__init__(context, sink)
        self._blocks = sink.blocks

    def _ended(self, end: MessageEnd) -> bytes:
        return json_bytes(self._message(self._blocks, self._stop(end), self._counts(end)))


def make_encoder(context: ReplyContext) -> StreamEncoder | WholeEncoder:
    """A writer of one answer."""
    return StreamEncoder(context) if context.streamed else WholeEncoder(context)
