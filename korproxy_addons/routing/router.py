"""
A configuration's profiles and rules, made ready once, and what they decide for one request.

Pure: facts of the request, what the accounts offer and the moment are handed in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from korproxy_addons.config.profiles import (
    DEFAULT_ID,
    GroupConfig,
    Profile,
    RequestKind,
    SafeMode,
)
from korproxy_addons.config.schema import Config
from korproxy_addons.routing.facts import Facts
from korproxy_addons.routing.market import Market, Pin
from korproxy_addons.routing.plan import Plan, PlanStep, Verdict
from korproxy_addons.routing.rules import UnservedError, unserved
from korproxy_addons.routing.ruleset import (
    CompiledProfile,
    CompiledRule,
    compiled_profile,
    verdict_of,
)

SAFE_MODE = "safe-mode"
_CLIENT = "the client"


@dataclass(slots=True)
class _Target:
    """Where the request goes as far as it is known by now."""

    model: str
    groups: tuple[str, ...]
    # Who says so; whatever is not the client itself may send it to accounts that the client would not be given.
    by: str = _CLIENT
    rule: str = ""
    why: list[str] = field(default_factory=list)
    parameters: dict[str, Any] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)


class Router:
    """
    The routing of one configuration.

    Args:
        config: Checked (`config.parse`): every name in it means something.
        home: Path of the user's home folder, for `~` in patterns of folders.

    Attributes:
        project_counts: Whether a limit of the user counts by the calling process's project.
    """

    def __init__(self, config: Config, home: str) -> None:
        self.config = config
        ids = dict.fromkeys((*(it.id for it in config.profiles), DEFAULT_ID))
        found = [it for it in map(config.profile, ids) if it is not None]
        self._profiles = {it.id: compiled_profile(it, home) for it in found}
        self._by_word = {word.lower(): it.id for it in found for word in (it.shown_as, it.id)}
        self._groups: dict[str, GroupConfig] = {}
        for group_id in (*(it.id for it in config.groups), DEFAULT_ID):
            group = config.group(group_id)
            if group is not None:
                self._groups[group_id] = group
        self._aliases = {name: _resolved(name, config.aliases) for name in config.aliases}
        self._by_folder = any(it.holds_folder is not None for it in self._profiles.values())
        self.project_counts = any(
            it.project is not None and not it.disabled for it in config.quota_rules
        )

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All profiles, in the order of the file; the one that is always there last, if the file does not name it."""
        return tuple(it.config for it in self._profiles.values())

    @property
    def project_matters(self) -> bool:
        """Whether the calling process's project may choose the profile."""
        return self._by_folder or (self.config.project_files and len(self._profiles) > 1)

    def profile_named(self, word: str) -> str | None:
        """The id of the profile with this id or name, whatever the case."""
        return self._by_word.get(word.strip().lower())

    def profile_of_folder(self, folder: str) -> str | None:
        """The id of the first profile that the configuration gives to a project's folder."""
        for profile_id, profile in self._profiles.items():
            if profile.holds_folder is not None and profile.holds_folder(folder):
                return profile_id
        return None

    def plan(
        self,
        facts: Facts,
        profile_id: str,
        market: Market,
        *,
        own_login: bool = False,
        reroute: str = "",
        explain: bool = False,
    ) -> Plan:
        """
        Where a request goes.

        Args:
            facts: The request.
            profile_id: Id of its profile.
            market: What the accounts offer.
            own_login: It brings the client's own vendor login.
            reroute: Group that a quota rule sends it to, in place of the groups that rules say; "" for none.
            explain: Ask every rule, also those behind the one that decides, and keep the verdicts.
        Raises:
            UnservedError: UNKNOWN_MODEL, no account of the groups serves the model.
            ProjectNeededError: The facts lack the project, which a rule asks for.
            KorProxyError: FIELD_INVALID, a header that the client routes by means nothing.
        """
        profile = self._profiles[profile_id]
        model = self._aliases.get(facts.model, facts.model)
        facts.resolved_model = model
        target = _Target(model, profile.groups)
        if profile_id != self.config.active_profile:
            target.why.append(f"profile:{profile_id}")
        if model != facts.model:
            target.why.append("alias")
        pin = market.pin(model)
        safe_mode = self.config.safe_mode
        if safe_mode.enabled:
            self._go_safe(target, safe_mode, facts)
            pin = market.pin(target.model)
            reason = "safe mode is on"
        elif pin is not None:
            target.why.append("pinned")
            reason = "the model's name says where to go"
        else:
            (self._explain_rules if explain else self._ask_rules)(target, profile, facts)
            target.why += [f"set:{name}" for name in target.parameters]
            pin = market.pin(target.model)
            reason = ""
        if reason and explain:
            target.verdicts = [Verdict(it.name, "not asked", reason) for it in profile.rules]
        if reroute:
            # A limit is a limit: a name that says where to go does not lead around it.
            target.model = pin.model if pin is not None else target.model
            target.groups, target.by, pin = (reroute,), "a quota rule", None
        steps = self._steps(target, market, pin, own_login=own_login)
        if not steps:
            error = self._unserved(target, market, pin)
            error.verdicts = tuple(target.verdicts)
            raise error
        return Plan(
            profile=profile_id,
            rule=target.rule,
            steps=steps,
            why=tuple(target.why),
            parameters=target.parameters,
            kind=facts.kind_text(),
            verdicts=tuple(target.verdicts),
        )

    def _go_safe(self, target: _Target, safe_mode: SafeMode, facts: Facts) -> None:
        target.why.append(SAFE_MODE)
        target.rule, target.by = SAFE_MODE, "safe mode"
        if safe_mode.model is not None and not facts.is_kind(RequestKind.EMBEDDING):
            # No chat model makes embeddings; they keep their own, at the fallback's accounts.
            target.model = self._aliases.get(safe_mode.model, safe_mode.model)
        target.groups = (safe_mode.group or DEFAULT_ID,)

    def _ask_rules(self, target: _Target, profile: CompiledProfile, facts: Facts) -> None:
        for rule in profile.shortlist(facts):
            for test in rule.tests:
                if not test(facts):
                    break
            else:
                self._apply(target, rule)
                if rule.decides:
                    break

    def _explain_rules(self, target: _Target, profile: CompiledProfile, facts: Facts) -> None:
        """As `_ask_rules`, but each rule says what became of it."""
        for rule in profile.rules:
            verdict = verdict_of(rule, facts, decided=bool(target.rule))
            target.verdicts.append(verdict)
            if verdict.outcome in ("chosen", "parameters"):
                self._apply(target, rule)

    def _apply(self, target: _Target, rule: CompiledRule) -> None:
        _set_parameters(target, rule.parameters)
        if rule.decides:
            target.rule, target.by = rule.name, f"rule {rule.name}"
            target.why.append(f"rule:{rule.name}")
            target.groups = rule.groups or target.groups
            if rule.model is not None:
                target.model = self._aliases.get(rule.model, rule.model)

    def _steps(
        self, target: _Target, market: Market, pin: Pin | None, *, own_login: bool
    ) -> tuple[PlanStep, ...]:
        if pin is not None and target.by is _CLIENT:
            # The client itself says who: no group has a say.
            candidates = market.serving(None, target.model, own_login=own_login, pin=pin)
            group = self._groups[DEFAULT_ID]
            step = PlanStep("", group.strategy, candidates, sticky=group.sticky)
            return (step,) if candidates else ()
        steps = []
        for group_id in target.groups:
            group = self._groups[group_id]
            candidates = market.serving(
                group.accounts,
                target.model,
                own_login=own_login,
                pin=pin,
                by_config=target.by is not _CLIENT,
            )
            if candidates:
                steps.append(
                    PlanStep(
                        group_id,
                        group.strategy,
                        candidates,
                        weights=group.weights,
                        reserves=group.reserves,
                        sticky=group.sticky,
                    )
                )
        return tuple(steps)

    def _unserved(self, target: _Target, market: Market, pin: Pin | None) -> UnservedError:
        if pin is not None and target.by is _CLIENT:
            accounts = [it.account_id for it in market.offers if it.provider == pin.provider]
            return unserved(
                target.model, f"the accounts of {pin.provider} are {', '.join(accounts)}"
            )
        limited = [it for it in target.groups if self._groups[it].accounts is not None]
        if limited or target.by is not _CLIENT:
            by = "the profile" if target.by is _CLIENT else target.by
            groups = ", ".join(target.groups)
            return unserved(target.model, f"{by} sends it to {groups}, where nobody serves it")
        return unserved(target.model, "", market.offers, self.config.aliases)


def _resolved(name: str, aliases: Mapping[str, str]) -> str:
    """What an alias stands for in the end; the configuration is checked to have no circle."""
    for _ in range(len(aliases)):
        if name not in aliases:
            break
        name = aliases[name]
    return name


def _set_parameters(target: _Target, parameters: Mapping[str, Any]) -> None:
    """The first rule that sets a parameter wins; thinking is one, in whichever way it is said."""
    thinking = {"effort", "thinking_budget"}
    for name, value in parameters.items():
        taken = thinking if name in thinking else {name}
        if not taken & target.parameters.keys():
            target.parameters[name] = value
