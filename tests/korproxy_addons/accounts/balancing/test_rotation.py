from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.balancing.option import Ordering
from korproxy_addons.accounts.balancing.rotation import Random, RoundRobin, Weighted
from support.options import names, options, view


def taken(ordering: Ordering, who: str, turns: int, **seen: object) -> str:
    """Whom a strategy picks, time after time."""
    found = ""
    for _ in range(turns):
        shown = view(**seen)  # type: ignore[arg-type]
        first = ordering.ranked(options(who), shown)[0]
        ordering.picked(first, options(who), shown)
        found += first.account_id
    return found


def test_round_robin_goes_round() -> None:
    assert taken(RoundRobin(), "abc", 7) == "abcabca"


def test_who_comes_back_takes_one_turn_and_no_more() -> None:
    """It has missed many: they are not made up for, or the others would starve meanwhile."""
    robin = RoundRobin()
    assert taken(robin, "abc", 3) == "abc"
    assert taken(robin, "ac", 6) == "acacac"
    assert taken(robin, "abc", 4) == "bacb"
    counts = Counter(taken(robin, "abc", 30))
    assert set(counts.values()) == {10}


def test_groups_go_round_apart() -> None:
    robin = RoundRobin()
    assert taken(robin, "abc", 2, group="one") == "ab"
    assert taken(robin, "abc", 2, group="two") == "ab"


@given(st.lists(st.sampled_from(["ab", "abc", "bc", "abcd", "d"]), min_size=8, max_size=60))
def test_round_robin_starves_nobody(offers: list[str]) -> None:
    """Nobody is passed over more often than there are others."""
    robin, passed = RoundRobin(), Counter[str]()
    for who in offers:
        first = taken(robin, who, 1)
        for one in who:
            passed[one] = 0 if one == first else passed[one] + 1
            assert passed[one] <= 3


def test_weights_are_shares_and_are_spread_evenly() -> None:
    assert taken(Weighted(), "ab", 8, weights={"a": 3.0}) == "aabaaaba"
    assert Counter(taken(Weighted(), "abc", 100, weights={"a": 6.0, "b": 3.0})) == {
        "a": 60,
        "b": 30,
        "c": 10,
    }


@given(st.lists(st.floats(0.1, 50), min_size=2, max_size=5))
def test_over_time_everybody_gets_his_share(weights: list[float]) -> None:
    who = "abcde"[: len(weights)]
    shares = dict(zip(who, weights, strict=True))
    counts = Counter(taken(Weighted(), who, 200, weights=shares))
    for one, weight in shares.items():
        assert abs(counts[one] - 200 * weight / sum(weights)) <= len(weights)


def test_chance_reaches_everybody() -> None:
    firsts = {
        names(Random().ranked(options("abc"), view(chance=chance)))[0]
        for chance in (0.0, 0.34, 0.67, 0.999)
    }
    assert firsts == {"a", "b", "c"}
