"""What the supervisor knows of one gateway process."""

from dataclasses import dataclass

from korproxy_addons.control.protocol import Ready


@dataclass(slots=True)
class Child:
    """
    A gateway process, as far as it is known; instants are those of the supervisor's clock.

    Attributes:
        number: What it is called from the wish for it to its end.
        spawned_at: When it was asked for.
        ready: What it said when it began to listen; None: nothing yet.
        inspects: mitmweb shows what passes through it.
        relieves: It takes the place of one that a person wanted replaced, and that had to be gone first.
        pid: Its process id; None: not known yet.
        healthy: It has answered.
        terminate_at, kill_at: When it is ended if it does not end by itself; None: not at all.
    """

    number: int
    spawned_at: float
    ready: Ready | None = None
    inspects: bool = False
    relieves: bool = False
    pid: int | None = None
    healthy: bool = False
    terminate_at: float | None = None
    kill_at: float | None = None
