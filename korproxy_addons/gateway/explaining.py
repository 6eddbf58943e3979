"""
Why a request goes where it goes: each rule's verdict, the account that would be asked, and why not the others.

A value is returned, which a one-shot program prints (`korproxy_addons/explain.py`) and a running gateway can tell. Nothing
is asked of a provider, and nothing is changed by asking.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from msgspec import Struct

from korproxy_addons.accounts.balancing import Fit, Group
from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.selection import Choice, Offer, choose, reasons
from korproxy_addons.accounts.stickiness import conversation_key
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.course import ONLY_ACCOUNT
from korproxy_addons.gateway.crossing_told import CrossingTold
from korproxy_addons.gateway.explain_limits import Limits, limited
from korproxy_addons.providers.resolve import ResolvedAccount
from korproxy_addons.routing.facts import Facts
from korproxy_addons.routing.market import Market
from korproxy_addons.routing.plan import Plan, PlanStep, Verdict
from korproxy_addons.routing.profile_choice import ProfileChoice
from korproxy_addons.routing.router import Router
from korproxy_addons.routing.rules import Candidate, UnservedError
from korproxy_addons.usage.limits import Reached, Subject

_CHANCE = (Strategy.RANDOM, Strategy.WEIGHTED, Strategy.ROUND_ROBIN, Strategy.LEAST_USED)
_FITS = {
    Fit.READY: "ready",
    Fit.KEPT_BACK: "its reserve is kept back while others can serve",
    Fit.LAST_RESORT: "rests; asked only if nobody else can serve",
    Fit.ON_TRIAL: "another request is finding out whether it has recovered",
    Fit.NOT_NOW: "cannot be asked now",
}


class AccountVerdict(Struct, frozen=True):
    """
    One account of a group.

    Attributes:
        account: Its id.
        label: Its name for people.
        model: The model it would be asked for.
        chosen: It would be asked first.
        reason: How it stands, in words.
        state: Health, as `accounts.health.State` has it.
        until: When that is over, ISO 8601, UTC; None: not before its owner acts, or there is nothing to wait for.
        code: Code of its last failure, "" if none.
        used_percent: Of its tightest window for this model; None: not told.
    """

    account: str
    label: str
    model: str
    chosen: bool
    reason: str
    state: str
    until: str | None
    code: str
    used_percent: float | None


class GroupVerdict(Struct, frozen=True):
    """One group in the order to ask them, its accounts in the order in which its strategy would take them now."""

    group: str
    strategy: str
    sticky: bool
    accounts: tuple[AccountVerdict, ...]


class RuleVerdict(Struct, frozen=True):
    """As `routing.plan.Verdict`."""

    rule: str
    outcome: str
    reason: str


class Explanation(Struct, frozen=True, kw_only=True):
    """
    The whole way of one request.

    Attributes:
        request: What was looked at: dialect, tool, model, resolved_model, kinds, input_tokens, project, at.
        profile: Id of the profile.
        profile_by: What named it: "header", "path", "key", "folder", "project-file", "active", or "record".
        rules: Each rule of the profile.
        rule: The one that decided; "" if none did.
        why: What X-KorProxy-Why would begin with.
        parameters: What rules set in the request.
        groups: The groups in the order to ask them.
        refused: Accounts that offer the model but may not serve this tool, with the reason.
        chosen: Id of the account that would be asked first; "" if nobody would.
        error: What the client would be told where nobody serves it; "" if somebody does.
        crossing: A saved request: what would become of it on its way there; None without one, or where nobody serves it.
        recorded: A past exchange: what happened then; empty otherwise.
        notes: What should be known besides.
    """

    request: dict[str, Any]
    profile: str
    profile_by: str
    rules: tuple[RuleVerdict, ...] = ()
    rule: str = ""
    why: tuple[str, ...] = ()
    parameters: dict[str, Any] = {}
    groups: tuple[GroupVerdict, ...] = ()
    refused: dict[str, str] = {}
    chosen: str = ""
    error: str = ""
    crossing: CrossingTold | None = None
    recorded: dict[str, Any] = {}
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """
    What a request meets.

    Attributes:
        router: Of the configuration.
        market: What the accounts offer, as far as is known.
        accounts: The accounts, by id.
        fleet: How they stand.
        now: Unix seconds.
        limits: The user's limits as they stand now; None: nobody knows, or it is about another time.
    """

    router: Router
    market: Market
    accounts: Mapping[str, ResolvedAccount]
    fleet: Fleet
    now: float
    limits: Limits | None = None


def explained(
    facts: Facts,
    choice: ProfileChoice,
    situation: Situation,
    *,
    session: str = "",
    key: str = "",
    own_login: bool = False,
    recorded: Mapping[str, Any] | None = None,
    notes: tuple[str, ...] = (),
) -> Explanation:
    """
    Where a request would go now, and why.

    Args:
        facts: The request; its project must be known.
        choice: Its profile.
        situation: What it meets.
        session: Id of its conversation (`gateway.session`); "" if there is none.
        key: Id of the local key it comes with; "" if there is none.
        own_login: It brings the client's own vendor login.
        recorded: What happened to it, if it is a past one.
        notes: What should be known besides.
    """

    def planned(reroute: str) -> Plan:
        return situation.router.plan(
            facts,
            choice.id,
            situation.market,
            own_login=own_login,
            reroute=reroute,
            explain=True,
        )

    subject = Subject(
        profile=choice.id, tool=facts.tool, key=key, project=facts.known_project or ""
    )
    try:
        within = limited(planned, subject, situation.limits or _no_limits, situation.now)
    except KorProxyError as refused:
        verdicts = refused.verdicts if isinstance(refused, UnservedError) else ()
        return Explanation(
            request=_request(facts, situation.now),
            profile=choice.id,
            profile_by=choice.by,
            rules=tuple(map(_rule, verdicts)),
            error=refused.message(),
            recorded=dict(recorded or {}),
            notes=notes,
        )
    plan, notes = within.plan, (*within.notes, *notes)
    refusals = {
        it.account_id: refusal
        for it in plan.candidates
        if (refusal := situation.accounts[it.account_id].refusal(facts.tool)) is not None
    }
    home = _home(session, facts, plan, situation)
    taken = None if within.error else _taken(plan, refusals.keys(), home, situation)
    picked = taken.option if taken is not None else None
    strategies = {step.strategy for step in plan.steps if len(step.candidates) > 1}
    if home is None and strategies & set(_CHANCE):
        notes = (*notes, "Whose turn it is in a rotation, only the running gateway knows.")
    error = within.error
    if picked is None and not error:
        refused_with = (it.message() for it in refusals.values())
        error = next(refused_with, "Every account that could serve it rests.")
    return Explanation(
        request=_request(facts, situation.now),
        profile=choice.id,
        profile_by=choice.by,
        rules=tuple(map(_rule, plan.verdicts)),
        rule=plan.rule,
        why=_why((*plan.why, *within.why), taken, home, situation),
        parameters=dict(plan.parameters),
        groups=tuple(_group(step, refusals.keys(), picked, home, situation) for step in plan.steps),
        refused={name: f"{it.spec.code} {it.spec.title}" for name, it in refusals.items()},
        chosen=picked.account_id if picked is not None else "",
        error=error,
        recorded=dict(recorded or {}),
        notes=notes,
    )


def _no_limits(_subject: Subject, _of_upstream: bool) -> tuple[Reached, ...]:  # noqa: FBT001 - as `Limits` has it
    return ()


def _request(facts: Facts, now: float) -> dict[str, Any]:
    return {
        "dialect": facts.dialect,
        "tool": facts.tool,
        "model": facts.model,
        "resolved_model": facts.resolved_model,
        "kinds": facts.kind_text().split("+"),
        "input_tokens": facts.input_tokens,
        "project": facts.known_project or "",
        "at": _iso(now),
    }


def _rule(verdict: Verdict) -> RuleVerdict:
    return RuleVerdict(verdict.rule, verdict.outcome, verdict.reason)


def _home(session: str, facts: Facts, plan: Plan, situation: Situation) -> Candidate | None:
    """The account that the conversation is at home with, if the plan lets it go there."""
    if not session:
        return None
    key = conversation_key(session, plan.home_name(facts.model))
    home = situation.fleet.stickiness.home(key, situation.now)
    if home is None:
        return None
    at = Candidate(home.account_id, home.model)
    return at if any(step.sticky and at in step.candidates for step in plan.steps) else None


def _taken(
    plan: Plan, refused: Any, home: Candidate | None, situation: Situation
) -> Choice[Candidate] | None:
    """Who would be asked first, as `gateway/course.py` chooses."""
    offers = [
        Offer(
            _balanced(step),
            [it for it in step.candidates if it.account_id not in refused],
            step.sticky,
        )
        for step in plan.steps
    ]
    return choose(situation.fleet.balancer, offers, situation.now, home=home)


def _why(
    why: tuple[str, ...],
    taken: Choice[Candidate] | None,
    home: Candidate | None,
    situation: Situation,
) -> tuple[str, ...]:
    """As the gateway's course would begin; a conversation that leaves its home says so only once it is served."""
    if taken is None or (home is not None and home.account_id != taken.option.account_id):
        return why
    words = reasons(situation.fleet.balancer, taken, situation.now)
    return (*why, *words) or (ONLY_ACCOUNT,)


def _group(
    step: PlanStep,
    refused: Any,
    picked: Candidate | None,
    home: Candidate | None,
    situation: Situation,
) -> GroupVerdict:
    group = _balanced(step)
    ranked = situation.fleet.balancer.ranked(group, step.candidates, situation.now)
    verdicts = tuple(
        _account(it, group, situation, chosen=it == picked, at_home=it == home)
        for it in ranked
        if it.account_id not in refused
    )
    return GroupVerdict(step.group, step.strategy, step.sticky, verdicts)


def _account(
    candidate: Candidate, group: Group, situation: Situation, *, chosen: bool, at_home: bool
) -> AccountVerdict:
    fleet, now = situation.fleet, situation.now
    health = fleet.pool.worst(candidate.account_id, candidate.model, now)
    reason = _FITS[fleet.balancer.fit(candidate, group, now)]
    if health.reason:
        reason = f"{reason}: {health.reason}"
    if at_home:
        reason = f"{reason}; the conversation is at home here"
    window = fleet.quota.tightest(candidate.account_id, candidate.model, now)
    share = window.used_share if window is not None else None
    return AccountVerdict(
        account=candidate.account_id,
        label=situation.accounts[candidate.account_id].label,
        model=candidate.model,
        chosen=chosen,
        reason=reason,
        state=health.state,
        until=_iso(health.until) if health.until and isfinite(health.until) else None,
        code=health.code,
        used_percent=None if share is None else round(share * 100, 1),
    )


def _balanced(step: PlanStep) -> Group:
    return Group(step.group, step.strategy, step.weights, step.reserves)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
