"""What a person sees of the gateway's life, and which state may follow which."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """The states of the tray, the dashboard and `korproxy status`."""

    STOPPED = "stopped"
    PAUSED = "paused"
    STARTING = "starting"
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNREACHABLE = "unreachable"
    FAILED = "failed"


class Phase(StrEnum):
    """What is going on inside a state."""

    SETTLED = "settled"
    DRAINING = "draining"
    BACKING_OFF = "backing-off"
    REPLACING = "replacing"


class Reason(StrEnum):
    """Why a gateway is in the state `failed`."""

    NONE = ""
    CRASH_LOOP = "crash-loop"
    PORT_BUSY = "port-busy"
    CONFIG_ERROR = "config-error"
    CANNOT_START = "cannot-start"


_UP = frozenset({State.HEALTHY, State.DEGRADED, State.PAUSED})

NEXT: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.STOPPED: frozenset({State.STARTING, State.FAILED}),
        State.STARTING: _UP | {State.STOPPED, State.UNREACHABLE, State.FAILED},
        State.HEALTHY: _UP | {State.STOPPED, State.STARTING, State.UNREACHABLE, State.FAILED},
        State.DEGRADED: _UP | {State.STOPPED, State.STARTING, State.UNREACHABLE, State.FAILED},
        State.PAUSED: _UP | {State.STOPPED, State.STARTING, State.UNREACHABLE, State.FAILED},
        State.UNREACHABLE: _UP | {State.STOPPED, State.STARTING, State.FAILED},
        State.FAILED: frozenset({State.STOPPED, State.STARTING}),
    }
)
"""The states that may follow a state."""


@dataclass(frozen=True, slots=True)
class Status:
    """
    Everything there is to show.

    Attributes:
        state: See `State`.
        phase: See `Phase`.
        reason: Why it failed.
        detail: One sentence for people: what happened, or what is waited for.
        since: Unix seconds at which the state began.
        pid: Process id of the gateway; None where none runs.
        port: TCP port it listens on; None where none does.
        instance: Random name of its run.
        version: Its version.
        restarts: Restarts used up since it was last healthy for long.
        failures: Health questions in a row without an answer.
        latency_ms: How long the last health answer took.
        in_flight: Requests being served, as it said last.
        last_lines: The last lines that a gateway wrote to stderr before it failed.
        inspecting: Whether mitmweb shows what passes.
        offline: No provider can be reached; no sign of trouble with the gateway.
        refused: Why the successor that was asked for last did not take its place; "" where it did.
    """

    state: State = State.STOPPED
    phase: Phase = Phase.SETTLED
    reason: Reason = Reason.NONE
    detail: str = ""
    since: float = 0.0
    pid: int | None = None
    port: int | None = None
    instance: str = ""
    version: str = ""
    restarts: int = 0
    failures: int = 0
    latency_ms: float | None = None
    in_flight: int = 0
    last_lines: tuple[str, ...] = ()
    inspecting: bool = False
    offline: bool = False
    refused: str = ""
