"""
Effort words and token budgets of reasoning, one table for both directions (T87).

The numbers are those of a widely used gateway (router-for-me/CLIProxyAPI), so that users who come from there
see no change. Words that the table does not know are passed on as they are, never read as "high".
"""

from collections.abc import Sequence
from typing import Final

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.model import Reasoning, ThinkingMode

# Weakest first.
BUDGETS: Final = {
    "none": 0,
    "minimal": 512,
    "low": 1024,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 65536,
}
AUTO: Final = "auto"
_ORDER: Final = tuple(BUDGETS)


def budget_of(effort: str) -> int | None:
    """Tokens for an effort word; None for "auto", "" and unknown words."""
    return BUDGETS.get(effort)


def effort_of(budget_tokens: int) -> str:
    """The weakest effort whose budget is at least this one; negative budgets are "auto"."""
    if budget_tokens < 0:
        return AUTO
    return next((word for word, tokens in BUDGETS.items() if tokens >= budget_tokens), "max")


def wanted_effort(reasoning: Reasoning) -> str:
    """
    The effort that a client asks for, as a word, in whichever way it said it.

    Returns:
        "none" if it turned reasoning off, its own word if it gave one, the word for its budget, "" if
        it only turned reasoning on or said nothing.
    """
    if reasoning.mode is ThinkingMode.DISABLED:
        return "none"
    if reasoning.effort:
        return reasoning.effort
    return "" if reasoning.budget_tokens is None else effort_of(reasoning.budget_tokens)


def wanted_budget(reasoning: Reasoning) -> int | None:
    """The budget that a client asks for: 0 if it turned reasoning off, None if no number follows."""
    if reasoning.mode is ThinkingMode.DISABLED:
        return 0
    if reasoning.budget_tokens is not None:
        return max(0, reasoning.budget_tokens)
    return budget_of(reasoning.effort)


def clamped_budget(budget_tokens: int, facts: ModelFacts) -> int:
    """The budget within the model's limits; 0 stays 0 where thinking can be turned off."""
    if budget_tokens <= 0 and facts.can_disable_thinking is not False:
        return 0
    if facts.max_budget_tokens is not None:
        budget_tokens = min(budget_tokens, facts.max_budget_tokens)
    return max(budget_tokens, facts.min_budget_tokens or 0)


def nearest_effort(effort: str, known: Sequence[str]) -> str:
    """
    The word of `known` that is nearest to `effort`: itself, else the next stronger, else the strongest.

    An effort that the table does not know, and any effort for an empty `known`, is returned unchanged.
    "none" becomes the weakest that is known.
    """
    if not known or effort in known or effort not in BUDGETS:
        return effort
    ranked = [word for word in _ORDER if word in known]
    stronger = [word for word in ranked if _ORDER.index(word) > _ORDER.index(effort)]
    if stronger:
        return stronger[0]
    return ranked[-1] if ranked else effort
