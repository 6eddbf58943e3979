"""The value that routing hands on."""

import pytest

from korproxy_addons.config.profiles import Strategy
from korproxy_addons.routing.plan import Candidate, Plan, PlanStep


def test_the_candidates_of_all_steps_stand_once_and_in_order() -> None:
    one, two, three = (Candidate(it, "m") for it in "abc")
    steps = (
        PlanStep("g", Strategy.FILL_FIRST, (one, two)),
        PlanStep("h", Strategy.RANDOM, (two, three, one)),
    )
    assert Plan("default", "", steps).candidates == (one, two, three)


@pytest.mark.parametrize(("group", "name"), [("g", "m"), ("", "p@a/m")])
def test_a_conversation_s_home_goes_by_the_model_or_by_who_was_asked_for(
    group: str, name: str
) -> None:
    step = PlanStep(group, Strategy.FILL_FIRST, (Candidate("a", "m"),))
    assert Plan("default", "", (step,)).home_name("p@a/m") == name
