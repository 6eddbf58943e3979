"""A supervisor on a clock of our own, and everything it ever asked for."""

from korproxy_addons.control.protocol import Ready
from launcher.supervisor.machine import Supervisor
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import (
    Answered,
    Asked,
    BecameReady,
    Spawn,
    Spawned,
    Tick,
    Told,
    Wish,
    Wished,
)
from launcher.supervisor.states import State


class World:
    """A supervisor, its clock, and everything it ever asked for."""

    def __init__(self, rules: Rules = Rules(hands_over=True), chance: float = 0.5) -> None:  # noqa: B008
        self.supervisor = Supervisor(rules, lambda: chance)
        self.rules = rules
        self.now = 100.0
        self.asked: list[Asked] = []

    def state(self) -> State:
        """How it stands."""
        return self.supervisor.status.state

    def tell(self, told: Told) -> tuple[Asked, ...]:
        """Let it take in one thing."""
        asked = self.supervisor.handle(told, self.now)
        self.asked += asked
        return asked

    def wish(self, wish: Wish) -> tuple[Asked, ...]:
        """Let a person ask for something."""
        return self.tell(Wished(wish))

    def later(self, seconds: float) -> tuple[Asked, ...]:
        """Let time pass, with every tick that is due in it."""
        until = self.now + seconds
        found: list[Asked] = []
        while (due := self.supervisor.due_at()) is not None and due <= until:
            self.now = max(self.now, due)
            found += self.tell(Tick())
        self.now = until
        return tuple(found)

    def spawned(self) -> list[int]:
        """Every process it ever asked for."""
        return [it.child for it in self.asked if isinstance(it, Spawn)]

    def up(self, child: int) -> None:
        """The child starts, listens, and answers."""
        self.tell(Spawned(child, 1000 + child))
        self.tell(ready(child))
        self.answer(child)

    def answer(self, child: int, latency_s: float = 0.01) -> None:
        """A health question is answered by this one."""
        self.tell(Answered(f"run-{child}", latency_s))

    def healthy(self) -> int:
        """Start, and be up; the number of the process."""
        self.wish(Wish.START)
        child = self.spawned()[-1]
        self.up(child)
        assert self.state() is State.HEALTHY
        return child


def ready(child: int) -> BecameReady:
    """This one says that it listens."""
    told = Ready(
        port=1337, hosts=("127.0.0.1",), pid=1000 + child, version="1", instance=f"run-{child}"
    )
    return BecameReady(child, told)
