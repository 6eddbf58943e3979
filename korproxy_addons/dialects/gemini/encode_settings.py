"""Limits, sampling, reasoning and the form of the answer to `generationConfig`."""

from typing import Any, Final

from korproxy_addons.config.habits import Thinking
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.effort import (
    AUTO,
    clamped_budget,
    nearest_effort,
    wanted_budget,
    wanted_effort,
)
from korproxy_addons.dialects.gemini.decode_settings import PATH
from korproxy_addons.dialects.gemini.fit import fitted_answer
from korproxy_addons.dialects.gemini.generation import before_gemini_3, generation_of
from korproxy_addons.dialects.gemini.wire import DIALECT_ID
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import (
    ChatRequest,
    FormatKind,
    Reasoning,
    Sampling,
    ThinkingMode,
)
from korproxy_addons.dialects.stops import shared_stops

_SEEDS: Final = range(-(2**31), 2**31)
_LEVELS: Final = ("low", "medium", "high")  # what a model knows of which nothing is known
_AUTOMATIC_BUDGET: Final = -1


def encode_settings(request: ChatRequest, target: Target, losses: Losses) -> dict[str, Any]:
    """The value of `generationConfig`, {} for none; what has to go is noted in `losses`."""
    own = request.source == DIALECT_ID
    config = _limits(request, target, losses)
    config.update(_sampling(request.sampling, losses, own=own))
    if request.choices > 1:
        if own:
            config["candidateCount"] = request.choices
        else:
            losses.add(Feature.CHOICES, str(request.choices))
    if request.logprobs is not None:
        if own:
            config["responseLogprobs"] = True
            config.update({"logprobs": request.logprobs} if request.logprobs else {})
        else:
            losses.add(Feature.LOGPROBS)
    if request.modalities and (own or set(request.modalities) != {"text"}):
        config["responseModalities"] = [word.upper() for word in request.modalities]
    config.update(_form(request, target, losses))
    thinking = _thinking(request.reasoning, target, losses, own=own)
    if thinking:
        config["thinkingConfig"] = thinking
    if own:
        start = f"{PATH}."
        for name, raw in request.native.items():
            if name.startswith(start):
                config[name.removeprefix(start)] = raw
    return config


def stops_of(request: ChatRequest, target: Target) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stop strings that the upstream is told, and those that the gateway keeps (T119)."""
    deaf = "stopSequences" in target.habits.refused_fields
    return shared_stops(request.stop, 0 if deaf else target.habits.stop_limit)


def _limits(request: ChatRequest, target: Target, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    limit, most = request.max_output_tokens, target.facts.max_output_tokens
    if limit is not None:
        if most is not None and limit > most:
            losses.add(Feature.OUTPUT_LIMIT, f"{limit} became {most}")
            limit = most
        config["maxOutputTokens"] = limit
    told, _ = stops_of(request, target)
    if told:
        config["stopSequences"] = list(told)
    return config


def _sampling(sampling: Sampling, losses: Losses, *, own: bool) -> dict[str, Any]:
    temperature, top_p = sampling.temperature, sampling.top_p
    if not own:
        temperature = _within(temperature, 2.0, Feature.TEMPERATURE, losses)
        top_p = _within(top_p, 1.0, Feature.TOP_P, losses)
    config = {
        "temperature": temperature,
        "topP": top_p,
        "topK": sampling.top_k,
        "seed": sampling.seed,
        "presencePenalty": sampling.presence_penalty,
        "frequencyPenalty": sampling.frequency_penalty,
    }
    if sampling.seed is not None and sampling.seed not in _SEEDS:
        losses.add(Feature.SEED, "more than 32 bits")
        del config["seed"]
    if sampling.logit_bias is not None:
        losses.add(Feature.LOGIT_BIAS)
    return {name: value for name, value in config.items() if value is not None}


def _within(value: float | None, most: float, feature: Feature, losses: Losses) -> float | None:
    if value is None or 0 <= value <= most:
        return value
    sent = min(max(0.0, value), most)
    losses.add(feature, f"{value} became {sent}")
    return sent


def _form(request: ChatRequest, target: Target, losses: Losses) -> dict[str, Any]:
    """JSON mode and schema (T132)."""
    output, habits = request.output, target.habits
    if output is None:
        return {}
    own = request.source == DIALECT_ID
    beside = habits.json_with_tools and (own or not before_gemini_3(target.model))
    if not habits.json_output or (request.tools and not beside):
        losses.add(Feature.OUTPUT_FORMAT, "beside tools" if request.tools else "")
        return {}
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if output.kind is FormatKind.SCHEMA and output.schema is not None:
        if not habits.schema_output:
            losses.add(Feature.OUTPUT_FORMAT, "JSON without its schema")
        elif habits.json_schema:
            config["responseJsonSchema"] = output.schema
        else:
            config["responseSchema"] = fitted_answer(output.schema, losses)
    return config


def _thinking(
    reasoning: Reasoning | None, target: Target, losses: Losses, *, own: bool
) -> dict[str, Any]:
    """`thinkingConfig`: a level or a budget, never both, and nothing that was not asked for (T85, T86)."""
    if reasoning is None:
        return {}
    form = target.facts.thinking
    if form is Thinking.NONE:
        if reasoning.mode is not ThinkingMode.DISABLED:
            losses.add(Feature.REASONING)
        return {}
    if form is Thinking.UNKNOWN:
        budgets = reasoning.budget_tokens is not None or reasoning.mode in {
            ThinkingMode.DISABLED,
            ThinkingMode.ADAPTIVE,
        }
        old = (generation_of(target.model) or 3) < 3
        by_budget = old or (own and budgets and not reasoning.effort)
    else:
        by_budget = form is Thinking.BUDGET
    config = _budget(reasoning, target, losses) if by_budget else _level(reasoning, target, losses)
    show = reasoning.show
    if show is None and not own:
        asked = reasoning.mode in {ThinkingMode.BUDGET, ThinkingMode.ADAPTIVE}
        show = True if asked or reasoning.summary else None
    if show is not None:
        config["includeThoughts"] = show
    return config


def _budget(reasoning: Reasoning, target: Target, losses: Losses) -> dict[str, Any]:
    wanted = wanted_budget(reasoning)
    if wanted is None:
        if reasoning.mode is ThinkingMode.ADAPTIVE or reasoning.effort == AUTO:
            return {"thinkingBudget": _AUTOMATIC_BUDGET}
        if reasoning.effort:
            losses.add(Feature.REASONING, f"effort {reasoning.effort}")
        return {}
    sent = clamped_budget(wanted, target.facts)
    if sent != wanted:
        losses.add(Feature.REASONING, f"budget {wanted} became {sent}")
    return {"thinkingBudget": sent}


def _level(reasoning: Reasoning, target: Target, losses: Losses) -> dict[str, Any]:
    wanted = wanted_effort(reasoning)
    if wanted in {"", AUTO}:
        return {}
    sent = nearest_effort(wanted, target.facts.efforts or _LEVELS)
    if sent != wanted:
        losses.add(Feature.REASONING, f"effort {wanted} became {sent}")
    return {"thinkingLevel": sent}
