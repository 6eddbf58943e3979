from korproxy_addons.accounts.balancing.fixed import FillFirst, Priority
from korproxy_addons.accounts.health import REMEMBERED_S
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.standing import Standing
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Verdict
from support.options import NOW, Account, names, options, view

LIMITED = Failure(
    spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL, retry_after_s=10.0
)
BROKEN = Failure(spec=catalogue.UPSTREAM_ERROR, scope=Scope.ACCOUNT)


def test_priority_is_the_groups_order_whoever_was_asked_last() -> None:
    priority = Priority()
    priority.picked(Account("c"), options("abc"), view())
    assert names(priority.ranked(options("abc"), view())) == "abc"


def test_fill_first_begins_with_the_first() -> None:
    assert names(FillFirst().ranked(options("abc"), view())) == "abc"


def taken_over(group: str = "g") -> FillFirst:
    fill = FillFirst()
    fill.picked(Account("b"), options("bc"), view(group=group))
    return fill


def test_who_took_over_from_one_at_its_limit_keeps_on_for_a_while() -> None:
    """A limit of a minute that begins again does not send everybody to and fro."""
    pool = Pool()
    pool.failed("a", "m", LIMITED, NOW)
    fill = taken_over()
    assert names(fill.ranked(options("abc"), view(pool=pool, now=NOW + 11))) == "bca"
    later = view(pool=pool, now=NOW + REMEMBERED_S)
    assert names(fill.ranked(options("abc"), later)) == "abc"


def test_after_a_breakdown_the_first_is_back_at_once() -> None:
    pool = Pool()
    pool.failed("a", "m", BROKEN, NOW, breakdown=True)
    assert names(taken_over().ranked(options("abc"), view(pool=pool, now=NOW + 3))) == "abc"


def test_the_first_is_back_only_when_every_exhausted_window_has_begun_anew() -> None:
    spent = {"a": Standing(left=0.0, spent_until=NOW + 60)}
    assert names(taken_over().ranked(options("abc"), view(standings=spent))) == "bca"
    anew = {"a": Standing(left=1.0)}
    assert names(taken_over().ranked(options("abc"), view(standings=anew))) == "abc"


def test_groups_fill_apart() -> None:
    pool = Pool()
    pool.failed("a", "m", LIMITED, NOW)
    seen = view(group="other", pool=pool, now=NOW + 11)
    assert names(taken_over().ranked(options("abc"), seen)) == "abc"


def test_who_left_the_group_is_not_waited_for() -> None:
    assert names(taken_over().ranked(options("ac"), view())) == "ac"
