"""
Code Assist's envelope as its own clients speak it: Gemini CLI with a Google login, pointed here by `CODE_ASSIST_ENDPOINT`.

Inside is the Gemini dialect; what comes in is taken out of the envelope before anything else reads it, and what goes out is put
into it last. Answers to a count, and errors, have no envelope. Seen of Gemini CLI 0.61 in November 2026.
"""

from typing import Final

import msgspec
from msgspec import Raw, Struct, field

from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.gemini.framing import ArraySplitter
from korproxy_addons.dialects.gemini.wire import FIELDS, MODELS_PREFIX
from korproxy_addons.dialects.payload import decode_body, field_invalid
from korproxy_addons.dialects.sse import ArrayFramer, FrameRewriter
from korproxy_addons.dialects.translate import Translator
from korproxy_addons.dialects.wrapped_reply import WrappedReply

_OPEN: Final = b'{"response":'
_CLOSE: Final = b"}"
_ERROR: Final = b'{"error"'
_TEXT: Final = msgspec.json.Decoder(str)
# Of the envelope's own: the public API knows no such fields in a request.
_ENVELOPES: Final = frozenset({"model", "session_id", "sessionId"})


class Opened(Struct, frozen=True):
    """
    What was in an envelope.

    Attributes:
        inbound: The Gemini request, as if it had come by itself.
        session: The client's id of the conversation, or "".
        prompt_id: The client's id of what a person asked, which several requests may serve, or "".
    """

    inbound: Inbound
    session: str = ""
    prompt_id: str = ""


class _Envelope(Struct):
    model: str | None = None
    request: Raw = Raw()
    prompt_id: str | None = field(default=None, name="user_prompt_id")


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)


def opened(inbound: Inbound) -> Opened:
    """
    A request out of its envelope.

    Raises:
        KorProxyError: NOT_JSON or FIELD_INVALID.
    """
    envelope = decode_body(_ENVELOPE, inbound.body)
    if bytes(envelope.request)[:1] != b"{":
        raise field_invalid("request", "an object with contents")
    fields = decode_body(FIELDS, bytes(envelope.request))
    named = _text(fields.get("model")).removeprefix(MODELS_PREFIX)
    session = _text(fields.get("session_id")) or _text(fields.get("sessionId"))
    inner = {name: raw for name, raw in fields.items() if name not in _ENVELOPES}
    model = (envelope.model or "").removeprefix(MODELS_PREFIX) or named
    return Opened(
        Inbound(
            body=msgspec.json.encode(inner),
            path_model=model,
            path_stream=inbound.path_stream,
            sse=inbound.sse,
        ),
        session,
        envelope.prompt_id or "",
    )


def _text(raw: Raw | None) -> str:
    return _TEXT.decode(raw) if raw is not None and bytes(raw)[:1] == b'"' else ""


class EnvelopedReply(WrappedReply):
    """
    A reply put into the envelope, piece by piece; see `translate.Translator`.

    Args:
        inner: Gives the reply in the Gemini dialect.
        streamed: The client wants a stream.
        sse: As events; False: as one JSON array.
    """

    def __init__(self, inner: Translator, *, streamed: bool, sse: bool) -> None:
        super().__init__(inner)
        self._begun = False
        self._events = FrameRewriter(_wrapped) if streamed and sse else None
        self._elements = ArraySplitter() if streamed and not sse else None
        self._array = ArrayFramer()

    def feed(self, data: bytes) -> bytes:
        """See `Translator`."""
        return self._put(self._inner.feed(data))

    def close(self) -> bytes:
        """See `Translator`."""
        last = self._put(self._inner.close())
        whole = self._events is None and self._elements is None
        return last + _CLOSE if whole and self._begun else last

    def fail(self, error: ReplyError) -> bytes:
        """See `Translator`."""
        return self._put(self._inner.fail(error))

    def _put(self, data: bytes) -> bytes:
        if not data:
            return b""
        if self._events is not None:
            return self._events.feed(data)
        if self._elements is not None:
            return self._as_array(self._elements, data)
        if self._begun:
            return data
        self._begun = True
        return _OPEN + data

    def _as_array(self, elements: ArraySplitter, data: bytes) -> bytes:
        was_over = elements.over
        out = [self._array.item(_wrapped(element)) for element in elements.feed(data)]
        if elements.over and not was_over:
            out.append(self._array.close())
        return b"".join(out)


def _wrapped(payload: bytes) -> bytes:
    """One chunk in its envelope; an error has none."""
    if payload.lstrip().startswith(_ERROR):
        return payload
    return b"".join((_OPEN, payload, _CLOSE))
