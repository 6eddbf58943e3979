from korproxy_addons.accounts.balancing import STANDS_S, Balancer, Fit, Group
from korproxy_addons.accounts.pool import Pool
from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.config.profiles import Strategy
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import DAY_S, WEEK_S, Window
from support.options import NOW, Account, names, options

GUESSED = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
TOLD = Failure(
    spec=catalogue.RATE_LIMITED,
    scope=Scope.ACCOUNT,
    verdict=Verdict.COOL,
    retry_after_s=60.0,
    source=Source.HEADER,
)
FILL = Group("g", Strategy.FILL_FIRST)
A = Account("a")


def balancer() -> tuple[Balancer, Pool, QuotaBook]:
    pool, quota = Pool(), QuotaBook()
    return Balancer(pool, quota), pool, quota


def spent(used: float, in_s: float = DAY_S, glob: str = "*") -> Window:
    return Window(
        "weekly", used, reset_at=NOW + in_s, length_s=WEEK_S, seen_at=NOW, model_glob=glob
    )


def test_there_is_one_for_every_strategy() -> None:
    one, _, _ = balancer()
    for strategy in Strategy:
        group = Group("g", strategy)
        found = one.ranked(group, options("abc"), NOW)
        assert sorted(names(found)) == ["a", "b", "c"]
        one.picked(group, found[0], options("abc"), NOW)


def test_a_strategy_remembers_from_one_request_to_the_next() -> None:
    one, _, _ = balancer()
    robin = Group("g", Strategy.ROUND_ROBIN)
    asked = ""
    for _ in range(4):
        first = one.ranked(robin, options("abc"), NOW)[0]
        one.picked(robin, first, options("abc"), NOW)
        asked += first.account_id
    assert asked == "abca"


def test_a_strategy_sees_quota_load_weights_and_chance() -> None:
    pool, quota = Pool(), QuotaBook()
    one = Balancer(pool, quota, lambda: 0.99)
    quota.observe("b", (spent(0.2, in_s=DAY_S),))
    assert names(one.ranked(Group("g", Strategy.QUOTA_AWARE), options("abc"), NOW)) == "bac"
    one.load.began("a", NOW)
    assert names(one.ranked(Group("g", Strategy.LEAST_USED), options("ab"), NOW)) == "ba"
    weighted = Group("g", Strategy.WEIGHTED, weights={"c": 5.0})
    assert names(one.ranked(weighted, options("abc"), NOW)) == "cab"
    assert names(one.ranked(Group("g", Strategy.RANDOM), options("abc"), NOW)) == "cba"


def test_who_has_rested_gets_his_share_and_no_more() -> None:
    """What was asked of others meanwhile is not made up for: all of it at once would end in the next limit."""
    one, pool, _ = balancer()
    group = Group("g", Strategy.WEIGHTED, weights={"b": 3.0})

    def asked(number: int, now: float) -> str:
        found = ""
        for _ in range(number):
            ranked = one.ranked(group, options("ab"), now)
            first = next(it for it in ranked if one.fit(it, group, now) is Fit.READY)
            one.picked(group, first, options("ab"), now)
            found += first.account_id
        return found

    pool.failed("a", "m", TOLD, NOW)
    assert asked(100, NOW) == "b" * 100
    pool.succeeded("a", "m", NOW + 60)
    assert asked(12, NOW + 60).count("a") == 3
    assert "aa" not in asked(40, NOW + 60)


def test_who_is_well_is_ready_and_who_was_told_to_wait_is_not_asked() -> None:
    one, pool, _ = balancer()
    assert one.fit(A, FILL, NOW) is Fit.READY
    pool.failed("a", "m", TOLD, NOW)
    assert one.fit(A, FILL, NOW) is Fit.NOT_NOW
    assert one.fit(A, FILL, NOW + 60) is Fit.READY
    pool.began("a", "m", NOW + 60)
    assert one.fit(A, FILL, NOW + 60) is Fit.ON_TRIAL


def test_our_own_guess_is_better_than_nobody() -> None:
    one, pool, _ = balancer()
    pool.failed("a", "m", GUESSED, NOW)
    assert one.fit(A, FILL, NOW) is Fit.LAST_RESORT


def test_an_exhausted_window_is_the_last_resort_until_it_begins_anew() -> None:
    """The next request would be refused, or cost money."""
    one, _, quota = balancer()
    quota.observe("a", (spent(1.0),))
    assert one.fit(A, FILL, NOW) is Fit.LAST_RESORT
    assert one.fit(A, FILL, NOW + DAY_S) is Fit.READY
    quota.observe("b", (spent(1.0, glob="other-*"),))
    assert one.fit(Account("b"), FILL, NOW) is Fit.READY


def test_a_reserve_is_kept_back_whatever_the_strategy() -> None:
    one, _, quota = balancer()
    quota.observe("a", (spent(0.85),))
    for strategy in Strategy:
        assert one.fit(A, Group("g", strategy, reserves={"a": 0.2}), NOW) is Fit.KEPT_BACK
        assert one.fit(A, Group("g", strategy, reserves={"a": 0.1}), NOW) is Fit.READY
    unknown = Group("g", Strategy.FILL_FIRST, reserves={"b": 0.2})
    assert one.fit(Account("b"), unknown, NOW) is Fit.READY


def test_a_standing_is_kept_for_a_moment_and_not_beyond_what_is_told() -> None:
    one, _, quota = balancer()
    quota.observe("a", (spent(0.5),))
    first = one.standing(A, NOW)
    assert one.standing(A, NOW + STANDS_S / 2) is first
    assert one.standing(A, NOW + STANDS_S).urgency > first.urgency
    quota.observe("a", (spent(0.6),))
    assert one.standing(A, NOW).left == 0.4
    assert one.standing(Account("a", "other"), NOW).left == 0.4
