"""Reads usage and end from a Chat reply that passes unchanged."""

import re
from contextlib import suppress
from typing import Final

from korproxy_addons.dialects.body import Body
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.openai_chat.errors import error_frame
from korproxy_addons.dialects.openai_chat.outcome import Outcome
from korproxy_addons.dialects.openai_chat.reply_wire import Chunk, Delta, read_chunk
from korproxy_addons.dialects.sse import DONE, frames_in
from korproxy_addons.errors.exceptions import KorProxyError

type _Mark = tuple[bytes, re.Pattern[bytes]]


def _mark(name: bytes, value: bytes) -> _Mark:
    """A field's name, and the field with a value that says something; the name alone is found faster."""
    quoted = b'"%b"' % name
    return quoted, re.compile(rb"%b\s*:\s*%b" % (quoted, value))


# What makes a chunk worth parsing. In the answer's text the quote after such a name is escaped.
_ALWAYS: Final = (
    _mark(b"usage", rb'\{\s*"'),
    _mark(b"finish_reason", rb'"[^"]'),
    _mark(b"error", rb"[^n\s]"),
)
_CALLS: Final = (
    _mark(b"tool_calls", rb"\[\s*\{"),
    _mark(b"function_call", rb"\{"),
)
_REFUSAL: Final = (_mark(b"refusal", rb'"[^"]'),)


class ChatUsageTap:
    """See `base.UsageTap`."""

    __slots__ = (
        "_body",
        "_called",
        "_outcome",
        "_refused",
        "_spoken",
        "_streamed",
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
        self._outcome = Outcome()
        self._called = False
        self._refused = False
        self._spoken: set[int] = set()
        self._body = Body()

    def feed(self, data: bytes) -> None:
        if not self._streamed:
            with suppress(KorProxyError):  # too long: nothing is read of it
                self._body.feed(data)
        elif not self._outcome.done and self._tells(data):
            self._take_frames(data)

    def close(self) -> None:
        if self._streamed:
            return
        try:
            chunk = read_chunk(self._body.close())
        except KorProxyError:
            return
        self._take(chunk)
        if self.error is None and chunk.choices:
            self._end()

    def failure(self, error: ReplyError) -> bytes:
        return error_frame(error) if self._streamed else b""

    def _tells(self, data: bytes) -> bool:
        return (
            not self.model
            or DONE in data
            or b'"choices"' not in data
            or _holds(data, _ALWAYS)
            or (not self._called and _holds(data, _CALLS))
            or (not self._refused and _holds(data, _REFUSAL))
        )

    def _take_frames(self, data: bytes) -> None:
        try:
            frames = frames_in(data)
        except KorProxyError:
            return
        for frame in frames:
            if frame.data[:1] == b"{":
                try:
                    self._take(read_chunk(frame.data))
                except KorProxyError:
                    continue
            elif frame.data.strip() == DONE:
                self._outcome.done = True
                self._end()
            if self._outcome.done or self.error is not None:
                return

    def _take(self, chunk: Chunk) -> None:
        outcome = self._outcome
        self.model = self.model or chunk.model or ""
        outcome.take(chunk)
        for choice in chunk.choices or ():
            delta = choice.delta or choice.message
            if delta is not None and self._is_another(choice.index or 0, delta):
                continue
            if delta is not None:
                self._called = self._called or _calls(delta)
                self._refused = self._refused or bool(delta.refusal)
            outcome.take_choice(choice)
        self.usage = outcome.usage.usage()
        if outcome.error is not None:
            self.error = outcome.error
            self.ended = True
            outcome.done = True  # nothing after an error counts
        elif outcome.finish is not None:
            self._end()

    def _is_another(self, index: int, delta: Delta) -> bool:
        """Whether this is a second answer (`n` > 1), and not the second half of one (T15): both have words then."""
        if delta.content:
            self._spoken.add(index)
        return len(self._spoken) > 1 and index != min(self._spoken)

    def _end(self) -> None:
        self.finish = self._outcome.settled(called=self._called, refused=self._refused)
        self.ended = True


def _holds(data: bytes, marks: tuple[_Mark, ...]) -> bool:
    for name, value in marks:  # noqa: SIM110 - any() costs three times as much, and this is per chunk
        if name in data and value.search(data):
            return True
    return False


def _calls(delta: Delta) -> bool:
    if delta.function_call is not None and delta.function_call.name:
        return True
    return any(
        (call.function is not None and call.function.name)
        or (call.custom is not None and call.custom.name)
        for call in delta.tool_calls or ()
    )
