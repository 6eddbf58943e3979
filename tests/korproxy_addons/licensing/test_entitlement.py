"""What each plan of KorProxy gives a right to."""

from dataclasses import replace

import pytest

from korproxy_addons.licensing.entitlement import (
    FREE,
    LIMITS,
    UNLIMITED,
    Entitlement,
    Plan,
    kept_days,
)


@pytest.mark.parametrize(
    ("plan", "limits"),
    [
        (Plan.FREE, (1, 2, 1, False, 7)),
        (Plan.PRO, (10, 10, 3, True, 90)),
        (Plan.TEAM, (UNLIMITED, UNLIMITED, 5, True, 90)),
    ],
)
def test_each_plan_has_its_limits(plan: Plan, limits: tuple[object, ...]) -> None:
    it = LIMITS[plan]
    assert limits == (
        it.profiles, it.provider_groups, it.devices, it.smart_routing, it.analytics_retention_days,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("plan", "wanted", "kept"),
    [(Plan.FREE, 30, 7), (Plan.FREE, 3, 3), (Plan.PRO, 30, 30), (Plan.TEAM, 90, 90)],
)
def test_usage_is_kept_as_long_as_is_wanted_and_the_plan_goes(
    plan: Plan, wanted: int, kept: int
) -> None:
    assert kept_days(wanted, Entitlement(plan, LIMITS[plan])) == kept


def test_a_backend_may_say_that_there_is_no_end() -> None:
    endless = replace(FREE.limits, analytics_retention_days=UNLIMITED)
    assert kept_days(90, Entitlement(Plan.PRO, endless)) == 90
