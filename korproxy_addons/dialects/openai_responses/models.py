"""
Lists of models for clients of the Responses API.

`GET /v1/models?client_version=` comes from Codex and wants its catalogue, in which nearly every field is needed: Codex
reads no list in which one entry lacks one (openai/codex, `protocol/src/openai_models.rs`). A single model is asked
for in the form of OpenAI's API.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from korproxy_addons.config.habits import ModelFacts, Thinking

# Codex takes these for the system text of a model it learns of here; it has its own only for models it ships with.
_INSTRUCTIONS: Final = (
    "You are a coding agent running in a terminal, on the user's own machine. Work on the task until it is done:"
    " read the files that matter before you change them, make changes that are as small as the task allows and in the"
    " style of the code around them, and run the tests or the program to see that they work. Use the tools you are"
    " given; search with `rg` where it is installed. Never undo work that you did not do, and ask before anything that"
    " cannot be taken back. Say briefly what you did and what you found."
)
_DESCRIPTIONS: Final = {
    "none": "No reasoning",
    "minimal": "Hardly any reasoning",
    "low": "Fast answers with little reasoning",
    "medium": "A balance of speed and depth",
    "high": "Deep reasoning for hard problems",
    "xhigh": "The deepest reasoning, slowly",
}
_PREFERRED: Final = "medium"
_CONTEXT_TOKENS: Final = 128_000
_OUTPUT_LIMIT_TOKENS: Final = 10_000  # of a tool, before Codex cuts it
_MODALITIES: Final = ("text", "image")


def encoded_catalogue(models: Sequence[ModelFacts]) -> bytes:
    """Codex's catalogue, in the order of the models."""
    entries = [_entry(model, place) for place, model in enumerate(models)]
    return msgspec.json.encode({"models": entries})


def encoded_model(model: ModelFacts) -> bytes:
    """One model, as OpenAI's API says it."""
    return msgspec.json.encode(
        {
            "id": model.id,
            "object": "model",
            "created": model.created_at,
            "owned_by": model.owner or "korproxy",
        }
    )


def _entry(model: ModelFacts, place: int) -> dict[str, Any]:
    context = model.context_tokens or _CONTEXT_TOKENS
    efforts = _efforts(model)
    known = [sort for sort in _MODALITIES if sort in model.inputs]
    return {
        "slug": model.id,
        "display_name": model.display_name or model.id,
        "description": f"{model.owner} by KorProxy" if model.owner else "By KorProxy",
        "default_reasoning_level": _default(efforts),
        "supported_reasoning_levels": [
            {"effort": effort, "description": _DESCRIPTIONS.get(effort, effort)}
            for effort in efforts
        ],
        "shell_type": "shell_command",
        "visibility": "list" if model.recommended else "hide",
        "supported_in_api": True,
        "priority": place,
        "additional_speed_tiers": [],
        "availability_nux": None,
        "upgrade": None,
        "base_instructions": _INSTRUCTIONS,
        "model_messages": None,
        "supports_reasoning_summaries": bool(efforts),
        "default_reasoning_summary": "auto",
        "support_verbosity": False,
        "default_verbosity": None,
        "apply_patch_tool_type": "freeform",
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "tokens", "limit": _OUTPUT_LIMIT_TOKENS},
        "supports_parallel_tool_calls": True,
        "supports_image_detail_original": False,
        "context_window": context,
        "max_context_window": context,
        "auto_compact_token_limit": None,
        "effective_context_window_percent": 95,
        "experimental_supported_tools": [],
        "input_modalities": known or (["text"] if model.inputs else list(_MODALITIES)),
        "prefer_websockets": False,
        "supports_search_tool": False,
        "minimal_client_version": "0.0.1",
        "available_in_plans": [],
    }


def _efforts(model: ModelFacts) -> list[str]:
    """The efforts that Codex has words for; the usual three where only thinking itself is known."""
    if model.efforts:
        return [effort for effort in model.efforts if effort in _DESCRIPTIONS]
    thinks = model.thinking not in {Thinking.NONE, Thinking.UNKNOWN}
    return ["low", "medium", "high"] if thinks else []


def _default(efforts: Sequence[str]) -> str | None:
    if not efforts:
        return None
    return _PREFERRED if _PREFERRED in efforts else efforts[0]
