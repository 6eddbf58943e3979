"""When a login is renewed, and how long it is left alone."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from korproxy_addons.auth.states import LoginError, rejected, unavailable
from korproxy_addons.io.kept_login import (
    DUE_AT_ONCE_PAUSE_S,
    EARLIEST_S,
    EARLY_SHARE,
    KeptLogin,
    early_s,
)
from support.token_roads import HOUR_S, TokenRoad, tokens_at

NOW = 1_800_000_000.0
DUE_S = 8 * HOUR_S - 300.0
DOWN = unavailable("HTTP 503")


def test_it_is_done_a_little_earlier_by_chance_and_of_a_short_life_by_less() -> None:
    tokens = tokens_at(NOW)
    assert early_s(tokens, 0.0) == 0.0
    assert early_s(tokens, 0.5) == EARLIEST_S / 2
    short = tokens_at(NOW, life_s=100.0)
    assert early_s(short, 1.0) == EARLY_SHARE * 80.0
    assert early_s(replace(tokens, expires_at=None), 1.0) == 0.0
    login = KeptLogin(tokens, early_s(tokens, 1.0))
    assert not login.is_due(NOW + DUE_S - EARLIEST_S - 1)
    assert login.is_due(NOW + DUE_S - EARLIEST_S)


def test_but_never_before_the_provider_wants_it() -> None:
    login = KeptLogin(replace(tokens_at(NOW), renew_from=NOW + DUE_S - 1), EARLIEST_S)
    assert not login.is_due(NOW + DUE_S - 2)
    assert login.is_due(NOW + DUE_S - 1)


def test_each_failure_is_left_alone_for_longer() -> None:
    login = KeptLogin(tokens_at(NOW))
    assert [login.failed(DOWN, NOW) for _ in range(8)] == [5, 10, 20, 40, 80, 160, 300, 300]
    assert login.not_before == NOW + 300
    assert login.trouble is DOWN
    assert not login.is_as_good_as_can_be(NOW)


@pytest.mark.parametrize(("told_s", "wait_s"), [(60.0, 60.0), (1.0, 5.0), (86_400.0, 300.0)])
def test_what_the_provider_says_counts_within_bounds(told_s: float, wait_s: float) -> None:
    assert KeptLogin(tokens_at(NOW)).failed(unavailable("HTTP 429", told_s), NOW) == wait_s


def test_new_tokens_end_every_trouble() -> None:
    login = KeptLogin(tokens_at(NOW))
    login.failed(DOWN, NOW)
    login.take(tokens_at(NOW, 1), 1.0)
    assert (login.lost, login.trouble, login.not_before, login.failures) == (None, None, 0.0, 0)
    assert login.early_s == EARLIEST_S
    login.renewed(NOW)
    assert login.not_before == 0.0


def test_tokens_that_come_already_due_are_used_for_a_while() -> None:
    login = KeptLogin(tokens_at(NOW, life_s=0.0))
    login.renewed(NOW)
    assert login.is_due(NOW)
    assert login.is_as_good_as_can_be(NOW + DUE_AT_ONCE_PAUSE_S - 1)
    assert not login.is_as_good_as_can_be(NOW + DUE_AT_ONCE_PAUSE_S)


def test_but_no_longer_than_they_hold() -> None:
    """Their renewal may have taken most of a short life, and those that another process stored may be old."""
    login = KeptLogin(tokens_at(NOW - 25, life_s=30.0))
    login.renewed(NOW)
    assert login.is_due(NOW)
    assert login.is_as_good_as_can_be(NOW + 4)
    assert not login.is_as_good_as_can_be(NOW + 5)


def test_nor_once_they_are_lost(tmp_path: Path) -> None:
    """They have only just been had; but they were refused, and the provider gives no others."""
    road = TokenRoad(tmp_path, age_s=8 * HOUR_S + 1)
    road.provider.life_s = 0.0

    async def work() -> None:
        assert await road.token() == "access-token-1"
        road.provider.refuses = [rejected("HTTP 400: invalid_grant")]
        for refused in ("access-token-1", None):
            with pytest.raises(LoginError, match="invalid_grant"):
                await road.token(refused=refused)

    asyncio.run(work())
    assert len(road.provider.asked) == 2


def test_one_without_an_end_is_renewed_beside_the_requests(tmp_path: Path) -> None:
    road = TokenRoad(tmp_path)
    old = replace(tokens_at(road.clock()), expires_at=None, renew_by=road.clock() + 10)
    road.vault.entries["claude"] = old
    road.clock.advance(10)
    road.provider.gate.clear()

    async def work() -> None:
        assert await road.token() == "access-token-0"
        road.provider.gate.set()
        await road.settled()
        assert await road.token() == "access-token-1"

    asyncio.run(work())
