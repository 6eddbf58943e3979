"""Claude's ways in: headers, paths, texts of refusals."""

import pytest
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.base import AccountFacts, Operation, Outgoing
from korproxy_addons.providers.claude import CLAUDE
from korproxy_addons.providers.failure import Scope

KEY, PLAN, OWN = (CLAUDE.access(it) for it in ("api-key", "subscription", "own-login"))
ACCOUNT = AccountFacts(id="a", label="Work", base_url="https://api.anthropic.com")
MESSAGES = "anthropic-messages"
URL = "https://api.anthropic.com/v1/messages"
NOW = 1_795_000_000.0


def outgoing(operation: Operation = Operation.GENERATE, query: str = "") -> Outgoing:
    return Outgoing(
        operation=operation,
        dialect=MESSAGES,
        model="claude-opus-5-5",
        client_model="claude-opus-5-5",
        client_query=query,
    )


def error(kind: str, message: str) -> bytes:
    return (
        f'{{"type":"error","error":{{"type":"{kind}","message":"{message}"}},"request_id":"r"}}'
    ).encode()


def test_a_key_goes_into_x_api_key() -> None:
    assert KEY.credential_headers(ACCOUNT, URL, SecretStr("sk-ant-api03-x")) == [
        ("x-api-key", "sk-ant-api03-x")
    ]
    headers = dict(KEY.headers(ACCOUNT, outgoing()))
    assert headers["anthropic-version"] == "2023-06-01"
    assert headers["content-type"] == "application/json"
    assert not {"authorization", "x-api-key", "anthropic-beta"} & headers.keys()


def test_a_plans_token_goes_into_bearer_with_the_oauth_beta_beside_the_callers() -> None:
    assert PLAN.credential_headers(ACCOUNT, URL, SecretStr("sk-ant-oat01-x")) == [
        ("authorization", "Bearer sk-ant-oat01-x")
    ]
    client = [("Anthropic-Beta", "claude-code-20250219, effort-2025-11-24")]
    headers = dict(PLAN.headers(ACCOUNT, outgoing(), client))
    assert headers["anthropic-beta"] == "claude-code-20250219,effort-2025-11-24,oauth-2025-04-20"
    assert dict(PLAN.headers(ACCOUNT, outgoing()))["anthropic-beta"] == "oauth-2025-04-20"


def test_an_oauth_beta_that_is_there_is_not_doubled_or_moved() -> None:
    client = [("anthropic-beta", "oauth-2025-04-20,effort-2025-11-24")]
    headers = dict(PLAN.headers(ACCOUNT, outgoing(), client))
    assert headers["anthropic-beta"] == "oauth-2025-04-20,effort-2025-11-24"


@pytest.mark.parametrize("access", [KEY, OWN], ids=["key", "own"])
def test_betas_and_version_of_the_client_go_on_unchanged(access: object) -> None:
    client = [
        ("anthropic-version", "2026-10-21"),
        ("anthropic-beta", "a-1,b-2"),
        ("anthropic-beta", "c-3"),
        ("X-Claude-Code-Session-Id", "s"),
        ("x-stainless-lang", "js"),
        ("user-agent", "claude-cli/2.1.0"),
        ("x-app", "cli"),
    ]
    assert access in {KEY, OWN}
    headers = dict((KEY if access is KEY else OWN).headers(ACCOUNT, outgoing(), client))
    assert headers["anthropic-version"] == "2026-10-21"
    assert headers["anthropic-beta"] == "a-1,b-2, c-3"
    assert headers["user-agent"] == "claude-cli/2.1.0"
    assert headers["x-claude-code-session-id"] == "s"
    assert headers["x-app"] == "cli"


def test_the_tools_own_login_is_passed_on_as_it_came() -> None:
    client = [("Authorization", "Bearer sk-ant-oat01-own"), ("X-KorProxy-Key", "kp-local-1")]
    assert OWN.credential_headers(ACCOUNT, URL, None, client) == [
        ("authorization", "Bearer sk-ant-oat01-own")
    ]
    names = dict(OWN.headers(ACCOUNT, outgoing(), client))
    assert not {"authorization", "x-korproxy-key"} & names.keys()


@pytest.mark.parametrize(
    "client",
    [
        [],
        [("authorization", "Bearer korproxy")],
        [("x-api-key", "korproxy-local-key")],
        [("x-api-key", "kp-local-abc"), ("authorization", "Bearer ")],
    ],
    ids=["none", "placeholder", "legacy", "local"],
)
def test_a_local_key_is_no_login(client: list[tuple[str, str]]) -> None:
    with pytest.raises(KorProxyError) as caught:
        OWN.credential_headers(ACCOUNT, URL, None, client)
    assert caught.value.spec is catalogue.SECRET_UNAVAILABLE


@pytest.mark.parametrize(
    ("operation", "query", "path"),
    [
        (Operation.GENERATE, "", "/v1/messages"),
        (Operation.GENERATE, "beta=true", "/v1/messages?beta=true"),
        (Operation.GENERATE, "key=canary&beta=true", "/v1/messages?beta=true"),
        (Operation.GENERATE, "xbeta=true", "/v1/messages"),
        (Operation.COUNT_TOKENS, "beta=true", "/v1/messages/count_tokens?beta=true"),
        (Operation.MODELS, "beta=true", "/v1/models?limit=1000"),
    ],
)
def test_paths(operation: Operation, query: str, path: str) -> None:
    assert KEY.url(ACCOUNT, outgoing(operation, query)) == "https://api.anthropic.com" + path


@pytest.mark.parametrize("operation", [Operation.EMBEDDINGS, Operation.COMPACT])
def test_what_claude_does_not_offer(operation: Operation) -> None:
    assert KEY.url(ACCOUNT, outgoing(operation)) is None


def test_claude_code_is_relayed_byte_for_byte() -> None:
    body = b'{"model": "claude-opus-5-5", "system": [{"type":"text","text":"x-anthropic-billing"}]}'
    for access in (KEY, PLAN, OWN):
        assert access.prepare(body, outgoing(), ACCOUNT) is body


@pytest.mark.parametrize(
    ("status", "kind", "message", "spec", "retry"),
    [
        (
            400,
            "invalid_request_error",
            ("This credential is only authorized for use with Claude Code and cannot be used for"
            " other API requests."),
            catalogue.POLICY_REFUSED,
            Retry.NO,
        ),
        (
            400,
            "invalid_request_error",
            "Third-party apps now draw from your extra usage, not your plan limits. See settings.",
            catalogue.EXTRA_USAGE_REQUIRED,
            Retry.NO,
        ),
        (
            400,
            "invalid_request_error",
            "You're out of extra usage. Add more at claude.ai/settings/usage and keep going.",
            catalogue.EXTRA_USAGE_REQUIRED,
            Retry.NO,
        ),
        (
            429,
            "rate_limit_error",
            "Extra usage is required for long context requests.",
            catalogue.EXTRA_USAGE_REQUIRED,
            Retry.NO,
        ),
        (
            429,
            "rate_limit_error",
            "Usage credits are required for fast mode",
            catalogue.EXTRA_USAGE_REQUIRED,
            Retry.NO,
        ),
        (
            400,
            "invalid_request_error",
            "Your credit balance is too low to access the Anthropic API.",
            catalogue.BILLING_REQUIRED,
            Retry.NEXT_ACCOUNT,
        ),
        (
            400,
            "invalid_request_error",
            "prompt is too long: 213000 tokens > 200000 maximum",
            catalogue.CONTEXT_TOO_LONG,
            Retry.NO,
        ),
        (400, "invalid_request_error", "x: required", catalogue.REQUEST_REJECTED, Retry.NO),
        (401, "authentication_error", "invalid x-api-key", catalogue.ACCOUNT_REJECTED,
         Retry.NEXT_ACCOUNT),
        (402, "billing_error", "m", catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT),
        (403, "permission_error", "m", catalogue.POLICY_REFUSED, Retry.NO),
        (404, "not_found_error", "model: x", catalogue.MODEL_UNSUPPORTED, Retry.NO),
        (413, "request_too_large", "m", catalogue.REQUEST_TOO_LARGE, Retry.NO),
        (429, "rate_limit_error", "Rate limited", catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT),
        (500, "api_error", "m", catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT),
        (504, "timeout_error", "m", catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT),
        (529, "overloaded_error", "Overloaded", catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT),
    ],
)  # fmt: skip
def test_errors(status: int, kind: str, message: str, spec: ErrorSpec, retry: Retry) -> None:
    body = error(kind, message)
    failure = KEY.read_failure(status, {}, body, model="claude-opus-5-5", now=NOW)
    assert (failure.spec, failure.retry) == (spec, retry)
    assert (failure.message, failure.code) == (message, kind)


@pytest.mark.parametrize(
    "message",
    [
        "OAuth token has expired. Please obtain a new token or refresh your existing token.",
        "Invalid authentication credentials",
        "Invalid bearer token",
    ],
)
def test_a_plans_401_is_refreshed(message: str) -> None:
    body = error("authentication_error", message)
    failure = PLAN.read_failure(401, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.retry) == (catalogue.TOKEN_EXPIRED, Retry.REFRESH)
    assert failure.scope is Scope.ACCOUNT


def test_a_missing_oauth_beta_is_no_expired_token() -> None:
    body = error("authentication_error", "OAuth authentication is currently not supported.")
    failure = PLAN.read_failure(401, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.retry) == (catalogue.ACCOUNT_REJECTED, Retry.NO)


def test_the_fable_window_is_read_from_the_headers_of_a_429() -> None:
    headers = {
        "anthropic-ratelimit-unified-5h-status": "allowed",
        "anthropic-ratelimit-unified-7d_oi-status": "rejected",
        "anthropic-ratelimit-unified-7d_oi-reset": "1795400000",
    }
    body = error("rate_limit_error", "m")
    failure = PLAN.read_failure(429, headers, body, model="claude-fable-5-1", now=NOW)
    assert (failure.scope, failure.model_glob) == (Scope.MODEL, "claude-fable-*")


def test_an_error_as_the_first_event() -> None:
    data = b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}'
    failure = KEY.read_hidden_failure(data, model="m", now=NOW)
    assert failure is not None
    assert (failure.spec, failure.status) == (catalogue.UPSTREAM_OVERLOADED, 200)
    assert KEY.read_hidden_failure(b'{"type":"message_start"}', model="m", now=NOW) is None


def test_a_ping_announces_nothing() -> None:
    assert KEY.is_prelude(b'{"type":"ping"}')
    assert KEY.is_prelude(b'{"type": "ping"}')
    assert not KEY.is_prelude(b'{"type":"message_start"}')


def test_plan_logins_are_claude_codes_alone_and_want_consent() -> None:
    assert (PLAN.only_for_tool, PLAN.needs_consent) == ("claude-code", True)
    assert (OWN.only_for_tool, OWN.own_login, OWN.needs_consent) == ("claude-code", True, False)
    assert (KEY.only_for_tool, KEY.needs_consent) == ("", False)
