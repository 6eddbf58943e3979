"""Reads usage and end of a reply whose bytes pass unchanged."""

import re
from typing import Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.base import UsageTap
from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.openai_responses.errors import decoded_error, failure_fields
from korproxy_addons.dialects.openai_responses.outcome import UNFINISHED, decoded_finish
from korproxy_addons.dialects.openai_responses.usage import decoded_usage
from korproxy_addons.dialects.openai_responses.wire import (
    EVENT,
    RESPONSE,
    ContentPart,
    ResponseBody,
    given,
)
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import DONE, Frame, frame_bytes, frames_in
from korproxy_addons.errors.exceptions import KorProxyError

# Stands in every frame that matters here; a text that says so is parsed in vain, and that is all.
_MARKERS: Final = (
    b"response.created",
    b"response.completed",
    b"response.incomplete",
    b"response.failed",
    b"response.done",
    b"response.cancelled",
    b"response.output_item.",
    b"response.refusal.",
    b'"error"',
    b'"detail"',
    DONE,
)
# Other events are not looked for, so that nothing may hang on whether one shares a piece with these.
_ABOUT_ITEMS: Final = "response.output_item."
_NUMBER: Final = b'"sequence_number"'
_DIGITS: Final = re.compile(rb"\s*:\s*(\d{1,15})")
_CALLS: Final = frozenset({"function_call", "custom_tool_call"})
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.done"})
_FAILURES: Final = frozenset({"response.failed", "response.cancelled", "error"})


class _Item(msgspec.Struct):
    type: str | None = None
    name: str | None = None
    content: list[ContentPart] | None = None


_ITEM: Final = msgspec.json.Decoder(_Item)


def usage_tap(*, streamed: bool) -> UsageTap:
    """A tap for one reply."""
    return StreamTap() if streamed else WholeTap()


class _Tap:
    """What both taps know."""

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.ended = False
        self.error: ReplyError | None = None
        self._called = False
        self._refused = False

    def _end(self, answer: ResponseBody) -> None:
        self.model = answer.model or self.model
        for raw in answer.output or ():
            self._item(raw)
        self.usage = decoded_usage(answer.usage)
        reason = answer.incomplete_details.reason if answer.incomplete_details else None
        self.finish = decoded_finish(
            answer.status or "", reason or "", called=self._called, refused=self._refused
        )
        self.ended = True

    def _failed(self, raw: bytes) -> None:
        self.error = decoded_error(0, raw)
        self.ended = True

    def _item(self, raw: Raw) -> None:
        try:
            item = decode_payload(_ITEM, raw)
        except KorProxyError:
            return
        self._called = self._called or item.type in _CALLS
        parts = item.content or () if item.type == "message" else ()
        self._refused = self._refused or any(
            part.type == "refusal" and part.refusal for part in parts
        )


class WholeTap(_Tap):
    """Collects a body, up to the limit of `Body`, and reads it at the end."""

    def __init__(self) -> None:
        super().__init__()
        self._body: Body | None = Body()

    def feed(self, data: bytes) -> None:
        if self._body is None:
            return
        try:
            self._body.feed(data)
        except KorProxyError:
            self._body = None

    def close(self) -> None:
        if self._body is None:
            return
        raw = self._body.close()
        self._body = None
        try:
            answer = decode_payload(RESPONSE, raw)
        except KorProxyError:
            return
        if given(answer.error) or answer.status == "failed":
            self._failed(raw)
        elif answer.status in UNFINISHED:
            self.model = answer.model or ""
        elif answer.output is not None:
            self._end(answer)

    def failure(self, error: ReplyError) -> bytes:  # noqa: ARG002 - a body has no place for it
        return b""


class StreamTap(_Tap):
    """Looks for the few events that say something, and for the last number."""

    def __init__(self) -> None:
        super().__init__()
        self._id = ""
        self._number = -1
        self._running: set[int | str | None] = set()
        self._any = False

    def feed(self, data: bytes) -> None:
        place = data.rfind(_NUMBER)
        while place >= 0:
            found = _DIGITS.match(data, place + len(_NUMBER))
            if found:
                self._number = int(found[1])
                break
            place = data.rfind(_NUMBER, 0, place)
        if self.ended:
            return
        for marker in _MARKERS:
            if marker in data:
                for frame in frames_in(data):
                    self._frame(frame)
                return

    def close(self) -> None:
        """Nothing is held."""

    def failure(self, error: ReplyError) -> bytes:
        answer = {
            "id": self._id or "resp_failed",
            "object": "response",
            "status": "failed",
            "model": self.model,
            "output": [],
            "error": failure_fields(error),
        }
        kind = "response.failed"
        fields = {"type": kind, "sequence_number": self._number + 1, "response": answer}
        return frame_bytes(msgspec.json.encode(fields), kind)

    def _frame(self, frame: Frame) -> None:
        if self.ended:
            return
        if frame.data.strip() == DONE:
            if self._any and not self._running:
                self._end(ResponseBody())
            return
        try:
            event = decode_payload(EVENT, frame.data)
        except KorProxyError:
            return
        kind = event.type or frame.event
        if kind in _ENDS or kind in _FAILURES or kind == "response.created":
            self._whole(kind, event.response, frame.data)
        elif given(event.error) or (not kind and given(event.detail)):
            self._failed(frame.data)
        elif kind.startswith(_ABOUT_ITEMS) and given(event.item):
            self._any = True
            where = event.item_id if event.output_index is None else event.output_index
            if kind == "response.output_item.done":
                self._item(event.item)
                self._running.discard(where)
            else:
                self._running.add(where)
        elif kind == "response.refusal.delta":
            self._refused = True

    def _whole(self, kind: str, raw: Raw, data: bytes) -> None:
        try:
            answer = decode_payload(RESPONSE, raw) if given(raw) else ResponseBody()
        except KorProxyError:
            return
        self._id = answer.id or self._id
        self.model = answer.model or self.model
        if kind == "response.created":
            return
        if kind in _FAILURES or given(answer.error) or answer.status == "failed":
            self._failed(data)
            return
        if answer.status is None:
            answer.status = kind.removeprefix("response.")
        self._end(answer)
