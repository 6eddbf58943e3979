import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.routing.rules import (
    ANY_MODEL,
    Offer,
    UnservedError,
    unknown_model,
    unserved,
)

CLAUDE_A = Offer("claude-a", "claude", frozenset({"claude-opus-5", "claude-sonnet-5"}))
CLAUDE_B = Offer("claude-b", "claude", frozenset({"claude-opus-5"}))
CODEX = Offer("codex-a", "codex", frozenset({"gpt-5.5"}))
ROUTER = Offer("router", "openrouter", frozenset({"meta/llama-4", ANY_MODEL}))
OFFERS = (CLAUDE_A, CLAUDE_B, CODEX)

names = st.text(string.ascii_lowercase + string.digits + "-./@:*[]", max_size=12)
offers = st.lists(
    st.builds(Offer, names, names, st.frozensets(names, max_size=3), st.booleans()), max_size=5
)


@pytest.mark.parametrize(
    ("model", "near"),
    [
        ("claude-opus-5-20261010", "claude-opus-5"),
        ("claude-sonet-5", "claude-sonnet-5"),
        ("GPT-5.5", "gpt-5.5"),
        ("anthropic/claude-opus-5x", "claude-opus-5"),
        ("claude-something-quite-different-and-long", "claude-opus-5"),
    ],
)
def test_an_unknown_model_is_told_with_its_near_matches(model: str, near: str) -> None:
    error = unknown_model(model, OFFERS, {})
    assert error.spec is catalogue.UNKNOWN_MODEL
    assert error.param == "model"
    assert near in error.detail.partition("close:")[2]


def test_aliases_are_near_matches_too_and_the_joker_is_none() -> None:
    assert "quick-one" in unknown_model("quick-two", (ROUTER,), {"quick-one": "x"}).detail
    assert (
        ANY_MODEL not in unknown_model("nothing", (Offer("a", "p", frozenset({"*"})),), {}).detail
    )


def test_nothing_near_is_said_too() -> None:
    assert "no account offers a name like it" in unknown_model("zzz", OFFERS, {}).detail
    assert "no account offers a name like it" in unknown_model("", OFFERS, {}).detail


@given(st.text(), offers)
def test_any_name_has_its_error(model: str, offered: list[Offer]) -> None:
    error = unknown_model(model, offered, {})
    assert len(error.detail) < 400
    assert len(error.detail.rpartition("”; ")[2].split(", ")) <= 5


def test_a_name_without_end_costs_no_time() -> None:
    many = Offer("a", "p", frozenset(f"model-{number}" for number in range(500)))
    assert unknown_model("x" * 10_000_000, (many,), {}).spec is catalogue.UNKNOWN_MODEL


def test_who_is_not_asked_is_told_instead_of_near_names() -> None:
    error = unserved("opus", "the rule sends it to nobody")
    assert isinstance(error, UnservedError)
    assert error.detail == "“opus”; the rule sends it to nobody"
    assert (
        unserved("claude-opus-6", "", OFFERS).detail
        == unknown_model("claude-opus-6", OFFERS, {}).detail
    )
