"""Google's limits, in the order of decisions of Google's own client."""

import json
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.error_words import read_words
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.google_errors import read_limit
from korproxy_addons.providers.waits import next_pacific_midnight

NOW = 1_795_000_000.0
TYPE = "type.googleapis.com/google.rpc."


def quota(*ids: str) -> dict[str, Any]:
    return {"@type": TYPE + "QuotaFailure", "violations": [{"quotaId": it} for it in ids]}


def info(reason: str, **metadata: str) -> dict[str, Any]:
    return {
        "@type": TYPE + "ErrorInfo",
        "reason": reason,
        "domain": "cloudcode-pa.googleapis.com",
        "metadata": metadata,
    }


def delay(text: str) -> dict[str, Any]:
    return {"@type": TYPE + "RetryInfo", "retryDelay": text}


def read(
    *details: dict[str, Any], message: str = "m", status: int = 429, **headers: str
) -> Failure:
    error = {"code": status, "message": message, "status": "RESOURCE_EXHAUSTED"}
    body = json.dumps({"error": {**error, "details": list(details)}}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_limit(read_words(body), status, named, NOW)


def test_a_spent_day_counts_even_with_a_short_delay_beside_it() -> None:
    failure = read(quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"), delay("34.07s"))
    assert (failure.spec, failure.retry) == (catalogue.QUOTA_EXHAUSTED, Retry.NEXT_ACCOUNT)
    assert (failure.scope, failure.verdict) == (Scope.MODEL, Verdict.COOL)
    assert (failure.reset_at, failure.source) == (next_pacific_midnight(NOW), Source.GUESS)
    assert failure.code == "RESOURCE_EXHAUSTED"


def test_a_spent_day_ends_when_the_reply_says() -> None:
    failure = read(quota("DailyQuota"), info("X", quotaResetTimeStamp="2026-11-21T21:03:14Z"))
    assert (failure.reset_at, failure.source) == (1_795_294_994, Source.BODY)


@pytest.mark.parametrize("reason", ["QUOTA_EXHAUSTED", "INSUFFICIENT_G1_CREDITS_BALANCE"])
def test_a_spent_plan_cools_the_account_until_its_reset(reason: str) -> None:
    failure = read(
        info(
            reason,
            quotaResetTimeStamp="2026-11-21T21:03:14Z",
            quotaResetDelay="33740.91s",
            model="gemini-3.5-flash",
        ),
        delay("33740.91s"),
        message="Individual quota reached. … Resets in 9h22m20s.",
    )
    assert (failure.spec, failure.scope) == (catalogue.QUOTA_EXHAUSTED, Scope.ACCOUNT)
    assert failure.reset_at == 1_795_294_994


@pytest.mark.parametrize(
    ("details", "message", "reset_at"),
    [
        ([info("QUOTA_EXHAUSTED", quotaResetDelay="100s")], "m", NOW + 100),
        ([info("QUOTA_EXHAUSTED"), delay("50s")], "m", NOW + 50),
        ([info("QUOTA_EXHAUSTED")], "Resets in 1h0m0s.", NOW + 3600),
        ([info("QUOTA_EXHAUSTED")], "m", next_pacific_midnight(NOW)),
    ],
)
def test_a_spent_plans_reset_may_stand_elsewhere(
    details: list[dict[str, Any]], message: str, reset_at: float
) -> None:
    assert read(*details, message=message).reset_at == reset_at


@pytest.mark.parametrize(
    ("details", "message", "spec", "retry", "scope", "wait_s"),
    [
        ([], "Quota exceeded, limit: 0, model: x", catalogue.BILLING_REQUIRED,
         Retry.NEXT_ACCOUNT, Scope.MODEL, 86_400.0),
        ([info("MODEL_CAPACITY_EXHAUSTED")], "m", catalogue.UPSTREAM_OVERLOADED, Retry.NEXT_ACCOUNT,
         Scope.MODEL, 60.0),
        ([info("RATE_LIMIT_EXCEEDED"), delay("0.5s")], "m", catalogue.RATE_LIMITED,
         Retry.SAME_ACCOUNT, Scope.MODEL, 0.5),
        ([delay("900ms")], "m", catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT, Scope.MODEL, 0.9),
        ([delay("300s")], "m", catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT, Scope.MODEL, 300.0),
        ([delay("301s")], "m", catalogue.QUOTA_EXHAUSTED, Retry.NEXT_ACCOUNT, Scope.ACCOUNT,
         301.0),
        ([quota("RequestsPerMinutePerProject")], "m", catalogue.RATE_LIMITED,
         Retry.SAME_ACCOUNT, Scope.MODEL, 60.0),
        ([quota("RequestsPerMinute"), delay("3s")], "m", catalogue.RATE_LIMITED,
         Retry.SAME_ACCOUNT, Scope.MODEL, 3.0),
        ([], "Resource has been exhausted (e.g. check quota).", catalogue.RATE_LIMITED,
         Retry.SAME_ACCOUNT, Scope.REQUEST, None),
        ([], "limit: 0.5 of something", catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Scope.REQUEST, None),
    ],
)  # fmt: skip
def test_the_order_of_decisions(
    details: list[dict[str, Any]],
    message: str,
    spec: ErrorSpec,
    retry: Retry,
    scope: Scope,
    wait_s: float | None,
) -> None:
    failure = read(*details, message=message)
    assert (failure.spec, failure.retry, failure.scope) == (spec, retry, scope)
    assert failure.retry_after_s == wait_s


def test_a_busy_service_is_overloaded_not_limited() -> None:
    failure = read(message="The model is overloaded.", status=503)
    assert (failure.spec, failure.verdict) == (catalogue.UPSTREAM_OVERLOADED, Verdict.NONE)


def test_a_proxys_retry_after_counts() -> None:
    failure = read(retry_after="7")
    assert (failure.retry_after_s, failure.source) == (7.0, Source.HEADER)


@pytest.mark.parametrize(
    "detail",
    [
        {"@type": TYPE + "QuotaFailure", "violations": 7},
        {"@type": TYPE + "QuotaFailure", "violations": [7, {}]},
        {"@type": TYPE + "RetryInfo", "retryDelay": 7},
        {"@type": TYPE + "ErrorInfo", "metadata": []},
        {"@type": 7},
        {},
    ],
)
def test_odd_details_are_passed_over(detail: dict[str, Any]) -> None:
    assert read(detail).spec is catalogue.RATE_LIMITED
