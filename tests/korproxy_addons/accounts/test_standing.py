import pytest

from korproxy_addons.accounts.standing import UNKNOWN, standing
from korproxy_addons.providers.quota import DAY_S, FIVE_HOURS_S, HOUR_S, WEEK_S, Window

NOW = 1_800_000_000.0


def five_hours(used: float, *, in_s: float = HOUR_S, glob: str = "*") -> Window:
    return Window(
        "5h", used, reset_at=NOW + in_s, length_s=FIVE_HOURS_S, seen_at=NOW, model_glob=glob
    )


def week(used: float, *, in_s: float = 2 * DAY_S) -> Window:
    return Window("weekly", used, reset_at=NOW + in_s, length_s=WEEK_S, seen_at=NOW)


def test_the_fullest_window_says_what_is_left_and_the_longest_how_urgent_it_is() -> None:
    found = standing([five_hours(0.9), week(0.4)], "m", NOW)
    assert found.left == pytest.approx(0.1)
    # 0.6 of the week's quota for 2/7 of the week; and the five hours are nearly spent.
    assert found.urgency == pytest.approx(0.6 / (2 / 7) * 0.1)
    assert found.ends_at == NOW + 2 * DAY_S
    assert found.spent_until is None


def test_it_is_spent_until_the_last_exhausted_window_begins_anew() -> None:
    windows = [five_hours(1.0), week(1.0)]
    assert standing(windows, "m", NOW).spent_until == NOW + 2 * DAY_S
    assert standing(windows, "m", NOW + HOUR_S).spent_until == NOW + 2 * DAY_S
    assert standing(windows, "m", NOW + 2 * DAY_S).spent_until is None
    assert standing(windows, "m", NOW + 2 * DAY_S).left == 1.0


def test_a_window_of_other_models_does_not_count() -> None:
    assert standing([five_hours(1.0, glob="claude-fable-*")], "claude-opus-5", NOW) == UNKNOWN
    assert standing([five_hours(1.0, glob="claude-fable-*")], "claude-fable-5", NOW).left == 0.0


@pytest.mark.parametrize(
    "window",
    [
        Window("requests-minute", 1.0, reset_at=NOW + 30, length_s=60.0, seen_at=NOW),
        Window("credits", 1.0, seen_at=NOW),
        Window("daily", None, reset_at=NOW + 30, length_s=DAY_S, seen_at=NOW),
    ],
)
def test_what_nobody_can_plan_by_does_not_count(window: Window) -> None:
    """A limit of a minute, credits that never begin anew, a window that does not say how full it is."""
    assert standing([window], "m", NOW) == UNKNOWN


def test_what_is_about_to_reset_is_not_urgent_beyond_measure() -> None:
    assert standing([week(0.5, in_s=1.0)], "m", NOW).urgency == pytest.approx(25.0)


def test_a_window_that_has_not_begun_loses_nothing_by_waiting() -> None:
    found = standing([five_hours(0.7, in_s=-FIVE_HOURS_S - 1)], "m", NOW)
    assert (found.left, found.urgency) == (1.0, 1.0)


def test_who_keeps_to_his_pace_is_as_urgent_as_who_is_not_known() -> None:
    even = standing([week(0.5, in_s=WEEK_S / 2)], "m", NOW)
    assert even.urgency == pytest.approx(UNKNOWN.urgency)
