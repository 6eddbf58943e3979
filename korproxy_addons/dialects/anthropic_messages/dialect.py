"""The Messages API as a `base.Dialect`: one line per method, the work is in the modules beside this one."""

from collections.abc import Sequence

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.anthropic_messages import errors, sealed_state, side
from korproxy_addons.dialects.anthropic_messages.decode_request import (
    decode_request,
    peek_request,
)
from korproxy_addons.dialects.anthropic_messages.decoder import make_decoder
from korproxy_addons.dialects.anthropic_messages.encode_request import (
    encode_count_request,
    encode_request,
)
from korproxy_addons.dialects.anthropic_messages.encoder import PING, make_encoder
from korproxy_addons.dialects.anthropic_messages.tap import AnthropicTap
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, OWN_ORIGIN
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


class AnthropicMessages:
    """See `base.Dialect`."""

    id = DIALECT_ID
    own_origin = OWN_ORIGIN
    cannot_express = frozenset(
        {
            Feature.CHOICES,
            Feature.LOGPROBS,
            Feature.LOGIT_BIAS,
            Feature.SEED,
            Feature.PENALTIES,
            Feature.VERBOSITY,
            Feature.MODALITIES,
            Feature.METADATA,
            Feature.CACHE_KEY,
            Feature.STORE,
            Feature.CONTINUATION,
            Feature.AUDIO,
            Feature.VIDEO,
            Feature.MEDIA_DETAIL,
            Feature.CUSTOM_GRAMMAR,
            Feature.MESSAGE_NAME,
        }
    )

    def peek_request(self, inbound: Inbound) -> Peek:
        return peek_request(inbound)

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        return decode_request(inbound)

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encode_request(request, target)

    def without_sealed(self, body: bytes) -> bytes:
        return sealed_state.without_sealed(body)

    def decoder(self, context: DecodeContext) -> Decoder:
        return make_decoder(context)

    def encoder(self, context: ReplyContext) -> Encoder:
        return make_encoder(context)

    def usage_tap(self, *, streamed: bool) -> UsageTap:
        return AnthropicTap(streamed=streamed)

    def keep_alive(self) -> bytes:
        return PING

    def content_type(self, *, streamed: bool, sse: bool = True) -> str:  # noqa: ARG002 - SSE only
        return "text/event-stream; charset=utf-8" if streamed else "application/json"

    def read_error(self, status: int, body: bytes) -> ReplyError:
        return errors.read_error(status, body)

    def error_status(self, error: ReplyError, status: int) -> int:
        return errors.error_status(error, status)

    def error_body(self, error: ReplyError, status: int, request_id: str) -> bytes:  # noqa: ARG002
        return errors.error_body(error, request_id)

    def encode_models(self, models: Sequence[ModelFacts]) -> bytes:
        return side.encode_models(models)

    def encode_model(self, model: ModelFacts) -> bytes:
        return side.encode_model(model)

    def encode_count_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encode_count_request(request, target)

    def read_count(self, body: bytes) -> int:
        return side.read_count(body)

    def encode_count(self, tokens: int) -> bytes:
        return side.encode_count(tokens)


DIALECT = AnthropicMessages()
