from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.balancing import select

candidates = st.lists(st.sampled_from("abcdefgh"), unique=True)


def test_the_first_usable_one_that_was_not_tried_is_next() -> None:
    assert select("abc", "", lambda _: True) == "a"
    assert select("abc", "a", lambda _: True) == "b"
    assert select("abc", "", lambda it: it != "a") == "b"
    assert select("abc", "b", lambda it: it != "a") == "c"


def test_there_may_be_none() -> None:
    assert select("", "", lambda _: True) is None
    assert select("abc", "abc", lambda _: True) is None
    assert select("abc", "", lambda _: False) is None


@given(candidates, st.frozensets(st.sampled_from("abcdefgh")))
def test_nobody_starves(offered: list[str], down: frozenset[str]) -> None:
    """Whoever can be used gets its turn, once, in the order of the config."""
    tried: list[str] = []
    while (one := select(offered, tried, lambda it: it not in down)) is not None:
        tried.append(one)
    assert tried == [it for it in offered if it not in down]
