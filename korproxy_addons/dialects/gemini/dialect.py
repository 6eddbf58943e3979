"""Gemini generateContent as a `base.Dialect`: which function does what."""

from collections.abc import Sequence

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.base import (
    DecodeContext,
    EncodedRequest,
    Inbound,
    Peek,
    ReplyContext,
    Target,
)
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.gemini import (
    decode_request,
    encode_request,
    errors,
    models,
    sealed_state,
)
from korproxy_addons.dialects.gemini.decoder import Decoder
from korproxy_addons.dialects.gemini.encoder import Encoder
from korproxy_addons.dialects.gemini.tap import UsageTap
from korproxy_addons.dialects.gemini.wire import DIALECT_ID, ORIGIN
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import ChatRequest

_OVERLOADED = 529  # Anthropic's word for 503


class Gemini:
    """
    The Gemini dialect.

    Its model stands in the path, and so does the wish for a stream; without `alt=sse` a stream is one JSON
    array. Comments never go to its clients: they cannot read them.
    """

    id = DIALECT_ID
    own_origin = ORIGIN
    cannot_express = frozenset(
        {
            Feature.CACHE_KEY,
            Feature.CACHE_MARKER,
            Feature.CITATIONS,
            Feature.CONTINUATION,
            Feature.CUSTOM_GRAMMAR,
            Feature.LOGIT_BIAS,
            Feature.MESSAGE_NAME,
            Feature.METADATA,
            Feature.PARALLEL,
            Feature.STORE,
            Feature.STRICT,
            Feature.USER,
            Feature.VERBOSITY,
        }
    )

    def peek_request(self, inbound: Inbound) -> Peek:
        return decode_request.peek_request(inbound)

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        return decode_request.decode_request(inbound)

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encode_request.encode_request(request, target)

    def without_sealed(self, body: bytes) -> bytes:
        return sealed_state.without_sealed(body)

    def decoder(self, context: DecodeContext) -> Decoder:
        return Decoder(context)

    def encoder(self, context: ReplyContext) -> Encoder:
        return Encoder(context)

    def usage_tap(self, *, streamed: bool) -> UsageTap:
        return UsageTap(streamed=streamed)

    def keep_alive(self) -> bytes:
        return b""

    def content_type(self, *, streamed: bool, sse: bool = True) -> str:
        if streamed and sse:
            return "text/event-stream"
        return "application/json; charset=UTF-8"

    def read_error(self, status: int, body: bytes) -> ReplyError:
        return errors.read_error(status, body)

    def error_status(self, error: ReplyError, status: int) -> int:  # noqa: ARG002 - see base
        return 503 if status == _OVERLOADED else status

    def error_body(self, error: ReplyError, status: int, request_id: str) -> bytes:
        return errors.error_value(error, status, request_id)

    def encode_models(self, models_: Sequence[ModelFacts]) -> bytes:
        return models.encode_models(models_)

    def encode_model(self, model: ModelFacts) -> bytes:
        return models.encode_model(model)

    def encode_count_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encode_request.encode_count_request(request, target)

    def read_count(self, body: bytes) -> int:
        return models.read_count(body)

    def encode_count(self, tokens: int) -> bytes:
        return models.encode_count(tokens)
