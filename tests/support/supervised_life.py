"""A supervisor to which anything may happen, in any order."""

from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import (
    Answered,
    Asked,
    Exited,
    Kill,
    Missed,
    Spawn,
    Spawned,
    SpawnRefused,
    Told,
    Waits,
    Wish,
    Wished,
    Woke,
)
from launcher.supervisor.states import Reason, State
from support.supervised import World, ready


class Life(RuleBasedStateMachine):
    """Whatever happens, in whatever order: states follow the table (asserted inside), and nothing gets lost."""

    numbers = Rules(hands_over=True)

    def __init__(self) -> None:
        super().__init__()
        self.world = World(self.numbers)
        self.alive: dict[int, bool] = {}
        self.since_health = 0

    def tell(self, told: Told) -> None:
        for asked in self.world.tell(told):
            self.carry_out(asked)

    def carry_out(self, asked: Asked) -> None:
        if isinstance(asked, Spawn):
            self.alive[asked.child] = False
            self.since_health += 1

    def some(self, pick: int, wanted: Callable[[int], bool] = lambda _child: True) -> int | None:
        found = [child for child in self.alive if wanted(child)]
        return found[pick % len(found)] if found else None

    @rule(wish=st.sampled_from(Wish))
    def wish(self, wish: Wish) -> None:
        if wish in (Wish.START, Wish.START_PLAIN, Wish.START_LAST_GOOD, Wish.RESTART):
            self.since_health = 0
        self.tell(Wished(wish))

    @rule(pick=st.integers(0, 9))
    def becomes_ready(self, pick: int) -> None:
        child = self.some(pick, lambda it: not self.alive[it])
        if child is not None:
            self.alive[child] = True
            self.tell(Spawned(child, 1000 + child))
            self.tell(ready(child))

    @rule(pick=st.integers(0, 9))
    def waits(self, pick: int) -> None:
        """... for its place; nobody asks it to hurry."""
        child = self.some(pick, lambda it: not self.alive[it])
        if child is not None:
            self.tell(Waits(child, "another finishes first"))

    @rule(pick=st.integers(0, 9), slow=st.booleans())
    def answers(self, pick: int, slow: bool) -> None:
        child = self.some(pick, lambda it: self.alive[it])
        if child is not None:
            self.since_health = 0
            self.tell(Answered(f"run-{child}", 0.9 if slow else 0.01))

    @rule()
    def misses(self) -> None:
        self.tell(Missed("no answer"))

    @rule(pick=st.integers(0, 9), code=st.sampled_from([0, 1, 78, -9]))
    def exits(self, pick: int, code: int) -> None:
        child = self.some(pick)
        if child is not None:
            del self.alive[child]
            self.tell(Exited(child, code, ("a line",)))

    @rule(pick=st.integers(0, 9), busy=st.booleans())
    def is_refused(self, pick: int, busy: bool) -> None:
        child = self.some(pick, lambda it: not self.alive[it])
        if child is not None:
            del self.alive[child]
            self.tell(SpawnRefused(child, busy, "refused"))

    @rule()
    def wakes(self) -> None:
        self.tell(Woke())

    @rule(seconds=st.sampled_from([0.1, 1.0, 7.0, 70.0]))
    def time_passes(self, seconds: float) -> None:
        for asked in self.world.later(seconds):
            self.carry_out(asked)

    @invariant()
    def every_process_is_known(self) -> None:
        assert all(self.world.supervisor._crew.find(child) for child in self.alive)

    @invariant()
    def there_are_no_more_starts_than_the_rules_allow(self) -> None:
        assert self.since_health <= self.world.rules.restarts + 2

    @precondition(lambda self: self.world.state() is State.FAILED)
    @invariant()
    def a_failure_has_a_reason(self) -> None:
        assert self.world.supervisor.status.reason is not Reason.NONE

    def teardown(self) -> None:
        """However it got there: a stop ends everything, if need be by killing."""
        self.tell(Wished(Wish.STOP))
        killed: set[int] = set()
        for asked in self.world.later(200.0):
            if isinstance(asked, Kill):
                killed.add(asked.child)
        assert killed >= set(self.alive)
        for child in list(self.alive):
            self.tell(Exited(child, -9))
        assert self.world.state() is State.STOPPED
        assert self.world.supervisor.idle
        assert self.world.supervisor.due_at() is None


class LifeWithoutSharing(Life):
    """The same where sockets cannot be handed over: two gateways are never alive at a time."""

    numbers = Rules(hands_over=False)

    @invariant()
    def there_is_one_at_most(self) -> None:
        assert len(self.alive) <= 1
