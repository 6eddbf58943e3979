"""The gateway processes there are: one that serves, perhaps its successor, and those that were sent away. Pure."""

import math
from collections.abc import Iterator

from korproxy_addons.control.protocol import Drain, Retire
from launcher.supervisor.children import Child
from launcher.supervisor.departures import Departures
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Send, Spawn, StartWith


class Crew:
    """
    Keeps count of them.

    Attributes:
        current: The one that serves, or is to; None: nobody.
        next: Its successor, while that one is prepared; None: nobody is.
        leaving: Those that were sent away and are still there.
    """

    def __init__(self) -> None:
        self.current: Child | None = None
        self.next: Child | None = None
        self.leaving = Departures()
        self._count = 0
        self._held: Spawn | None = None

    def __iter__(self) -> Iterator[Child]:
        mine = (self.current, self.next, *self.leaving)
        return (it for it in mine if it is not None)

    @property
    def replacing(self) -> bool:
        """Whether a successor is being prepared."""
        it = self.current
        relieved = it is not None and it.relieves and it.ready is None
        return self.next is not None or relieved

    def wants(self, number: int) -> bool:
        """Whether this process shall serve: it was asked for and not sent away since."""
        return any(it is not None and it.number == number for it in (self.current, self.next))

    def find(self, number: int) -> Child | None:
        """The process that is called so; None: it is gone."""
        return next((it for it in self if it.number == number), None)

    def due(self, ready_s: float) -> Iterator[float]:
        """The instants at which one of them is overdue."""
        for child in self:
            times = [child.terminate_at, child.kill_at]
            if child.ready is None and child.number not in self.leaving:
                times.append(child.spawned_at + ready_s)
            yield from (it for it in times if it is not None and it < math.inf)

    def one_more(
        self, start_with: StartWith, now: float, *, hands_over: bool
    ) -> tuple[Child, Spawn | None]:
        """
        A new process, and what is to be done for it; None: nothing before `place_is_free`.

        Args:
            start_with: Its config.
            now: Seconds of the supervisor's clock.
            hands_over: It may begin before those that were sent away are gone.
        """
        self._count += 1
        asked, inspects = Spawn(self._count, start_with), start_with is StartWith.INSPECT
        if self.leaving and not hands_over:
            self._held = asked
            return Child(self._count, math.inf, inspects=inspects), None
        return Child(self._count, now, inspects=inspects), asked

    def place_is_free(self, now: float) -> Spawn | None:
        """Nobody leaves any more: the process that waited for that, if one did, begins."""
        held, self._held = self._held, None
        if held is None or self.current is None:
            return None
        self.current.spawned_at = now
        return held

    def send_away(
        self,
        child: Child,
        command: Drain | Retire,
        now: float,
        rules: Rules,
        drain_s: float | None = None,
    ) -> Send | None:
        """See `Departures.begin`; None for one that has not begun: it is forgotten."""
        if self._held is not None and self._held.child == child.number:
            self._held = None
            return None
        return self.leaving.begin(child, command, now, rules, drain_s)
