"""OpenAI Chat Completions, and what the many servers that speak it make of it."""

from collections.abc import Sequence
from typing import Final

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.base import (
    DecodeContext,
    Decoder,
    Dialect,
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
from korproxy_addons.dialects.openai_chat import errors, models
from korproxy_addons.dialects.openai_chat.decode_request import decode_request, peek_request
from korproxy_addons.dialects.openai_chat.decode_tools import DIALECT_ID
from korproxy_addons.dialects.openai_chat.decoder import ChatDecoder
from korproxy_addons.dialects.openai_chat.encode_request import encode_request
from korproxy_addons.dialects.openai_chat.sealed_state import without_sealed
from korproxy_addons.dialects.openai_chat.stream_encoder import KEEP_ALIVE, StreamEncoder
from korproxy_addons.dialects.openai_chat.tap import ChatUsageTap
from korproxy_addons.dialects.openai_chat.whole_encoder import WholeEncoder
from korproxy_addons.errors.catalogue import NOT_OFFERED
from korproxy_addons.errors.exceptions import KorProxyError

_NO_COUNT: Final = "Chat Completions has no way to count a prompt"


class OpenAIChat:
    """
    Fulfils `base.Dialect`.

    Lost on this wire: places and lifetimes of cache markers, `top_k` (but from a Chat client), citations asked of
    documents, state of any service (carried sealed to clients, never to upstreams but Google's signatures to
    Google), calls and results of a service's own tools (their words stay), the difference between
    one text and several in an assistant's turn or a tool's result, whether thoughts are shown.
    """

    id = DIALECT_ID
    cannot_express = frozenset(
        {
            Feature.CACHE_MARKER,
            Feature.CITATIONS,
            Feature.CONTINUATION,
            Feature.REASONING_SHOW,
            Feature.SERVER_TOOL_HISTORY,
            Feature.TOP_K,
        }
    )
    own_origin = ""

    def peek_request(self, inbound: Inbound) -> Peek:
        return peek_request(inbound)

    def decode_request(self, inbound: Inbound) -> ChatRequest:
        return decode_request(inbound)

    def encode_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        return encode_request(request, target)

    def without_sealed(self, body: bytes) -> bytes:
        return without_sealed(body)

    def decoder(self, context: DecodeContext) -> Decoder:
        return ChatDecoder(context)

    def encoder(self, context: ReplyContext) -> Encoder:
        return StreamEncoder(context) if context.streamed else WholeEncoder(context)

    def usage_tap(self, *, streamed: bool) -> UsageTap:
        return ChatUsageTap(streamed=streamed)

    def keep_alive(self) -> bytes:
        return KEEP_ALIVE

    def content_type(self, *, streamed: bool, sse: bool = True) -> str:
        return "text/event-stream" if streamed and sse else "application/json"

    def read_error(self, status: int, body: bytes) -> ReplyError:
        return errors.read_error(status, body)

    def error_status(self, error: ReplyError, status: int) -> int:
        return errors.error_status(error, status)

    def error_body(self, error: ReplyError, status: int, request_id: str) -> bytes:
        del status, request_id  # this envelope has neither
        return errors.error_body(error)

    def encode_models(self, models_: Sequence[ModelFacts]) -> bytes:
        return models.encode_models(models_)

    def encode_model(self, model: ModelFacts) -> bytes:
        return models.encode_model(model)

    def encode_count_request(self, request: ChatRequest, target: Target) -> EncodedRequest:
        del request, target
        raise KorProxyError(NOT_OFFERED, _NO_COUNT)

    def read_count(self, body: bytes) -> int:
        del body
        raise KorProxyError(NOT_OFFERED, _NO_COUNT)

    def encode_count(self, tokens: int) -> bytes:
        del tokens
        raise KorProxyError(NOT_OFFERED, _NO_COUNT)


DIALECT: Dialect = OpenAIChat()
