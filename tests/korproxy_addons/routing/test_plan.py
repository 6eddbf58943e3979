"""The value that routing hands on."""

from korproxy_addons.config.profiles import Strategy
from korproxy_addons.routing.plan import Candidate, Plan, PlanStep


def test_the_candidates_of_all_steps_stand_once_and_in_order() -> None:
    one, two, three = (Candidate(it, "m") for it in "abc")
    steps = (
        PlanStep("g", Strategy.FILL_FIRST, (one, two)),
        PlanStep("h", Strategy.RANDOM, (two, three, one)),
    )
    assert Plan("default", "", steps).candidates == (one, two, three)
