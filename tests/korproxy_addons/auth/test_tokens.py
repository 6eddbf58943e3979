import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from korproxy_addons.auth.tokens import (
    MARGIN_S,
    TokenSet,
    due_at,
    ends_soon,
    identity_of,
    is_due,
    is_expired,
)

NOW = 1_800_000_000.0
SECRET = SecretStr("planted-secret")


def tokens(**words: object) -> TokenSet:
    return TokenSet(access_token=SECRET, **words)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("life_s", "obtained_at", "due_after_s"),
    [
        (28_800.0, NOW, 28_500.0),  # eight hours: five minutes before
        (1500.0, NOW, 1200.0),  # twenty-five minutes: the same, which is four fifths
        (600.0, NOW, 480.0),  # ten minutes: at four fifths
        (600.0, 0.0, 300.0),  # nobody knows when it began
    ],
)
def test_a_token_is_due_before_its_end(
    life_s: float, obtained_at: float, due_after_s: float
) -> None:
    found = tokens(expires_at=NOW + life_s, obtained_at=obtained_at)
    assert due_at(found) == NOW + due_after_s
    assert not is_due(found, NOW + due_after_s - 1)
    assert is_due(found, NOW + due_after_s)


@given(st.floats(0, 1e8), st.floats(1, 1e9))
def test_a_token_is_due_no_later_than_it_ends(life_s: float, obtained_at: float) -> None:
    found = tokens(expires_at=obtained_at + life_s, obtained_at=obtained_at)
    due = due_at(found)
    assert due is not None
    assert obtained_at + life_s - max(MARGIN_S, 0.21 * life_s) - 1 <= due <= obtained_at + life_s


@pytest.mark.parametrize(
    ("words", "due_after_s"),
    [
        (
            {"expires_at": NOW + 1000, "renew_by": NOW + 600},
            600.0,
        ),  # as the provider's own tool does
        ({"expires_at": NOW + 1000, "renew_by": NOW + 900}, 700.0),
        ({"renew_by": NOW + 900}, 900.0),
        ({"expires_at": NOW + 1000, "renew_from": NOW + 500}, 700.0),
        ({"expires_at": NOW + 1000, "renew_from": NOW + 800}, 800.0),  # no sooner than allowed ...
        (
            {"expires_at": NOW + 1000, "renew_from": NOW + 9000},
            1000.0,
        ),  # ... but it must not run out
        ({"expires_at": NOW + 1000, "renew_by": NOW + 5, "renew_from": NOW + 50}, 50.0),
        ({"renew_by": NOW + 5, "renew_from": NOW + 50}, 50.0),
    ],
)
def test_a_provider_may_say_by_when_and_from_when(
    words: dict[str, float], due_after_s: float
) -> None:
    assert due_at(tokens(**words)) == NOW + due_after_s


def test_what_is_done_early_is_not_done_before_it_is_allowed() -> None:
    found = tokens(expires_at=NOW + 1000, renew_from=NOW + 680)
    assert due_at(found, 10.0) == NOW + 690
    assert due_at(found, 60.0) == NOW + 680
    assert not is_due(found, NOW + 679, 60.0)
    assert is_due(found, NOW + 680, 60.0)


def test_a_token_without_an_end_is_never_due() -> None:
    assert due_at(tokens()) is None
    assert not is_due(tokens(), NOW)
    assert not is_expired(tokens(), NOW)
    assert is_expired(tokens(expires_at=NOW), NOW)


def test_the_end_of_the_whole_login_is_told_three_days_ahead() -> None:
    days = 86_400.0
    assert not ends_soon(tokens(refresh_expires_at=NOW + 3.1 * days), NOW)
    assert ends_soon(tokens(refresh_expires_at=NOW + 3 * days), NOW)
    assert not ends_soon(tokens(), NOW)


def test_requests_carry_the_key_where_there_is_one() -> None:
    assert tokens().credential is SECRET
    key = SecretStr("key")
    assert tokens(api_key=key).credential is key


def test_one_email_can_be_several_accounts() -> None:
    one = tokens(facts={"email": "m@x", "account_id": "a", "subject": "s"})
    two = tokens(facts={"email": "m@x", "account_id": "b", "subject": "s"})
    assert identity_of(one) != identity_of(two)
    assert identity_of(tokens(facts={"email": "m@x", "subject": "s"})) == ("s",)
    assert identity_of(tokens(facts={"email": "m@x"})) == ("m@x",)
    assert identity_of(tokens()) == ()


def test_tokens_are_not_shown() -> None:
    found = tokens(refresh_token=SECRET, id_token=SECRET, api_key=SECRET)
    assert "planted-secret" not in repr(found)
