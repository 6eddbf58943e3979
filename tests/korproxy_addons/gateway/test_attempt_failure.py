import pytest

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec, Kind
from korproxy_addons.gateway.attempt_failure import (
    AttemptFailedError,
    UpstreamAnswer,
    error_of,
    failure_of,
)
from korproxy_addons.providers.failure import Scope, Verdict


@pytest.mark.parametrize(
    ("spec", "breakdown"),
    [
        (catalogue.UPSTREAM_ERROR, True),
        (catalogue.UPSTREAM_OVERLOADED, True),
        (catalogue.CONNECTION_LOST, True),
        (catalogue.FIRST_BYTE_TIMEOUT, True),
        (catalogue.RATE_LIMITED, False),
        (catalogue.REQUEST_REJECTED, False),
        (catalogue.POLICY_REFUSED, False),
        (catalogue.ACCOUNT_REJECTED, False),
    ],
)
def test_a_breakdown_is_the_upstreams_and_nobody_elses_fault(
    spec: ErrorSpec, breakdown: bool
) -> None:
    failed = AttemptFailedError(failure_of(KorProxyError(spec)), "label", 0.0)
    assert failed.breakdown is breakdown


def test_an_error_of_ours_is_retried_as_its_row_says_and_judges_no_account() -> None:
    error = KorProxyError(catalogue.DNS_FAILED, "x does not resolve", retry_after_s=3.0)
    failure = failure_of(error)
    assert (failure.spec, failure.message) == (catalogue.DNS_FAILED, "x does not resolve")
    assert failure.retry is catalogue.DNS_FAILED.retry
    assert (failure.scope, failure.verdict) == (Scope.ACCOUNT, Verdict.NONE)
    assert failure.retry_after_s == 3.0


@pytest.mark.parametrize("kind", Kind)
def test_an_error_inside_a_reply_gets_the_row_of_its_kind(kind: Kind) -> None:
    error = error_of(ReplyError(kind, "their words", code="their_code", retry_after_s=2.0))
    # Our credential is no matter of the client's, so it is told as what it is: the account's.
    assert error.spec.kind is kind or kind is Kind.AUTHENTICATION
    assert error.spec.status != 401
    assert (error.detail, error.retry_after_s) == ("their words", 2.0)


def test_a_prompt_that_is_too_long_is_told_from_a_body_that_is_too_large() -> None:
    error = error_of(ReplyError(Kind.INVALID_REQUEST, "too long", context_overflow=True))
    assert error.spec is catalogue.CONTEXT_TOO_LONG


def test_an_error_with_a_code_of_ours_keeps_its_row_and_says_its_words_once() -> None:
    said = KorProxyError(catalogue.IDLE_TIMEOUT, "no data for 5 s").message()
    error = error_of(ReplyError(Kind.TIMEOUT, said, code=catalogue.IDLE_TIMEOUT.code))
    assert error.spec is catalogue.IDLE_TIMEOUT
    assert error.message().count(catalogue.IDLE_TIMEOUT.title) == 1


def test_an_answers_headers_are_found_in_any_case() -> None:
    answer = UpstreamAnswer("gemini", 429, (("Retry-After", "3"), ("retry-after", "4")), b"")
    assert answer.header("retry-after") == "3"
    assert answer.header("x-none") is None
