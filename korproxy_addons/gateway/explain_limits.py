"""What the user's own limits, as they stand now, make of a request whose way is explained; nothing is counted by asking."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from korproxy_addons.config.limits import LimitAction
from korproxy_addons.gateway.limiting import CLOSING, refusal
from korproxy_addons.routing.plan import Plan
from korproxy_addons.usage.limits import Reached, Subject

type Limits = Callable[[Subject, bool], Iterable[Reached]]
"""The limits that somebody has reached: those of accounts and groups (True), or the others."""
type Planned = Callable[[str], Plan]
"""The plan of a request, for a group that a limit sends it to, or "" for none."""

_WORDS = {
    LimitAction.WARN: "limit",
    LimitAction.SLOW: "slowed",
    LimitAction.REROUTE: "rerouted",
    LimitAction.REFUSE: "limit",
}
_SAYS = {
    LimitAction.WARN: "it only warns",
    LimitAction.SLOW: "it makes requests wait",
    LimitAction.REROUTE: "it sends requests elsewhere",
    LimitAction.REFUSE: "it refuses requests",
}


@dataclass(frozen=True, slots=True)
class Limited:
    """
    A plan within the limits.

    Attributes:
        plan: Without the accounts that have nothing left; as the rules have it where nobody would be left.
        why: Words for X-KorProxy-Why.
        notes: Each limit that is reached, in a sentence.
        error: What the client would be told; "" if it would be served.
    """

    plan: Plan
    why: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    error: str = ""


def limited(planned: Planned, subject: Subject, limits: Limits, now: float) -> Limited:
    """
    As `limiting.Limiter.admit` would decide.

    Args:
        planned: Makes the plan.
        subject: Who asks; account and group are not known yet.
        limits: What is reached.
        now: Unix seconds.
    Raises:
        KorProxyError: As `planned` does.
    """
    met = list(limits(subject, False))
    refusing = [it for it in met if it.limit.action is LimitAction.REFUSE]
    reroute = next((it.limit.to for it in met if it.limit.action is LimitAction.REROUTE), "")
    plan = planned("" if refusing else reroute)
    kept, closed = _open(plan, subject, limits)
    to = next((it.limit.to for it in closed if it.limit.to), "")
    if kept is None and to and not reroute and not refusing:
        plan = planned(to)
        kept, more = _open(plan, subject, limits)
        closed += more
    error = ""
    if refusing:
        error = refusal(max(refusing, key=lambda it: it.resets_at), now).message()
    elif kept is None:
        error = refusal(min(closed, key=lambda it: it.resets_at), now).message()
    told = dict.fromkeys((*met, *closed))
    return Limited(
        kept or plan,
        tuple(
            f"{_WORDS[it.limit.action] if it in met or error else 'rerouted'}:{it.limit.name}"
            for it in told
        ),
        tuple(f"Your own limit: {it.words(now)}; {_SAYS[it.limit.action]}." for it in told),
        error,
    )


def _open(plan: Plan, subject: Subject, limits: Limits) -> tuple[Plan | None, list[Reached]]:
    """The plan without what has nothing left (None: nobody is left), and what closes it."""
    closed: list[Reached] = []
    steps = []
    for step in plan.steps:
        kept = []
        for it in step.candidates:
            asked = replace(subject, account=it.account_id, group=step.group)
            closing = [one for one in limits(asked, True) if one.limit.action in CLOSING]
            closed += closing
            if not closing:
                kept.append(it)
        if kept:
            steps.append(replace(step, candidates=tuple(kept)))
    return (replace(plan, steps=tuple(steps)) if steps else None), closed
