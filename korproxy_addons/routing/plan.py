"""What routing decides for one request: the groups to ask in their order, and every reason for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from korproxy_addons.config.profiles import Strategy
from korproxy_addons.routing.rules import Candidate

__all__ = ["Candidate", "Plan", "PlanStep", "Verdict"]

_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlanStep:
    """
    One group that may serve the request.

    Attributes:
        group: Id of the group; "" where the client pinned a provider or an account.
        strategy: How the group picks among its candidates.
        candidates: Accounts that offer the model, in the group's order; never empty.
        weights: Account id to its share, for WEIGHTED; 1.0 where it is missing.
        reserves: Account id to the share of its quota that is kept back, in [0, 1); 0.0 where it is missing.
        sticky: Whether a conversation stays at its account.
    """

    group: str
    strategy: Strategy
    candidates: tuple[Candidate, ...]
    weights: Mapping[str, float] = _NONE
    reserves: Mapping[str, float] = _NONE
    sticky: bool = True


@dataclass(frozen=True, slots=True)
class Verdict:
    """
    What became of one rule.

    Attributes:
        rule: Its name.
        outcome: "chosen", "parameters" (it sets some and the next is asked), "no match", "too late", "disabled" or
            "not asked".
        reason: The first condition that did not hold, or what the rule did.
    """

    rule: str
    outcome: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Where a request goes.

    Attributes:
        profile: Id of the profile.
        rule: Name of the rule that decided, `safe-mode`, or "" if none did.
        steps: Groups in the order to ask them; never empty.
        why: Reasons for X-KorProxy-Why, in their order.
        parameters: What rules set in the request, by the names of `config.profiles.Parameters`.
        kind: The request's kinds as far as anybody asked for them, the coarse one first: "chat", "chat+background".
        verdicts: One per rule of the profile; empty unless they were asked for.
    """

    profile: str
    rule: str
    steps: tuple[PlanStep, ...]
    why: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default=_NONE)
    kind: str = ""
    verdicts: tuple[Verdict, ...] = ()

    def home_name(self, asked: str) -> str:
        """
        What a conversation's home is remembered by: the upstream model, which is the same whoever serves.

        Where the client's own name for it (`asked`) says who shall serve, it is that: such turns have a home of their own.
        """
        first = self.steps[0]
        return first.candidates[0].model if first.group else asked

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """The candidates of all steps, each once, best first."""
        return tuple(dict.fromkeys(it for step in self.steps for it in step.candidates))
