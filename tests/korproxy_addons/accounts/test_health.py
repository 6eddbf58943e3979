import dataclasses
from typing import Any

import pytest

from korproxy_addons.accounts.health import (
    ERRORING_AFTER,
    ERRORING_S,
    FRESH,
    LONGEST_REST_S,
    REMEMBERED_S,
    Health,
    State,
    after_failure,
    after_success,
    rest_until,
)
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict

NOW = 1_800_000_000.0
LIMITED = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
BROKEN = Failure(spec=catalogue.UPSTREAM_ERROR, message="words of a prompt")


def limited(**changes: Any) -> Failure:
    return dataclasses.replace(LIMITED, **changes)


# --- how long it rests


def test_an_instant_that_has_passed_is_no_instant() -> None:
    assert rest_until(limited(reset_at=NOW - 1, retry_after_s=7.0), 1, NOW) == NOW + 7
    assert rest_until(limited(reset_at=NOW - 1), 1, NOW) == NOW + 2


def test_an_instant_is_better_than_a_duration() -> None:
    assert rest_until(limited(reset_at=NOW + 60, retry_after_s=7.0), 1, NOW) == NOW + 60


@pytest.mark.parametrize("told_s", [0.0, 0.9])
def test_a_wait_of_nothing_is_no_word_at_all(told_s: float) -> None:
    assert rest_until(limited(retry_after_s=told_s), 2, NOW) == NOW + 4
    assert after_failure(FRESH, limited(retry_after_s=told_s, source=Source.HEADER), NOW).guessed


@pytest.mark.parametrize("told", [{"reset_at": 9e12}, {"retry_after_s": 9e12}])
def test_no_plan_has_a_window_of_centuries(told: dict[str, float]) -> None:
    assert rest_until(limited(**told), 1, NOW) == NOW + LONGEST_REST_S


@pytest.mark.parametrize(
    ("rests", "wait_s"), [(1, 2.0), (2, 4.0), (3, 8.0), (8, 256.0), (9, 300.0), (5000, 300.0)]
)
def test_without_a_word_of_the_provider_the_wait_doubles(rests: int, wait_s: float) -> None:
    assert rest_until(LIMITED, rests, NOW) == NOW + wait_s
    assert NOW + wait_s / 2 < rest_until(LIMITED, rests, NOW, 0.999) < NOW + wait_s * 0.51
    # A provider's word is not spread: nobody may come before.
    assert rest_until(limited(retry_after_s=9.0), rests, NOW, 0.999) == NOW + 9


# --- what a failure makes of it


def test_a_limit_rests_and_never_becomes_an_error() -> None:
    health = FRESH
    for number in range(3 * ERRORING_AFTER):
        health = after_failure(health, LIMITED, NOW + 400 * number)
        assert health.state is State.RATE_LIMITED
        assert health.rests == number + 1


def test_a_limit_that_its_provider_dates_is_no_guess_and_another_is() -> None:
    dated = after_failure(FRESH, limited(retry_after_s=60.0, source=Source.HEADER), NOW)
    assert (dated.until, dated.guessed) == (NOW + 60, False)
    assert after_failure(FRESH, limited(retry_after_s=60.0, source=Source.GUESS), NOW).guessed
    assert after_failure(FRESH, LIMITED, NOW).guessed


def test_three_breakdowns_make_an_error_of_half_an_hour() -> None:
    health = FRESH
    states = []
    for number in range(ERRORING_AFTER):
        health = after_failure(health, BROKEN, NOW + 100 * number)
        states.append(health.state)
    assert states == [State.RATE_LIMITED, State.RATE_LIMITED, State.ERRORING]
    assert health.until == NOW + 200 + ERRORING_S
    # One more after that rest, and it is out again at once.
    assert after_failure(health, BROKEN, NOW + 5000).state is State.ERRORING


def test_limits_between_breakdowns_do_not_count_as_such() -> None:
    health = FRESH
    for number, failure in enumerate([LIMITED, LIMITED, BROKEN, BROKEN]):
        health = after_failure(health, failure, NOW + 1000 * number)
    assert health.state is State.RATE_LIMITED


def test_what_was_under_way_at_the_first_failure_is_the_same_incident() -> None:
    health = after_failure(FRESH, BROKEN, NOW, started_at=NOW - 5)
    for _ in range(10):
        health = after_failure(health, BROKEN, NOW + 1, started_at=NOW - 2)
    assert (health.failures, health.rests) == (1, 1)
    assert after_failure(health, BROKEN, NOW + 3, started_at=NOW + 2).failures == 2


def test_the_next_rest_is_longer_unless_all_was_well_for_a_while() -> None:
    """An account that works once between two rests has not recovered."""
    first = after_failure(FRESH, LIMITED, NOW)
    back = after_success(first)
    assert back is not None
    assert back.usable(NOW)
    second = after_failure(back, LIMITED, NOW + 10)
    assert second.until == NOW + 10 + 4
    long_after = after_failure(back, LIMITED, NOW + REMEMBERED_S)
    assert long_after.until == NOW + REMEMBERED_S + 2


def test_a_reply_ends_a_row_of_breakdowns() -> None:
    health = after_success(after_failure(after_failure(FRESH, BROKEN, NOW), BROKEN, NOW + 5))
    assert health is not None
    assert health.failures == 0
    assert after_success(FRESH) is None


@pytest.mark.parametrize(
    ("verdict", "state"),
    [(Verdict.NEEDS_LOGIN, State.NEEDS_LOGIN), (Verdict.DISABLED, State.DISABLED)],
)
def test_what_only_a_person_can_mend_waits_for_him(verdict: Verdict, state: State) -> None:
    refused = after_failure(FRESH, limited(verdict=verdict, message="key revoked"), NOW)
    assert (refused.state, refused.until, refused.reason) == (state, None, "key revoked")
    for failure in (LIMITED, BROKEN):
        assert after_failure(refused, failure, NOW + 1).state is state
    tried = dataclasses.replace(refused, until=NOW)
    assert tried.usable(NOW)
    assert tried.shown(NOW) is state


def test_a_shorter_wait_does_not_take_the_place_of_a_longer_one() -> None:
    long = after_failure(FRESH, limited(reset_at=NOW + 18_000, code="long"), NOW)
    for failure in (BROKEN, limited(retry_after_s=3.0)):
        assert after_failure(long, failure, NOW + 1).until == NOW + 18_000
    longer = after_failure(long, limited(reset_at=NOW + 20_000), NOW + 1)
    assert longer.until == NOW + 20_000


def test_what_a_provider_says_as_it_breaks_down_is_not_kept() -> None:
    """It may quote the request."""
    assert after_failure(FRESH, BROKEN, NOW).reason == ""
    hinted = limited(verdict=Verdict.DISABLED, hint="Look at the console.")
    assert after_failure(FRESH, hinted, NOW).reason == "Look at the console."


# --- what is shown


def test_a_rest_that_is_over_is_shown_as_none() -> None:
    health = Health(State.RATE_LIMITED, until=NOW)
    assert health.shown(NOW - 1) is State.RATE_LIMITED
    assert health.shown(NOW) is State.AVAILABLE
    assert FRESH.shown(NOW) is State.AVAILABLE


def test_only_limits_of_late_are_remembered_as_such() -> None:
    limit = after_failure(FRESH, LIMITED, NOW)
    assert limit.lately_limited(NOW + REMEMBERED_S - 1)
    assert not limit.lately_limited(NOW + REMEMBERED_S)
    assert not after_failure(FRESH, BROKEN, NOW).lately_limited(NOW)


# --- guesses of hours, one after the other (plans that name no reset)

STEPS = limited(steps_s=(5 * 3600.0, 7 * 86_400.0), retry_after_s=5 * 3600.0, source=Source.GUESS)


def test_a_plan_that_names_no_reset_rests_for_hours_and_then_for_a_week() -> None:
    first = after_failure(FRESH, STEPS, NOW)
    assert (first.until, first.guessed) == (NOW + 5 * 3600, True)
    later = NOW + 5 * 3600 + 600
    second = after_failure(first, STEPS, later)
    assert second.until == later + 7 * 86_400
    assert after_failure(second, STEPS, later + 7 * 86_400).until == later + 14 * 86_400


def test_a_plan_that_served_again_meanwhile_begins_with_hours() -> None:
    first = after_failure(FRESH, STEPS, NOW)
    served = after_success(first)
    later = NOW + 6 * 3600
    assert after_failure(served or FRESH, STEPS, later).until == later + 5 * 3600


def test_a_week_is_not_guessed_from_what_was_long_ago() -> None:
    first = after_failure(FRESH, STEPS, NOW)
    later = NOW + 3 * 86_400
    assert after_failure(first, STEPS, later).until == later + 5 * 3600
