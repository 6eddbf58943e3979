"""What an account's quota windows say about asking it now; pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from korproxy_addons.accounts.pool import covers
from korproxy_addons.providers.quota import DAY_S, HOUR_S, Window

_UNKNOWN_LENGTH_S = 7 * DAY_S
# In the last moments of a window everything would be urgent beyond measure.
_LEAST_TIME = 0.02


@dataclass(frozen=True, slots=True)
class Standing:
    """
    An account's quota for one model.

    Attributes:
        left: Share that is left of the fullest window, 0 to 1; None if nothing is known.
        spent_until: Unix seconds at which the last of its exhausted windows begins anew; None if none is exhausted.
        urgency: What is left of its longest window over what is left of that window's time: above 1 something goes to
            waste unless it is asked more than evenly. Times what is left of its fullest shorter window, so that nobody
            is asked so fast that he is refused. 1 if nothing is known: only by being asked can it come to be known.
        ends_at: Unix seconds at which its longest window begins anew; infinite if not known.
    """

    left: float | None = None
    spent_until: float | None = None
    urgency: float = 1.0
    ends_at: float = float("inf")


UNKNOWN = Standing()


def standing(windows: Iterable[Window], model: str, now: float) -> Standing:
    """
    The standing of an account.

    Minutes' limits are left out: they are over before anybody could plan by them. So is what never begins anew, such as
    credits: it does not go to waste, and a plan is not exhausted because it has none.

    Args:
        windows: As they were told last.
        model: The upstream model to ask for.
        now: Unix seconds.
    """
    counted = [
        it
        for it in (window.at(now) for window in windows if covers(window.model_glob, model))
        if it.used_share is not None and (it.length_s is None or it.length_s >= HOUR_S)
    ]
    bounded = [it for it in counted if it.reset_at is not None or it.length_s is not None]
    if not bounded:
        return UNKNOWN
    spent = [it.reset_at for it in bounded if it.remaining_share() == 0.0 and it.reset_at]
    longest = max(bounded, key=lambda it: it.length_s or _UNKNOWN_LENGTH_S)
    shorter = min((it.remaining_share() or 0.0 for it in bounded if it is not longest), default=1.0)
    # A window that has not begun yet has all its time before it.
    ends_at = longest.reset_at if longest.reset_at is not None else float("inf")
    time_left = min(1.0, (ends_at - now) / (longest.length_s or _UNKNOWN_LENGTH_S))
    return Standing(
        left=min(it.remaining_share() or 0.0 for it in bounded),
        spent_until=max(spent, default=None),
        urgency=(longest.remaining_share() or 0.0) / max(time_left, _LEAST_TIME) * shorter,
        ends_at=ends_at,
    )
