from korproxy_addons.accounts.balancing.quota_aware import NEARLY_SPENT, QuotaAware
from korproxy_addons.accounts.standing import Standing
from support.options import NOW, names, options, view


def ranked(who: str, **standings: Standing) -> str:
    return names(QuotaAware().ranked(options(who), view(standings=standings)))


def test_whoever_would_waste_most_is_first() -> None:
    soon = Standing(left=0.5, urgency=2.5, ends_at=NOW + 1)
    late = Standing(left=0.9, urgency=1.2, ends_at=NOW + 9)
    assert ranked("ab", a=late, b=soon) == "ba"
    # One who is ahead of his pace gives way, though he resets sooner.
    ahead = Standing(left=0.1, urgency=0.6, ends_at=NOW + 1)
    assert ranked("ab", a=ahead, b=late) == "ba"


def test_among_equals_the_one_that_resets_first() -> None:
    first, second = (Standing(left=0.5, urgency=0.1, ends_at=NOW + n) for n in (1, 2))
    assert ranked("ab", a=second, b=first) == "ba"


def test_whoever_is_about_to_be_refused_comes_last() -> None:
    spent = Standing(left=NEARLY_SPENT, urgency=9.0)
    assert ranked("abc", a=spent, b=Standing(left=0.5, urgency=0.1)) == "cba"


def test_of_whom_nothing_is_known_comes_in_the_groups_order_and_does_not_starve() -> None:
    """Only by being asked can it come to be known."""
    assert ranked("cba") == "cba"
    behind, ahead = Standing(left=0.5, urgency=1.2), Standing(left=0.5, urgency=0.9)
    assert ranked("acb", a=ahead, b=behind) == "bca"
