from typing import Any

import pytest

from korproxy_addons.config.habits import (
    ANTHROPIC_API,
    COMPATIBLE_ANTHROPIC,
    Habits,
    ModelFacts,
    Thinking,
)
from korproxy_addons.dialects.anthropic_messages.encode_reasoning import (
    ReasoningPlan,
    planned_reasoning,
    wire_sampling,
)
from korproxy_addons.dialects.base import Target
from korproxy_addons.dialects.losses import Losses
from korproxy_addons.dialects.model import ChatRequest, Reasoning, Sampling, ThinkingMode
from support.anthropic_wire import MODEL, foreign, request_of

BUDGET = ModelFacts(MODEL, thinking=Thinking.BUDGET, max_output_tokens=64_000)
ADAPTIVE = ModelFacts(MODEL, thinking=Thinking.ADAPTIVE, efforts=("low", "medium", "high"))
UNKNOWN = ModelFacts(MODEL)


def planned(
    request: ChatRequest,
    facts: ModelFacts,
    habits: Habits = ANTHROPIC_API,
    *,
    forced: bool = False,
    unsigned_loop: bool = False,
) -> tuple[ReasoningPlan, list[str]]:
    losses = Losses()
    target = Target(MODEL, habits, facts, stream=False)
    plan = planned_reasoning(request, target, losses, forced=forced, unsigned_loop=unsigned_loop)
    return plan, [str(loss) for loss in losses.all()]


def asked(
    facts: ModelFacts, limit: int | None = 40_000, habits: Habits = ANTHROPIC_API, **reasoning: Any
) -> tuple[ReasoningPlan, list[str]]:
    """What a client of another dialect gets."""
    request = foreign(reasoning=Reasoning(**reasoning), max_output_tokens=limit)
    return planned(request, facts, habits)


def test_nothing_asked_nothing_said() -> None:
    assert planned(foreign(), BUDGET) == (ReasoningPlan(1000), [])


@pytest.mark.parametrize(
    ("effort", "budget"),
    [("minimal", 1024), ("low", 1024), ("medium", 8192), ("high", 24576), ("of_tomorrow", 8192)],
)
def test_t87_an_effort_becomes_a_budget(effort: str, budget: int) -> None:
    plan, lost = asked(BUDGET, effort=effort)
    assert plan.thinking == {"type": "enabled", "budget_tokens": budget}
    assert (plan.effort, lost) == ("", [])


@pytest.mark.parametrize(
    ("reasoning", "effort"),
    [
        ({"effort": "high"}, "high"),
        ({"effort": "minimal"}, "low"),
        ({"effort": "xhigh"}, "high"),
        ({"mode": ThinkingMode.BUDGET, "budget_tokens": 5000}, "medium"),
        ({"mode": ThinkingMode.ADAPTIVE}, ""),
        ({"effort": "auto"}, ""),
        ({"effort": "of_tomorrow"}, "of_tomorrow"),
    ],
)
def test_t84_models_of_adaptive_thinking_get_an_effort(
    reasoning: dict[str, Any], effort: str
) -> None:
    plan, lost = asked(ADAPTIVE, **reasoning)
    assert (plan.thinking, plan.effort) == ({"type": "adaptive"}, effort)
    assert bool(lost) is (reasoning.get("effort") in {"minimal", "xhigh"})


def test_t84_what_is_not_known_is_new_at_anthropic_and_old_elsewhere() -> None:
    assert asked(UNKNOWN, effort="low")[0].thinking == {"type": "adaptive"}
    elsewhere = asked(UNKNOWN, habits=COMPATIBLE_ANTHROPIC, effort="low")[0]
    assert elsewhere.thinking == {"type": "enabled", "budget_tokens": 1024}


@pytest.mark.parametrize(
    "reasoning",
    [
        {"effort": "none"},
        {"mode": ThinkingMode.DISABLED},
        {"mode": ThinkingMode.BUDGET, "budget_tokens": 0},
    ],
)
@pytest.mark.parametrize("facts", [BUDGET, ADAPTIVE])
def test_t84_turned_off_is_said(reasoning: dict[str, Any], facts: ModelFacts) -> None:
    plan, lost = asked(facts, **reasoning)
    assert (plan.thinking, plan.effort, plan.thinks, lost) == ({"type": "disabled"}, "", False, [])


def test_a_model_that_always_thinks_cannot_be_turned_off() -> None:
    facts = ModelFacts(MODEL, thinking=Thinking.ADAPTIVE, can_disable_thinking=False)
    plan, lost = asked(facts, effort="none")
    assert (plan.thinking, lost) == (None, ["reasoning: the model always thinks"])


def test_a_model_without_thinking_gets_none() -> None:
    facts = ModelFacts(MODEL, thinking=Thinking.NONE)
    assert asked(facts, effort="high")[1] == ["reasoning: the model has none"]
    assert asked(facts, effort="none") == (ReasoningPlan(40_000), [])


def test_t83_a_budget_leaves_room_for_the_answer() -> None:
    plan, lost = asked(BUDGET, limit=8000, effort="high")
    assert plan.thinking == {"type": "enabled", "budget_tokens": 6000}
    assert (plan.max_tokens, lost) == (8000, ["reasoning: budget 24576 became 6000"])


def test_t83_a_limit_that_is_too_small_is_raised_within_the_model_s() -> None:
    plan, lost = asked(BUDGET, limit=500, effort="high")
    assert plan.thinking == {"type": "enabled", "budget_tokens": 1024}
    assert (plan.max_tokens, len(lost)) == (1524, 1)
    small = ModelFacts(MODEL, thinking=Thinking.BUDGET, max_output_tokens=1200)
    assert asked(small, limit=500, effort="high")[0].max_tokens == 1200


def test_a_budget_is_kept_within_the_model_s() -> None:
    facts = ModelFacts(MODEL, thinking=Thinking.BUDGET, max_budget_tokens=2000)
    assert asked(facts, effort="high")[0].thinking == {"type": "enabled", "budget_tokens": 2000}


@pytest.mark.parametrize("forced", [True, False])
def test_t39_thinking_by_budget_gives_way(forced: bool) -> None:
    """T71"""
    request = foreign(reasoning=Reasoning(effort="high"), max_output_tokens=40_000)
    plan, lost = planned(request, BUDGET, forced=forced, unsigned_loop=not forced)
    assert (plan.thinking, len(lost)) == (None, 1)
    adaptive, _ = planned(request, ADAPTIVE, forced=forced, unsigned_loop=not forced)
    assert adaptive.thinking == {"type": "adaptive"}


@pytest.mark.parametrize(
    ("facts", "limit"),
    [(BUDGET, 32_000), (UNKNOWN, 8192), (ModelFacts(MODEL, max_output_tokens=4096), 4096)],
)
def test_t115_there_is_always_a_limit(facts: ModelFacts, limit: int) -> None:
    assert planned(foreign(max_output_tokens=None), facts)[0].max_tokens == limit


def test_t115_the_limit_is_never_above_the_model_s() -> None:
    plan, lost = planned(foreign(max_output_tokens=100_000), BUDGET)
    assert (plan.max_tokens, lost) == (64_000, ["output_limit: 100000 became 64000"])
    assert planned(foreign(max_output_tokens=0), BUDGET)[0].max_tokens == 1


OWN = {"type": "enabled", "budget_tokens": 5000}


@pytest.mark.parametrize(
    ("fields", "thinking", "effort"),
    [
        # interleaved thinking may have a budget above the limit
        ({"thinking": OWN}, OWN, ""),
        ({"thinking": {**OWN, "display": "omitted"}}, {**OWN, "display": "omitted"}, ""),
        ({"thinking": {**OWN, "display": "summarized"}}, {**OWN, "display": "summarized"}, ""),
        ({"thinking": {"type": "adaptive"}}, {"type": "adaptive"}, ""),
        ({"output_config": {"effort": "low"}}, None, "low"),
        (
            {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
            {"type": "adaptive"},
            "max",
        ),
        (
            {"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}},
            {"type": "disabled"},
            "low",
        ),
    ],
)
def test_what_an_own_client_says_comes_out_as_it_was(
    fields: dict[str, Any], thinking: Any, effort: str
) -> None:
    plan, lost = planned(request_of(max_tokens=1000, **fields), UNKNOWN)
    assert (plan.max_tokens, plan.thinking, plan.effort, lost) == (1000, thinking, effort, [])


def test_an_own_client_s_budget_goes_with_its_effort_where_both_are_known() -> None:
    facts = ModelFacts(MODEL, thinking=Thinking.BUDGET, efforts=("low", "high"))
    request = request_of(thinking=OWN, output_config={"effort": "low"})
    plan, _ = planned(request, facts)
    assert (plan.thinking, plan.effort) == (OWN, "low")


@pytest.mark.parametrize(
    ("show", "display"), [(True, "summarized"), (False, "omitted"), (None, None)]
)
def test_t88_thoughts_are_shown_to_those_who_want_to_see_them(
    show: bool | None, display: str | None
) -> None:
    thinking = asked(ADAPTIVE, effort="low", show=show)[0].thinking
    assert thinking is not None
    assert thinking.get("display") == display
    elsewhere = asked(BUDGET, habits=COMPATIBLE_ANTHROPIC, effort="low", show=show)[0].thinking
    assert elsewhere is not None
    assert "display" not in elsewhere


def sampled(
    thinks: bool, facts: ModelFacts = UNKNOWN, **sampling: Any
) -> tuple[dict[str, Any], list[str]]:
    losses = Losses()
    fields = wire_sampling(Sampling(**sampling), facts, losses, thinks=thinks)
    return fields, [str(loss.feature) for loss in losses.all()]


@pytest.mark.parametrize(
    ("thinks", "sampling", "fields", "lost"),
    [
        (False, {"temperature": 1.7}, {"temperature": 1.0}, ["temperature"]),
        (False, {"temperature": 0.2}, {"temperature": 0.2}, []),
        (False, {"temperature": 0.2, "top_p": 0.9}, {"temperature": 0.2}, ["top_p"]),
        (False, {"top_p": 0.9, "top_k": 5}, {"top_p": 0.9, "top_k": 5}, []),
        (True, {"temperature": 0.2}, {}, ["temperature"]),
        (True, {"temperature": 1.0}, {"temperature": 1.0}, []),
        (True, {"top_p": 0.9, "top_k": 5}, {}, ["top_p", "top_k"]),
        (True, {"top_p": 0.95}, {"top_p": 0.95}, []),
        (True, {"temperature": 0.2, "top_p": 0.97}, {"top_p": 0.97}, ["temperature"]),
    ],
)
def test_t121_t83_sampling(
    thinks: bool, sampling: dict[str, Any], fields: dict[str, Any], lost: list[str]
) -> None:
    assert sampled(thinks, **sampling) == (fields, lost)


def test_t121_both_stand_together_where_the_model_takes_both() -> None:
    facts = ModelFacts(MODEL, both_samplings=True)
    both = {"temperature": 0.2, "top_p": 0.9}
    assert sampled(False, facts, **both) == (both, [])


def test_a_budget_below_nothing_is_a_wish_without_a_number() -> None:
    plan, _ = asked(BUDGET, mode=ThinkingMode.BUDGET, budget_tokens=-5)
    assert plan.thinking == {"type": "enabled", "budget_tokens": 8192}
