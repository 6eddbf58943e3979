"""How far long work has come, told step by step to whoever wants to show it."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """
    How far something has come.

    Attributes:
        done: Steps that are done.
        total: All steps.
        what: What is being done now, in a word or two.
    """

    done: int
    total: int
    what: str = ""


type OnStep = Callable[[Step], None]
"""Is told of each step; any thread may call it, one at a time."""


def tell_nobody(step: Step) -> None:
    """For work that nobody watches."""
    del step


class Steps:
    """
    Counts what is done; threads may share it.

    Args:
        on_step: Is told.
        total: How many steps there will be; grows where there are more.
    """

    def __init__(self, on_step: OnStep, total: int) -> None:
        self._on_step = on_step
        self._total = total
        self._done = 0
        self._what = ""
        self._mutex = threading.Lock()

    def at(self, what: str) -> None:
        """Something else is being done now."""
        with self._mutex:
            self._what = what
            self._tell()

    def did(self, count: int = 1) -> None:
        """So many steps more are done."""
        with self._mutex:
            self._done += count
            self._total = max(self._total, self._done)
            self._tell()

    def got[T](self, *things: T) -> tuple[T, ...]:
        """The same things, each of them a step that is done."""
        self.did(len(things))
        return things

    def each[T](self, things: Iterable[T], every: int = 1) -> Iterator[T]:
        """
        The same things one by one, each a step that is done once the next is asked for.

        Args:
            things: Those.
            every: Tell of so many at a time, where there are very many.
        """
        untold = 0
        for thing in things:
            yield thing
            untold += 1
            if untold == every:
                self.did(untold)
                untold = 0
        if untold:
            self.did(untold)

    def _tell(self) -> None:
        self._on_step(Step(self._done, self._total, self._what))


def part_of(on_step: OnStep, before: int, total: int) -> OnStep:
    """For work that is a part of other work: its steps come after `before` of `total`."""
    return lambda step: on_step(Step(before + step.done, total, step.what))
