"""Quota pages of plans by key, in the forms that live accounts were answered with in 2026."""

from typing import Any

import pytest

from korproxy_addons.accounts.quota import QuotaBook
from korproxy_addons.providers.quota import DAY_S, FIVE_HOURS_S, WEEK_S, Window
from korproxy_addons.providers.quota_key_plans import WEB_TOOLS, glm_windows, kimi_windows

NOW = 1_800_000_000.0
SOON_MS = int((NOW + 3600) * 1000)
IN_DAYS_MS = int((NOW + 3 * DAY_S) * 1000)


def glm(*limits: Any) -> dict[tuple[str, str], Window]:
    return {it.key: it for it in glm_windows({"limits": list(limits)}, NOW)}


def test_kimis_plan_counts_in_texts() -> None:
    detail = {"limit": "200", "remaining": "150", "resetTime": "2027-01-15T08:01:00.123456789Z"}
    body = {
        "usage": {"limit": "2048", "used": "214", "remaining": "1834"},
        "limits": [
            {"window": {"duration": 300, "timeUnit": "TIME_UNIT_MINUTE"}, "detail": detail},
            {"window": {"duration": 1, "timeUnit": "TIME_UNIT_WEEK"}, "detail": {"limit": 0}},
            {"window": {"duration": 3, "timeUnit": "TIME_UNIT_MOON"}, "detail": detail},
            {"title": "Daily", "limit": 5},
        ],
    }
    found = {it.key: it for it in kimi_windows(body, NOW)}
    assert found["weekly", "*"].used == 214.0
    assert found["weekly", "*"].length_s == WEEK_S
    assert (found["5h", "*"].used, found["5h", "*"].used_share) == (50.0, 0.25)
    assert found["5h", "*"].reset_at == pytest.approx(NOW + 60, abs=1)
    assert len(found) == 2


@pytest.mark.parametrize(
    ("unit", "length_s"),
    [
        ("TIME_UNIT_SECOND", 2.0),
        ("TIME_UNIT_HOUR", 7200.0),
        ("TIME_UNIT_DAY", 2 * DAY_S),
        ("TIME_UNIT_WEEK", 2 * WEEK_S),
    ],
)
def test_kimis_units(unit: str, length_s: float) -> None:
    entry = {"window": {"duration": "2", "timeUnit": unit}, "detail": {"limit": 4, "used": 1}}
    (window,) = kimi_windows({"limits": [entry]}, NOW)
    assert (window.length_s, window.used_share) == (length_s, 0.25)


def test_glms_older_plans_tell_shares_of_both_windows_and_their_web_tools() -> None:
    found = glm(
        {"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 0},
        {"type": "TOKENS_LIMIT", "unit": 6, "number": 1, "percentage": 52, "nextResetTime": SOON_MS},
        {"type": "TIME_LIMIT", "unit": 5, "number": 1, "usage": 1000, "currentValue": 16,
         "remaining": 984, "percentage": 1, "nextResetTime": IN_DAYS_MS},
    )  # fmt: skip
    five, week, tools = found["5h", "*"], found["weekly", "*"], found["monthly", WEB_TOOLS]
    assert (five.used_share, five.reset_at, five.length_s) == (0.0, None, FIVE_HOURS_S)
    assert (week.used_share, week.reset_at, week.length_s) == (0.52, NOW + 3600, WEEK_S)
    assert (tools.used, tools.limit, tools.unit) == (16.0, 1000.0, "calls")
    assert len(found) == 3


def test_glms_newer_plans_tell_credits_more_exactly_than_in_percent() -> None:
    found = glm(
        {"type": "CREDIT_LIMIT", "unit": 3, "number": 5, "usage": 28000, "currentValue": 16693,
         "remaining": 11306, "percentage": 59, "nextResetTime": SOON_MS},
        {"type": "CREDIT_LIMIT", "unit": 6, "number": 1, "percentage": 34},
    )  # fmt: skip
    five = found["5h", "*"]
    assert (five.used, five.limit, five.unit) == (16693.0, 28000.0, "credits")
    assert five.used_share == pytest.approx(0.5962, abs=1e-4)
    assert (found["weekly", "*"].used_share, found["weekly", "*"].unit) == (0.34, "")


def test_windows_that_say_how_long_they_are_stand_in_any_order() -> None:
    found = glm(
        {"type": "TOKENS_LIMIT", "unit": 6, "number": 1, "percentage": 9, "nextResetTime": SOON_MS},
        {"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 1},
        {"type": "TOKENS_LIMIT", "unit": 3, "percentage": 2},
    )
    assert {key[0]: it.used_share for key, it in found.items()} == {
        "weekly": 0.09, "5h": 0.01, "1h": 0.02,
    }  # fmt: skip


def test_numbers_that_contradict_the_percentage_are_not_taken_for_the_share() -> None:
    found = glm({"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 10,
                 "usage": 3, "currentValue": 300})  # fmt: skip
    assert found["5h", "*"].used_share == 0.1


def test_windows_without_a_unit_go_by_their_place_and_never_against_their_reset() -> None:
    two = glm(
        {"type": "TOKENS_LIMIT", "percentage": 1, "nextResetTime": SOON_MS},
        {"type": "TOKENS_LIMIT", "percentage": 2, "nextResetTime": IN_DAYS_MS},
        {"type": "TOKENS_LIMIT", "percentage": 3},
        {"type": "TIME_LIMIT", "percentage": 4, "currentValue": 3, "remaining": 297},
    )
    assert [(key, it.used_share) for key, it in two.items()] == [
        (("5h", "*"), 0.01), (("weekly", "*"), 0.02), (("tokens", "*"), 0.03),
        (("monthly", WEB_TOOLS), 0.04),
    ]  # fmt: skip
    assert two["monthly", WEB_TOOLS].limit == 300.0
    late = glm({"type": "TOKENS_LIMIT", "percentage": 2, "nextResetTime": IN_DAYS_MS})
    assert list(late) == [("weekly", "*")]


def test_what_is_new_keeps_its_own_name_and_what_says_nothing_is_passed_over() -> None:
    found = glm(
        {"type": "NEW_LIMIT", "percentage": 2, "nextResetTime": NOW + 60},
        {"type": "NEW_LIMIT", "unit": 99, "percentage": 3},
        {"percentage": 2},
        {"type": "TOKENS_LIMIT"},
        "nonsense",
    )
    assert list(found) == [("new", "*")]
    assert found["new", "*"].length_s is None


def test_web_tools_that_are_used_up_hold_no_request_to_a_model_back() -> None:
    book = QuotaBook()
    limits = [
        {"type": "TOKENS_LIMIT", "unit": 6, "number": 1, "percentage": 20},
        {"type": "TIME_LIMIT", "unit": 5, "number": 1, "percentage": 100},
    ]
    book.observe("a", glm_windows({"limits": limits}, NOW))
    tightest = book.tightest("a", "glm-5.3", NOW)
    assert tightest is not None
    assert tightest.used_share == 0.2
