"""The road with one dialect at both ends: bytes pass, as `translate.Translator` describes."""

from typing import Final

from korproxy_addons.dialects.base import Dialect, ReplyContext
from korproxy_addons.dialects.envelope import Envelope, Unwrap
from korproxy_addons.dialects.events import ReplyError, reply_error
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.sse import DONE, ArrayFramer, FrameCutter, frames_in, without_comments
from korproxy_addons.errors.catalogue import INTERNAL, STREAM_CUT
from korproxy_addons.errors.exceptions import KorProxyError

_OUR_MISTAKE: Final = "the answer could not be read"
_NO_END: Final = "the stream ended without its last event"


class PassThrough:
    """Bytes as they come, frame by frame, read on the side for usage; see `Translator`."""

    def __init__(
        self,
        dialect: Dialect,
        reply: ReplyContext,
        unwrap: Unwrap | None = None,
    ) -> None:
        self.error: ReplyError | None = None
        self.over = False
        self.mistake: Exception | None = None
        self._dialect = dialect
        self._streamed = reply.streamed
        self._array = ArrayFramer() if reply.streamed and not reply.sse else None
        self._envelope = Envelope(streamed=reply.streamed, unwrap=unwrap)
        # an envelope's own cutter has cut already
        self._cutter = FrameCutter() if reply.streamed and unwrap is None else None
        # clients of a dialect that has no beat of its own stumble over an upstream's too
        self._takes_comments = not reply.streamed or bool(dialect.keep_alive())
        self._tap = dialect.usage_tap(streamed=reply.streamed)

    @property
    def usage(self) -> Usage | None:
        """The last counts that passed."""
        return self._tap.usage

    @property
    def finish(self) -> FinishReason | None:
        """Why the answer ended."""
        return self._tap.finish

    @property
    def model(self) -> str:
        """The upstream's name of the model."""
        return self._tap.model

    def feed(self, data: bytes) -> bytes:
        if self.over:
            return b""
        try:
            data = self._envelope.feed(data)
            if self._cutter is not None:
                data = self._cutter.feed(data)
            return self._passed(data)
        except KorProxyError as error:
            return self.fail(reply_error(error))
        except Exception as mistake:  # noqa: BLE001 - it must not hang or cut the client
            return self._fail_by(mistake)

    def close(self) -> bytes:
        if self.over:
            return b""
        try:
            data = self._envelope.close()
            if self._cutter is not None:
                data += self._cutter.close()
            return self._closed(data)
        except KorProxyError as error:
            return self.fail(reply_error(error))
        except Exception as mistake:  # noqa: BLE001 - see feed
            return self._fail_by(mistake)

    def fail(self, error: ReplyError) -> bytes:
        if self.over:
            return b""
        self.over = True
        try:
            if self._streamed and self._tap.ended:
                # The client has the answer's own end, or its own error: nothing may follow that.
                self.error = self._tap.error
                return b"" if self._array is None else self._array.close()
            self.error = error
            frames = self._tap.failure(error)
            return frames if self._array is None else self._as_array(frames) + self._array.close()
        except Exception as mistake:  # noqa: BLE001 - see feed; nothing else can be said
            self.mistake = mistake
            return b""

    def keep_alive(self) -> bytes:
        can_say = self._streamed and self._array is None and not self.over
        return self._dialect.keep_alive() if can_say else b""

    def _fail_by(self, mistake: Exception) -> bytes:
        self.mistake = mistake
        return self.fail(reply_error(KorProxyError(INTERNAL, _OUR_MISTAKE)))

    def _passed(self, data: bytes) -> bytes:
        if data:
            self._tap.feed(data)
            self.error = self._tap.error
        if self._array is not None:
            return self._as_array(data)
        return data if self._takes_comments else without_comments(data)

    def _closed(self, data: bytes) -> bytes:
        # The rest of a broken stream may be half a frame, which no client can parse: it is shown to the
        # tap, and goes on only if the stream has ended as it should.
        if data:
            self._tap.feed(data)
        self._tap.close()
        if self._streamed and not self._tap.ended:
            return self.fail(reply_error(KorProxyError(STREAM_CUT, _NO_END)))
        self.over = True
        self.error = self._tap.error
        if self._array is None:
            return data if self._takes_comments else without_comments(data)
        return self._as_array(data) + self._array.close()

    def _as_array(self, frames: bytes) -> bytes:
        array = self._array
        if array is None:
            return frames
        return b"".join(array.item(frame.data) for frame in frames_in(frames) if frame.data != DONE)
