"""
One week of a team's requests through the accounts' real health, quota, stickiness and strategies, on a virtual clock.

`python tests/week/simulation.py` prints the table.
"""

import functools
import heapq
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

if __name__ == "__main__":
    sys.path[:0] = [str(Path(__file__).parents[2]), str(Path(__file__).parents[1])]

from korproxy_addons.accounts.balancing import Group
from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.selection import Offer, choose
from korproxy_addons.accounts.stickiness import Home, conversation_key
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.providers.quota import WEEK_S
from week.demand import Conversation, conversations
from week.plans import Plan, coding_plan, daily_tier

MONDAY = 1_796_601_600.0
"""A Monday, 00:00 UTC, in Unix seconds."""

SERVED_IN_S = 15.0
RETRY_IN_S = 900.0
PATIENCE = 4


@dataclass
class Outcome:
    """
    What became of a week.

    Attributes:
        served: Requests that were answered.
        upstream_429: Attempts that a provider refused.
        client_429: Refusals that a client saw, as nobody could serve.
        given_up: Conversations that were given up after so many of those.
        read: Tokens of all prompts.
        cached: Of those, what was in a prompt cache.
        wasted: Share of a week's quota that was left over when weeks and days began anew, the mean over the accounts.
        moves: Conversations that left their account.
    """

    served: int = 0
    upstream_429: int = 0
    client_429: int = 0
    given_up: int = 0
    read: int = 0
    cached: int = 0
    wasted: float = 0.0
    moves: int = 0

    @property
    def limits_met(self) -> int:
        """All refusals for quota, by providers and by us."""
        return self.upstream_429 + self.client_429

    @property
    def hit_rate(self) -> float:
        """Share of the prompts' tokens that came from a cache."""
        return self.cached / self.read


@dataclass(order=True)
class _Event:
    at: float
    number: int
    happens: Callable[[], None] = field(compare=False)


class Week:
    """
    Plays one week.

    Args:
        plans: The accounts, in the group's order.
        strategy: How the group picks.
        sticky: Whether conversations stay at their accounts.
    """

    def __init__(self, plans: Sequence[Plan], strategy: Strategy, *, sticky: bool = True) -> None:
        self._plans = {it.account_id: it for it in plans}
        self._offers = [Offer(Group("all", strategy), tuple(plans), sticky)]
        self._strategy = strategy
        self.fleet = Fleet(chance=random.Random(5).random)
        self.now = MONDAY
        self.outcome = Outcome()
        self._events: list[_Event] = []
        self._number = 0

    def play(self, demand: Sequence[Conversation]) -> Outcome:
        """Serve all of it; what is left over of each plan's longest window when it begins anew is wasted."""
        for it in demand:
            self._later(it.begins, it, 0, 0, PATIENCE)
        while self._events and self._events[0].at < MONDAY + WEEK_S:
            event = heapq.heappop(self._events)
            self.now = event.at
            event.happens()
        shares = []
        for plan in self._plans.values():
            if not plan.limits:
                continue
            longest = max(plan.limits, key=lambda it: it.length_s)
            longest.turn(MONDAY + WEEK_S)
            shares.append(longest.wasted / (longest.capacity * WEEK_S / longest.length_s))
        self.outcome.wasted = sum(shares) / max(1, len(shares))
        return self.outcome

    def _later(self, at: float, it: Conversation, turn: int, read: int, patience: int) -> None:
        self._at(at, lambda: self._ask(it, turn, read, patience))

    def _at(self, at: float, happens: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, _Event(at, self._number, happens))

    def _ask(self, it: Conversation, turn: int, read: int, patience: int) -> None:
        fleet, now = self.fleet, self.now
        key = conversation_key(it.id, "m")
        home = fleet.stickiness.home(key, now)
        at_home = None if home is None else self._plans[home.account_id]
        tried: list[Plan] = []
        while True:
            choice = choose(fleet.balancer, self._offers, now, home=at_home, tried=tried)
            if choice is None:
                break
            plan = choice.option
            if not choice.home:
                fleet.balancer.picked(choice.offer.group, plan, choice.others, now)
            fleet.pool.began(plan.account_id, plan.model, now)
            failure = plan.refusal(now)
            if failure is None:
                self.outcome.moves += home is not None and home.account_id != plan.account_id
                fleet.balancer.load.began(plan.account_id, now)
                served = functools.partial(self._served, it, turn, read, plan, now)
                self._at(now + SERVED_IN_S, served)
                return
            self.outcome.upstream_429 += 1
            fleet.pool.failed(plan.account_id, plan.model, failure, now, started_at=now)
            fleet.quota.observe(plan.account_id, plan.told_by(failure, now))
            tried.append(plan)
        self.outcome.client_429 += 1
        if patience:
            self._later(now + RETRY_IN_S, it, turn, read, patience - 1)
        else:
            self.outcome.given_up += 1

    def _served(
        self, it: Conversation, number: int, read: int, plan: Plan, started_at: float
    ) -> None:
        fleet, now, turn = self.fleet, self.now, it.turns[number]
        read += turn.read
        cached = plan.serve(it.id, read, turn.written, now)
        fleet.balancer.load.ended(plan.account_id)
        fleet.pool.succeeded(plan.account_id, plan.model, started_at)
        fleet.quota.observe(plan.account_id, plan.told(now))
        if self._offers[0].sticky:
            home = Home(plan.account_id, plan.model, read, now)
            fleet.stickiness.served(conversation_key(it.id, "m"), home)
        self.outcome.served += 1
        self.outcome.read += read
        self.outcome.cached += cached
        if number + 1 < len(it.turns):
            gap_s = it.turns[number + 1].gap_s
            self._later(now + gap_s, it, number + 1, read + turn.written, PATIENCE)


def plans(order: int = 0) -> list[Plan]:
    """Two Claude plans, two Codex plans and a free Gemini tier, each in its own part of its week; turned by `order`."""
    found = [
        coding_plan("claude-1", MONDAY, resets_in_days=5.4, used=0.15),
        coding_plan("claude-2", MONDAY, resets_in_days=1.6, used=0.35),
        coding_plan("codex-1", MONDAY, resets_in_days=3.5, used=0.25),
        coding_plan("codex-2", MONDAY, resets_in_days=6.3, used=0.05),
        daily_tier("gemini-1", MONDAY, 90),
    ]
    return [*found[order:], *found[:order]]


STRATEGIES = (
    Strategy.QUOTA_AWARE,
    Strategy.ROUND_ROBIN,
    Strategy.FILL_FIRST,
    Strategy.LEAST_USED,
    Strategy.RANDOM,
)


def compare(
    per_day: int, strategies: Sequence[Strategy] = STRATEGIES, seeds: Sequence[int] = (1,)
) -> dict[Strategy, list[Outcome]]:
    """Each strategy's weeks: the same demand, and every order of the accounts, for each seed."""
    return {
        strategy: [
            Week(plans(order), strategy).play(conversations(seed, MONDAY, per_day))
            for seed in seeds
            for order in range(len(plans()))
        ]
        for strategy in strategies
    }


def alone(per_day: int, seed: int = 1) -> Outcome:
    """The same demand at one account without limits: the most that a prompt cache can do."""
    return Week([Plan("one", [])], Strategy.FILL_FIRST).play(conversations(seed, MONDAY, per_day))


def mean(weeks: Sequence[Outcome], value: Callable[[Outcome], float]) -> float:
    """The mean of something over some weeks."""
    return sum(map(value, weeks)) / len(weeks)


COLUMNS: dict[str, tuple[str, Callable[[Outcome], float]]] = {
    "served": ("8.0f", lambda it: it.served),
    "429 upstream": ("13.1f", lambda it: it.upstream_429),
    "429 client": ("11.1f", lambda it: it.client_429),
    "given up": ("9.1f", lambda it: it.given_up),
    "wasted": ("8.1%", lambda it: it.wasted),
    "cache hits": ("11.1%", lambda it: it.hit_rate),
    "moves": ("7.1f", lambda it: it.moves),
}


def table(found: dict[Strategy, list[Outcome]]) -> str:
    """Means over the weeks, one line for each strategy."""
    widths = {name: form.partition(".")[0] for name, (form, _) in COLUMNS.items()}
    lines = [f"{'strategy':<12}" + "".join(f"{name:>{widths[name]}}" for name in COLUMNS)]
    for strategy, weeks in found.items():
        cells = [format(mean(weeks, value), form) for form, value in COLUMNS.values()]
        lines.append(f"{strategy:<12}" + "".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    for demand in (25, 40, 55):
        sys.stdout.write(f"{demand} conversations on a working day\n")
        sys.stdout.write(f"{table(compare(demand))}\n\n")
    sys.stdout.write(f"one account without limits: {alone(40).hit_rate:.1%} cache hits\n")
