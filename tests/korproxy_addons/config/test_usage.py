"""What is kept of requests, and what accounts' plans cost."""

import pytest

from korproxy_addons.config.problems import ConfigProblems
from korproxy_addons.config.usage import AccountPlan
from support.flows import config_with


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("claude-max-5x", AccountPlan(plan="claude-max-5x")),
        (17.5, AccountPlan(usd_per_month=17.5)),
        (20, AccountPlan(usd_per_month=20.0)),
        ({"plan": "Gold", "usd_per_month": 3.5}, AccountPlan(plan="Gold", usd_per_month=3.5)),
    ],
)
def test_a_plan_is_a_name_a_price_or_both(written: object, meant: AccountPlan) -> None:
    assert config_with(usage={"plans": {"mine": written}}).usage.plans["mine"] == meant


@pytest.mark.parametrize("written", [True, "", -1, {"price": 3}, None, ["claude-pro"]])
def test_anything_else_is_a_problem_with_its_place(written: object) -> None:
    with pytest.raises(ConfigProblems) as caught:
        config_with(usage={"plans": {"mine": written}})
    assert "usage.plans.mine" in str(caught.value)
