"""What of the accounts is news, and that each thing is told once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.health import Health, State
from korproxy_addons.accounts.news import LOW_SHARES, REARMED_SHARE, AccountNews, Trouble
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.quota import FIVE_HOURS_S, Window

NOW = 1_790_000_000.0
LOST = Health(State.NEEDS_LOGIN, until=None, code=catalogue.TOKEN_EXPIRED.code)
HELD = Health(State.RATE_LIMITED, until=NOW + 60, code=catalogue.OVERAGE_HELD.code)
LIMITED = Health(State.RATE_LIMITED, until=NOW + 60, code=catalogue.QUOTA_EXHAUSTED.code)


def window(left: float | None, **more: object) -> Window:
    used = None if left is None else 1.0 - left
    given = {"name": "5h", "used_share": used, "length_s": FIVE_HOURS_S, **more}
    return Window(**given)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (LOST, Trouble.LOGIN),
        (Health(State.DISABLED, until=None, code="KP-PROV-106"), Trouble.SWITCHED_OFF),
        (HELD, Trouble.MONEY),
        (
            Health(State.DISABLED, until=None, code=catalogue.BILLING_REQUIRED.code),
            Trouble.MONEY,
        ),
        (LIMITED, None),
        (Health(State.ERRORING, until=NOW), None),
        (Health(code=catalogue.OVERAGE_HELD.code), None),
        (None, None),
    ],
)
def test_only_what_waits_for_its_owner_is_trouble(
    health: Health | None, expected: Trouble | None
) -> None:
    """A limit ends by itself; that is no news."""
    found = AccountNews().health("a", "*", health)
    assert (None if found is None else found.trouble) == expected


def test_a_trouble_is_told_once_until_it_is_over() -> None:
    news = AccountNews()
    told = [
        news.health("a", models, health) is not None
        for models, health in (
            ("*", LOST),
            ("*", LOST),  # it failed once more
            ("opus", LOST),  # for another model: the same login
            ("*", None),
            ("*", LOST),  # one of the two is still lost
            ("*", None),
            ("opus", None),
            ("*", LOST),
        )
    ]
    assert told == [True, False, False, False, False, False, False, True]


def test_accounts_are_told_apart() -> None:
    news = AccountNews()
    assert news.health("a", "*", LOST) is not None
    assert news.health("b", "*", LOST) is not None
    assert news.health("a", "*", HELD) is not None, "another trouble of the same account"


def test_a_window_that_runs_low_is_told_at_each_mark_once() -> None:
    news = AccountNews()
    told = []
    for left in (0.5, 0.25, 0.19, 0.12, 0.21, 0.19, 0.06, 0.049, 0.01, 0.0, 1.0, 0.19):
        told += [left for _ in news.windows("a", [window(left)], NOW)]
    assert told == [0.19, 0.049, 0.19]


def test_what_rises_from_the_lower_mark_is_no_news_at_the_upper_one() -> None:
    news = AccountNews()
    shares = (0.19, 0.04, 0.16, 0.12, 0.04, 0.5, 0.19)
    told = [it for it in shares if news.windows("a", [window(it)], NOW)]
    assert told == [0.19, 0.04, 0.04, 0.19]


def test_a_fall_past_both_marks_is_one_piece_of_news() -> None:
    news = AccountNews()
    assert len(news.windows("a", [window(0.01)], NOW)) == 1
    assert news.windows("a", [window(0.0)], NOW) == ()


def test_what_says_nothing_or_is_over_in_a_minute_is_no_news() -> None:
    news = AccountNews()
    for it in (window(None), window(0.0, name="requests-minute", length_s=60.0)):
        assert news.windows("a", [it], NOW) == ()
    assert len(news.windows("a", [window(0.0, name="plan", length_s=None)], NOW)) == 1
    gone = window(0.01, reset_at=NOW - 1)
    assert news.windows("b", [gone], NOW) == (), "it has begun anew since"


def test_windows_and_accounts_are_told_apart() -> None:
    news = AccountNews()
    several = [window(0.1), window(0.1, model_glob="opus-*"), window(0.1, name="weekly")]
    assert len(news.windows("a", several, NOW)) == 3
    assert len(news.windows("b", several, NOW)) == 3
    assert news.windows("a", several, NOW) == ()


def test_what_was_so_before_is_no_news() -> None:
    news = AccountNews()
    news.restore({("a", "*"): LOST}, {"a": [window(0.1)]}, NOW)
    assert news.health("a", "*", LOST) is None
    assert news.windows("a", [window(0.08)], NOW) == ()
    assert len(news.windows("a", [window(0.04)], NOW)) == 1


def test_an_account_that_left_is_forgotten() -> None:
    news = AccountNews()
    news.restore({("a", "*"): LOST, ("b", "*"): LOST}, {"a": [window(0.1)]}, NOW)
    news.keep(["b"])
    assert news.health("a", "*", LOST) is not None
    assert len(news.windows("a", [window(0.1)], NOW)) == 1
    assert news.health("b", "*", LOST) is None


@given(st.lists(st.floats(0, 1), max_size=60))
def test_between_two_tellings_there_was_more_or_it_is_a_lower_mark(shares: list[float]) -> None:
    """However a provider's numbers wander about a mark, a person is not told again and again."""
    news = AccountNews()
    mark: float | None = None
    highest = 0.0
    for left in shares:
        highest = max(highest, left)
        told = news.windows("a", [window(left)], NOW)
        if not told:
            continue
        passed = min(it for it in LOW_SHARES if (told[0].remaining_share() or 0.0) < it)
        assert mark is None or passed < mark or highest >= mark + REARMED_SHARE - 1e-9
        mark, highest = passed, 0.0
