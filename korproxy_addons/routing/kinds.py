"""
What kind a request is: from the path first, then the model's family, then the body.

The first four kinds exclude each other. The others are what agents need to tell apart; a request may be several.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

from korproxy_addons.config.profiles import RequestKind
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.routing.globs import matcher
from korproxy_addons.routing.traits import Traits

COARSE = (RequestKind.CHAT, RequestKind.COMPLETION, RequestKind.EMBEDDING, RequestKind.OTHER)

SIDE_CALL_TOKENS = 64
"""An answer so short is a check or a word to pick, not a turn of a conversation."""

_BY_PATH = {
    Operation.GENERATE: RequestKind.CHAT,
    Operation.COMPLETIONS: RequestKind.COMPLETION,
    Operation.EMBEDDINGS: RequestKind.EMBEDDING,
}
# Families as the earlier apps had them, completion before chat: `gpt-5-codex` was asked for by completions.
_FAMILIES = (
    (RequestKind.EMBEDDING, matcher(("text-embedding-*", "embed-*", "*-embedding-*"))),
    (RequestKind.COMPLETION, matcher(("gpt-3.5-turbo-instruct", "code-*"))),
    (RequestKind.CHAT, matcher(("gpt-*", "claude-*", "gemini-*", "qwen*", "glm-*", "kimi-*"))),
)
_WORDS = re.compile(r"[a-z]+")
# Models that tools use for titles and summaries; the others are light enough for it, and good enough for more.
_SMALL = frozenset({"haiku", "mini", "nano", "lite", "small", "tiny"})
_LIGHT = frozenset({"flash", "fast", "turbo", "spark", "instant", "air"})


def coarse_kind(
    operation: Operation | None, model: str, traits: Callable[[], Traits]
) -> RequestKind:
    """
    Chat, completion, embedding or other.

    Args:
        operation: What the path asks for. Counting and compacting serve a conversation: the model says which kind.
        model: As the client named it, or as an alias says.
        traits: Looks into the body; only called where path and model say nothing.
    """
    by_path = _BY_PATH.get(operation) if operation is not None else None
    if by_path is not None:
        return by_path
    name = model.rpartition("/")[2]
    by_family = next((kind for kind, fits in _FAMILIES if fits(name)), None)
    if by_family is not None:
        return by_family
    shape = traits().shape
    return RequestKind(shape) if shape else RequestKind.OTHER


def is_background(model: str, traits: Callable[[], Traits]) -> bool:
    """
    Whether a request is one of the small calls that tools make on the side: titles, summaries, checks.

    So is each one for a model of the smallest class; without tools also one for a light model, or for a few words.
    """
    words = set(_WORDS.findall(model.rpartition("/")[2].lower()))
    if words & _SMALL:
        return True
    said = traits()
    if said.tools or said.web_search:
        return False
    short = said.max_tokens is not None and said.max_tokens <= SIDE_CALL_TOKENS
    return short or bool(words & _LIGHT)


BY_TRAIT: Mapping[RequestKind, Callable[[Traits], bool]] = MappingProxyType(
    {
        RequestKind.THINKING: lambda it: it.thinking,
        RequestKind.TOOL_USE: lambda it: it.tools,
        RequestKind.VISION: lambda it: it.pictures > 0,
        RequestKind.WEB_SEARCH: lambda it: it.web_search,
    }
)
"""Kinds that the body alone says."""
