"""Windows: what is left, how fast it goes, and what a reset does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.providers.failure import Failure, Scope
from korproxy_addons.providers.quota import (
    DAY_S,
    FIVE_HOURS_S,
    HOUR_S,
    NO_QUOTA,
    WEEK_S,
    QuotaReading,
    Window,
    name_of_length,
    no_overage,
    window_of_failure,
)

NOW = 1_800_000_000.0


def five_hours(share: float, *, left_s: float) -> Window:
    return Window("5h", share, reset_at=NOW + left_s, length_s=FIVE_HOURS_S, seen_at=NOW)


def test_what_is_left() -> None:
    assert Window("a", 0.25).remaining_share() == 0.75
    assert Window("a", 1.2).remaining_share() == 0.0
    assert Window("a").remaining_share() is None
    assert Window("a", used=30.0, limit=100.0).remaining() == 70.0
    assert Window("a", used=130.0, limit=100.0).remaining() == 0.0
    assert Window("a", used=130.0).remaining() is None


def test_pace_is_use_over_time() -> None:
    window = five_hours(0.5, left_s=FIVE_HOURS_S * 0.75)
    assert window.pace(NOW) == pytest.approx(2.0)
    assert window.runs_out_at(NOW) == pytest.approx(NOW + FIVE_HOURS_S * 0.25)
    slow = five_hours(0.5, left_s=FIVE_HOURS_S * 0.25)
    assert slow.pace(NOW) == pytest.approx(2 / 3)
    assert slow.runs_out_at(NOW) is None


@pytest.mark.parametrize(
    "window",
    [
        Window("a", 0.5),
        Window("a", 0.5, reset_at=NOW + 10),
        Window("a", None, reset_at=NOW + 10, length_s=100.0),
        five_hours(0.5, left_s=FIVE_HOURS_S * 0.99),
        five_hours(0.5, left_s=FIVE_HOURS_S * 2),
    ],
    ids=["no-reset", "no-length", "no-share", "just-begun", "nonsense"],
)
def test_there_is_no_pace_where_too_little_is_known(window: Window) -> None:
    assert window.pace(NOW) is None
    assert window.runs_out_at(NOW) is None


def test_what_is_used_up_does_not_run_out_any_more() -> None:
    assert five_hours(1.0, left_s=FIVE_HOURS_S / 2).runs_out_at(NOW) is None


def test_a_window_is_empty_after_its_reset() -> None:
    window = Window("weekly", 0.9, 90.0, 100.0, "requests", NOW + 10, WEEK_S, NOW)
    assert window.at(NOW) == window
    after = window.at(NOW + 10)
    assert (after.used_share, after.used, after.limit) == (0.0, 0.0, 100.0)
    assert after.reset_at == NOW + 10 + WEEK_S
    assert window.at(NOW + 2 * WEEK_S).reset_at is None
    assert Window("tokens-minute", 1.0, reset_at=NOW, length_s=60.0).at(NOW).reset_at is None
    assert Window("credits", 0.4).at(NOW + 1e9).used_share == 0.4


@given(
    share=st.floats(0, 3),
    left_s=st.floats(-WEEK_S, WEEK_S * 2),
    length_s=st.none() | st.floats(1, WEEK_S),
)
def test_numbers_stay_in_bounds(share: float, left_s: float, length_s: float | None) -> None:
    window = Window("a", share, reset_at=NOW + left_s, length_s=length_s).at(NOW)
    remaining = window.remaining_share()
    assert remaining is not None
    assert 0 <= remaining <= 1
    pace, out_at = window.pace(NOW), window.runs_out_at(NOW)
    assert pace is None or pace >= 0
    assert out_at is None or (window.reset_at is not None and NOW <= out_at <= window.reset_at)


@pytest.mark.parametrize(
    ("seconds", "name"),
    [
        (FIVE_HOURS_S, "5h"),
        (WEEK_S, "weekly"),
        (DAY_S, "daily"),
        (3 * DAY_S, "3d"),
        (2 * HOUR_S, "2h"),
        (90.0 * 60, "90m"),
        (61.0, "61s"),
    ],
)
def test_windows_are_called_by_their_length(seconds: float, name: str) -> None:
    assert name_of_length(seconds) == name


def test_a_limit_that_was_met_is_a_window_that_is_used_up() -> None:
    failure = Failure(spec=catalogue.QUOTA_EXHAUSTED, scope=Scope.ACCOUNT, reset_at=NOW + 60)
    window = window_of_failure(failure, "m", NOW)
    assert window == Window("plan", 1.0, reset_at=NOW + 60, seen_at=NOW)
    of_model = Failure(spec=catalogue.QUOTA_EXHAUSTED, scope=Scope.MODEL, reset_at=NOW + 60)
    found = window_of_failure(of_model, "m", NOW)
    assert found is not None
    assert found.model_glob == "m"
    assert window_of_failure(Failure(spec=catalogue.RATE_LIMITED), "m", NOW) is None


def test_who_tells_anything() -> None:
    assert not NO_QUOTA.tells
    assert QuotaReading(headers=lambda _h, _n: ()).tells
    assert NO_QUOTA.headers({"x-ratelimit-limit-requests": "1"}, NOW) == ()
    assert no_overage({}, NOW) is None
