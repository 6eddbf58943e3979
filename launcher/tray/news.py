"""Which changes a person is told of by a notification; pure."""

from dataclasses import dataclass

from launcher.supervisor.states import State
from launcher.tray.facts import AccountFact, Facts

LOW_PERCENT = (20.0, 5.0)
"""A person is told when less than so much is left of a window; each once."""


@dataclass(frozen=True, slots=True)
class News:
    """One notification."""

    title: str
    text: str


def news_of(before: Facts, after: Facts) -> tuple[News, ...]:
    """What happened between two looks that a person wants to know without asking."""
    found = [*_gateway(before, after)]
    earlier = {it.id: it for it in before.accounts}
    for account in after.accounts:
        was = earlier.get(account.id)
        if was is not None:
            found += _account(was, account)
    return tuple(found)


def _gateway(before: Facts, after: Facts) -> tuple[News, ...]:
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


def _account(was: AccountFact, now: AccountFact) -> tuple[News, ...]:
    if now.needs_login and not was.needs_login:
        return (News("Your session has expired", f"Reconnect {now.label}."),)
    if now.paid and not was.paid:
        text = f"{now.label} rests: going on would cost extra. Allow it with a cap, or wait."
        return (News("Plan limit reached", text),)
    left, before = now.remaining_percent, was.remaining_percent
    if left is None or before is None or now.window != was.window:
        return ()
    if any(left < mark <= before for mark in LOW_PERCENT):
        resets = f" It resets {now.resets}." if now.resets else ""
        text = f"{left:.0f} % of {now.window} left.{resets}"
        return (News(f"{now.label} runs low", text),)
    return ()
