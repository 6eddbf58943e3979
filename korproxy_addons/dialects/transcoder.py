"""The road between two dialects: bytes to events to bytes, as `translate.Translator` describes."""

from collections.abc import Iterator
from typing import Final

from korproxy_addons.dialects.base import (
    DecodeContext,
    Dialect,
    EncodedRequest,
    Encoder,
    ReplyContext,
)
from korproxy_addons.dialects.envelope import Envelope, Unwrap
from korproxy_addons.dialects.events import (
    Event,
    MessageEnd,
    MessageStart,
    PartDelta,
    ReplyError,
    StreamFailed,
    reply_error,
)
from korproxy_addons.dialects.grammar import Grammar, GrammarError, State
from korproxy_addons.dialects.model import FinishReason, Usage
from korproxy_addons.dialects.restore import Restorer
from korproxy_addons.errors.catalogue import INTERNAL, STREAM_CUT, UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_OUR_MISTAKE: Final = "the answer could not be translated"
_NO_END: Final = "the stream ended without its last event"


class Transcoder:
    """Decodes one dialect and encodes another; see `Translator`. `encoder` writes in place of the client dialect's own."""

    def __init__(
        self,
        client: Dialect,
        upstream: Dialect,
        encoded: EncodedRequest,
        decoding: DecodeContext,
        reply: ReplyContext,
        unwrap: Unwrap | None = None,
        encoder: Encoder | None = None,
    ) -> None:
        self.usage: Usage | None = None
        self.finish: FinishReason | None = None
        self.model = ""
        self.error: ReplyError | None = None
        self.over = False
        self.mistake: Exception | None = None
        self._client = client
        self._streamed = reply.streamed
        self._envelope = Envelope(streamed=decoding.streamed, unwrap=unwrap)
        self._decoder = upstream.decoder(decoding)
        self._encoder = encoder or client.encoder(reply)
        self._restorer = Restorer(encoded)
        self._grammar = Grammar()

    def feed(self, data: bytes) -> bytes:
        if self.over:
            return b""
        try:
            return self._encoded(self._decoder.feed(self._envelope.feed(data)))
        except KorProxyError as error:
            return self.fail(reply_error(error))
        except Exception as mistake:  # noqa: BLE001 - it must not hang or cut the client
            return self._fail_by(mistake)

    def close(self) -> bytes:
        if self.over:
            return b""
        try:
            out = self._encoded(self._decoder.feed(self._envelope.close()))
            if not self._ended():
                out += self._encoded(self._decoder.close())
        except KorProxyError as error:
            return self.fail(reply_error(error))
        except Exception as mistake:  # noqa: BLE001 - see feed
            return self._fail_by(mistake)
        if self._ended():
            return out
        return out + self.fail(reply_error(KorProxyError(STREAM_CUT, _NO_END)))

    def fail(self, error: ReplyError) -> bytes:
        if self.over:
            return b""
        self.over = True
        self.error = error
        self.usage = self._decoder.told() or self.usage
        try:
            return self._encoder.feed(StreamFailed(error))
        except Exception as mistake:  # noqa: BLE001 - see feed; nothing else can be said after a 200
            self.mistake = mistake
            return b""

    def keep_alive(self) -> bytes:
        return self._client.keep_alive() if self._streamed and not self.over else b""

    def _ended(self) -> bool:
        return self.over

    def _fail_by(self, mistake: Exception) -> bytes:
        self.mistake = mistake
        return self.fail(reply_error(KorProxyError(INTERNAL, _OUR_MISTAKE)))

    def _encoded(self, events: Iterator[Event]) -> bytes:
        out: list[bytes] = []
        try:
            for event in events:
                for restored in self._restorer.feed(event):
                    self._take(restored, out)
                if self.over:
                    break
        except KorProxyError as error:
            out.append(self.fail(reply_error(error)))
        except GrammarError as error:
            detail = f"its events have no order: {error}"
            out.append(self.fail(reply_error(KorProxyError(UPSTREAM_INVALID_REPLY, detail))))
        except Exception as mistake:  # noqa: BLE001 - see feed; what was encoded before is kept
            out.append(self._fail_by(mistake))
        return b"".join(out)

    def _take(self, event: Event, out: list[bytes]) -> None:
        self._grammar.check(event)
        if type(event) is PartDelta:  # nearly all events are one
            out.append(self._encoder.feed(event))
            return
        if isinstance(event, MessageStart):
            self.model = event.model
            self.usage = event.usage
        elif isinstance(event, MessageEnd):
            self.finish = event.finish
            self.usage = event.usage or self.usage
        elif isinstance(event, StreamFailed):
            self.error = event.error
            self.usage = self._decoder.told() or self.usage
        self.over = self._grammar.state is State.OVER
        out.append(self._encoder.feed(event))
