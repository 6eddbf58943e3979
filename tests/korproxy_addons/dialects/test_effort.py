import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.dialects.effort import (
    BUDGETS,
    budget_of,
    clamped_budget,
    effort_of,
    nearest_effort,
    wanted_budget,
    wanted_effort,
)
from korproxy_addons.dialects.model import Reasoning, ThinkingMode


@pytest.mark.parametrize("effort", BUDGETS)
def test_words_survive_the_way_there_and_back(effort: str) -> None:
    """T87."""
    budget = budget_of(effort)
    assert budget is not None
    assert effort == effort_of(budget)


def test_t87_the_table_of_efforts_and_budgets() -> None:
    words = ("none", "minimal", "low", "medium", "high", "xhigh")
    assert [BUDGETS[word] for word in words] == [0, 512, 1024, 8192, 24576, 32768]


@given(st.integers(0, 200_000))
def test_a_budget_becomes_the_weakest_word_that_covers_it(budget: int) -> None:
    found = BUDGETS[effort_of(budget)]
    assert found >= budget or found == max(BUDGETS.values())
    assert all(tokens < budget or tokens >= found for tokens in BUDGETS.values())


def test_unknown_words_are_never_read_as_high() -> None:
    """T87."""
    assert budget_of("heroic") is None
    assert nearest_effort("heroic", ("low", "high")) == "heroic"
    assert effort_of(-1) == "auto"


@pytest.mark.parametrize(
    ("effort", "known", "expected"),
    [
        ("low", ("low", "high"), "low"),
        ("minimal", ("low", "high"), "low"),
        ("medium", ("low", "high"), "high"),
        ("max", ("low", "high"), "high"),
        ("none", ("low", "high"), "low"),
        ("low", (), "low"),
        ("low", ("heroic",), "low"),
    ],
)
def test_the_nearest_word_that_a_model_knows(
    effort: str, known: tuple[str, ...], expected: str
) -> None:
    assert expected == nearest_effort(effort, known)


@pytest.mark.parametrize(
    ("reasoning", "effort", "budget"),
    [
        (Reasoning(), "", None),
        (Reasoning(ThinkingMode.DISABLED, effort="high"), "none", 0),
        (Reasoning(effort="high"), "high", 24576),
        (Reasoning(ThinkingMode.BUDGET, budget_tokens=2000), "medium", 2000),
        (Reasoning(ThinkingMode.ADAPTIVE), "", None),
        (Reasoning(ThinkingMode.ADAPTIVE, effort="heroic"), "heroic", None),
    ],
)
def test_what_a_client_wants_in_either_way(
    reasoning: Reasoning, effort: str, budget: int | None
) -> None:
    """T84."""
    assert (effort, budget) == (wanted_effort(reasoning), wanted_budget(reasoning))


def test_budgets_stay_within_the_model() -> None:
    """T85: Pro thinks at least a little, Flash can do without."""
    pro = ModelFacts(
        "pro", min_budget_tokens=128, max_budget_tokens=32768, can_disable_thinking=False
    )
    flash = ModelFacts("flash", max_budget_tokens=24576)
    assert [clamped_budget(tokens, pro) for tokens in (0, 100, 99999)] == [128, 128, 32768]
    assert [clamped_budget(tokens, flash) for tokens in (0, 100, 99999)] == [0, 100, 24576]
