"""The supervisor's numbers."""

import os
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rules:
    """
    The supervisor's numbers; times in seconds.

    Attributes:
        grace_s: After a start, health questions may go unanswered for this long.
        ready_s: A gateway that has not said in this time that it listens has failed to start.
        health_every_s: Between two health questions.
        recheck_s: Between them while one is unanswered, or the gateway has only just started.
        slow_s: An answer that takes longer is a sign of trouble.
        misses: So many unanswered questions in a row mean that the gateway is gone.
        restarts: So many restarts are tried.
        first_backoff_s, longest_backoff_s: The back-off doubles from the one to the other.
        settled_s: After this long in health the restarts count from nothing again.
        drain_s: How long requests in flight may take when the gateway ends.
        kill_s: How long after that it may take to end.
        wake_s: After a wake, unanswered questions do not count for this long.
        inspect_s: After this long mitmweb gives way to the plain gateway again.
        hands_over: A gateway can take over sockets that the launcher opened, so that two can listen at a time. If not, one
            must be gone before another can begin, and for that moment nobody listens.
    """

    grace_s: float = 5.0
    ready_s: float = 20.0
    health_every_s: float = 10.0
    recheck_s: float = 0.5
    slow_s: float = 0.5
    misses: int = 3
    restarts: int = 3
    first_backoff_s: float = 0.5
    longest_backoff_s: float = 30.0
    settled_s: float = 60.0
    drain_s: float = 30.0
    kill_s: float = 5.0
    wake_s: float = 15.0
    inspect_s: float = 1800.0
    hands_over: bool = os.name == "posix"
