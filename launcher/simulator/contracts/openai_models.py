"""OpenAI's models, as the API lists them and as the Codex catalogue describes them."""

from dataclasses import dataclass

from launcher.simulator.wire.reading import Json

MAX_INPUT_TOKENS = 922_000
CREATED = 1_790_000_000


@dataclass(frozen=True)
class OpenAIModel:
    """One model; `codex`: a ChatGPT plan may use it; `since`: the Codex release that knows it."""

    id: str
    name: str
    reasoning: bool = True
    codex: bool = True
    hidden: bool = False
    since: tuple[int, int, int] = (0, 100, 0)


_GPT6 = (0, 155, 0)
MODELS = (
    OpenAIModel("gpt-6-astra", "GPT-6 Astra", since=_GPT6),
    OpenAIModel("gpt-6.1-sol", "GPT-6.1 Sol", since=_GPT6),
    OpenAIModel("gpt-6.1-terra", "GPT-6.1 Terra", since=_GPT6),
    OpenAIModel("gpt-6-sol", "GPT-6 Sol", since=_GPT6),
    OpenAIModel("gpt-6-luna", "GPT-6 Luna", since=_GPT6),
    OpenAIModel("gpt-5.6-sol", "GPT-5.6 Sol"),
    OpenAIModel("gpt-5.6-terra", "GPT-5.6 Terra"),
    OpenAIModel("gpt-5.6-luna", "GPT-5.6 Luna"),
    OpenAIModel("gpt-5.5", "GPT-5.5"),
    OpenAIModel("codex-auto-review", "Codex auto review", hidden=True),
    OpenAIModel("gpt-reserve", "Reserve", hidden=True),
    OpenAIModel("gpt-4o", "GPT-4o", reasoning=False, codex=False),
    OpenAIModel("gpt-4o-mini", "GPT-4o mini", reasoning=False, codex=False),
)
OTHERS = ("text-embedding-3-small", "text-embedding-3-large", "gpt-3.5-turbo-instruct")
_BY_ID = {model.id: model for model in MODELS}


def find(name: str) -> OpenAIModel | None:
    """The model of that id."""
    return _BY_ID.get(name)


def entry(name: str) -> Json:
    """A model as the API lists it."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "system"}


def listed() -> Json:
    """The API's list."""
    names = [model.id for model in MODELS if not model.hidden] + list(OTHERS)
    return {"object": "list", "data": [entry(name) for name in names]}


def catalogue(client_version: tuple[int, ...]) -> Json:
    """The Codex catalogue for a client of this version."""
    shown = [m for m in MODELS if m.codex and client_version >= m.since]
    return {"models": [_described(model, n) for n, model in enumerate(shown)]}


def _described(model: OpenAIModel, priority: int) -> Json:
    levels = ("low", "medium", "high", "xhigh")
    return {
        "slug": model.id,
        "display_name": model.name,
        "description": f"{model.name}, simulated.",
        "visibility": "hide" if model.hidden else "list",
        "context_window": 272_000,
        "max_context_window": 272_000,
        "default_reasoning_level": "medium",
        "supported_reasoning_levels": [{"effort": e, "description": e} for e in levels],
        "input_modalities": ["text", "image"],
        "prefer_websockets": False,
        "supported_in_api": True,
        "minimal_client_version": ".".join(str(n) for n in model.since),
        "priority": priority,
        "available_in_plans": ["plus", "pro", "team", "business", "enterprise"],
    }
