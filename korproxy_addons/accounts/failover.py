"""
What follows a failed attempt, while no byte has reached the client.

The provider's reading of the failure (`Failure.retry`) decides; here are only the bounds. Nothing is retried after the
first byte, and a request the provider found fault with is not tried elsewhere: it would fail there too, or worse,
succeed differently.
"""

from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.errors.kinds import Retry
from korproxy_addons.providers.failure import Failure

MOST_ATTEMPTS = 4
MOST_ON_ONE_ACCOUNT = 2
# A wait the client hardly notices; for anything longer another account, or the truth, serves it better.
LONGEST_WAIT_S = 2.0
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


def next_step(failure: Failure, *, attempts: int, on_this_account: int, others: bool) -> Step:
    """
    What follows the attempt that `failure` ended.

    Args:
        failure: The provider's reading of it.
        attempts: Attempts made for this exchange, this one included.
        on_this_account: Those of them made on the same account.
        others: Whether another account could serve now.
    """
    if failure.retry is Retry.NO or attempts >= MOST_ATTEMPTS:
        return Step(Next.GIVE_UP)
    if failure.retry is Retry.REFRESH and on_this_account < MOST_ON_ONE_ACCOUNT:
        return Step(Next.SAME_ACCOUNT)
    if failure.retry is Retry.SAME_ACCOUNT and on_this_account < MOST_ON_ONE_ACCOUNT:
        wait_s = failure.retry_after_s if failure.retry_after_s is not None else FIRST_WAIT_S
        if wait_s <= LONGEST_WAIT_S:
            return Step(Next.SAME_ACCOUNT, wait_s)
    return Step(Next.NEXT_ACCOUNT) if others else Step(Next.GIVE_UP)
