"""Model lists and counts, as Gemini's side endpoints give them."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.gemini.wire import MODELS_PREFIX
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError

_METHODS: Final = ("generateContent", "countTokens")


class _Counted(msgspec.Struct, rename="camel"):
    total_tokens: int | None = None
    snake_total_tokens: int | None = msgspec.field(default=None, name="total_tokens")


_COUNTED: Final = msgspec.json.Decoder(_Counted)


def encode_models(models: Sequence[ModelFacts]) -> bytes:
    """`base.Dialect.encode_models`: one page, so without a token for the next (T173)."""
    return msgspec.json.encode({"models": [_listed(model) for model in models]})


def encode_model(model: ModelFacts) -> bytes:
    """`base.Dialect.encode_model`."""
    return msgspec.json.encode(_listed(model))


def read_count(body: bytes) -> int:
    """`base.Dialect.read_count`."""
    try:
        counted = _COUNTED.decode(body)
    except (ValueError, RecursionError):
        counted = _Counted()
    total = counted.total_tokens or counted.snake_total_tokens
    if total is None:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "it holds no count")
    return max(0, total)


def encode_count(tokens: int) -> bytes:
    """`base.Dialect.encode_count` (T172)."""
    return msgspec.json.encode({"totalTokens": tokens})


def _listed(model: ModelFacts) -> dict[str, Any]:
    listed: dict[str, Any] = {
        "name": MODELS_PREFIX + model.id,
        "version": "",
        "displayName": model.display_name or model.id,
        "inputTokenLimit": model.context_tokens,
        "outputTokenLimit": model.max_output_tokens,
        "supportedGenerationMethods": _METHODS,
    }
    return {name: value for name, value in listed.items() if value is not None}
