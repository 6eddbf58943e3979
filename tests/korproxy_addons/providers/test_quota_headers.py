"""Limit headers, as the providers send them, and as nobody should."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.providers.quota import FIVE_HOURS_S, WEEK_S, Window
from korproxy_addons.providers.quota_headers import (
    anthropic_windows,
    claude_glob,
    codex_windows,
    credits_left,
    number,
    openai_windows,
)

NOW = 1_800_000_000.0
UNIFIED = "anthropic-ratelimit-unified-"


def by_key(windows: tuple[Window, ...]) -> dict[tuple[str, str], Window]:
    found = {it.key: it for it in windows}
    assert len(found) == len(windows)
    return found


def test_a_claude_plan_tells_five_hours_a_week_and_a_familys_week() -> None:
    headers = {
        f"{UNIFIED}status": "allowed_warning",
        f"{UNIFIED}5h-utilization": "0.12",
        f"{UNIFIED}5h-reset": "1800009000",
        f"{UNIFIED}7d-utilization": "1.02",
        f"{UNIFIED}7d-reset": "1800300000",
        f"{UNIFIED}7d_oi-utilization": "0.5",
        f"{UNIFIED}7d_opus-utilization": "0.25",
    }
    found = by_key(anthropic_windows(headers, NOW))
    assert found["5h", "*"] == Window(
        "5h", 0.12, reset_at=1_800_009_000.0, length_s=FIVE_HOURS_S, seen_at=NOW
    )
    assert found["weekly", "*"].used_share == 1.02
    assert found["weekly", "*"].length_s == WEEK_S
    assert found["weekly", "claude-fable-*"].used_share == 0.5
    assert found["weekly", "claude-opus-*"].used_share == 0.25
    assert len(found) == 4


def test_an_anthropic_key_tells_its_minute() -> None:
    headers = {
        "anthropic-ratelimit-requests-limit": "4000",
        "anthropic-ratelimit-requests-remaining": "3000",
        "anthropic-ratelimit-requests-reset": "2027-01-15T08:01:00Z",
        "anthropic-ratelimit-input-tokens-limit": "0",
        "anthropic-ratelimit-input-tokens-remaining": "0",
    }
    (window,) = anthropic_windows(headers, NOW)
    assert (window.name, window.used_share, window.used, window.limit, window.unit) == (
        "requests-minute", 0.25, 1000.0, 4000.0, "requests",
    )  # fmt: skip
    assert window.reset_at == NOW + 60


def test_a_chatgpt_plan_tells_both_windows_those_of_a_model_and_its_credits() -> None:
    headers = {
        "x-codex-primary-used-percent": "18",
        "x-codex-primary-window-minutes": "300",
        "x-codex-primary-reset-at": "1800009000",
        "x-codex-secondary-used-percent": "44.5",
        "x-codex-secondary-reset-after-seconds": "60",
        "x-codex-astra-primary-used-percent": "99",
        "x-codex-astra-limit-name": "gpt-6-astra",
        "x-codex-primary-over-secondary-limit-percent": "7",
        "x-codex-credits-has-credits": "True",
        "x-codex-credits-balance": "12.5",
    }
    found = by_key(codex_windows(headers, NOW))
    assert found["5h", "*"].used_share == 0.18
    assert found["5h", "*"].reset_at == 1_800_009_000.0
    assert found["weekly", "*"].reset_at == NOW + 60
    assert found["5h", "gpt-6-astra*"].used_share == 0.99
    assert found["credits", "*"] == credits_left(12.5, NOW)
    assert len(found) == 4


@pytest.mark.parametrize(
    "headers",
    [
        {"x-codex-credits-has-credits": "False", "x-codex-credits-balance": "12"},
        {"x-codex-credits-has-credits": "True"},
        {"x-codex-primary-used-percent": "many"},
        {},
    ],
)
def test_a_chatgpt_plan_that_tells_nothing(headers: dict[str, str]) -> None:
    assert codex_windows(headers, NOW) == ()


def test_openais_limits_are_read_with_their_durations() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500",
        "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-requests": "6m0s",
        "x-ratelimit-limit-tokens": "1000",
        "x-ratelimit-remaining-tokens": "0",
    }
    requests, tokens = openai_windows(headers, NOW)
    assert (requests.name, requests.reset_at) == ("requests-minute", NOW + 360)
    assert (tokens.name, tokens.used_share, tokens.reset_at) == ("tokens-minute", 1.0, None)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1.5", 1.5),
        (3, 3.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("1_000", None),
        ("9" * 40, None),
        (True, None),
        (None, None),
        ([], None),
    ],
)
def test_numbers(value: object, expected: float | None) -> None:
    assert number(value) == expected


def test_families_are_globs() -> None:
    assert claude_glob("") == "*"
    assert claude_glob("oi") == claude_glob("fable") == "claude-fable-*"


_NAMES = st.sampled_from(
    [
        *(f"{UNIFIED}{it}" for it in ("status", "5h-utilization", "7d_x-utilization", "5h-reset")),
        "anthropic-ratelimit-tokens-limit",
        "anthropic-ratelimit-tokens-remaining",
        "x-codex-primary-used-percent",
        "x-codex-primary-window-minutes",
        "x-codex--secondary-used-percent",
        "x-codex-credits-has-credits",
        "x-codex-credits-balance",
        "x-ratelimit-limit-requests",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-reset-requests",
    ]
)


@given(st.dictionaries(_NAMES, st.text(max_size=40) | st.from_regex(r"-?\d{1,20}(\.\d+)?\Z")))
def test_whatever_stands_in_headers_nothing_breaks(headers: dict[str, str]) -> None:
    for read in (anthropic_windows, codex_windows, openai_windows):
        for window in read(headers, NOW):
            assert window.seen_at == NOW
            assert window.used_share is None or window.used_share >= 0
            window.at(NOW).pace(NOW)
