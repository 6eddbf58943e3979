"""Failures by table, then by status (the matrix of the provider contract)."""

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Scope, Source, Verdict
from korproxy_addons.providers.rules import Rule, failure_of, read_by

NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("status", "spec", "retry", "scope", "verdict"),
    [
        (400, catalogue.REQUEST_REJECTED, Retry.NO, Scope.REQUEST, Verdict.NONE),
        (401, catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (402, catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.COOL),
        (403, catalogue.POLICY_REFUSED, Retry.NO, Scope.REQUEST, Verdict.NONE),
        (404, catalogue.MODEL_UNSUPPORTED, Retry.NO, Scope.MODEL, Verdict.NONE),
        (408, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (409, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (413, catalogue.REQUEST_TOO_LARGE, Retry.NO, Scope.REQUEST, Verdict.NONE),
        (422, catalogue.REQUEST_REJECTED, Retry.NO, Scope.REQUEST, Verdict.NONE),
        (429, catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT, Scope.ACCOUNT, Verdict.COOL),
        (499, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (500, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (502, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (503, catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (504, catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (529, catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (302, catalogue.UPSTREAM_INVALID_REPLY, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
    ],
)
def test_the_status_alone(
    status: int, spec: ErrorSpec, retry: Retry, scope: Scope, verdict: Verdict
) -> None:
    failure = read_by((), Words(message="m"), status, {}, NOW)
    assert (failure.spec, failure.retry, failure.scope, failure.verdict) == (
        spec,
        retry,
        scope,
        verdict,
    )
    assert (failure.status, failure.message, failure.retry_after_s) == (status, "m", None)


def test_a_token_that_can_be_refreshed_is_refreshed_first() -> None:
    failure = read_by((), Words(), 401, {}, NOW, refreshes=True)
    assert (failure.spec, failure.retry) == (catalogue.TOKEN_EXPIRED, Retry.REFRESH)
    assert failure.verdict is Verdict.NONE


@pytest.mark.parametrize("status", [401, 403, 429, 503])
def test_a_web_page_says_nothing_of_the_account(status: int) -> None:
    failure = read_by((), Words(html=True), status, {}, NOW, refreshes=True)
    assert (failure.spec, failure.retry) == (catalogue.EDGE_CHALLENGE, Retry.NO)
    assert failure.scope is Scope.REQUEST


def test_the_first_row_that_fits_wins() -> None:
    rules = (
        Rule(spec=catalogue.CONTENT_REFUSED, codes=frozenset({"a"}), statuses=(400,)),
        Rule(spec=catalogue.CONTEXT_TOO_LONG, text="too long"),
        Rule(spec=catalogue.INTERNAL),
    )

    def read(status: int, codes: tuple[str, ...], message: str) -> ErrorSpec:
        return read_by(rules, Words(codes, message), status, {}, NOW).spec

    assert read(400, ("x", "A"), "Too Long") is catalogue.CONTENT_REFUSED
    assert read(401, ("a",), "it is Too Long") is catalogue.CONTEXT_TOO_LONG
    assert read(400, (), "") is catalogue.INTERNAL


@pytest.mark.parametrize(
    ("words", "headers", "wait_s", "reset_at", "source"),
    [
        (Words(), {"retry-after": "7"}, 7.0, None, Source.HEADER),
        (Words(message="try again in 11.5s"), {}, 11.5, None, Source.BODY),
        (Words(message="try again in 11.5s"), {"retry-after": "7"}, 7.0, None, Source.HEADER),
        (
            Words(error={"resets_at": NOW + 50, "resets_in_seconds": 9}),
            {"retry-after": "7"},
            50.0,
            NOW + 50,
            Source.BODY,
        ),
        (Words(error={"resets_in_seconds": 9}), {}, 9.0, NOW + 9, Source.BODY),
        (Words(error={"resets_at": NOW - 50}), {}, 0.0, NOW - 50, Source.BODY),
        (
            Words(),
            {"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s"},
            360.0,
            None,
            Source.HEADER,
        ),
        (
            Words(),
            {"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m0s"},
            33.0,
            None,
            Source.GUESS,
        ),
        (Words(), {}, 33.0, None, Source.GUESS),
    ],
)
def test_times(
    words: Words,
    headers: dict[str, str],
    wait_s: float,
    reset_at: float | None,
    source: Source,
) -> None:
    failure = failure_of(Rule(spec=catalogue.RATE_LIMITED, wait_s=33.0), words, 429, headers, NOW)
    assert (failure.retry_after_s, failure.reset_at, failure.source) == (wait_s, reset_at, source)


def test_a_long_wait_is_worth_another_account() -> None:
    rule = Rule(spec=catalogue.RATE_LIMITED)
    short = failure_of(rule, Words(), 429, {"retry-after": "60"}, NOW)
    long = failure_of(rule, Words(), 429, {"retry-after": "61"}, NOW)
    assert (short.retry, long.retry) == (Retry.SAME_ACCOUNT, Retry.NEXT_ACCOUNT)


def test_what_must_not_be_tried_again_is_not_tried_on_the_same_account() -> None:
    rule = Rule(spec=catalogue.UPSTREAM_OVERLOADED)
    failure = failure_of(rule, Words(), 529, {"x-should-retry": "false"}, NOW)
    assert failure.retry is Retry.NEXT_ACCOUNT


def test_the_rows_own_words_are_kept() -> None:
    rule = Rule(
        spec=catalogue.RATE_LIMITED,
        retry=Retry.NO,
        scope=Scope.MODEL,
        verdict=Verdict.COOL,
        model_glob="m-*",
        hint="h",
    )
    failure = failure_of(rule, Words(("c", "d")), 429, {}, NOW)
    assert (failure.retry, failure.scope, failure.model_glob) == (Retry.NO, Scope.MODEL, "m-*")
    assert (failure.code, failure.hint, failure.source) == ("c", "h", None)
