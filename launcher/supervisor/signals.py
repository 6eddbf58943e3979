"""What the supervisor is told, and what it asks to be done: plain values."""

from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.control.protocol import Command, Ready


class Wish(StrEnum):
    """What a person asks for."""

    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PAUSE = "pause"
    RESUME = "resume"
    START_PLAIN = "start-plain"
    START_LAST_GOOD = "start-last-good"
    INSPECT = "inspect"


class StartWith(StrEnum):
    """
    The config that a gateway starts with; the words are those of its command line.

    INSPECT is the config's, and mitmweb shows what passes.
    """

    CONFIG = "config"
    LAST_GOOD = "last-good"
    PLAIN = "plain"
    INSPECT = "inspect"


# ------------------------------------------------------------------------------------------------------------- told


@dataclass(frozen=True, slots=True)
class Wished:
    """A person asked for something."""

    wish: Wish


@dataclass(frozen=True, slots=True)
class Waits:
    """A gateway process cannot be started yet; `detail` says in a sentence for people what it waits for."""

    child: int
    detail: str


@dataclass(frozen=True, slots=True)
class Spawned:
    """A gateway process exists."""

    child: int
    pid: int


@dataclass(frozen=True, slots=True)
class SpawnRefused:
    """No gateway process could be started: its port is taken, or the system refuses."""

    child: int
    port_busy: bool
    detail: str


@dataclass(frozen=True, slots=True)
class BecameReady:
    """A gateway said that it listens."""

    child: int
    ready: Ready


@dataclass(frozen=True, slots=True)
class Exited:
    """A gateway process is gone; `last_lines` of what it wrote to stderr."""

    child: int
    code: int
    last_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Answered:
    """A health question was answered by the gateway of this `instance`."""

    instance: str
    latency_s: float
    in_flight: int = 0
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Missed:
    """A health question was not answered in time, or by a stranger."""

    detail: str


@dataclass(frozen=True, slots=True)
class InFlight:
    """A gateway that is ending said how much it still has to finish."""

    child: int
    count: int


@dataclass(frozen=True, slots=True)
class Woke:
    """The machine slept, or its network changed."""


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


type Told = (
    Wished
    | Waits
    | Spawned
    | SpawnRefused
    | BecameReady
    | Exited
    | Answered
    | Missed
    | InFlight
    | Woke
    | Tick
)

# ------------------------------------------------------------------------------------------------------------ asked


@dataclass(frozen=True, slots=True)
class Spawn:
    """Start a gateway process; `child` names it from now on."""

    child: int
    start_with: StartWith


@dataclass(frozen=True, slots=True)
class Send:
    """Send a command to a gateway."""

    child: int
    command: Command


@dataclass(frozen=True, slots=True)
class Terminate:
    """Ask the system to end a gateway process."""

    child: int


@dataclass(frozen=True, slots=True)
class Kill:
    """End a gateway process, whatever it does."""

    child: int


@dataclass(frozen=True, slots=True)
class AskHealth:
    """Ask for the health page; the answer comes as `Answered` or `Missed`."""


@dataclass(frozen=True, slots=True)
class CloseListeners:
    """Nobody will serve: connections shall be refused, not kept waiting."""


type Asked = Spawn | Send | Terminate | Kill | AskHealth | CloseListeners
