"""Which changes of the gateway's state a person is told of by a notification; pure."""

from dataclasses import dataclass

from korproxy_addons.control.protocol import Notice
from launcher.supervisor.states import State
from launcher.tray.facts import Facts


@dataclass(frozen=True, slots=True)
class News:
    """One notification."""

    title: str
    text: str


def news_from(notice: Notice) -> News:
    """What the gateway wants a person to know; a code stands at the end, where it can be looked up."""
    code = f" ({notice.code})" if notice.code else ""
    return News(notice.title or "KorProxy", notice.text + code)


def news_of(before: Facts, after: Facts) -> tuple[News, ...]:
    """
    What happened between two looks that a person wants to know without asking.

    What concerns accounts and the network the gateway tells by itself (`Notice`), at once.
    """
    was, now = before.status.state, after.status.state
    if was is now:
        return ()
    if now is State.FAILED:
        return (News("KorProxy can't start", after.status.detail),)
    if now is State.UNREACHABLE:
        return (News("KorProxy stopped answering", "It is being restarted."),)
    if now is State.HEALTHY and was in (State.UNREACHABLE, State.FAILED):
        return (News("KorProxy runs again", f"http://localhost:{after.status.port}"),)
    return ()
