"""
Thinking, the output limit, and the sampling that goes with them (T39, T70, T83, T84, T115).

Where two wishes exclude each other, a forced tool call wins over thinking by budget, and thinking wins over
temperature, top_p and top_k. A limit that leaves no room for thinking is raised; within a larger one thinking takes
at most three quarters.
"""

from typing import Any, Final

from msgspec import Struct

from korproxy_addons.config.habits import ModelFacts, Thinking
from korproxy_addons.dialects.anthropic_messages.wire import DIALECT_ID, OWN_ORIGIN
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.effort import (
    AUTO,
    BUDGETS,
    clamped_budget,
    nearest_effort,
    wanted_budget,
    wanted_effort,
)
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import ChatRequest, Reasoning, Sampling, ThinkingMode

_LEAST_BUDGET: Final = 1024
_DEFAULT_BUDGET: Final = BUDGETS["medium"]
_DEFAULT_LIMIT: Final = 8192
_LARGEST_DEFAULT: Final = 32_000
_LEAST_TOP_P: Final = 0.95
_EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")


class ReasoningPlan(Struct):
    """
    What goes up about reasoning.

    Attributes:
        thinking: `thinking` on the wire, None for nothing.
        effort: `output_config.effort`, "" for nothing.
        max_tokens: The output limit, always needed here.
    """

    max_tokens: int
    thinking: dict[str, Any] | None = None
    effort: str = ""

    @property
    def thinks(self) -> bool:
        """Whether thinking is turned on."""
        return self.thinking is not None and self.thinking["type"] != "disabled"


def planned_reasoning(
    request: ChatRequest, target: Target, losses: Losses, *, forced: bool, unsigned_loop: bool
) -> ReasoningPlan:
    """
    Thinking, effort and limit.

    Args:
        request: The client's.
        target: The upstream.
        losses: Gets what could not be had.
        forced: The model must call a tool.
        unsigned_loop: The current turn has calls and does not begin with thinking.
    """
    plan = ReasoningPlan(_limit(request, target.facts, losses))
    reasoning = request.reasoning
    if reasoning is None:
        return plan
    if target.facts.thinking is Thinking.NONE:
        if reasoning.mode is not ThinkingMode.DISABLED and wanted_effort(reasoning) != "none":
            losses.add(Feature.REASONING, "the model has none")
        return plan
    own = request.source == DIALECT_ID
    if own and reasoning.mode is ThinkingMode.UNSET:
        plan.effort = _effort(reasoning, target.facts, losses)
    elif reasoning.mode is ThinkingMode.DISABLED or wanted_effort(reasoning) == "none":
        _disable(plan, reasoning, target.facts, losses, own=own)
    elif _by_budget(reasoning, target, own=own):
        _think_by_budget(plan, request, reasoning, target, losses)
        if plan.thinks and (forced or unsigned_loop):
            why = "a tool is forced" if forced else "the current turn has calls without thinking"
            losses.add(Feature.REASONING, f"turned off: {why}")
            plan.thinking = None
    else:
        plan.thinking = {"type": "adaptive"}
        plan.effort = _effort(reasoning, target.facts, losses)
    if plan.thinking is not None and plan.thinks:
        _show(plan.thinking, reasoning, target, own=own)
    return plan


def wire_sampling(
    sampling: Sampling, facts: ModelFacts, losses: Losses, *, thinks: bool
) -> dict[str, Any]:
    """Temperature, top_p and top_k, as far as they may stand (T83, T121)."""
    fields: dict[str, Any] = {}
    temperature, top_p = sampling.temperature, sampling.top_p
    if temperature is not None:
        clamped = min(1.0, max(0.0, temperature))
        if thinks and clamped != 1:
            losses.add(Feature.TEMPERATURE, "left out: thinking is on")
        else:
            if clamped != temperature:
                losses.add(Feature.TEMPERATURE, f"{temperature} became {clamped}")
            fields["temperature"] = clamped
    if top_p is not None:
        if thinks and top_p < _LEAST_TOP_P:
            losses.add(Feature.TOP_P, "left out: thinking is on")
        elif "temperature" in fields and facts.both_samplings is not True:
            losses.add(Feature.TOP_P, "left out: temperature is set")
        else:
            fields["top_p"] = min(1.0, max(0.0, top_p))
    if sampling.top_k is not None:
        if thinks:
            losses.add(Feature.TOP_K, "left out: thinking is on")
        else:
            fields["top_k"] = sampling.top_k
    return fields


def _limit(request: ChatRequest, facts: ModelFacts, losses: Losses) -> int:
    most = facts.max_output_tokens
    if request.max_output_tokens is None:
        return min(most, _LARGEST_DEFAULT) if most else _DEFAULT_LIMIT
    wanted = max(1, request.max_output_tokens)
    if most is not None and wanted > most:
        losses.add(Feature.OUTPUT_LIMIT, f"{wanted} became {most}")
        return most
    return wanted


def _by_budget(reasoning: Reasoning, target: Target, *, own: bool) -> bool:
    """Whether thinking goes as a budget; else as adaptive thinking with an effort (T84)."""
    kind = target.facts.thinking
    if kind in {Thinking.BUDGET, Thinking.SWITCH}:
        return True
    if kind is not Thinking.UNKNOWN:
        return False
    if own:
        return reasoning.mode is ThinkingMode.BUDGET
    # of Anthropic's models, those that are too new to be known take no budget
    return target.habits.state_origin != OWN_ORIGIN


def _effort(reasoning: Reasoning, facts: ModelFacts, losses: Losses) -> str:
    wanted = wanted_effort(reasoning)
    if wanted in {"", AUTO}:
        return ""
    fitting = nearest_effort(wanted, facts.efforts or _EFFORTS)
    if fitting != wanted:
        losses.add(Feature.REASONING, f"effort {wanted} became {fitting}")
    return fitting


def _disable(
    plan: ReasoningPlan, reasoning: Reasoning, facts: ModelFacts, losses: Losses, *, own: bool
) -> None:
    if facts.can_disable_thinking is False:
        losses.add(Feature.REASONING, "the model always thinks")
        return
    plan.thinking = {"type": "disabled"}
    if own and reasoning.effort:
        plan.effort = _effort(Reasoning(effort=reasoning.effort), facts, losses)


def _think_by_budget(
    plan: ReasoningPlan,
    request: ChatRequest,
    reasoning: Reasoning,
    target: Target,
    losses: Losses,
) -> None:
    # no number, or a nonsensical one: thinking was asked for all the same
    wanted = wanted_budget(reasoning) or _DEFAULT_BUDGET
    budget = max(clamped_budget(wanted, target.facts), _LEAST_BUDGET)
    if request.source == DIALECT_ID:
        # the client's own pair is kept: with interleaved thinking the budget may exceed the limit
        if reasoning.effort and target.facts.efforts:
            plan.effort = _effort(reasoning, target.facts, losses)
    elif budget > plan.max_tokens * 3 // 4:
        budget = _fitting(plan, budget, target.facts, losses)
    plan.thinking = {"type": "enabled", "budget_tokens": budget}


def _fitting(plan: ReasoningPlan, budget: int, facts: ModelFacts, losses: Losses) -> int:
    """A budget that leaves room for the answer; a limit that is too small for both is raised."""
    room = plan.max_tokens * 3 // 4
    if room >= _LEAST_BUDGET:
        losses.add(Feature.REASONING, f"budget {budget} became {room}")
        return room
    raised = plan.max_tokens + _LEAST_BUDGET
    if facts.max_output_tokens is not None:
        raised = max(min(raised, facts.max_output_tokens), _LEAST_BUDGET + 1)
    losses.add(Feature.OUTPUT_LIMIT, f"{plan.max_tokens} became {raised}, thinking included")
    plan.max_tokens = raised
    return _LEAST_BUDGET


def _show(thinking: dict[str, Any], reasoning: Reasoning, target: Target, *, own: bool) -> None:
    """Whether thoughts are shown; only Anthropic's own API is known to take the field."""
    if target.habits.state_origin != OWN_ORIGIN and not own:
        return
    if reasoning.show is False:
        thinking["display"] = "omitted"
    elif reasoning.show and (reasoning.summary or not own):
        thinking["display"] = "summarized"
