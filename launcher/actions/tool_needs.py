"""What a tool needs, against what its route is known to give: kept, degraded or lost, with the fix; nothing is sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from korproxy_addons.config.patience import waits
from korproxy_addons.presets.base import Need, Role
from korproxy_addons.presets.claude_code import TOOL_SEARCH
from korproxy_addons.providers.outgoing import Operation
from launcher.actions.tool_route import ToolRoute
from launcher.tools.told import Reading

type Keeping = Literal["kept", "degraded", "lost"]
type By = Literal["declared", "probed", "seen"]

_APIS = {
    "anthropic-messages": "Anthropic's Messages",
    "openai-chat": "Chat Completions",
    "openai-responses": "Responses",
    "gemini": "Gemini",
}
_OF_TOOLS = (
    "tool_choice", "strict", "schema", "custom_grammar", "parallel_tool_calls", "duplicate_tool", "tool_result",
)  # fmt: skip
_NOT_MISSED = frozenset({"cache_key", "metadata", "store", "user"})
"""Features whose loss changes nothing that a tool does."""
_MILLION = 1_000_000

WORDS: Mapping[str, str] = {
    "cache_marker": "marks for the prompt cache",
    "cache_key": "the key of the prompt cache",
    "reasoning": "the effort of thinking",
    "reasoning_show": "whether thinking is shown",
    "foreign_state": "thinking of another provider",
    "metadata": "metadata",
    "store": "keeping answers at the provider",
    "hosted_tool": "the provider's own tools",
    "native_field": "fields that only its own API has",
    "service_tier": "the speed tier",
    "verbosity": "how long answers are",
    "custom_grammar": "grammars of its tools",
    "strict": "strict arguments of its tools",
}
"""Features of `dialects.losses`, for people; what is not named here is said in its own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """
    What becomes of one need.

    Attributes:
        need: Which.
        keeping: What becomes of it.
        by: declared: known of the route; probed: tried just now; seen: the tool's own traffic of the last week.
        detail: A sentence.
        fix: What would keep it, one step each.
        vital: Without it the tool does not work at all.
    """

    need: Need
    keeping: Keeping
    by: By
    detail: str
    fix: tuple[str, ...] = ()
    vital: bool = False


def declared(route: ToolRoute, reading: Reading) -> tuple[Verdict, ...]:
    """
    What is known of every need without asking anybody.

    Args:
        route: Where the tool's requests go; somebody serves.
        reading: What the tool was told.
    """
    return tuple(_JUDGES[need](route, reading) for need in route.preset.needs)


def verdict(
    route: ToolRoute, need: Need, keeping: Keeping, detail: str, *fix: str, by: By = "declared"
) -> Verdict:
    """A verdict on one of the tool's needs."""
    vital = need in route.preset.vital
    return Verdict(need=need, keeping=keeping, by=by, detail=detail, fix=fix, vital=vital)


def own_api(route: ToolRoute) -> str:
    """The fix for whatever only the tool's own API has."""
    api = _APIS[route.preset.dialect]
    if route.others:
        named = ", ".join(route.others[:3])
        return f"Send it to an account that speaks {api}: {named} (`korproxy rule add`, or provider@account/model as its model)."
    return f"Connect an account whose provider speaks {api}."


def _model_list(route: ToolRoute, _: Reading) -> Verdict:
    return verdict(
        route,
        Need.MODEL_LIST,
        "kept",
        f"KorProxy lists its models in the form of {_APIS[route.preset.dialect]}.",
    )


def _streaming(route: ToolRoute, _: Reading) -> Verdict:
    how = "pass event by event" if route.native else "are translated event by event, as they come"
    return verdict(route, Need.STREAMING, "kept", f"Streams {how}.")


def _tools(route: ToolRoute, _: Reading) -> Verdict:
    lost = [it for it in route.losses if it[0] in _OF_TOOLS]
    if lost:
        keeping: Keeping = "lost" if any(serious for _, _, serious in lost) else "degraded"
        return verdict(
            route, Need.TOOLS, keeping, f"Tools pass, but not {_named(lost)}.", own_api(route)
        )
    return verdict(route, Need.TOOLS, "kept", "Tools, calls and results pass.")


def _tool_search(route: ToolRoute, reading: Reading) -> Verdict:
    if route.preset.dialect != "anthropic-messages":
        return _own_tool_search(route)
    told = next((it for it in reading.of(Role.OPTION) if TOOL_SEARCH in it.where), None)
    wanted = told is not None and told.value.lower() not in ("0", "false")
    if not route.native or not route.upstream_model.startswith("claude"):
        why = f"{route.upstream_model} does not find tools by itself: all of them are sent with every request"
        off = (f"Take {TOOL_SEARCH} out: requests may fail with it.",) if wanted else ()
        return verdict(route, Need.TOOL_SEARCH, "lost", f"{why}.", *off, own_api(route))
    if wanted:
        return verdict(
            route, Need.TOOL_SEARCH, "kept", f"{TOOL_SEARCH} is set, and what it needs passes."
        )
    return verdict(
        route, Need.TOOL_SEARCH, "degraded",
        f"{route.preset.name} turns it off by itself at any address but its maker's, and loads every tool at the start.",
        f"The route passes all that it needs: set {TOOL_SEARCH}=true.",
    )  # fmt: skip


def _own_tool_search(route: ToolRoute) -> Verdict:
    if route.native and not any("tool_search" in detail for _, detail, _ in route.losses):
        return verdict(route, Need.TOOL_SEARCH, "kept", "Its tool_search passes unchanged.")
    why = f"{_APIS[route.upstream_dialect]} has none: all tools are sent with every request"
    return verdict(route, Need.TOOL_SEARCH, "lost", f"{why}.", own_api(route))


def _betas(route: ToolRoute, _: Reading) -> Verdict:
    assert route.way is not None
    if route.native and "anthropic-" in route.way.access.forward_prefixes:
        return verdict(route, Need.BETAS, "kept", "anthropic-beta passes unchanged.")
    if route.native:
        why = f"anthropic-beta is not sent to {route.way.provider.name}"
        return verdict(route, Need.BETAS, "lost", f"{why}.", own_api(route))
    why = f"{_APIS[route.upstream_dialect]} has no betas of Anthropic's"
    return verdict(
        route, Need.BETAS, "lost", f"{why}; what they switch on is left out.", own_api(route)
    )


def _count_tokens(route: ToolRoute, _: Reading) -> Verdict:
    assert route.way is not None
    access = route.way.access
    path = access.path(Operation.COUNT_TOKENS, route.upstream_model, dialect=route.upstream_dialect)
    if path is not None:
        return verdict(
            route, Need.COUNT_TOKENS, "kept", f"{route.way.provider.name} counts them itself."
        )
    return verdict(
        route, Need.COUNT_TOKENS, "degraded",
        f"{route.way.provider.name} does not count; KorProxy estimates, and says so in X-KorProxy-Estimate.",
        own_api(route),
    )  # fmt: skip


def _long_context(route: ToolRoute, _: Reading) -> Verdict:
    size = route.facts.context_tokens
    model = route.upstream_model
    if size is None:
        return verdict(
            route, Need.LONG_CONTEXT, "degraded", f"Nobody says how much {model} reads.",
            "`--long-context` tries it with a long prompt; or say it in config.yaml: context_tokens of the model.",
        )  # fmt: skip
    if size >= _MILLION:
        return verdict(
            route, Need.LONG_CONTEXT, "kept", f"{model} reads {_thousands(size)} tokens."
        )
    return verdict(
        route, Need.LONG_CONTEXT, "degraded", f"{model} reads {_thousands(size)} tokens.",
        "Choose a model that reads more, or have long prompts go to one: a rule with min_input_tokens.",
    )  # fmt: skip


def _websocket(route: ToolRoute, _: Reading) -> Verdict:
    return verdict(
        route,
        Need.WEBSOCKET,
        "kept",
        "KorProxy serves it, and refuses what it cannot serve with 426, after which Codex posts.",
    )


def _keep_alives(route: ToolRoute, _: Reading) -> Verdict:
    known, times = route.patience, route.config.timeouts
    if known is None:
        return verdict(
            route,
            Need.KEEP_ALIVES,
            "kept",
            f"A sign of life every {times.keep_alive_s:g} s while the provider is silent.",
        )
    beats = route.preset.dialect != "gemini"
    found = waits(
        known, first_byte_s=times.first_byte_s, idle_s=times.idle_s, hold_share=times.hold_share, beats=beats
    )  # fmt: skip
    waits_s = f"{route.preset.name} waits {known.idle_s:g} s"
    if beats and known.hears_beats and times.keep_alive_s >= known.idle_s:
        return verdict(
            route, Need.KEEP_ALIVES, "degraded", f"{waits_s}, and signs of life come every {times.keep_alive_s:g} s.",
            f"Set timeouts.keep_alive_s below {known.idle_s:g}.",
        )  # fmt: skip
    how = (
        f"a sign of life comes every {times.keep_alive_s:g} s"
        if beats and known.hears_beats
        else f"KorProxy gives a silent provider up after {min(found.idle_s, found.first_byte_s):g} s, so that it can say so in time"
    )
    return verdict(route, Need.KEEP_ALIVES, "kept", f"{waits_s}; {how}.")


def _errors(route: ToolRoute, _: Reading) -> Verdict:
    if route.native:
        return verdict(route, Need.ERRORS, "kept", "The provider's own errors pass word for word.")
    return verdict(
        route, Need.ERRORS, "kept",
        f"Errors come in the envelope of {_APIS[route.preset.dialect]}, with the provider's words in it.",
    )  # fmt: skip


def _side_paths(route: ToolRoute, _: Reading) -> Verdict:
    return verdict(route, Need.SIDE_PATHS, "kept", "KorProxy answers them itself, at once.")


def _request(route: ToolRoute, _: Reading) -> Verdict:
    if route.error:
        return verdict(
            route,
            Need.REQUEST,
            "lost",
            route.error,
            own_api(route),
            "Or go on without: allow_degradation: true in config.yaml.",
        )
    lost = [
        it for it in route.losses
        if it[0] not in _OF_TOOLS and not (it[0] == "hosted_tool" and "tool_search" in it[1])
    ]  # fmt: skip
    if not lost:
        return verdict(route, Need.REQUEST, "kept", "Nothing else of it is lost.")
    missed = [it for it in lost if it[0] not in _NOT_MISSED]
    if not missed:
        return verdict(route, Need.REQUEST, "kept", f"Left out and not missed: {_named(lost)}.")
    keeping: Keeping = "lost" if any(serious for _, _, serious in missed) else "degraded"
    return verdict(route, Need.REQUEST, keeping, f"Left out: {_named(missed)}.", own_api(route))


def _named(losses: list[tuple[str, str, bool]]) -> str:
    found: dict[str, list[str]] = {}
    for feature, detail, _ in losses:
        found.setdefault(WORDS.get(feature, feature.replace("_", " ")), []).append(detail)
    parts = []
    for word, details in found.items():
        named = ", ".join(it for it in details if it)
        parts.append(f"{word} ({named})" if named else word)
    return "; ".join(parts)


def _thousands(tokens: int) -> str:
    return f"{tokens:,}".replace(",", " ")


_JUDGES: Mapping[Need, Callable[[ToolRoute, Reading], Verdict]] = {
    Need.MODEL_LIST: _model_list,
    Need.STREAMING: _streaming,
    Need.TOOLS: _tools,
    Need.TOOL_SEARCH: _tool_search,
    Need.BETAS: _betas,
    Need.COUNT_TOKENS: _count_tokens,
    Need.LONG_CONTEXT: _long_context,
    Need.WEBSOCKET: _websocket,
    Need.KEEP_ALIVES: _keep_alives,
    Need.ERRORS: _errors,
    Need.SIDE_PATHS: _side_paths,
    Need.REQUEST: _request,
}
assert set(_JUDGES) == set(Need)
