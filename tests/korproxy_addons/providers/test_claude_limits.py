"""Claude's 429s: which window, which scope, until when."""

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import Retry
from korproxy_addons.providers.claude_limits import read_limit
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict

NOW = 1_795_000_000.0
UNIFIED = "anthropic-ratelimit-unified-"


def read(**headers: str) -> Failure:
    words = Words(("rate_limit_error",), "This request would exceed your account's rate limit")
    return read_limit(words, 429, {k.replace("_", "-"): v for k, v in headers.items()}, NOW)


def unified(**headers: str) -> Failure:
    named = {f"{UNIFIED}{k.lstrip('w')}": v for k, v in headers.items()}
    return read_limit(Words(("rate_limit_error",), "m"), 429, named, NOW)


@pytest.mark.parametrize(
    ("headers", "reset_at"),
    [
        ({"5h-status": "rejected", "5h-reset": "1795003600", "7d-status": "allowed"}, 1795003600),
        (
            {
                "5h-status": "rejected",
                "5h-reset": "1795003600",
                "7d-status": "rejected",
                "7d-reset": "1795300000",
            },
            1795300000,
        ),
        ({"7d-status": "rejected", "reset": "1795200000"}, 1795200000),
        (
            {"status": "rejected", "representative-claim": "five_hour", "reset": "1795003600"},
            1795003600,
        ),
        (
            {
                "5h-status": "rejected",
                "5h-reset": "1795003600",
                "7d_oi-status": "rejected",
                "7d_oi-reset": "1795400000",
            },
            1795003600,
        ),
    ],
)
def test_a_spent_shared_window_cools_the_account(headers: dict[str, str], reset_at: float) -> None:
    failure = unified(**headers)
    assert (failure.spec, failure.retry) == (catalogue.QUOTA_EXHAUSTED, Retry.NEXT_ACCOUNT)
    assert (failure.scope, failure.verdict) == (Scope.ACCOUNT, Verdict.COOL)
    assert (failure.reset_at, failure.source) == (reset_at, Source.HEADER)
    assert failure.retry_after_s == reset_at - NOW


def test_the_fable_window_alone_blocks_that_family_only() -> None:
    """Cooling the whole account for it was a bug reported elsewhere."""
    failure = unified(
        **{
            "status": "rejected",
            "5h-status": "allowed",
            "7d-status": "allowed_warning",
            "7d_oi-status": "rejected",
            "7d_oi-reset": "1795400000",
            "7d_oi-utilization": "1.02",
        }
    )
    assert (failure.scope, failure.model_glob) == (Scope.MODEL, "claude-fable-*")
    assert failure.spec is catalogue.QUOTA_EXHAUSTED
    assert failure.reset_at == 1795400000


@pytest.mark.parametrize(
    ("claim", "glob"),
    [
        ("seven_day_opus", "claude-opus-*"),
        ("seven_day_sonnet", "claude-sonnet-*"),
        ("seven_day_overage_included", "claude-fable-*"),
    ],
)
def test_a_familys_claim_blocks_that_family_only(claim: str, glob: str) -> None:
    failure = unified(
        **{"status": "rejected", "representative-claim": claim, "reset": "1795400000"}
    )
    assert (failure.scope, failure.model_glob) == (Scope.MODEL, glob)
    assert failure.reset_at == 1795400000


def test_a_spent_window_without_a_reset_has_the_times_of_the_reply() -> None:
    failure = unified(**{"5h-status": "rejected"})
    assert (failure.reset_at, failure.retry_after_s) == (None, None)


def test_no_window_spent_means_slower_on_the_same_account() -> None:
    failure = unified(**{"status": "allowed", "5h-status": "allowed", "7d-status": "allowed"})
    assert (failure.spec, failure.retry) == (catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT)
    assert (failure.scope, failure.verdict) == (Scope.REQUEST, Verdict.NONE)
    assert (failure.retry_after_s, failure.source) == (2.0, Source.GUESS)


def test_an_api_keys_retry_after_counts() -> None:
    failure = read(retry_after="12")
    assert (failure.spec, failure.retry_after_s) == (catalogue.RATE_LIMITED, 12.0)
    # Who was told to wait is not asked meanwhile; the limit is one of this class of models.
    assert (failure.scope, failure.verdict) == (Scope.MODEL, Verdict.COOL)
    assert failure.retry is Retry.SAME_ACCOUNT


def test_an_api_keys_spent_limit_names_its_refill() -> None:
    failure = read(
        anthropic_ratelimit_requests_remaining="5",
        anthropic_ratelimit_requests_reset="2026-11-18T10:00:00Z",
        anthropic_ratelimit_input_tokens_remaining="0",
        anthropic_ratelimit_input_tokens_reset="2026-11-18T11:06:50Z",
    )
    assert failure.reset_at == 1_795_000_010
    assert (failure.retry_after_s, failure.source) == (10.0, Source.HEADER)
    assert (failure.scope, failure.verdict) == (Scope.MODEL, Verdict.COOL)
    assert failure.retry is Retry.SAME_ACCOUNT
