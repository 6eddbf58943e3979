"""Gateways that were sent away: each finishes what it can, and is ended where it does not end by itself. Pure."""

from collections.abc import Iterator

from korproxy_addons.control.protocol import Drain, Retire
from launcher.supervisor.children import Child
from launcher.supervisor.rules import Rules
from launcher.supervisor.signals import Kill, Send, Terminate


class Departures:
    """Those that were told to end and are still there."""

    def __init__(self) -> None:
        self._children: dict[int, Child] = {}

    def __bool__(self) -> bool:
        return bool(self._children)

    def __contains__(self, number: int) -> bool:
        return number in self._children

    def __iter__(self) -> Iterator[Child]:
        return iter(self._children.values())

    def begin(
        self,
        child: Child,
        command: Drain | Retire,
        now: float,
        rules: Rules,
        drain_s: float | None = None,
    ) -> Send:
        """
        Send one away.

        Args:
            child: Which.
            command: How it is to end.
            now: Seconds of the supervisor's clock.
            rules: The numbers.
            drain_s: How long it may take to finish, in place of the rules'; 0: it is killed if it does not end soon.
        Returns:
            What is to be done for it.
        """
        drain = rules.drain_s if drain_s is None else drain_s
        # Retiring waits twice: for what is in flight, and for what still came on the old connections.
        until = now + (2 * drain if isinstance(command, Retire) else drain) + 1.0
        child.terminate_at, child.kill_at = until, until + rules.kill_s
        if drain == 0.0:
            child.terminate_at = None
        self._children[child.number] = child
        return Send(child.number, command)

    def gone(self, number: int) -> bool:
        """Take note that one has ended; False if it was none of these."""
        return self._children.pop(number, None) is not None

    def overdue(self, now: float, rules: Rules) -> Iterator[Terminate | Kill]:
        """How those are ended that did not end by themselves in time."""
        for child in self:
            if child.terminate_at is not None and now >= child.terminate_at:
                child.terminate_at = None
                yield Terminate(child.number)
            if child.kill_at is not None and now >= child.kill_at:
                child.kill_at = now + rules.kill_s
                yield Kill(child.number)
