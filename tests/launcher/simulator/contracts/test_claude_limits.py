"""Limit headers and usage of Claude subscriptions."""

from launcher.simulator.contracts.claude_limits import (
    headers,
    reset_of_five_hours,
    reset_of_week,
    rfc3339,
    unified,
    usage,
)
from launcher.simulator.keys import CREDENTIALS

NOW = 1_795_000_000.0
BY_SECRET = {each.secret: each for each in CREDENTIALS}


def test_resets_lie_ahead_within_their_window() -> None:
    assert 0 < reset_of_five_hours(NOW) - NOW <= 5 * 3600
    assert 0 < reset_of_week(NOW) - NOW <= 7 * 86_400


def test_the_week_of_one_family_leaves_the_shared_windows_open() -> None:
    found = {
        name.removeprefix("anthropic-ratelimit-unified-"): v
        for name, v in unified(NOW, fable_week_rejected=True)
    }
    assert (found["status"], found["5h-status"], found["7d-status"]) == (
        "rejected",
        "allowed",
        "allowed",
    )
    assert (found["7d_oi-status"], found["representative-claim"]) == (
        "rejected",
        "seven_day_overage_included",
    )
    assert found["reset"] == found["7d_oi-reset"] == str(reset_of_week(NOW))
    assert "7d_oi-status" not in {
        name.removeprefix("anthropic-ratelimit-unified-") for name, _ in unified(NOW)
    }


def test_a_key_has_limits_of_its_own_kind() -> None:
    found = dict(headers(BY_SECRET["sk-ant-api03-sim-1"], NOW, rejected=False))
    assert found["anthropic-ratelimit-tokens-reset"] == rfc3339(NOW + 60)
    assert not any("unified" in name for name in found)
    spent = dict(headers(BY_SECRET["sk-ant-api03-sim-exhausted"], NOW, rejected=True))
    assert spent["anthropic-ratelimit-requests-remaining"] == "0"


def test_usage_goes_to_a_hundred() -> None:
    assert usage(BY_SECRET["sk-ant-oat01-sim-1"], NOW)["seven_day"]["utilization"] == 30.0
    assert usage(BY_SECRET["sk-ant-oat01-sim-exhausted"], NOW)["five_hour"]["utilization"] > 100


def test_instants_are_rfc_3339() -> None:
    assert rfc3339(1_795_000_000.7) == "2026-11-18T11:06:40Z"
