"""
One upstream reply's way to the client: held until it is known to be good, then fed through as it comes.

Nothing reaches the client before the first event of a stream (or a whole small body) was read and found to be no error in
disguise: until then another account can still be tried.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from korproxy_addons.dialects.events import ReplyError, reply_error
from korproxy_addons.dialects.sse import DONE, Frame, SseParser
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.coding import BadCodingError, ReplyDecoder
from korproxy_addons.gateway.sink import ClientSink, HeaderFields
from korproxy_addons.io.upstream import UpstreamReply
from korproxy_addons.providers.failure import Failure

# A whole reply up to this size is read before anything is sent on: it may be an error that calls itself 200.
HELD_WHOLE_BYTES = 1024 * 1024
KEEP_ALIVE_S = 15.0
# Holds the events that announce a reply, and the first that says something.
_FIRST_LOOK_BYTES = 2048


class HiddenFailureError(Exception):
    """
    A 2xx reply that is an error all the same; nothing of it has reached the client.

    Args:
        failure: The provider's reading, where it knows the payload as one of its errors.
        error: What the translator read, where the provider knows nothing.
        data: The event's payload, or the whole body.
    """

    def __init__(
        self, failure: Failure | None, error: ReplyError | None, data: bytes = b""
    ) -> None:
        super().__init__()
        self.failure = failure
        self.error = error
        self.data = data


class Reading(Protocol):
    """How the provider reads what comes first."""

    def hidden_failure(self, data: bytes) -> Failure | None:
        """The error in a first payload or whole body, if it is one."""

    def is_prelude(self, data: bytes) -> bool:
        """Whether a payload only announces a reply, so that an early error may still follow."""

    def masked(self, data: bytes) -> bytes:
        """`data` without any secret in use: some servers repeat the key that they refuse."""


@dataclass(frozen=True, slots=True)
class Forms:
    """How the reply comes and how it must go: streams of events, or whole bodies."""

    upstream_streamed: bool
    client_streamed: bool


class ReplyRoad:
    """
    Carries one reply.

    Args:
        reply: Its head has come, with a 2xx status.
        translator: From the upstream's dialect to the client's.
        forms: Stream or whole, at both ends.
        decoder: Takes a content coding off, if there is one.
        reading: How the provider reads what comes first.
        on_first_byte: Called when the first bytes of the body are there.
        on_last_byte: Called with the number of body bytes sent, before the client is told that this was all.
        keep_alive_s: Of silence, before a client that waits is sent a keep-alive.
    """

    def __init__(
        self,
        reply: UpstreamReply,
        translator: Translator,
        forms: Forms,
        decoder: ReplyDecoder | None,
        reading: Reading,
        on_first_byte: Callable[[], None],
        on_last_byte: Callable[[int], None],
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        self._reply = reply
        self._translator = translator
        self._forms = forms
        self._decoder = decoder
        self._reading = reading
        self._on_first_byte = on_first_byte
        self._on_last_byte = on_last_byte
        self._keep_alive_s = keep_alive_s
        self._sent_bytes = 0
        self._first: SseParser | None = SseParser() if forms.upstream_streamed else None
        self._raw: list[bytes] = []
        self._raw_bytes = 0
        self._begun = False
        self.ended = False

    async def hold(self) -> bytes:
        """
        Read until the reply is known to be good.

        Returns:
            The client's bytes so far; the whole body where the reply has ended.
        Raises:
            HiddenFailureError: it is an error.
            KorProxyError: it broke off, was silent for too long, or is no reply at all.
        """
        out: list[bytes] = []
        while True:
            chunk = await self._next()
            if chunk is None:
                self.ended = True
                self._examine_rest()
                out.append(self._translator.close())
                self._raise_if_failed(whole=True)
                return b"".join(out)
            good = self._examine(chunk)
            out.append(self._translator.feed(chunk))
            self._raise_if_failed(whole=False)
            if good and self._may_go(out):
                return b"".join(out)

    async def carry(self, sink: ClientSink, held: bytes) -> None:
        """
        Feed the reply to the client, which has its head.

        Args:
            sink: The client.
            held: What `hold` returned.
        """
        await self._send(sink, held)
        while not self.ended and not sink.gone:
            try:
                chunk = await self._next(sink)
            except KorProxyError as error:
                told = self._translator.error is not None
                frames = self._translator.fail(reply_error(error))
                await self._send(sink, frames)
                if self._translator.error is None:
                    # The client has the whole answer; that its upstream did not hang up properly is not the client's matter.
                    break
                await self._finish(sink, said=told or bool(frames))
                return
            if chunk is None:
                self.ended = True
                out = self._translator.close()
            else:
                out = self._translator.feed(chunk)
            if self._translator.error is not None:
                # An error may repeat what it was sent; what a model says is not looked into.
                out = self._reading.masked(out)
            await self._send(sink, out)
            if self._translator.over and self._translator.error is not None:
                self._reply.abort()
                # An error that the upstream reported itself, in its last event, has passed like any other.
                passed = self.ended and self._translator.mistake is None
                await self._finish(sink, said=bool(out) or passed)
                return
        self._on_last_byte(self._sent_bytes)
        await sink.end()

    def _may_go(self, out: list[bytes]) -> bool:
        """Whether a good reply may begin to reach the client; until then it can still fail with a status of its own."""
        if self._forms.upstream_streamed:
            # One body goes with its length, once all of it is there.
            return self._forms.client_streamed
        return any(out)

    async def _send(self, sink: ClientSink, data: bytes) -> None:
        if data:
            self._sent_bytes += len(data)
            await sink.data(data)

    async def _finish(self, sink: ClientSink, *, said: bool) -> None:
        self._on_last_byte(self._sent_bytes)
        if said and self._forms.client_streamed:
            await sink.end()
        else:
            await sink.cut("the upstream's reply broke off")

    async def _next(self, sink: ClientSink | None = None) -> bytes | None:
        """The next decoded bytes, None at the end; keep-alives go to a committed client while it waits."""
        while True:
            data = await self._reply.read(self._keep_alive_s if sink is not None else None)
            if data is None:
                if sink is not None:
                    await self._send(sink, self._translator.keep_alive())
                continue
            if data and not self._begun:
                self._begun = True
                self._on_first_byte()
            decoded = self._decoded(data)
            if decoded or not data:
                self._raw_bytes += len(decoded)
                return decoded or None

    def _decoded(self, data: bytes) -> bytes:
        """Bytes without their content coding; empty ones are the reply's end."""
        if self._decoder is None:
            return data
        try:
            if data:
                return self._decoder.feed(data)
            self._decoder.finish()
            return b""
        except BadCodingError:
            self._reply.abort()
            raise KorProxyError(
                catalogue.UPSTREAM_INVALID_REPLY, "its content coding is broken"
            ) from None

    def _examine(self, chunk: bytes) -> bool:
        """Whether the reply is known to be good; raises where it is known to be bad."""
        if self._raw_bytes > HELD_WHOLE_BYTES:
            self._raw.clear()
            return True
        if self._first is None:
            self._raw.append(chunk)
            return False
        # What follows the first good event is nobody's matter here: of a long read, little is taken apart.
        good, start, size = False, 0, _FIRST_LOOK_BYTES
        while start < len(chunk) and not good:
            good = self._good(self._first.feed(chunk[start : start + size]))
            start, size = start + size, len(chunk)
        if not self._forms.client_streamed:
            # One body, which goes when all of it is there: further events will be looked at.
            self._first.feed(chunk[start:])
        return good

    def _examine_rest(self) -> None:
        if self._first is not None:
            self._good(self._first.close())
        elif self._raw_bytes <= HELD_WHOLE_BYTES:
            body = b"".join(self._raw)
            self._raise_if_bad(body)
            if not _is_json(body):
                # Where bytes pass as they are, nobody else would notice, and another account may have an answer.
                raise KorProxyError(catalogue.UPSTREAM_INVALID_REPLY, "its answer is no JSON")

    def _good(self, frames: list[Frame]) -> bool:
        for frame in frames:
            if frame.data and frame.data != DONE:
                self._raise_if_bad(frame.data)
                if not self._reading.is_prelude(frame.data):
                    return True
        return False

    def _raise_if_bad(self, data: bytes) -> None:
        failure = self._reading.hidden_failure(data)
        if failure is not None:
            raise HiddenFailureError(failure, None, data)

    def _raise_if_failed(self, *, whole: bool) -> None:
        error = self._translator.error
        if error is not None and (self._translator.over or whole):
            raise HiddenFailureError(None, error)


def _is_json(body: bytes) -> bool:
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except msgspec.DecodeError:
        return False
    return True


def stream_headers(content_type: str) -> HeaderFields:
    """The headers of a stream of events, so that nothing on the way collects it."""
    return (
        ("content-type", content_type),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    )
