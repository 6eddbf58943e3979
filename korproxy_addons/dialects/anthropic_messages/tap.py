"""Reads usage and finish from an answer that passes unchanged: looks for words before it parses anything."""

import re
from typing import Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.anthropic_messages.errors import error_frame, reported_error
from korproxy_addons.dialects.anthropic_messages.usage import UsageTally, finish_of
from korproxy_addons.dialects.anthropic_messages.wire import (
    NOTHING,
    WireDelta,
    WireType,
    WireUsage,
    given,
)
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage, settled_finish
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, frames_with
from korproxy_addons.errors.exceptions import KorProxyError

# In the frames that matter: usage, calls, the end, errors. Words of the answer that hold one of these cost a
# parse and nothing else.
_MARKER: Final = re.compile(rb'"usage"|"tool_use"|message_stop|error|\[DONE\]')


class _Message(Struct):
    type: str | None = None
    model: str | None = None
    content: list[WireType] | None = None
    stop_reason: str | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


class _Event(Struct):
    type: str | None = None
    message: _Message | None = None
    content_block: WireType | None = None
    delta: WireDelta | None = None
    usage: WireUsage | None = None
    error: Raw = NOTHING


_MESSAGE: Final = msgspec.json.Decoder(_Message)
_EVENT: Final = msgspec.json.Decoder(_Event)


class AnthropicTap:
    """
    A `UsageTap`.

    Args:
        streamed: The reply is a stream of events.
    """

    __slots__ = (
        "_body",
        "_called",
        "_streamed",
        "_tally",
        "ended",
        "error",
        "finish",
        "model",
        "usage",
    )

    def __init__(self, *, streamed: bool) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.ended = False
        self.error: ReplyError | None = None
        self._streamed = streamed
        self._called = False
        self._tally = UsageTally()
        self._body: Body | None = None if streamed else Body()

    def feed(self, data: bytes) -> None:
        if self._streamed:
            if not self.ended and _MARKER.search(data):
                self._read_frames(data)
        elif self._body is not None:
            try:
                self._body.feed(data)
            except KorProxyError:
                self._body = None  # too long to be counted; it passes all the same

    def close(self) -> None:
        if self._body is None:
            return
        body, self._body = self._body, None
        try:
            message = decode_payload(_MESSAGE, body.close())
        except KorProxyError:
            return
        self.ended = True
        if message.type == "error" or given(message.error):
            self.error = reported_error(bytes(message.error))
            return
        self.model = message.model or ""
        self._called = any(block.type == "tool_use" for block in message.content or ())
        self._count(message.usage)
        self._stop(message.stop_reason)

    def failure(self, error: ReplyError) -> bytes:
        return error_frame(error) if self._streamed else b""

    def _read_frames(self, data: bytes) -> None:
        try:
            frames = frames_with(data, _MARKER)
        except KorProxyError:
            return
        for frame in frames:
            if self.ended:
                return
            if not (_MARKER.search(frame.data) or frame.event in {"error", "message_stop"}):
                continue
            if frame.data == DONE:
                self._end(sure=self.finish is not None)
                continue
            try:
                event = decode_payload(_EVENT, frame.data)
            except KorProxyError:
                continue
            self._take(event.type or frame.event, event)

    def _take(self, kind: str, event: _Event) -> None:
        if kind == "message_start" and event.message is not None:
            self.model = self.model or event.message.model or ""
            self._count(event.message.usage)
        elif kind == "content_block_start" and event.content_block is not None:
            self._called = self._called or event.content_block.type == "tool_use"
            if self.finish is not None:
                self.finish = settled_finish(self.finish, called=self._called)
        elif kind == "message_delta":
            self._count(event.usage)
            if event.delta is not None and event.delta.stop_reason:
                self._stop(event.delta.stop_reason)
        elif kind == "message_stop":
            self._end(sure=True)
        elif kind == "error" or (kind not in _PARTS and given(event.error)):
            self.error = reported_error(bytes(event.error))
            self.ended = True

    def _end(self, *, sure: bool) -> None:
        if not sure:
            return
        self.ended = True
        if self.finish is None:
            self._stop(None)

    def _count(self, usage: WireUsage | None) -> None:
        self._tally.take(usage)
        self.usage = self._tally.usage()

    def _stop(self, stop_reason: str | None) -> None:
        self.finish = settled_finish(finish_of(stop_reason), called=self._called)


_PARTS: Final = frozenset(
    {
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
    }
)
