"""
What each plan of KorProxy gives a right to.

Limits say how much is offered, never whether a person may use what is theirs: accounts, credentials and data stay usable whatever
the plan.
"""

from dataclasses import dataclass
from enum import StrEnum

UNLIMITED = -1


class Plan(StrEnum):
    """The plans, as the backend names them."""

    FREE = "free"
    PRO = "pro"
    TEAM = "team"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """
    How much of each there may be; `UNLIMITED`: as many as one likes.

    Attributes:
        profiles: Profiles.
        provider_groups: Groups of accounts.
        devices: Machines signed in at a time.
        smart_routing: Rules may be used.
        analytics_retention_days: Days for which usage is kept and reported.
    """

    profiles: int
    provider_groups: int
    devices: int
    smart_routing: bool
    analytics_retention_days: int


LIMITS = {
    Plan.FREE: Limits(
        profiles=1, provider_groups=2, devices=1, smart_routing=False, analytics_retention_days=7
    ),
    Plan.PRO: Limits(
        profiles=10, provider_groups=10, devices=3, smart_routing=True, analytics_retention_days=90
    ),
    Plan.TEAM: Limits(
        profiles=UNLIMITED,
        provider_groups=UNLIMITED,
        devices=5,
        smart_routing=True,
        analytics_retention_days=90,
    ),
}


@dataclass(frozen=True, slots=True)
class Entitlement:
    """
    What a person has a right to.

    Attributes:
        plan: The plan.
        limits: Its limits; a backend may say others than the plan's own.
    """

    plan: Plan
    limits: Limits


FREE = Entitlement(Plan.FREE, LIMITS[Plan.FREE])
"""Of somebody who has not signed in."""


def kept_days(wanted_days: int, entitlement: Entitlement) -> int:
    """
    For how many days usage is kept.

    Args:
        wanted_days: What the configuration asks for.
        entitlement: What there is a right to.
    """
    most = entitlement.limits.analytics_retention_days
    return wanted_days if most == UNLIMITED else min(wanted_days, most)
