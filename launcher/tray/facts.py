"""What the tray shows, as plain values."""

from dataclasses import dataclass

from launcher.supervisor.states import Status


@dataclass(frozen=True, slots=True)
class ProfileFact:
    """A profile, and whether it is the active one."""

    id: str
    name: str
    active: bool


@dataclass(frozen=True, slots=True)
class AccountFact:
    """
    An account in one line.

    Attributes:
        id: Its id.
        label: Its name for people.
        state: What stands in its way, in a word or two; "" if nothing does.
        remaining_percent: Of its tightest window; None: not told.
        window: Name of that window.
        resets: When it begins anew, for people, such as `15:18` or `Thu 11:00`; "" if not known.
    """

    id: str
    label: str
    state: str = ""
    remaining_percent: float | None = None
    window: str = ""
    resets: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything that menu, icon and tooltip are made of.

    Attributes:
        status: How the gateway stands.
        profiles: In their order.
        accounts: In their order; None: not known, as the config cannot be read, or was not yet.
        starts_at_login: KorProxy starts with the session; None: this system offers no such thing.
        recording: Until when what passes is recorded, for people, such as `15:18`; "" while nothing is.
    """

    status: Status
    profiles: tuple[ProfileFact, ...] = ()
    accounts: tuple[AccountFact, ...] | None = None
    starts_at_login: bool | None = None
    recording: str = ""
