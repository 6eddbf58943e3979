"""The simulated week: what the strategies are worth, and what stickiness keeps."""

import pytest

from korproxy_addons.config.profiles import Strategy
from week.demand import conversations
from week.simulation import MONDAY, Week, alone, compare, mean, plans, table

OTHERS = (Strategy.ROUND_ROBIN, Strategy.FILL_FIRST)
TIGHT = 55
"""Conversations on a working day that all accounts together can just serve."""


@pytest.mark.parametrize("per_day", [40, TIGHT])
def test_quota_aware_wastes_less_quota_and_meets_fewer_limits(
    per_day: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Than round-robin and fill-first, whatever the order of the accounts; the table is printed in every run."""
    found = compare(per_day, (Strategy.QUOTA_AWARE, *OTHERS))
    with capsys.disabled():
        print(f"\n{per_day} conversations on a working day\n{table(found)}")  # noqa: T201
    ours = found[Strategy.QUOTA_AWARE]
    for other in OTHERS:
        assert mean(ours, lambda it: it.wasted) < mean(found[other], lambda it: it.wasted)
        limits = mean(found[other], lambda it: it.limits_met)
        if per_day == TIGHT:
            assert mean(ours, lambda it: it.limits_met) < limits
        assert mean(ours, lambda it: it.limits_met) <= limits
        assert mean(ours, lambda it: it.served) >= mean(found[other], lambda it: it.served)


@pytest.mark.parametrize("strategy", [Strategy.QUOTA_AWARE, *OTHERS])
def test_stickiness_keeps_the_prompt_cache(strategy: Strategy) -> None:
    """At least 95 % of what one account without limits would find in its cache."""
    most = alone(TIGHT).hit_rate
    week = conversations(1, MONDAY, TIGHT)
    assert Week(plans(), strategy).play(week).hit_rate >= 0.95 * most


def test_without_stickiness_rotation_throws_it_away() -> None:
    week = conversations(1, MONDAY, TIGHT)
    scattered = Week(plans(), Strategy.ROUND_ROBIN, sticky=False).play(week)
    assert scattered.hit_rate < 0.8 * alone(TIGHT).hit_rate


def test_the_same_week_comes_out_the_same() -> None:
    first, second = (
        Week(plans(), Strategy.QUOTA_AWARE).play(conversations(1, MONDAY, 10)) for _ in range(2)
    )
    assert first == second
