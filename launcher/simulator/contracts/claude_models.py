"""Anthropic's models: the list, and what each refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from launcher.simulator.wire.anthropic_messages import input_tokens
from launcher.simulator.wire.reading import Json, mapping

EFFORTS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True)
class ClaudeModel:
    """One model; `adaptive_only`: it takes no thinking budget and no prefill."""

    id: str
    name: str
    created_at: str
    max_input_tokens: int = 1_000_000
    max_tokens: int = 128_000
    adaptive_only: bool = True


_MODELS = (
    ClaudeModel("claude-fable-5-1", "Claude Fable 5.1", "2026-10-01T00:00:00Z"),
    ClaudeModel("claude-opus-5-5", "Claude Opus 5.5", "2026-09-15T00:00:00Z"),
    ClaudeModel("claude-sonnet-5-5", "Claude Sonnet 5.5", "2026-09-15T00:00:00Z"),
    ClaudeModel("claude-haiku-5-5", "Claude Haiku 5.5", "2026-09-15T00:00:00Z"),
    ClaudeModel("claude-fable-5", "Claude Fable 5", "2026-06-01T00:00:00Z"),
    ClaudeModel("claude-opus-5", "Claude Opus 5", "2026-05-01T00:00:00Z"),
    ClaudeModel("claude-sonnet-5", "Claude Sonnet 5", "2026-05-01T00:00:00Z"),
    ClaudeModel("claude-opus-4-8", "Claude Opus 4.8", "2026-04-01T00:00:00Z"),
    ClaudeModel("claude-opus-4-7", "Claude Opus 4.7", "2026-03-01T00:00:00Z"),
    ClaudeModel("claude-opus-4-6", "Claude Opus 4.6", "2026-02-05T00:00:00Z", adaptive_only=False),
    ClaudeModel(
        "claude-sonnet-4-6", "Claude Sonnet 4.6", "2026-02-17T00:00:00Z", adaptive_only=False
    ),
    ClaudeModel(
        "claude-opus-4-5-20251101",
        "Claude Opus 4.5",
        "2025-11-01T00:00:00Z",
        200_000,
        64_000,
        adaptive_only=False,
    ),
    ClaudeModel(
        "claude-sonnet-4-5-20250929",
        "Claude Sonnet 4.5",
        "2025-09-29T00:00:00Z",
        200_000,
        64_000,
        adaptive_only=False,
    ),
    ClaudeModel(
        "claude-haiku-4-5-20251001",
        "Claude Haiku 4.5",
        "2025-10-01T00:00:00Z",
        200_000,
        64_000,
        adaptive_only=False,
    ),
)
_ALIASES = {
    "claude-opus-4-5": "claude-opus-4-5-20251101",
    "claude-sonnet-4-5": "claude-sonnet-4-5-20250929",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}
_BY_ID = {model.id: model for model in _MODELS}


def _model(name: str) -> ClaudeModel | None:
    return _BY_ID.get(_ALIASES.get(name, name))


def find(name: str) -> Json | None:
    """A model's entry of the list, or nothing."""
    model = _model(name)
    return None if model is None else _entry(model)


def page(query: Mapping[str, str]) -> Json:
    """One page of the list: `limit`, `after_id`, `before_id`."""
    ids = [model.id for model in _MODELS]
    start, end = 0, len(ids)
    if query.get("after_id") in ids:
        start = ids.index(query["after_id"]) + 1
    if query.get("before_id") in ids:
        end = ids.index(query["before_id"])
    limit = int(query.get("limit", "20"))
    shown = _MODELS[start:end][:limit]
    return {
        "data": [_entry(model) for model in shown],
        "has_more": len(_MODELS[start:end]) > limit,
        "first_id": shown[0].id if shown else None,
        "last_id": shown[-1].id if shown else None,
    }


def problem(body: Json, *, counting: bool) -> str | None:
    """Why this model refuses a request that is well-formed; nothing if it takes it."""
    model = _model(body["model"])
    if model is None or counting:
        return None
    asked = input_tokens(body)
    if asked > model.max_input_tokens:
        return f"prompt is too long: {asked} tokens > {model.max_input_tokens} maximum"
    if body["max_tokens"] > model.max_tokens:
        return (
            f"max_tokens: {body['max_tokens']} > {model.max_tokens}, which is the maximum allowed"
            f" number of output tokens for {model.id}"
        )
    thinking = mapping(body.get("thinking"))
    if model.adaptive_only and thinking.get("type") == "enabled":
        return (
            '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive"'
            ' and "output_config.effort" to control thinking behavior.'
        )
    if not model.adaptive_only and thinking.get("type") == "adaptive" and "4-5" in model.id:
        return "adaptive thinking is not supported on this model"
    messages: list[Any] = body["messages"]
    if model.adaptive_only and messages[-1]["role"] == "assistant":
        return (
            "This model does not support assistant message prefill. The conversation must end with"
            " a user message."
        )
    return None


def _entry(model: ClaudeModel) -> Json:
    return {
        "type": "model",
        "id": model.id,
        "display_name": model.name,
        "created_at": model.created_at,
        "max_input_tokens": model.max_input_tokens,
        "max_tokens": model.max_tokens,
        "capabilities": {},
    }
