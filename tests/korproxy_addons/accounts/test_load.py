import pytest

from korproxy_addons.accounts.load import HALF_LIFE_S, Load

NOW = 1_800_000_000.0


def test_what_is_under_way_is_counted_until_it_ends() -> None:
    load = Load()
    load.began("a", NOW)
    load.began("a", NOW)
    load.ended("a")
    assert (load.in_flight("a"), load.in_flight("b")) == (1, 0)


def test_what_was_asked_fades() -> None:
    load = Load()
    for _ in range(4):
        load.began("a", NOW)
    assert load.lately("a", NOW) == 4
    assert load.lately("a", NOW + HALF_LIFE_S) == pytest.approx(2)
    assert load.lately("b", NOW) == 0
    load.began("a", NOW + HALF_LIFE_S)
    assert load.lately("a", NOW + 2 * HALF_LIFE_S) == pytest.approx(1.5)


def test_a_clock_that_goes_back_makes_nothing_of_nothing() -> None:
    load = Load()
    load.began("a", NOW)
    assert load.lately("a", NOW - 1e9) == 1
