"""What plans cost, beside what was got for them."""

from datetime import UTC, date, datetime

import pytest

from korproxy_addons.usage.plans import DAYS_PER_MONTH, PLANS, OwnPlan, PlanPrice, plan_values

DAY_S = 86_400.0
BEGIN = datetime(2026, 4, 1, tzinfo=UTC).timestamp()
OLD = PlanPrice(id="gold", provider="p", name="Gold", usd_per_month=DAYS_PER_MONTH)
NEW = PlanPrice(
    id="gold", provider="p", name="Gold", usd_per_month=3 * DAYS_PER_MONTH, since=date(2026, 4, 3)
)


def priced(own: OwnPlan, days: float, *plans: PlanPrice) -> float | None:
    (found,) = plan_values({"a": own}, {}, BEGIN, BEGIN + days * DAY_S, plans)
    return found.price_usd


def test_the_list_names_plans_once_a_day_with_their_source() -> None:
    keys = [(it.id, it.since) for it in PLANS.plans]
    assert len(keys) == len(set(keys))
    for it in PLANS.plans:
        assert it.usd_per_month > 0
        assert it.source in PLANS.sources
        assert it.provider in {"claude", "codex", "gemini", "qwen", "iflow"}


def test_a_plan_costs_its_share_of_the_month() -> None:
    assert priced(OwnPlan(plan="gold"), 7, OLD) == pytest.approx(7)
    assert priced(OwnPlan(plan="gold"), 1.5, OLD) == pytest.approx(1.5)


def test_each_day_has_the_price_of_that_day() -> None:
    """Two days at one dollar, the third and the fourth at three."""
    assert priced(OwnPlan(plan="gold"), 4, NEW, OLD) == pytest.approx(8)


def test_before_the_first_known_price_that_one_holds() -> None:
    assert priced(OwnPlan(plan="gold"), 1, NEW) == pytest.approx(3)


def test_the_users_own_price_goes_first() -> None:
    own = OwnPlan(plan="gold", usd_per_month=2 * DAYS_PER_MONTH)
    assert priced(own, 3, OLD) == pytest.approx(6)


def test_a_plan_that_nobody_knows_has_no_price() -> None:
    assert priced(OwnPlan(plan="silver"), 3, OLD) is None


def test_use_is_told_as_how_often_the_price_was_got() -> None:
    own = {
        "mine": OwnPlan(plan="gold"),
        "odd": OwnPlan(plan="silver"),
        "gift": OwnPlan(usd_per_month=0.0),
    }
    until = BEGIN + 2 * DAY_S
    found = plan_values(own, {"mine": 9.0, "odd": 1.0}, BEGIN, until, (OLD,))
    assert [(it.account, it.plan, it.cost_usd, it.times) for it in found] == [
        ("mine", "Gold", 9.0, 4.5), ("odd", "silver", 1.0, None), ("gift", "own plan", 0.0, None),
    ]  # fmt: skip
