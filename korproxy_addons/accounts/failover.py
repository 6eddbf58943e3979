"""
What follows a failed attempt, while no byte has reached the client.

The provider's reading of the failure (`Failure.retry`) decides; here are only the bounds. Nothing is retried after the
first byte, and a request the provider found fault with is not tried elsewhere: it would fail there too, or worse,
succeed differently.
"""

from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.providers.failure import Failure

MOST_ATTEMPTS = 10
MOST_ON_ONE_ACCOUNT = 2
# No attempt begins later than this after the request came.
MOST_TIME_S = 180.0
# A wait the client hardly notices; for anything longer another account, or the truth, serves it better.
LONGEST_WAIT_S = 2.0
# With another account ready, this much is waited for at most.
LONGEST_WAIT_BESIDE_OTHERS_S = 0.5
FIRST_WAIT_S = 0.25


class Next(StrEnum):
    """The next step."""

    GIVE_UP = "give_up"
    SAME_ACCOUNT = "same_account"
    NEXT_ACCOUNT = "next_account"


@dataclass(frozen=True, slots=True)
class Step:
    """What to do, and after how many seconds."""

    action: Next
    wait_s: float = 0.0


def next_step(
    failure: Failure,
    *,
    attempts: int,
    on_this_account: int,
    others: int,
    elapsed_s: float = 0.0,
    chance: float = 0.0,
) -> Step:
    """
    What follows the attempt that `failure` ended.

    Args:
        failure: The provider's reading of it.
        attempts: Attempts made for this exchange, this one included.
        on_this_account: Those of them made on the same account.
        others: How many other accounts could serve now.
        elapsed_s: Seconds since the request came.
        chance: In [0, 1): lengthens a wait by up to a half, so that those who failed together do not come back together.
    """
    if failure.retry is Retry.NO or attempts >= MOST_ATTEMPTS or elapsed_s >= MOST_TIME_S:
        return Step(Next.GIVE_UP)
    if on_this_account < MOST_ON_ONE_ACCOUNT:
        if failure.retry is Retry.REFRESH:
            return Step(Next.SAME_ACCOUNT)
        # A second try must not cost another account its only one.
        room = attempts + others < MOST_ATTEMPTS
        if failure.retry is Retry.SAME_ACCOUNT and room:
            wait_s = failure.retry_after_s if failure.retry_after_s is not None else FIRST_WAIT_S
            if wait_s <= (LONGEST_WAIT_BESIDE_OTHERS_S if others else LONGEST_WAIT_S):
                return Step(Next.SAME_ACCOUNT, wait_s * (1.0 + chance / 2))
    return Step(Next.NEXT_ACCOUNT) if others else Step(Next.GIVE_UP)


_USEFUL = (
    # What the request itself is at fault for, then what passes soonest, then what its owner must see to.
    Kind.INVALID_REQUEST,
    Kind.TOO_LARGE,
    Kind.NOT_FOUND,
    Kind.PERMISSION,
    Kind.RATE_LIMIT,
    Kind.OVERLOADED,
    Kind.TIMEOUT,
    Kind.INTERNAL,
    Kind.BILLING,
    Kind.AUTHENTICATION,
)
# To clients these are requests at fault, lest a tool log its user out; here they are what only their owner can mend.
_ABOUT_CREDENTIALS = "KP-AUTH-"


def usefulness(failure: Failure) -> tuple[int, float]:
    """
    How much a client can do with a failure, when all attempts of an exchange have failed; the lowest is told.

    Of limits, the one that ends first.
    """
    about_us = failure.spec.code.startswith(_ABOUT_CREDENTIALS)
    rank = _USEFUL.index(Kind.AUTHENTICATION if about_us else failure.spec.kind)
    if failure.spec.kind is not Kind.RATE_LIMIT:
        return rank, 0.0
    return rank, failure.retry_after_s if failure.retry_after_s is not None else float("inf")
