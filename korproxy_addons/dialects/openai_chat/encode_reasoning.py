"""How a Chat upstream is told to reason: one of four fields, none of them everywhere."""

from typing import Any, Final

from korproxy_addons.config.habits import ReasoningSwitch, Thinking
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.effort import (
    clamped_budget,
    nearest_effort,
    wanted_budget,
    wanted_effort,
)
from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.model import Reasoning, ThinkingMode

_OFF: Final = "none"
# What any server that has the field knows; for efforts that were made of a budget.
_USUAL: Final = ("low", "medium", "high")


def reasoning_fields(
    reasoning: Reasoning | None, target: Target, losses: Losses, *, own: bool
) -> dict[str, Any]:
    """
    The fields, {} if nothing is to be said.

    Args:
        reasoning: What the client said.
        target: The upstream.
        losses: Gets REASONING where it cannot be said.
        own: The client speaks Chat: its own words go on as they are.
    """
    if reasoning is None:
        return {}
    switch, facts = target.habits.reasoning_switch, target.facts
    off = reasoning.mode is ThinkingMode.DISABLED
    if switch is ReasoningSwitch.NONE or facts.thinking is Thinking.NONE:
        if not off:
            losses.add(Feature.REASONING, "the upstream has no such setting")
        return {}
    if off and facts.can_disable_thinking is False:
        losses.add(Feature.REASONING, "the model always reasons")
        return {}
    if reasoning.show is not None and switch is not ReasoningSwitch.REASONING:
        losses.add(Feature.REASONING_SHOW)
    if switch is ReasoningSwitch.EFFORT:
        return _effort(reasoning, target, losses, own=own)
    if switch is ReasoningSwitch.ENABLE_THINKING:
        return _switch(reasoning, target)
    if switch is ReasoningSwitch.THINKING:
        return _thinking(reasoning, losses)
    return _openrouter(reasoning)


def _effort(reasoning: Reasoning, target: Target, losses: Losses, *, own: bool) -> dict[str, Any]:
    effort = wanted_effort(reasoning)
    known = target.facts.efforts
    if not known and not own:
        if effort == _OFF:  # most servers refuse the word; what they do by themselves is nearest
            losses.add(Feature.REASONING, "it cannot be turned off")
            return {}
        if reasoning.budget_tokens is not None and not reasoning.effort:
            effort = nearest_effort(effort, _USUAL)
    if not effort and reasoning.mode is not ThinkingMode.UNSET:
        if target.facts.thinking is not Thinking.EFFORT:  # which reasons anyway
            losses.add(Feature.REASONING, "turned on without an effort")
        return {}
    effort = nearest_effort(effort, known)
    return {"reasoning_effort": effort} if effort else {}


def _switch(reasoning: Reasoning, target: Target) -> dict[str, Any]:
    if reasoning.mode is ThinkingMode.DISABLED:
        return {"enable_thinking": False}
    out: dict[str, Any] = {"enable_thinking": True}
    budget = wanted_budget(reasoning)
    if budget:
        out["thinking_budget"] = clamped_budget(budget, target.facts)
    # Who wants to see thoughts comes from models that think unasked; these must be told to (T86).
    wanted = reasoning.effort or reasoning.show or reasoning.mode is not ThinkingMode.UNSET
    return out if budget or wanted else {}


def _thinking(reasoning: Reasoning, losses: Losses) -> dict[str, Any]:
    if reasoning.mode is ThinkingMode.DISABLED:
        return {"thinking": {"type": "disabled"}}
    if reasoning.effort or reasoning.budget_tokens is not None:
        losses.add(Feature.REASONING, "how much")
    elif reasoning.mode is ThinkingMode.UNSET:
        return {}
    return {"thinking": {"type": "enabled"}}


def _openrouter(reasoning: Reasoning) -> dict[str, Any]:
    out: dict[str, Any] = {}
    if reasoning.mode is ThinkingMode.DISABLED:
        out["enabled"] = False
    elif reasoning.effort:
        out["effort"] = reasoning.effort
    elif reasoning.budget_tokens is not None:
        out["max_tokens"] = reasoning.budget_tokens
    elif reasoning.mode is ThinkingMode.ADAPTIVE:
        out["enabled"] = True
    if reasoning.show is not None:
        out["exclude"] = not reasoning.show
    return {"reasoning": out} if out else {}
