import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.balancing import Fit, Group
from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.accounts.selection import MOST_SKIPPED_TOLD, Offer, choose, fits, reasons
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import DAY_S, WEEK_S, Window
from support.options import NOW, Account, options

GUESSED = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
TOLD = Failure(
    spec=catalogue.RATE_LIMITED,
    scope=Scope.ACCOUNT,
    verdict=Verdict.COOL,
    retry_after_s=60.0,
    source=Source.HEADER,
)


def offer(who: str, strategy: Strategy = Strategy.FILL_FIRST, **words: object) -> Offer[Account]:
    return Offer(Group(f"of-{who}", strategy), options(who), **words)  # type: ignore[arg-type]


def chosen(fleet: Fleet, *offers: Offer[Account], home: str = "", tried: str = "") -> str:
    """The letter of who is asked; "" for nobody."""
    found = choose(
        fleet.balancer,
        offers,
        NOW,
        home=Account(home) if home else None,
        tried=options(tried),
    )
    return "" if found is None else found.option.account_id


def test_the_first_group_is_asked_first_and_the_next_when_it_has_nobody() -> None:
    fleet = Fleet()
    groups = offer("ab"), offer("cd")
    assert [chosen(fleet, *groups, tried="abcd"[:n]) for n in range(5)] == ["a", "b", "c", "d", ""]
    fleet.pool.failed("a", "m", TOLD, NOW)
    fleet.pool.failed("b", "m", TOLD, NOW)
    assert chosen(fleet, *groups) == "c"


def test_home_comes_first_where_it_is_ready() -> None:
    fleet = Fleet()
    assert chosen(fleet, offer("abc"), home="b") == "b"
    assert chosen(fleet, offer("abc", sticky=False), home="b") == "a"
    assert chosen(fleet, offer("abc"), home="x") == "a"
    assert chosen(fleet, offer("abc"), home="b", tried="b") == "a"
    found = choose(fleet.balancer, [offer("abc")], NOW, home=Account("b"))
    assert found is not None
    assert found.home


def test_home_in_a_group_that_stands_in_for_a_better_one_is_left_for_that() -> None:
    fleet = Fleet()
    assert chosen(fleet, offer("a"), offer("b"), home="b") == "a"
    fleet.pool.failed("a", "m", TOLD, NOW)
    assert chosen(fleet, offer("a"), offer("bc"), home="c") == "c"


def test_a_home_that_is_not_well_is_left() -> None:
    fleet = Fleet()
    fleet.pool.failed("b", "m", GUESSED, NOW)
    assert chosen(fleet, offer("abc"), home="b") == "a"


def test_who_is_less_than_ready_comes_after_all_who_are_in_any_group() -> None:
    fleet = Fleet()
    spent = Window("weekly", 1.0, reset_at=NOW + DAY_S, length_s=WEEK_S, seen_at=NOW)
    fleet.quota.observe("a", (spent,))
    fleet.pool.failed("b", "m", GUESSED, NOW)
    assert chosen(fleet, offer("ab"), offer("c")) == "c"
    assert chosen(fleet, offer("ab"), offer("c"), tried="c") == "a"
    assert chosen(fleet, offer("ab"), offer("c"), tried="ca") == "b"


def test_a_reserve_is_touched_only_when_nobody_else_can_serve() -> None:
    fleet = Fleet()
    low = Window("weekly", 0.95, reset_at=NOW + DAY_S, length_s=WEEK_S, seen_at=NOW)
    fleet.quota.observe("a", (low,))
    kept = Offer(Group("g", Strategy.FILL_FIRST, reserves={"a": 0.1}), options("a"), sticky=True)
    assert chosen(fleet, kept, offer("b"), home="a") == "b"
    assert chosen(fleet, kept, offer("b"), tried="b") == "a"


def test_nobody_is_asked_whom_his_provider_told_to_wait() -> None:
    fleet = Fleet()
    for account in "ab":
        fleet.pool.failed(account, "m", TOLD, NOW)
    assert chosen(fleet, offer("ab")) == ""
    found = fits(fleet.balancer, [offer("ab"), offer("bc")], NOW, tried=options("c"))
    assert found == {Account("a"): Fit.NOT_NOW, Account("b"): Fit.NOT_NOW}


@pytest.mark.parametrize("strategy", Strategy)
@given(
    groups=st.lists(st.sampled_from(["a", "ab", "bcd", "ef", "abcdef"]), min_size=1, max_size=3),
    down=st.frozensets(st.sampled_from("abcdef")),
    home=st.sampled_from(["", *"abcdef"]),
)
def test_everybody_who_can_serve_is_asked_before_a_request_fails(
    strategy: Strategy, groups: list[str], down: frozenset[str], home: str
) -> None:
    """Once each, whatever the strategy, wherever it is at home."""
    fleet = Fleet()
    for account in down:
        fleet.pool.failed(account, "m", TOLD, NOW)
    offers = [offer(who, strategy) for who in groups]
    asked = ""
    while one := chosen(fleet, *offers, home=home, tried=asked):
        asked += one
    assert sorted(asked) == sorted(set("".join(groups)) - down)


def why(fleet: Fleet, *offers: Offer[Account], home: str = "", tried: str = "") -> list[str]:
    """The words for who is asked."""
    found = choose(
        fleet.balancer, offers, NOW, home=Account(home) if home else None, tried=options(tried)
    )
    assert found is not None
    return reasons(fleet.balancer, found, NOW)


def test_a_choice_says_how_it_was_made_and_an_only_account_was_none() -> None:
    fleet = Fleet()
    assert why(fleet, offer("ab")) == ["fill-first"]
    assert why(fleet, offer("ab", Strategy.PRIORITY)) == ["priority"]
    assert why(fleet, offer("ab"), home="b") == ["sticky"]
    assert why(fleet, offer("a")) == why(fleet, offer("a"), home="a") == []


def test_who_would_have_come_first_is_named_with_what_keeps_him() -> None:
    fleet = Fleet()
    fleet.pool.failed("a", "m", TOLD, NOW)
    fleet.pool.failed("b", "m", dataclasses.replace(TOLD, verdict=Verdict.NEEDS_LOGIN), NOW)
    assert why(fleet, offer("abc")) == [
        "fill-first",
        "skipped:a:rate_limited",
        "skipped:b:needs_login",
    ]
    assert why(fleet, offer("ab"), offer("c")) == why(fleet, offer("abc"))[1:]
    # Who comes after him has nothing to do with it.
    assert why(fleet, offer("cab")) == ["fill-first"]


def test_quota_reserve_and_trial_have_words_of_their_own() -> None:
    fleet = Fleet()
    for account, used_share in (("a", 1.0), ("b", 0.95)):
        window = Window("weekly", used_share, reset_at=NOW + DAY_S, length_s=WEEK_S, seen_at=NOW)
        fleet.quota.observe(account, (window,))
    fleet.pool.failed("c", "m", TOLD, NOW - 61)
    fleet.pool.began("c", "m", NOW)
    group = Group("g", Strategy.FILL_FIRST, reserves={"b": 0.1})
    assert why(fleet, Offer(group, options("abcd"))) == [
        "fill-first",
        "skipped:a:quota",
        "skipped:b:reserve",
        "skipped:c:on_trial",
    ]
    # Less than ready is better than nobody: then those before the best of them are named.
    assert why(fleet, Offer(group, options("abc"))) == ["fill-first", "skipped:a:quota"]


def test_whom_the_group_has_left_behind_is_named_until_it_goes_back_to_him() -> None:
    fleet = Fleet()
    fleet.pool.failed("a", "m", TOLD, NOW - 30)
    fleet.balancer.picked(offer("abc").group, Account("b"), options("abc"), NOW)
    assert why(fleet, offer("abc")) == ["fill-first", "skipped:a:rate_limited"]
    fleet = Fleet()
    fleet.pool.failed("a", "m", TOLD, NOW - 90)
    fleet.pool.succeeded("a", "m", NOW - 10)
    fleet.balancer.picked(offer("abc").group, Account("b"), options("abc"), NOW)
    assert why(fleet, offer("abc")) == ["fill-first", "skipped:a:lately_limited"]


def test_a_header_is_no_list() -> None:
    fleet = Fleet()
    for account in "abcdef":
        fleet.pool.failed(account, "m", TOLD, NOW)
    words = why(fleet, offer("abcdefg"))
    assert len(words) == 1 + MOST_SKIPPED_TOLD
