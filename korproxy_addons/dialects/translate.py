"""
Two dialects to one translator, for a request and for its reply.

With the same dialect at both ends, and nothing to change, bytes pass; else they are decoded and encoded. What no
single dialect can do, because it needs the request and the reply, is done here between the two (`restore.py`).
A translator never raises: what it meets becomes the client dialect's own error.
"""

from typing import Protocol

from korproxy_addons.dialects.base import (
    DecodeContext,
    Dialect,
    EncodedRequest,
    Inbound,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.envelope import Unwrap
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.model import ChatRequest, FinishReason, Usage
from korproxy_addons.dialects.opaque import SEAL
from korproxy_addons.dialects.passing import PassThrough
from korproxy_addons.dialects.transcoder import Transcoder


class Translator(Protocol):
    """
    One reply's way from upstream to client.

    Attributes:
        usage: The last counts known; None if the upstream stated none so far.
        finish: Why the answer ended; None before that.
        model: The upstream's name of the model, "" before it was seen.
        error: What the reply failed with; None while all is well. Whole replies: nothing was written
            then, and the gateway answers with the client dialect's `error_body`. What is the
            upstream's own report inside a reply that passes unchanged stands here, too.
        over: Nothing more will be written.
        mistake: The exception behind an INTERNAL error, for the log alone.
    """

    @property
    def usage(self) -> Usage | None: ...
    @property
    def finish(self) -> FinishReason | None: ...
    @property
    def model(self) -> str: ...
    @property
    def error(self) -> ReplyError | None: ...
    @property
    def over(self) -> bool: ...
    @property
    def mistake(self) -> Exception | None: ...

    def feed(self, data: bytes) -> bytes:
        """Client bytes for upstream bytes; streamed, always whole frames. b"" once `over`."""

    def close(self) -> bytes:
        """The upstream closed cleanly: the rest. A stream without its sign of the end fails (T111)."""

    def fail(self, error: ReplyError) -> bytes:
        """The reply cannot go on: the dialect's in-stream error, once; b"" if none can be said."""

    def keep_alive(self) -> bytes:
        """What may be sent now to a client that waits; b"" if nothing may."""


def translate_request(
    client: Dialect,
    upstream: Dialect,
    inbound: Inbound,
    target: Target,
    decoded: ChatRequest | None = None,
) -> EncodedRequest:
    """
    The body for an upstream.

    Args:
        client: Dialect of the body (`Peek.body_dialect`, else that of the path).
        upstream: Dialect of the upstream. The same one: the body passes, without sealed state of
            other services; fields that we own are changed by the provider.
        inbound: The client's request.
        target: The upstream.
        decoded: The request if it is decoded already.
    Raises:
        KorProxyError: FIELD_INVALID, NOT_JSON, TOO_DEEP or CANNOT_TRANSLATE.
    """
    if client.id == upstream.id:
        body = inbound.body
        return EncodedRequest(client.without_sealed(body) if SEAL in body else body, passed=True)
    request = client.decode_request(inbound) if decoded is None else decoded
    return upstream.encode_request(request, target)


def reply_translator(
    client: Dialect,
    upstream: Dialect,
    encoded: EncodedRequest,
    decoding: DecodeContext,
    reply: ReplyContext,
    unwrap: Unwrap | None = None,
) -> Translator:
    """
    The translator for a 2xx reply.

    Args:
        client: Dialect of the client's path.
        upstream: Dialect of the upstream.
        encoded: The request that was sent.
        decoding: How the upstream answers.
        reply: How the client wants its answer.
        unwrap: Takes one SSE payload or one whole body out of the provider's envelope (T163); b"" drops
            the frame. It may raise KorProxyError.
    """
    same_form = decoding.streamed == reply.streamed
    if client.id == upstream.id and encoded.passed and same_form:
        return PassThrough(client, reply, unwrap)
    return Transcoder(client, upstream, encoded, decoding, reply, unwrap)
