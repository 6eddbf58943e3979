"""Who offers a model: by list, by joker, by pin, by the client's own login."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.routing.market import REMEMBERED, Market, Pin
from korproxy_addons.routing.rules import ANY_MODEL, Candidate, Offer

CLAUDE_A = Offer("claude-a", "claude", frozenset({"claude-opus-5", "claude-sonnet-5"}))
CLAUDE_B = Offer("claude-b", "claude", frozenset({"claude-opus-5"}))
CODEX = Offer("codex-a", "codex", frozenset({"gpt-5.5"}))
ROUTER = Offer("router", "openrouter", frozenset({"meta/llama-4", ANY_MODEL}))
OWN = Offer("own", "claude", frozenset(), own_login=True)
MARKET = Market((CLAUDE_A, CLAUDE_B, CODEX))

names = st.text(string.ascii_lowercase + "-./@*", max_size=8)
offers = st.lists(
    st.builds(Offer, names, names, st.frozensets(names, max_size=3), st.booleans()), max_size=5
)


def ids(candidates: tuple[Candidate, ...]) -> list[str]:
    return [it.account_id for it in candidates]


def test_a_model_goes_to_the_accounts_that_serve_it_in_their_order() -> None:
    assert ids(MARKET.serving(None, "claude-opus-5", own_login=False)) == ["claude-a", "claude-b"]
    assert ids(MARKET.serving(None, "claude-sonnet-5", own_login=False)) == ["claude-a"]
    assert MARKET.serving(None, "claude-opus-6", own_login=False) == ()


def test_a_group_has_its_own_order_and_nobody_else() -> None:
    two = ("claude-b", "gone", "claude-a")
    assert ids(MARKET.serving(two, "claude-opus-5", own_login=False)) == ["claude-b", "claude-a"]
    assert ids(MARKET.serving(("codex-a",), "claude-opus-5", own_login=False)) == []


def test_who_lists_a_model_is_asked_and_only_else_who_takes_any() -> None:
    market = Market((ROUTER, CODEX))
    assert ids(market.serving(None, "gpt-5.5", own_login=False)) == ["codex-a"]
    assert ids(market.serving(None, "unheard-of", own_login=False)) == ["router"]


@pytest.mark.parametrize(
    ("model", "pin"),
    [
        ("claude/claude-opus-5", Pin("claude", "", "claude-opus-5")),
        ("claude@claude-b/x", Pin("claude", "claude-b", "x")),
        ("openrouter/meta/llama-4", Pin("openrouter", "", "meta/llama-4")),
        ("meta/llama-4", None),
        ("claude/", None),
        ("claude", None),
        ("iflow/glm", None),
    ],
)
def test_a_slash_pins_only_behind_a_provider_that_has_an_account(
    model: str, pin: Pin | None
) -> None:
    assert Market((*MARKET.offers, ROUTER)).pin(model) == pin


def test_a_pinned_model_is_asked_for_as_written() -> None:
    """The provider knows best which models it has."""
    pin = MARKET.pin("codex/gpt-99")
    assert MARKET.serving(None, "codex/gpt-99", own_login=False, pin=pin) == (
        Candidate("codex-a", "gpt-99"),
    )
    pin = MARKET.pin("claude@claude-b/y")
    assert MARKET.serving(None, "", own_login=False, pin=pin) == (Candidate("claude-b", "y"),)
    pin = MARKET.pin("claude@nobody/y")
    assert MARKET.serving(None, "", own_login=False, pin=pin) == ()


def test_within_a_group_a_pin_chooses_among_its_accounts() -> None:
    pin = Pin("claude", "", "y")
    group = ("codex-a", "claude-b")
    assert MARKET.serving(group, "", own_login=False, pin=pin) == (Candidate("claude-b", "y"),)


def test_an_account_for_own_logins_serves_nobody_else() -> None:
    market = Market((CLAUDE_A, OWN))
    for accounts in (None, ("own", "claude-a")):
        for model in ("claude-opus-5", "unheard-of"):
            assert "own" not in ids(market.serving(accounts, model, own_login=False))
    pin = Pin("claude", "own", "x")
    assert market.serving(None, "", own_login=False, pin=pin, by_config=True) == ()


def test_a_client_with_its_own_login_is_served_by_others_only_where_somebody_named_them() -> None:
    market = Market((CLAUDE_A, OWN, CODEX))
    assert ids(market.serving(None, "claude-opus-5", own_login=True)) == ["own"]
    assert ids(market.serving(None, "gpt-5.5", own_login=True)) == ["own"]
    assert ids(market.serving(("claude-a",), "claude-opus-5", own_login=True)) == ["claude-a"]
    assert ids(market.serving(None, "gpt-5.5", own_login=True, by_config=True)) == ["codex-a"]
    pin = Pin("claude", "claude-a", "x")
    assert ids(market.serving(None, "", own_login=True, pin=pin)) == ["claude-a"]
    pin = Pin("claude", "", "x")
    assert ids(market.serving(None, "", own_login=True, pin=pin)) == ["own"]


@given(
    offers, names, st.booleans(), st.booleans(), st.none() | st.lists(names, max_size=3).map(tuple)
)
def test_only_usable_offers_are_candidates_and_the_model_is_the_one_named(
    offered: list[Offer],
    model: str,
    own_login: bool,
    by_config: bool,
    accounts: tuple[str, ...] | None,
) -> None:
    by_id = {it.account_id: it for it in offered}
    market = Market(list(by_id.values()))
    pin = market.pin(model)
    found = market.serving(accounts, model, own_login=own_login, pin=pin, by_config=by_config)
    for candidate in found:
        offer = by_id[candidate.account_id]
        assert own_login or not offer.own_login
        assert accounts is None or candidate.account_id in accounts
        assert candidate.model == (model if pin is None else pin.model)
        assert pin is None or offer.provider == pin.provider


def test_names_without_end_do_not_fill_the_memory() -> None:
    market = Market((ROUTER,))
    for number in range(REMEMBERED * 2):
        market.serving(None, f"m-{number}", own_login=False)
    assert len(market._served) <= REMEMBERED
