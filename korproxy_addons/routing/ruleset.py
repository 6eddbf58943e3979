"""A profile's rules with their conditions made ready, and what becomes of each for one request."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from korproxy_addons.config.profiles import DEFAULT_ID, Profile, Rule
from korproxy_addons.routing.facts import Facts
from korproxy_addons.routing.matching import Condition, conditions_of
from korproxy_addons.routing.plan import Verdict
from korproxy_addons.routing.projects import folder_matcher

type Test = Callable[[Facts], bool]

SHORTLISTS = 512
"""Short lists that a profile keeps; clients choose tool and model, so their number must be bounded."""


@dataclass(frozen=True, slots=True)
class CompiledRule:
    """
    One rule.

    Attributes:
        static: Conditions that dialect, tool and model decide.
        tests: The others, in the order in which to test them.
        conditions: All of them, to explain.
    """

    name: str
    static: tuple[Test, ...]
    tests: tuple[Test, ...]
    conditions: tuple[Condition, ...]
    groups: tuple[str, ...]
    model: str | None
    parameters: Mapping[str, Any]
    disabled: bool

    @property
    def decides(self) -> bool:
        """Whether it says where to go; the others only set parameters."""
        return bool(self.groups) or self.model is not None


@dataclass(frozen=True, slots=True)
class CompiledProfile:
    """One profile; `holds_folder` says whether a project's folder is one of its own."""

    config: Profile
    rules: tuple[CompiledRule, ...]
    groups: tuple[str, ...]
    holds_folder: Callable[[str], bool] | None
    shortlists: dict[tuple[str, str, str], tuple[CompiledRule, ...]] = field(default_factory=dict)

    def shortlist(self, facts: Facts) -> tuple[CompiledRule, ...]:
        """The rules that fit a request's dialect, tool and model; the rest of their conditions is still to be tested."""
        key = (facts.dialect, facts.tool, facts.model)
        found = self.shortlists.get(key)
        if found is None:
            if len(self.shortlists) >= SHORTLISTS:
                self.shortlists.clear()
            found = self.shortlists[key] = tuple(
                rule
                for rule in self.rules
                if not rule.disabled and all(test(facts) for test in rule.static)
            )
        return found


def compiled_profile(profile: Profile, home: str) -> CompiledProfile:
    """A profile made ready; `home` is the path of the user's home folder."""
    return CompiledProfile(
        profile,
        tuple(_rule(it, home) for it in profile.rules),
        profile.group or (DEFAULT_ID,),
        folder_matcher(profile.projects, home) if profile.projects else None,
    )


def _rule(rule: Rule, home: str) -> CompiledRule:
    conditions = conditions_of(rule.when, home)
    return CompiledRule(
        rule.name,
        tuple(it.holds for it in conditions if it.is_static),
        tuple(it.holds for it in conditions if not it.is_static),
        conditions,
        rule.group,
        rule.model,
        rule.parameters.model_dump(mode="json", exclude_none=True),
        rule.disabled,
    )


def verdict_of(rule: CompiledRule, facts: Facts, *, decided: bool) -> Verdict:
    """What becomes of a rule; `decided` says that an earlier one has decided."""
    if rule.disabled:
        return Verdict(rule.name, "disabled")
    for condition in rule.conditions:
        if not condition.holds(facts):
            found = condition.found(facts) or "nothing"
            return Verdict(
                rule.name, "no match", f"{condition.field} is {found}, not {condition.wanted}"
            )
    if decided:
        return Verdict(rule.name, "too late", "it fits, but an earlier rule decides")
    sets = ", ".join(f"{name} = {value}" for name, value in rule.parameters.items())
    goes = [f"group {', '.join(rule.groups)}"] if rule.groups else []
    goes += [f"model {rule.model}"] if rule.model is not None else []
    goes += [f"sets {sets}"] if sets else []
    return Verdict(rule.name, "chosen" if rule.decides else "parameters", "; ".join(goes))
