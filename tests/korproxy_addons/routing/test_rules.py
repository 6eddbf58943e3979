import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.routing.rules import ANY_MODEL, Candidate, Choice, Offer, choose, unknown_model

CLAUDE_A = Offer("claude-a", "claude", frozenset({"claude-opus-5", "claude-sonnet-5"}))
CLAUDE_B = Offer("claude-b", "claude", frozenset({"claude-opus-5"}))
CODEX = Offer("codex-a", "codex", frozenset({"gpt-5.5"}))
ROUTER = Offer("router", "openrouter", frozenset({"meta/llama-4", ANY_MODEL}))
OWN = Offer("own", "claude", frozenset(), own_login=True)
OFFERS = (CLAUDE_A, CLAUDE_B, CODEX)

names = st.text(string.ascii_lowercase + string.digits + "-./@:*[]", max_size=12)
offers = st.lists(
    st.builds(Offer, names, names, st.frozensets(names, max_size=3), st.booleans()), max_size=5
)


def accounts(choice: Choice) -> list[str]:
    return [candidate.account_id for candidate in choice.candidates]


def test_a_model_goes_to_the_accounts_that_serve_it_in_their_order() -> None:
    choice = choose("claude-opus-5", OFFERS, {})
    assert accounts(choice) == ["claude-a", "claude-b"]
    assert choice.why == ""
    assert accounts(choose("claude-sonnet-5", OFFERS, {})) == ["claude-a"]


def test_a_model_that_nobody_serves_has_no_candidate() -> None:
    assert choose("claude-opus-6", OFFERS, {}) == Choice(())


def test_a_provider_can_be_pinned() -> None:
    choice = choose("claude/claude-opus-5", OFFERS, {})
    assert choice == Choice(
        (Candidate("claude-a", "claude-opus-5"), Candidate("claude-b", "claude-opus-5")), "pinned"
    )


def test_an_account_can_be_pinned() -> None:
    choice = choose("claude@claude-b/claude-opus-5", OFFERS, {})
    assert choice == Choice((Candidate("claude-b", "claude-opus-5"),), "pinned")
    assert choose("claude@nobody/claude-opus-5", OFFERS, {}).candidates == ()


def test_a_pinned_model_is_asked_for_as_written() -> None:
    """The provider knows best which models it has."""
    assert choose("codex/gpt-99", OFFERS, {}).candidates == (Candidate("codex-a", "gpt-99"),)


def test_a_pinned_model_may_hold_slashes() -> None:
    choice = choose("openrouter/meta/llama-4", (*OFFERS, ROUTER), {})
    assert choice.candidates == (Candidate("router", "meta/llama-4"),)


@pytest.mark.parametrize("model", ["meta/llama-4", "meta/anything", "claude/"])
def test_a_slash_pins_only_behind_a_provider_that_has_an_account(model: str) -> None:
    assert choose(model, (*OFFERS, ROUTER), {}).candidates == (Candidate("router", model),)


def test_who_lists_a_model_is_asked_before_who_takes_any() -> None:
    assert accounts(choose("gpt-5.5", (ROUTER, CODEX), {})) == ["codex-a"]
    assert accounts(choose("unheard-of", (ROUTER, CODEX), {})) == ["router"]


def test_an_alias_stands_for_its_model() -> None:
    aliases = {"fast": "claude-sonnet-5", "mine": "claude@claude-b/claude-opus-5"}
    assert choose("fast", OFFERS, aliases) == Choice(
        (Candidate("claude-a", "claude-sonnet-5"),), "alias"
    )
    assert accounts(choose("mine", OFFERS, aliases)) == ["claude-b"]


def test_an_alias_is_looked_up_once() -> None:
    assert choose("a", OFFERS, {"a": "b", "b": "gpt-5.5"}).candidates == ()


def test_a_client_s_own_login_goes_only_where_it_is_meant_to_go() -> None:
    """And a KorProxy account never serves a request that brings one."""
    both = (*OFFERS, OWN)
    assert accounts(choose("claude-opus-5", both, {}, own_login=True)) == ["own"]
    assert "own" not in accounts(choose("claude-opus-5", both, {}))
    assert choose("claude/x", OFFERS, {}, own_login=True).candidates == ()


@given(names, offers, st.dictionaries(names, names, max_size=3), st.booleans())
def test_only_usable_offers_are_candidates(
    model: str, offered: list[Offer], aliases: dict[str, str], own_login: bool
) -> None:
    """And the model is the one that was named, whole or behind its pin: never another one."""
    choice = choose(model, offered, aliases, own_login=own_login)
    usable = {offer.account_id for offer in offered if offer.own_login == own_login}
    meant = aliases.get(model, model)
    for candidate in choice.candidates:
        assert candidate.account_id in usable
        assert candidate.model == meant or (
            choice.why == "pinned" and meant.endswith("/" + candidate.model)
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
