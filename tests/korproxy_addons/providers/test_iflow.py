"""iFlow: errors inside successful replies."""

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.base import AccountFacts, Operation, Outgoing
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.providers.iflow import IFLOW

KEY = IFLOW.access("api-key")
NOW = 1_795_000_000.0


@pytest.mark.parametrize(
    ("data", "spec", "retry", "scope", "verdict"),
    [
        (b'{"status":"439","msg":"m"}', catalogue.TOKEN_EXPIRED, Retry.REFRESH, Scope.ACCOUNT,
         Verdict.NONE),
        (b'{"status":"434","msg":"m","body":null}', catalogue.ACCOUNT_REJECTED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (b'{"error_code":435,"msg":"m"}', catalogue.MODEL_UNSUPPORTED, Retry.NO, Scope.MODEL,
         Verdict.NONE),
        (b'{"error_code":8211,"msg":"m"}', catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Scope.MODEL, Verdict.COOL),
        (b'{"status":"429","msg":"m"}', catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT, Scope.MODEL,
         Verdict.COOL),
        (b'{"status":"449","msg":"m"}', catalogue.RATE_LIMITED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.COOL),
        (b'{"status":"511","msg":"m"}', catalogue.CONTEXT_TOO_LONG, Retry.NO, Scope.REQUEST,
         Verdict.NONE),
        (b'{"status":"413","msg":"m"}', catalogue.CONTEXT_TOO_LONG, Retry.NO, Scope.REQUEST,
         Verdict.NONE),
        (b'{"status":"514","msg":"m"}', catalogue.UPSTREAM_ERROR, Retry.SAME_ACCOUNT,
         Scope.REQUEST, Verdict.NONE),
        (b'{"status":"999","msg":"m"}', catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT,
         Scope.REQUEST, Verdict.NONE),
    ],
)  # fmt: skip
def test_errors_inside_200(
    data: bytes, spec: ErrorSpec, retry: Retry, scope: Scope, verdict: Verdict
) -> None:
    failure = KEY.read_hidden_failure(data, model="m", now=NOW)
    assert failure is not None
    assert (failure.spec, failure.retry) == (spec, retry)
    assert (failure.scope, failure.verdict) == (scope, verdict)
    assert (failure.status, failure.message) == (200, "m")


@pytest.mark.parametrize(
    "data",
    [
        b'{"choices":[],"status":"434"}',
        b'{"id":"x","choices":[{"delta":{}}]}',
        b'{"status":"200","msg":"ok"}',
        b'{"status":"fine"}',
        b"[DONE]",
    ],
)
def test_what_is_no_error(data: bytes) -> None:
    assert KEY.read_hidden_failure(data, model="m", now=NOW) is None


def test_the_usual_form_is_read_too() -> None:
    failure = KEY.read_hidden_failure(b'{"error":{"code":"invalid_api_key"}}', model="m", now=NOW)
    assert failure is not None
    assert failure.spec is catalogue.ACCOUNT_REJECTED


def test_a_rejected_client_is_a_policy() -> None:
    failure = KEY.read_failure(406, {}, b"", model="m", now=NOW)
    assert (failure.spec, failure.retry) == (catalogue.POLICY_REFUSED, Retry.NO)


def test_no_client_is_imitated() -> None:
    account = AccountFacts(id="a", label="a", base_url=KEY.base_url)
    call = Outgoing(operation=Operation.GENERATE, dialect="openai-chat", model="glm-5")
    headers = dict(KEY.headers(account, call))
    assert headers["user-agent"] == "korproxy"
    assert not any(name.startswith("x-iflow") for name in headers)
    assert KEY.url(account, call) == "https://apis.iflow.cn/v1/chat/completions"
