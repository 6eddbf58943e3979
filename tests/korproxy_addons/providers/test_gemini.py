"""Gemini's two ways in."""

import json

import pytest
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.base import AccessSpec, AccountFacts, Operation, Outgoing
from korproxy_addons.providers.failure import Scope, Verdict
from korproxy_addons.providers.gemini import GEMINI_PROVIDER

KEY, LICENCE = GEMINI_PROVIDER.accesses
NOW = 1_795_000_000.0


def facts(access: AccessSpec) -> AccountFacts:
    return AccountFacts(id="a", label="Work", base_url=access.base_url, project="corp-proj")


def outgoing(operation: Operation = Operation.GENERATE, *, stream: bool = False) -> Outgoing:
    return Outgoing(operation=operation, dialect="gemini", model="gemini-3.8-flash", stream=stream)


def test_a_key_goes_into_exactly_one_place() -> None:
    account = facts(KEY)
    url = KEY.url(account, outgoing(stream=True)) or ""
    assert KEY.credential_headers(account, url, SecretStr("AQ.x")) == [("x-goog-api-key", "AQ.x")]
    client = [("Authorization", "Bearer ya29.x"), ("x-goog-api-client", "google-genai-sdk/3")]
    headers = dict(KEY.headers(account, outgoing(), client))
    assert headers["x-goog-api-client"] == "google-genai-sdk/3"
    assert "authorization" not in headers
    assert "key=" not in url


@pytest.mark.parametrize(
    ("call", "url"),
    [
        (outgoing(), "https://cloudcode-pa.googleapis.com/v1internal:generateContent"),
        (
            outgoing(stream=True),
            "https://cloudcode-pa.googleapis.com/v1internal:streamGenerateContent?alt=sse",
        ),
        (
            outgoing(Operation.COUNT_TOKENS),
            "https://cloudcode-pa.googleapis.com/v1internal:countTokens",
        ),
        (outgoing(Operation.MODELS), None),
        (outgoing(Operation.EMBEDDINGS), None),
    ],
)
def test_code_assist_addresses(call: Outgoing, url: str | None) -> None:
    assert LICENCE.url(facts(LICENCE), call) == url


def test_code_assist_wraps_unwraps_and_discovers() -> None:
    body = LICENCE.prepare(b'{"contents":[]}', outgoing(), facts(LICENCE))
    assert json.loads(body)["project"] == "corp-proj"
    assert LICENCE.unwrap(b'{"response":{"candidates":[]}}') == b'{"candidates":[]}'
    assert LICENCE.discovers
    assert not LICENCE.lists_models
    assert LICENCE.path(Operation.GENERATE, "m", dialect="openai-chat") is None
    request = next(LICENCE.discover(facts(LICENCE)))
    assert "loadCodeAssist" in str(request)


def error(status: int, message: str, word: str, reason: str = "") -> bytes:
    details = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason}]
    return json.dumps(
        {
            "error": {
                "code": status,
                "message": message,
                "status": word,
                "details": details if reason else [],
            }
        }
    ).encode()


@pytest.mark.parametrize(
    ("access", "status", "body", "spec", "retry", "verdict"),
    [
        (KEY, 400, error(400, "API key not valid. Please pass a valid API key.",
                         "INVALID_ARGUMENT", "API_KEY_INVALID"),
         catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT, Verdict.NEEDS_LOGIN),
        (KEY, 400, error(400, "API key expired. Please renew the API key.", "INVALID_ARGUMENT"),
         catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT, Verdict.NEEDS_LOGIN),
        (KEY, 401, error(401, "Request had invalid authentication credentials. Expected OAuth 2",
                         "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
         catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT, Verdict.NEEDS_LOGIN),
        (LICENCE, 401, error(401, "x", "UNAUTHENTICATED", "ACCESS_TOKEN_TYPE_UNSUPPORTED"),
         catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT, Verdict.NEEDS_LOGIN),
        (LICENCE, 401, error(401, "Request had invalid authentication credentials.",
                             "UNAUTHENTICATED"),
         catalogue.TOKEN_EXPIRED, Retry.REFRESH, Verdict.NONE),
        (KEY, 400, error(400, "Multiple authentication credentials received.", "INVALID_ARGUMENT"),
         catalogue.REQUEST_REJECTED, Retry.NO, Verdict.NONE),
        (KEY, 400, error(400, "The input token count (2) exceeds the maximum number of tokens "
                              "allowed (1).", "INVALID_ARGUMENT"),
         catalogue.CONTEXT_TOO_LONG, Retry.NO, Verdict.NONE),
        (KEY, 400, error(400, "User location is not supported for the API use.",
                         "FAILED_PRECONDITION"),
         catalogue.POLICY_REFUSED, Retry.NO, Verdict.NONE),
        (LICENCE, 403, error(403, "x", "PERMISSION_DENIED", "VALIDATION_REQUIRED"),
         catalogue.ACCOUNT_ACTION_NEEDED, Retry.NEXT_ACCOUNT, Verdict.NEEDS_LOGIN),
        (LICENCE, 403, error(403, "You do not have a valid license of this product (#3501)",
                             "PERMISSION_DENIED"),
         catalogue.POLICY_REFUSED, Retry.NO, Verdict.DISABLED),
        (KEY, 403, error(403, "no", "PERMISSION_DENIED"), catalogue.POLICY_REFUSED, Retry.NO,
         Verdict.NONE),
        (KEY, 404, error(404, "models/x is not found", "NOT_FOUND"), catalogue.MODEL_UNSUPPORTED,
         Retry.NO, Verdict.NONE),
        (KEY, 500, error(500, "m", "INTERNAL"), catalogue.UPSTREAM_UNAVAILABLE,
         Retry.SAME_ACCOUNT, Verdict.NONE),
        (KEY, 504, error(504, "m", "DEADLINE_EXCEEDED"), catalogue.UPSTREAM_UNAVAILABLE,
         Retry.SAME_ACCOUNT, Verdict.NONE),
        (KEY, 499, error(499, "m", "CANCELLED"), catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Verdict.NONE),
    ],
)  # fmt: skip
def test_errors(
    access: AccessSpec,
    status: int,
    body: bytes,
    spec: ErrorSpec,
    retry: Retry,
    verdict: Verdict,
) -> None:
    failure = access.read_failure(status, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.retry, failure.verdict) == (spec, retry, verdict)


def test_code_assists_spent_quota_cools_the_account() -> None:
    body = error(429, "Individual quota reached. … Resets in 9h22m20s.", "RESOURCE_EXHAUSTED",
                 "QUOTA_EXHAUSTED")  # fmt: skip
    failure = LICENCE.read_failure(429, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.scope) == (catalogue.QUOTA_EXHAUSTED, Scope.ACCOUNT)
    assert failure.reset_at == NOW + 33_740


def test_the_licence_is_gemini_clis_alone_and_wants_consent() -> None:
    assert (LICENCE.only_for_tool, LICENCE.needs_consent) == ("gemini-cli", True)
    assert (KEY.only_for_tool, KEY.needs_consent) == ("", False)
