"""Model lists as the providers send them, to what is known of each model."""

from collections.abc import Iterable
from typing import Any

import msgspec

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.errors.catalogue import UPSTREAM_INVALID_REPLY
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.waits import instant_s

_LIMIT = 5000
"""Models in one list; OpenRouter has some hundred."""


def parse_models(body: bytes, known: Iterable[ModelFacts] = ()) -> tuple[ModelFacts, ...]:
    """
    The models in a list, in its order, with what is known of them already.

    Shapes: OpenAI and Anthropic (`data[].id`), Codex's catalogue (`models[].slug`), Gemini
    (`models[].name` with `models/` in front), Ollama's and others' bare lists.

    Raises:
        KorProxyError: UPSTREAM_INVALID_REPLY.
    """
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "the model list is not JSON") from error
    entries = value
    if isinstance(value, dict):
        entries = value.get("data", value.get("models"))
    if not isinstance(entries, list):
        raise KorProxyError(UPSTREAM_INVALID_REPLY, "the model list holds no list")
    facts = {it.id: it for it in known}
    models: dict[str, ModelFacts] = {}
    for entry in entries[:_LIMIT]:
        model = _model(entry, facts) if isinstance(entry, dict) else None
        if model is not None:
            models.setdefault(model.id, model)
    return tuple(models.values())


def _model(entry: dict[str, Any], known: dict[str, ModelFacts]) -> ModelFacts | None:
    name = next((entry[key] for key in ("slug", "id", "name") if _text(entry.get(key))), "")
    name = name.removeprefix("models/")
    if not name:
        return None
    methods = entry.get("supportedGenerationMethods")
    if isinstance(methods, list) and methods and "generateContent" not in methods:
        return None
    facts = known.get(name, ModelFacts(id=name))
    seen = {
        "display_name": _text(entry.get("display_name")) or _text(entry.get("displayName")),
        "created_at": int(instant_s(entry.get("created") or entry.get("created_at")) or 0),
        "owner": _text(entry.get("owned_by")),
        "context_tokens": _count(
            entry, "context_window", "max_input_tokens", "inputTokenLimit", "context_length"
        ),
        "max_output_tokens": _count(entry, "max_tokens", "outputTokenLimit"),
        "inputs": _words(entry.get("input_modalities")),
        "efforts": _efforts(entry.get("supported_reasoning_levels")),
    }
    changes = {field: value for field, value in seen.items() if value}
    hidden = entry.get("visibility") not in {None, "list"}
    return msgspec.structs.replace(facts, **changes, recommended=facts.recommended and not hidden)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(entry: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = entry.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return None


def _words(value: Any) -> tuple[str, ...]:
    return tuple(it for it in value if isinstance(it, str)) if isinstance(value, list) else ()


def _efforts(value: Any) -> tuple[str, ...]:
    levels = value if isinstance(value, list) else []
    return _words([it.get("effort") for it in levels if isinstance(it, dict)])
