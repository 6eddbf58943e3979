"""
What plans cost, and what was got for it: the cost-equivalent of an account's use beside its plan's price.

The list holds what vendors ask of everybody; a plan it does not know, and one that somebody pays less or more for, is told by
the user.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from importlib import resources

from msgspec import Struct, json

DAYS_PER_MONTH = 365.25 / 12
_DAY_S = 86_400.0


class PlanPrice(Struct, frozen=True, kw_only=True):
    """
    A plan's price.

    Attributes:
        id: Name that the user types.
        provider: Id of the provider.
        name: For people.
        usd_per_month: US dollars.
        since: First day on which it holds; None: always did.
        source: Key of `PlanList.sources`.
    """

    id: str
    provider: str
    name: str
    usd_per_month: float
    since: date | None = None
    source: str = ""


class PlanList(Struct, frozen=True):
    """
    The file.

    Attributes:
        checked: Day of the last look at it.
        unit: In words.
        taken_from: Where it was read, in words.
        sources: The vendors' own pages.
        plans: One per plan and day of change.
    """

    checked: date
    unit: str
    taken_from: str
    sources: dict[str, str]
    plans: tuple[PlanPrice, ...]


PLANS: PlanList = json.decode(
    (resources.files(__package__) / "plans.json").read_bytes(), type=PlanList
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlan:
    """
    What a user says of an account's plan.

    Attributes:
        plan: Id in the list, or a name for people; "" if none was given.
        usd_per_month: What it costs this user; None: what the list says.
    """

    plan: str = ""
    usd_per_month: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanValue:
    """
    What an account's use was worth.

    Attributes:
        account: Its id.
        plan: The plan's name for people.
        price_usd: What the plan cost for the span; None: its price is not known.
        cost_usd: What its use would have cost by the vendor's price list.
    """

    account: str
    plan: str
    price_usd: float | None
    cost_usd: float

    @property
    def times(self) -> float | None:
        """How often the plan's price was got; None where that is nothing, or not known."""
        return round(self.cost_usd / self.price_usd, 2) if self.price_usd else None


def plan_values(
    own: Mapping[str, OwnPlan],
    cost_usd: Mapping[str, float],
    since: float,
    until: float,
    plans: tuple[PlanPrice, ...] = PLANS.plans,
) -> tuple[PlanValue, ...]:
    """
    What the use of each account with a plan was worth, in the order of the plans.

    Args:
        own: The user's plans by account id.
        cost_usd: Cost-equivalent by account id, of the span.
        since: Unix seconds at which the span begins.
        until: And at which it ends.
        plans: The list.
    """
    return tuple(
        PlanValue(
            account=account,
            plan=_name(told, plans),
            price_usd=_price(told, plans, since, until),
            cost_usd=round(cost_usd.get(account, 0.0), 6),
        )
        for account, told in own.items()
    )


def _name(told: OwnPlan, plans: tuple[PlanPrice, ...]) -> str:
    listed = next((it.name for it in plans if it.id == told.plan), None)
    return listed or told.plan or "own plan"


def _price(told: OwnPlan, plans: tuple[PlanPrice, ...], since: float, until: float) -> float | None:
    """US dollars for the span, day by day: a price may have changed in it."""
    if told.usd_per_month is not None:
        return round(told.usd_per_month * _days(since, until) / DAYS_PER_MONTH, 4)
    listed = sorted(
        (it for it in plans if it.id == told.plan),
        key=lambda it: it.since or date.min,
        reverse=True,
    )
    if not listed:
        return None
    total, at = 0.0, since
    while at < until:
        day = datetime.fromtimestamp(at, UTC).date()
        next_at = min(
            until, (datetime(day.year, day.month, day.day, tzinfo=UTC) + _ONE_DAY).timestamp()
        )
        price = next((it for it in listed if it.since is None or it.since <= day), listed[-1])
        total += price.usd_per_month * _days(at, next_at) / DAYS_PER_MONTH
        at = next_at
    return round(total, 4)


_ONE_DAY = timedelta(days=1)


def _days(since: float, until: float) -> float:
    return max(0.0, until - since) / _DAY_S
