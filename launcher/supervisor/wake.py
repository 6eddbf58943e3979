"""Notices that the machine slept."""

from collections.abc import Callable

DRIFT_S = 5.0


class WakeWatch:
    """
    Compares two clocks: one goes on while the machine sleeps, the other does not.

    Args:
        wall: Unix seconds.
        steady: Seconds of a clock that stands still in sleep.
    """

    def __init__(self, wall: Callable[[], float], steady: Callable[[], float]) -> None:
        self._wall = wall
        self._steady = steady
        self._apart = wall() - steady()

    def woke(self) -> bool:
        """Whether the clocks have come apart since the last call: a sleep, or a clock that was set forward."""
        apart = self._wall() - self._steady()
        before, self._apart = self._apart, apart
        return apart - before > DRIFT_S
