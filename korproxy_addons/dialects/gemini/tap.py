"""Reads usage and the end on the side of a Gemini reply that passes unchanged."""

from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Struct

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.gemini.encoder import frame
from korproxy_addons.dialects.gemini.errors import error_in_reply, error_value
from korproxy_addons.dialects.gemini.finish import BROKEN, UNSPECIFIED, broken_error, finish_of
from korproxy_addons.dialects.gemini.framing import Framing, is_json
from korproxy_addons.dialects.gemini.usage import usage_of
from korproxy_addons.dialects.gemini.wire import CandidateHead, ChunkHead, is_null
from korproxy_addons.dialects.model import FinishReason, Usage, settled_finish
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.errors.exceptions import KorProxyError

_MARKS: Final = (b"sage", b"inish", b"rror", b"unction", b"lock", b"andidates")


class _Call(Struct):
    name: str | None = None


class _Part(Struct, rename="camel"):
    function_call: _Call | None = None
    snake_function_call: _Call | None = msgspec.field(default=None, name="function_call")


class _Content(Struct):
    parts: list[_Part] | None = None


class _Candidate(CandidateHead, rename="camel"):
    content: _Content | None = None


class _Chunk(ChunkHead, rename="camel"):
    candidates: list[_Candidate] | None = None


_CHUNK: Final = msgspec.json.Decoder(_Chunk)


class UsageTap:
    """`base.UsageTap` for Gemini. Every chunk has counts: a chunk is decoded without its words."""

    def __init__(self, *, streamed: bool) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.ended = False
        self.error: ReplyError | None = None
        self._streamed = streamed
        self._framing = Framing(streamed=streamed)
        self._called = False
        self._seen = False
        self._word = ""
        self._blocked = False
        self._failed = False  # an error came in place of an answer

    def feed(self, data: bytes) -> None:
        try:
            payloads = self._framing.feed(data)
        except KorProxyError:
            return
        for payload in payloads:
            with suppress(KorProxyError):  # what cannot be read says nothing, and the next one may
                self._payload(payload)

    def close(self) -> None:
        torn = self._framing.torn
        try:
            for payload in self._framing.close():
                if self._framing.whole or is_json(payload):
                    self._payload(payload)
                else:
                    torn = True
        except KorProxyError:
            return
        if torn:  # the stream stops inside a chunk: what it would have said is not known
            self.ended = self._failed
            self.finish = None
            return
        if self._framing.whole and self._seen and not (self._word or self._blocked or self._failed):
            self._word = "STOP"
            self._settle("")

    def failure(self, error: ReplyError) -> bytes:
        return frame(error_value(error)) if self._streamed else b""

    def _payload(self, payload: bytes) -> None:
        if self._failed or not any(mark in payload for mark in _MARKS):
            return
        chunk = decode_payload(_CHUNK, payload)
        if not is_null(chunk.error):
            self.error = error_in_reply(payload)
            self.finish = None
            self.ended = self._failed = True
            return
        if chunk.usage_metadata is not None:
            self.usage = usage_of(chunk.usage_metadata) or self.usage
        self.model = self.model or chunk.model_version or ""
        message = ""
        for candidate in chunk.candidates or ():
            self._seen = True
            message = candidate.finish_message or message
            if candidate.finish_reason and candidate.finish_reason != UNSPECIFIED:
                self._word = candidate.finish_reason
            parts = candidate.content.parts if candidate.content is not None else None
            self._called = self._called or any(_is_call(part) for part in parts or ())
        feedback = chunk.prompt_feedback
        self._blocked = self._blocked or bool(feedback is not None and feedback.block_reason)
        self._settle(message)

    def _settle(self, message: str) -> None:
        if not self._word and not self._blocked:
            return
        self.ended = True
        if self._word in BROKEN:
            self.error = broken_error(self._word, message)
            self.finish = None
            return
        self.error = None
        finish = finish_of(self._word) if self._word else FinishReason.CONTENT_FILTER
        self.finish = settled_finish(finish, called=self._called)


def _is_call(part: _Part) -> bool:
    call = part.function_call or part.snake_function_call
    return call is not None and bool(call.name)
