"""From facts to menu, icon and tooltip; pure."""

from dataclasses import dataclass
from enum import StrEnum

from launcher.supervisor.states import Phase, State
from launcher.tray.facts import AccountFact, Facts

LONGEST_LABEL = 60


class Action(StrEnum):
    """What an item does; some need an argument."""

    NOTHING = ""
    COPY_ENDPOINT = "copy-endpoint"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    PAUSE = "pause"
    RESUME = "resume"
    START_PLAIN = "start-plain"
    START_LAST_GOOD = "start-last-good"
    USE_PROFILE = "use-profile"
    OPEN_PAGE = "open-page"
    INSPECT = "inspect"
    STOP_RECORDING = "stop-recording"
    DEBUG_BUNDLE = "debug-bundle"
    CHECK_UPDATES = "check-updates"
    START_AT_LOGIN = "start-at-login"
    QUIT = "quit"


@dataclass(frozen=True, slots=True)
class Item:
    """
    One line of the menu.

    Attributes:
        label: Its text; "" is a separator.
        action: What it does.
        argument: Of what.
        enabled: It can be chosen.
        checked: With a mark or without; None: no such thing.
        radio: The mark means one of several.
        default: It is what a click on the icon does, where the system has such a thing.
        items: A menu below it.
    """

    label: str
    action: Action = Action.NOTHING
    argument: str = ""
    enabled: bool = True
    checked: bool | None = None
    radio: bool = False
    default: bool = False
    items: tuple["Item", ...] = ()


SEPARATOR = Item("")

_WORDS = {
    State.HEALTHY: "Running",
    State.STARTING: "Starting…",
    State.DEGRADED: "Running, with trouble",
    State.UNREACHABLE: "Not answering; restarting…",
    State.PAUSED: "Paused",
    State.STOPPED: "Stopped",
    State.FAILED: "Can't start",
}
_UP = frozenset({State.HEALTHY, State.DEGRADED, State.PAUSED})


def menu_of(facts: Facts) -> tuple[Item, ...]:
    """The menu, top to bottom."""
    status = facts.status
    return (
        Item(_cut(headline(facts)), enabled=False),
        *_detail(facts),
        *_badges(facts),
        *_endpoint(facts),
        SEPARATOR,
        *_lifecycle(facts),
        SEPARATOR,
        *_profiles(facts),
        *_accounts(facts),
        Item("Open dashboard", Action.OPEN_PAGE, default=True),
        Item("Inspect traffic", Action.INSPECT, enabled=status.state in _UP),
        Item("Export debug bundle", Action.DEBUG_BUNDLE),
        SEPARATOR,
        *(
            ()
            if facts.starts_at_login is None
            else (Item("Start at login", Action.START_AT_LOGIN, checked=facts.starts_at_login),)
        ),
        Item("Check for updates", Action.CHECK_UPDATES),
        Item("Quit KorProxy", Action.QUIT),
    )


def headline(facts: Facts) -> str:
    """The state in a few words."""
    status = facts.status
    if status.phase is Phase.DRAINING:
        return "Stopping…"
    text = _WORDS[status.state]
    if status.state is State.HEALTHY and status.in_flight:
        text += f", {status.in_flight} in flight"
    return text


def badges(facts: Facts) -> tuple[str, ...]:
    """What is so beside the state: it changes neither icon nor state, and nobody shall overlook it."""
    up = facts.status.state in _UP
    return (
        *(("offline",) if up and facts.status.offline else ()),
        *(("recording",) if up and facts.recording else ()),
        *(("inspected",) if up and facts.status.inspecting else ()),
    )


def tooltip(facts: Facts) -> str:
    """State, what is so besides, profile, and the account that is in the worst way."""
    parts = [", ".join((headline(facts), *badges(facts)))]
    parts += [it.name for it in facts.profiles if it.active]
    parts += [f"{it.label} {it.state}" for it in facts.accounts or () if it.state][:1]
    return "KorProxy: " + " · ".join(parts)


def icon_of(facts: Facts, before: str) -> str:
    """
    Name of the icon: running, degraded, failed, paused or stopped.

    Args:
        facts: What is known.
        before: The icon it had: a start does not change it.
    """
    match facts.status.state:
        case State.HEALTHY:
            return "running"
        case State.STARTING:
            return before
        case State.DEGRADED | State.UNREACHABLE:
            return "degraded"
        case state:
            return state.value


def _detail(facts: Facts) -> tuple[Item, ...]:
    detail = facts.status.detail
    return (Item(_cut(detail[0].upper() + detail[1:]), enabled=False),) if detail else ()


def _badges(facts: Facts) -> tuple[Item, ...]:
    found = []
    for badge in badges(facts):
        match badge:
            case "offline":
                found.append(Item("Offline: no provider can be reached", enabled=False))
            case "recording":
                label = f"Recording until {facts.recording}: stop"
                found.append(Item(_cut(label), Action.STOP_RECORDING))
            case _:
                found.append(Item("Traffic is being inspected", enabled=False))
    return tuple(found)


def _endpoint(facts: Facts) -> tuple[Item, ...]:
    status = facts.status
    if status.port is None or status.state not in _UP:
        return ()
    url = f"http://localhost:{status.port}"
    return (Item(f"Copy {url}", Action.COPY_ENDPOINT, url),)


def _lifecycle(facts: Facts) -> tuple[Item, ...]:
    status = facts.status
    stops = status.state is not State.STOPPED and status.phase is not Phase.DRAINING
    items = [Item("Start", Action.START, enabled=status.state in (State.STOPPED, State.FAILED))]
    if status.state is State.FAILED:
        if status.reason == "config-error":
            items.append(Item("Start with the last settings that worked", Action.START_LAST_GOOD))
        if status.reason == "crash-loop":
            items.append(Item("Start without settings", Action.START_PLAIN))
    if status.state is State.PAUSED:
        items.append(Item("Resume", Action.RESUME))
    else:
        items.append(Item("Pause", Action.PAUSE, enabled=status.state in _UP))
    items += [
        Item("Restart", Action.RESTART, enabled=status.state in _UP),
        Item("Stop", Action.STOP, enabled=stops and status.state is not State.FAILED),
    ]
    return tuple(items)


def _profiles(facts: Facts) -> tuple[Item, ...]:
    if not facts.profiles:
        return ()
    inner = tuple(
        Item(_cut(it.name), Action.USE_PROFILE, it.id, checked=it.active, radio=True)
        for it in facts.profiles
    )
    return (Item("Profiles", items=inner),)


def _accounts(facts: Facts) -> tuple[Item, ...]:
    if facts.accounts is None:
        return ()
    if not facts.accounts:
        return (Item("No account yet", enabled=False),)
    return (Item("Accounts", items=tuple(_account(it) for it in facts.accounts)),)


def _account(account: AccountFact) -> Item:
    parts = [account.label]
    if account.state:
        parts.append(account.state)
    if account.remaining_percent is not None:
        left = f"{account.remaining_percent:.0f} % of {account.window} left"
        parts.append(left + (f", resets {account.resets}" if account.resets else ""))
    return Item(_cut(" — ".join(parts)), Action.OPEN_PAGE)


def _cut(text: str) -> str:
    """At most a menu's width; a name that is too long loses its middle, and nothing in it is a key to press."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(text) > LONGEST_LABEL:
        half = (LONGEST_LABEL - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return text
