"""Side endpoints of the Messages API: the list of models and the count of a prompt's tokens."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.anthropic_messages.wire import json_bytes
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError


class _Count(Struct):
    input_tokens: int


_COUNT: Final = msgspec.json.Decoder(_Count)


def encode_models(models: Sequence[ModelFacts]) -> bytes:
    """The list of models, all on one page (T173)."""
    return json_bytes(
        {
            "data": [_model(model) for model in models],
            "has_more": False,
            "first_id": models[0].id if models else None,
            "last_id": models[-1].id if models else None,
        }
    )


def encode_model(model: ModelFacts) -> bytes:
    """One model."""
    return json_bytes(_model(model))


def read_count(body: bytes) -> int:
    """
    The number of tokens in an upstream's answer.

    Raises:
        KorProxyError: UPSTREAM_INVALID_REPLY.
    """
    tokens = decode_payload(_COUNT, body).input_tokens
    if tokens < 0:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "it counts less than nothing")
    return tokens


def encode_count(tokens: int) -> bytes:
    """The answer to `count_tokens` (T171)."""
    return json_bytes({"input_tokens": tokens})


def _model(model: ModelFacts) -> dict[str, Any]:
    # an unknown date is that of the epoch, as Anthropic has it
    created = datetime.fromtimestamp(model.created_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    fields: dict[str, Any] = {
        "type": "model",
        "id": model.id,
        "display_name": model.display_name or model.id,
        "created_at": created,
    }
    if model.context_tokens is not None:
        fields["max_input_tokens"] = model.context_tokens
    if model.max_output_tokens is not None:
        fields["max_tokens"] = model.max_output_tokens
    return fields
