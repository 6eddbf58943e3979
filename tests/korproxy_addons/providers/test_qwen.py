"""Qwen's ways in."""

import json

import pytest
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.base import AccessSpec, AccountFacts, Operation, Outgoing
from korproxy_addons.providers.failure import Scope, Source, Verdict
from korproxy_addons.providers.qwen import QWEN

KEY, CODING, TOKEN, LOGIN = QWEN.accesses
CHAT, MESSAGES = "openai-chat", "anthropic-messages"
NOW = 1_795_000_000.0


def account(base_url: str) -> AccountFacts:
    return AccountFacts(id="a", label="Work", base_url=base_url)


def outgoing(operation: Operation = Operation.GENERATE, dialect: str = CHAT) -> Outgoing:
    return Outgoing(operation=operation, dialect=dialect, model="qwen3.8-max")


@pytest.mark.parametrize(
    ("base", "dialect", "url"),
    [
        (KEY.base_url, CHAT,
         "https://dashscope-intl.aliyuncs.com/compatible-mode/v1/chat/completions"),
        (KEY.base_url, MESSAGES, "https://dashscope-intl.aliyuncs.com/apps/anthropic/v1/messages"),
        (CODING.base_url, CHAT, "https://coding-intl.dashscope.aliyuncs.com/v1/chat/completions"),
        (CODING.base_url, MESSAGES,
         "https://coding-intl.dashscope.aliyuncs.com/apps/anthropic/v1/messages"),
        ("http://127.0.0.1:9/qwen/compatible-mode/v1", MESSAGES,
         "http://127.0.0.1:9/qwen/apps/anthropic/v1/messages"),
        ("http://127.0.0.1:9/mirror", MESSAGES, "http://127.0.0.1:9/mirror/v1/messages"),
    ],
)  # fmt: skip
def test_both_dialects_lie_on_one_host(base: str, dialect: str, url: str) -> None:
    facts = account(base)
    assert KEY.url(facts, outgoing(dialect=dialect)) == url
    assert KEY.credential_headers(facts, url, SecretStr("sk-x")) == [
        ("authorization", "Bearer sk-x")
    ]


def test_the_anthropic_base_is_told_the_version() -> None:
    facts = account(KEY.base_url)
    assert dict(KEY.headers(facts, outgoing(dialect=MESSAGES)))["anthropic-version"] == "2023-06-01"
    client = [("anthropic-version", "2026-10-21"), ("anthropic-beta", "a")]
    headers = dict(KEY.headers(facts, outgoing(dialect=MESSAGES), client))
    assert (headers["anthropic-version"], headers["anthropic-beta"]) == ("2026-10-21", "a")
    assert "anthropic-version" not in dict(KEY.headers(facts, outgoing()))


@pytest.mark.parametrize("access", [KEY, CODING, TOKEN])
def test_the_anthropic_base_gets_no_field_of_anthropics_betas(access: AccessSpec) -> None:
    """Seen with Claude Code, which sends `context_management` always: refused, it sends all of it again."""
    body = (
        b'{"model":"qwen3.8-max","context_management":{"edits":[]},"thinking":{"type":"adaptive"},'
        b'"messages":[{"role":"user","content":"speed"}]}'
    )
    going = outgoing(dialect=MESSAGES)
    assert json.loads(access.prepare(body, going, account(access.base_url))) == {
        "model": "qwen3.8-max",
        "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": "speed"}],
    }
    assert going.losses == ["context_management"]


def test_a_body_without_such_fields_passes_as_it_is() -> None:
    for dialect in (CHAT, MESSAGES):
        body = b'{"model": "qwen3.8-max", "messages": [{"content": "speed"}]}'
        going = outgoing(dialect=dialect)
        assert KEY.prepare(body, going, account(KEY.base_url)) is body
        assert going.losses == []


def test_plans_have_no_model_list_and_no_counting() -> None:
    assert KEY.lists_models
    assert not CODING.lists_models
    assert not TOKEN.lists_models
    for access in (KEY, CODING, TOKEN):
        facts = account(access.base_url)
        assert access.url(facts, outgoing(Operation.COUNT_TOKENS, MESSAGES)) is None
    assert {"glm-5.3", "qwen3.8-max"} <= {it.id for it in CODING.models}


def test_the_old_login_names_itself_honestly() -> None:
    headers = dict(LOGIN.headers(account(LOGIN.base_url), outgoing()))
    assert headers["x-dashscope-authtype"] == "qwen-oauth"
    assert headers["x-dashscope-useragent"] == "korproxy"
    assert "x-dashscope-authtype" not in dict(KEY.headers(account(KEY.base_url), outgoing()))


def openai(code: str, message: str = "m") -> bytes:
    return f'{{"error":{{"message":"{message}","type":"t","param":null,"code":"{code}"}}}}'.encode()


def native(code: str, message: str = "m") -> bytes:
    return f'{{"code":"{code}","message":"{message}","request_id":"r"}}'.encode()


@pytest.mark.parametrize(
    ("status", "body", "spec", "retry", "scope", "verdict"),
    [
        (401, openai("invalid_api_key"), catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (401, native("InvalidApiKey"), catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (401, native("", "invalid access token or token expired"), catalogue.ACCOUNT_REJECTED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (403, native("AccessDenied"), catalogue.POLICY_REFUSED, Retry.NO, Scope.REQUEST,
         Verdict.NONE),
        (403, native("Arrearage"), catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.DISABLED),
        (400, native("Arrearage"), catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.DISABLED),
        (404, native("ModelNotFound"), catalogue.MODEL_UNSUPPORTED, Retry.NO, Scope.MODEL,
         Verdict.NONE),
        (400, openai("x", "model 'qwen9' is not supported"), catalogue.MODEL_UNSUPPORTED,
         Retry.NO, Scope.MODEL, Verdict.NONE),
        (429, native("Throttling.RateQuota"), catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Scope.ACCOUNT, Verdict.COOL),
        (429, openai("limit_requests"), catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Scope.ACCOUNT, Verdict.COOL),
        (429, native("Throttling.AllocationQuota"), catalogue.QUOTA_EXHAUSTED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.COOL),
        (429, openai("insufficient_quota"), catalogue.QUOTA_EXHAUSTED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.COOL),
        (400, native("InvalidParameter"), catalogue.REQUEST_REJECTED, Retry.NO, Scope.REQUEST,
         Verdict.NONE),
        (400, openai("data_inspection_failed"), catalogue.CONTENT_REFUSED, Retry.NO,
         Scope.REQUEST, Verdict.NONE),
        (400, native("InvalidParameter", "Range of input length should be [1, 5]"),
         catalogue.CONTEXT_TOO_LONG, Retry.NO, Scope.REQUEST, Verdict.NONE),
    ],
)  # fmt: skip
def test_errors(
    status: int, body: bytes, spec: ErrorSpec, retry: Retry, scope: Scope, verdict: Verdict
) -> None:
    failure = CODING.read_failure(status, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.retry) == (spec, retry)
    assert (failure.scope, failure.verdict) == (scope, verdict)


def test_a_wrong_key_hints_at_the_region() -> None:
    failure = KEY.read_failure(401, {}, openai("invalid_api_key"), model="m", now=NOW)
    assert "region" in failure.hint


def test_guesses_are_marked_as_such() -> None:
    rate = KEY.read_failure(429, {}, native("Throttling.RateQuota"), model="m", now=NOW)
    quota = KEY.read_failure(429, {}, native("Throttling.AllocationQuota"), model="m", now=NOW)
    assert (rate.retry_after_s, rate.source) == (1.0, Source.GUESS)
    assert (quota.retry_after_s, quota.source) == (18_000.0, Source.GUESS)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, native("", "invalid access token or token expired")),
        (429, openai("insufficient_quota", "Qwen OAuth free tier quota exceeded")),
    ],
)
def test_the_ended_login_says_that_it_ended(status: int, body: bytes) -> None:
    failure = LOGIN.read_failure(status, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.verdict) == (catalogue.ROUTE_RETIRED, Verdict.DISABLED)
    assert "2026-04-15" in failure.hint
