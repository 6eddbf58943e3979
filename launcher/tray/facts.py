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
        needs_login: Its owner must sign in again.
        remaining_percent: Of its tightest window; None: not told.
        window: Name of that window.
        resets: When it begins anew, for people, such as `15:18` or `Thu 11:00`; "" if not known.
        paid: Its provider would draw paid use beyond the plan: the money guard holds it.
    """

    id: str
    label: str
    state: str = ""
    needs_login: bool = False
    remaining_percent: float | None = None
    window: str = ""
    resets: str = ""
    paid: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """
    Everything that menu, icon and tooltip are made of.

    Attributes:
        status: How the gateway stands.
        profiles: In their order.
        accounts: In their order.
        starts_at_login: KorProxy starts with the session; None: this system offers no such thing.
    """

    status: Status
    profiles: tuple[ProfileFact, ...] = ()
    accounts: tuple[AccountFact, ...] = ()
    starts_at_login: bool | None = None
