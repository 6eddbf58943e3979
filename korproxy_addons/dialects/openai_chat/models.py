"""Lists of models as OpenAI gives them."""

from collections.abc import Sequence

import msgspec

from korproxy_addons.config.habits import ModelFacts


def encode_model(model: ModelFacts) -> bytes:
    """One model."""
    return msgspec.json.encode(_model(model))


def encode_models(models: Sequence[ModelFacts]) -> bytes:
    """The list, in the order given."""
    return msgspec.json.encode({"object": "list", "data": [_model(model) for model in models]})


def _model(model: ModelFacts) -> dict[str, str | int]:
    return {
        "id": model.id,
        "object": "model",
        "created": model.created_at,
        "owned_by": model.owner or "korproxy",
    }
