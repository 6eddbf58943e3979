"""The Responses dialect as one value; what it does stands in the files beside it."""

from collections.abc import Sequence
from typing import Final

import msgspec

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.base import (
    DecodeContext,
    Decoder,
    EncodedRequest,
    Encoder,
    Inbound,
    Peek,
    ReplyContext,
    Target,
    UsageTap,
)
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.losses import Feature
from korproxy_addons.dialects.model import ChatRequest
from korproxy_addons.dialects.openai_responses.decode_request import decoded_request, peeked
from korproxy_addons.dialects.openai_responses.decoder import reply_decoder
from korproxy_addons.dialects.openai_responses.encode_request import (
    encoded_count_request,
    encoded_request,
)
from korproxy_addons.dialects.openai_responses.encoder import KEEP_ALIVE, ReplyEncoder
from korproxy_addons.dialects.openai_responses.errors import (
    decoded_error,
    encoded_error,
    error_status,
)
from korproxy_addons.dialects.openai_responses.models import encoded_catalogue, encoded_model
from korproxy_addons.dialects.openai_responses.sealed_state import without_sealed_state
from korproxy_addons.dialects.openai_responses.tap import usage_tap
from korproxy_addons.dialects.openai_responses.wire import DIALECT_ID, ORIGIN
from korproxy_addons.dialects.payload import decode_payload

_COUNT_OBJECT: Final = "response.input_tokens"


class _Count(msgspec.Struct):
    input_tokens: int


_COUNT: Final = msgspec.json.Decoder(_Count)


class ResponsesDialect:
    """OpenAI's Responses API; see `base.Dialect`."""

    id: str = DIALECT_ID
    own_origin: str = ORIGIN
    cannot_express: frozenset[Feature] = frozenset(
        {
            Feature.CHOICES,
            Feature.LOGIT_BIAS,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.TOP_K,
            Feature.MODALITIES,
            Feature.CACHE_MARKER,
            Feature.MESSAGE_NAME,
            Feature.PREFILL,
            Feature.VIDEO,
        }
    )

    def peek_request(self, inbound: Inbound) -> Peek:
        return peeked(inbound)

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        return decoded_request(inbound)

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encoded_request(request, target)

    def without_sealed(self, body: bytes) -> bytes:
        return without_sealed_state(body)

    def decoder(self, context: DecodeContext) -> Decoder:
        return reply_decoder(context)

    def encoder(self, context: ReplyContext) -> Encoder:
        return ReplyEncoder(context)

    def usage_tap(self, *, streamed: bool) -> UsageTap:
        return usage_tap(streamed=streamed)

    def keep_alive(self) -> bytes:
        return KEEP_ALIVE

    def content_type(self, *, streamed: bool, sse: bool = True) -> str:  # noqa: ARG002 - always SSE here
        return "text/event-stream" if streamed else "application/json"

    def read_error(self, status: int, body: bytes) -> ReplyError:
        return decoded_error(status, body)

    def error_status(self, error: ReplyError, status: int) -> int:  # noqa: ARG002 - the same for all kinds
        return error_status(status)

    def error_body(self, error: ReplyError, status: int, request_id: str) -> bytes:  # noqa: ARG002 - it goes in a header
        return encoded_error(error, status)

    def encode_models(self, models: Sequence[ModelFacts]) -> bytes:
        return encoded_catalogue(models)

    def encode_model(self, model: ModelFacts) -> bytes:
        return encoded_model(model)

    def encode_count_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encoded_count_request(request, target)

    def read_count(self, body: bytes) -> int:
        return max(0, decode_payload(_COUNT, body).input_tokens)

    def encode_count(self, tokens: int) -> bytes:
        return msgspec.json.encode({"object": _COUNT_OBJECT, "input_tokens": tokens})
