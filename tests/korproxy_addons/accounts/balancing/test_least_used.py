from korproxy_addons.accounts.balancing.least_used import LeastUsed
from korproxy_addons.accounts.load import HALF_LIFE_S, Load
from support.options import NOW, Account, names, options, view


def test_whoever_has_fewer_requests_under_way_is_first() -> None:
    load = Load()
    for account in "aab":
        load.began(account, NOW)
    assert names(LeastUsed().ranked(options("abc"), view(load=load))) == "cba"
    load.ended("a")
    load.ended("a")
    assert names(LeastUsed().ranked(options("abc"), view(load=load))) == "cab"


def test_what_was_long_ago_weighs_less() -> None:
    load = Load()
    for account in "aaab":
        load.began(account, NOW)
        load.ended(account)
    later = NOW + 3 * HALF_LIFE_S
    load.began("b", later)
    load.ended("b")
    assert names(LeastUsed().ranked(options("ba"), view(load=load, now=later))) == "ab"


def test_asking_is_what_counts_and_not_being_picked() -> None:
    least = LeastUsed()
    least.picked(Account("a"), options("ab"), view())
    assert names(least.ranked(options("ab"), view())) == "ab"
