"""OpenAI's ways in: addresses, headers, refusals."""

import json

import pytest
from pydantic import SecretStr

from korproxy_addons.config.habits import Thinking
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.base import AccessSpec, AccountFacts, Operation, Outgoing
from korproxy_addons.providers.codex import CODEX
from korproxy_addons.providers.failure import Scope, Source, Verdict

API, SIWC, CHATGPT, OWN = CODEX.accesses
CHAT, RESPONSES = "openai-chat", "openai-responses"
NOW = 1_795_000_000.0


def facts(
    access: AccessSpec, *, account_id: str = "", organization: str = "", openai_project: str = ""
) -> AccountFacts:
    return AccountFacts(
        id="a",
        label="Work",
        base_url=access.base_url,
        account_id=account_id,
        organization=organization,
        openai_project=openai_project,
    )


def outgoing(
    operation: Operation = Operation.GENERATE, dialect: str = RESPONSES, *, session: str = ""
) -> Outgoing:
    return Outgoing(operation=operation, dialect=dialect, model="gpt-6.1-sol", session_id=session)


@pytest.mark.parametrize(
    ("access", "operation", "dialect", "url"),
    [
        (API, Operation.GENERATE, RESPONSES, "https://api.openai.com/v1/responses"),
        (API, Operation.GENERATE, CHAT, "https://api.openai.com/v1/chat/completions"),
        (API, Operation.COUNT_TOKENS, RESPONSES, "https://api.openai.com/v1/responses/input_tokens"),
        (API, Operation.COMPACT, RESPONSES, "https://api.openai.com/v1/responses/compact"),
        (API, Operation.EMBEDDINGS, CHAT, "https://api.openai.com/v1/embeddings"),
        (API, Operation.COMPLETIONS, CHAT, "https://api.openai.com/v1/completions"),
        (API, Operation.MODELS, RESPONSES, "https://api.openai.com/v1/models"),
        (API, Operation.COUNT_TOKENS, CHAT, None),
        (CHATGPT, Operation.GENERATE, RESPONSES, "https://chatgpt.com/backend-api/codex/responses"),
        (CHATGPT, Operation.COMPACT, RESPONSES,
         "https://chatgpt.com/backend-api/codex/responses/compact"),
        (CHATGPT, Operation.MODELS, RESPONSES,
         "https://chatgpt.com/backend-api/codex/models?client_version=0.155.0"),
        (CHATGPT, Operation.COUNT_TOKENS, RESPONSES, None),
        (CHATGPT, Operation.GENERATE, CHAT, None),
        (SIWC, Operation.GENERATE, RESPONSES, "https://api.openai.com/v1/responses"),
        (SIWC, Operation.COUNT_TOKENS, RESPONSES, None),
        (SIWC, Operation.EMBEDDINGS, CHAT, None),
        (OWN, Operation.GENERATE, RESPONSES, "https://chatgpt.com/backend-api/codex/responses"),
    ],
)  # fmt: skip
def test_addresses(access: AccessSpec, operation: Operation, dialect: str, url: str) -> None:
    assert access.url(facts(access), outgoing(operation, dialect)) == url


def test_an_api_key_speaks_both_dialects() -> None:
    assert API.dialects == (RESPONSES, CHAT)
    account = facts(API, organization="org-1", openai_project="proj_1")
    headers = dict(API.headers(account, outgoing(), [("openai-organization", "the client's")]))
    assert (headers["openai-organization"], headers["openai-project"]) == ("org-1", "proj_1")
    assert "openai-project" not in dict(API.headers(facts(API), outgoing()))


def test_the_backend_is_told_honestly_who_calls() -> None:
    account = facts(CHATGPT, account_id="6d1a")
    headers = dict(CHATGPT.headers(account, outgoing(session="s-1")))
    assert headers["originator"] == "korproxy"
    assert headers["user-agent"] == "korproxy"
    assert headers["chatgpt-account-id"] == "6d1a"
    assert headers["session-id"] == "s-1"
    assert headers["accept"] == "text/event-stream"


def test_codex_itself_keeps_its_own_name_and_session() -> None:
    client = [
        ("originator", "codex_cli_rs"),
        ("User-Agent", "codex_cli_rs/0.169"),
        ("session_id", "own"),
        ("x-codex-turn-state", "t"),
        ("version", "0.169.0"),
        ("ChatGPT-Account-Id", "another account"),
        ("Authorization", "Bearer canary"),
    ]
    account = facts(CHATGPT, account_id="6d1a")
    headers = dict(CHATGPT.headers(account, outgoing(session="s-1"), client))
    assert headers["originator"] == "codex_cli_rs"
    assert headers["session_id"] == "own"
    assert "session-id" not in headers
    assert headers["x-codex-turn-state"] == "t"
    assert headers["chatgpt-account-id"] == "6d1a"
    assert "canary" not in str(headers)


def test_backends_stream_whatever_the_client_wants() -> None:
    assert CHATGPT.streams(Operation.GENERATE)
    assert SIWC.streams(Operation.GENERATE)
    assert not CHATGPT.streams(Operation.COMPACT)
    assert not API.streams(Operation.GENERATE)
    body = json.loads(CHATGPT.prepare(b'{"input":"x"}', outgoing(), facts(CHATGPT)))
    assert (body["stream"], body["store"], body["model"]) == (True, False, "gpt-6.1-sol")


def test_siwc_drops_its_own_list() -> None:
    call = outgoing()
    body = SIWC.prepare(b'{"input":"x","moderation":{"a":1},"top_p":0.5}', call, facts(SIWC))
    assert not {"moderation", "top_p"} & json.loads(body).keys()
    assert call.losses == ["moderation", "top_p"]


def test_codex_own_login_is_passed_on_with_its_account() -> None:
    account = facts(OWN)
    url = OWN.url(account, outgoing()) or ""
    client = [("Authorization", "Bearer eyJ.x"), ("ChatGPT-Account-ID", "6d1a")]
    assert OWN.credential_headers(account, url, None, client) == [
        ("authorization", "Bearer eyJ.x"),
        ("chatgpt-account-id", "6d1a"),
    ]
    body = b'{"model":"gpt-6.1-sol","stream":true}'
    same = Outgoing(
        operation=Operation.GENERATE,
        dialect=RESPONSES,
        model="gpt-6.1-sol",
        client_model="gpt-6.1-sol",
    )
    assert OWN.prepare(body, same, account) is body


@pytest.mark.parametrize(
    "client",
    [[], [("authorization", "Bearer eyJ.x")], [("chatgpt-account-id", "6d1a")]],
    ids=["nothing", "no account", "no token"],
)
def test_half_a_login_is_none(client: list[tuple[str, str]]) -> None:
    account = facts(OWN)
    with pytest.raises(KorProxyError) as caught:
        OWN.credential_headers(account, account.base_url + "/responses", None, client)
    assert caught.value.spec is catalogue.SECRET_UNAVAILABLE


def test_a_token_is_bearer() -> None:
    account = facts(CHATGPT)
    headers = CHATGPT.credential_headers(account, account.base_url, SecretStr("eyJ.x"))
    assert headers == [("authorization", "Bearer eyJ.x")]


def coded(code: str, message: str = "m") -> bytes:
    return json.dumps({"error": {"code": code, "message": message}}).encode()


@pytest.mark.parametrize(
    ("access", "status", "body", "spec", "retry", "scope", "verdict"),
    [
        (API, 401, coded("invalid_api_key"), catalogue.ACCOUNT_REJECTED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
        (API, 429, coded("rate_limit_exceeded"), catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT,
         Scope.MODEL, Verdict.COOL),
        (API, 429, coded("insufficient_quota"), catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT,
         Scope.ACCOUNT, Verdict.COOL),
        (API, 429, coded("credit_balance_exhausted"), catalogue.BILLING_REQUIRED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.COOL),
        (API, 400, coded("context_length_exceeded"), catalogue.CONTEXT_TOO_LONG, Retry.NO,
         Scope.REQUEST, Verdict.NONE),
        (API, 404, coded("model_not_found"), catalogue.MODEL_UNSUPPORTED, Retry.NO, Scope.MODEL,
         Verdict.NONE),
        (CHATGPT, 400, b'{"detail":"Stream must be set to true"}', catalogue.REQUEST_REJECTED,
         Retry.NO, Scope.REQUEST, Verdict.NONE),
        (CHATGPT, 400,
         b'{"detail":"The \'gpt-x\' model is not supported when using Codex with a ChatGPT account."}',
         catalogue.MODEL_UNSUPPORTED, Retry.NO, Scope.MODEL, Verdict.NONE),
        (CHATGPT, 401, b'{"detail":"Unauthorized"}', catalogue.TOKEN_EXPIRED, Retry.REFRESH,
         Scope.ACCOUNT, Verdict.NONE),
        (CHATGPT, 403, b"<html>Just a moment</html>", catalogue.EDGE_CHALLENGE, Retry.NO,
         Scope.REQUEST, Verdict.NONE),
        (CHATGPT, 403, coded("usage_not_included"), catalogue.BILLING_REQUIRED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.DISABLED),
        (CHATGPT, 503, coded("server_is_overloaded"), catalogue.UPSTREAM_OVERLOADED,
         Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (CHATGPT, 503, coded("slow_down"), catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT,
         Scope.REQUEST, Verdict.NONE),
        (CHATGPT, 429, coded("x", "Selected model is at capacity. Try another."),
         catalogue.UPSTREAM_OVERLOADED, Retry.NEXT_ACCOUNT, Scope.MODEL, Verdict.COOL),
        (SIWC, 429, coded("subscription_sharing_usage_limit_exceeded"), catalogue.QUOTA_EXHAUSTED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.COOL),
        (SIWC, 503, coded("subscription_sharing_usage_unavailable"),
         catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (SIWC, 503, coded("subscription_sharing_user_unavailable"),
         catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT, Scope.REQUEST, Verdict.NONE),
        (SIWC, 403, coded("subscription_sharing_user_not_eligible"), catalogue.POLICY_REFUSED,
         Retry.NO, Scope.ACCOUNT, Verdict.DISABLED),
        (SIWC, 403, coded("subscription_sharing_route_not_supported"), catalogue.POLICY_REFUSED,
         Retry.NO, Scope.ACCOUNT, Verdict.DISABLED),
        (SIWC, 403, coded("chatpass_v2_denied"), catalogue.POLICY_REFUSED, Retry.NO,
         Scope.ACCOUNT, Verdict.DISABLED),
        (SIWC, 400, coded("subscription_sharing_unsupported_capability"),
         catalogue.REQUEST_REJECTED, Retry.NO, Scope.REQUEST, Verdict.NONE),
        (SIWC, 401, coded("subscription_sharing_invalid_user"), catalogue.ACCOUNT_REJECTED,
         Retry.NEXT_ACCOUNT, Scope.ACCOUNT, Verdict.NEEDS_LOGIN),
    ],
)  # fmt: skip
def test_errors(
    access: AccessSpec,
    status: int,
    body: bytes,
    spec: ErrorSpec,
    retry: Retry,
    scope: Scope,
    verdict: Verdict,
) -> None:
    failure = access.read_failure(status, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.retry) == (spec, retry)
    assert (failure.scope, failure.verdict) == (scope, verdict)


def test_a_spent_plan_cools_until_its_reset() -> None:
    body = (
        b'{"error":{"type":"usage_limit_reached","message":"The usage limit has been reached",'
        b'"plan_type":"plus","resets_at":1795010000,"resets_in_seconds":7200,"eligible_promo":null}}'
    )
    failure = CHATGPT.read_failure(429, {}, body, model="m", now=NOW)
    assert (failure.spec, failure.verdict) == (catalogue.QUOTA_EXHAUSTED, Verdict.COOL)
    assert (failure.reset_at, failure.retry_after_s) == (1795010000, 10_000)
    assert failure.source is Source.BODY


def test_a_spent_plan_without_a_reset_in_the_body_has_that_of_the_headers() -> None:
    headers = {"x-codex-primary-used-percent": "100", "x-codex-primary-reset-at": "1795000900"}
    body = b'{"error":{"type":"usage_limit_reached","message":"m"}}'
    failure = CHATGPT.read_failure(429, headers, body, model="m", now=NOW)
    assert (failure.reset_at, failure.source) == (1795000900, Source.HEADER)


@pytest.mark.parametrize(
    ("code", "spec", "retry"),
    [
        ("rate_limit_exceeded", catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT),
        ("context_length_exceeded", catalogue.CONTEXT_TOO_LONG, Retry.NO),
        ("insufficient_quota", catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT),
        ("usage_not_included", catalogue.BILLING_REQUIRED, Retry.NEXT_ACCOUNT),
        ("server_is_overloaded", catalogue.UPSTREAM_OVERLOADED, Retry.SAME_ACCOUNT),
        ("cyber_policy", catalogue.CONTENT_REFUSED, Retry.NO),
        ("invalid_prompt", catalogue.REQUEST_REJECTED, Retry.NO),
        ("invalid_encrypted_content", catalogue.REQUEST_REJECTED, Retry.NO),
        ("previous_response_not_found", catalogue.REQUEST_REJECTED, Retry.NO),
        ("never_heard_of", catalogue.UPSTREAM_UNAVAILABLE, Retry.SAME_ACCOUNT),
    ],
)
def test_failed_responses(code: str, spec: ErrorSpec, retry: Retry) -> None:
    data = json.dumps(
        {
            "type": "response.failed",
            "response": {
                "status": "failed",
                "error": {"code": code, "message": "Please try again in 11.5s."},
            },
        }
    ).encode()
    failure = CHATGPT.read_hidden_failure(data, model="m", now=NOW)
    assert failure is not None
    assert (failure.spec, failure.retry, failure.code) == (spec, retry, code)
    assert failure.retry_after_s == 11.5


def test_announcements_are_preludes() -> None:
    for kind in ("response.created", "response.in_progress", "codex.rate_limits"):
        assert CHATGPT.is_prelude(f'{{"type":"{kind}","sequence_number":0}}'.encode())
        assert API.is_prelude(f'{{"type": "{kind}"}}'.encode())
    assert not CHATGPT.is_prelude(b'{"type":"response.output_item.added"}')


@pytest.mark.parametrize("access_id", ["chatgpt", "siwc"])
def test_what_the_user_says_a_backend_takes_or_refuses_holds_for_native_bodies_too(
    access_id: str,
) -> None:
    """`habits.refused_fields` of the config: a field that the backend takes by now, and one it no longer does."""
    access = next(it for it in CODEX.accesses if it.id == access_id)
    body = json.dumps(
        {"model": "m", "instructions": "i", "input": [], "temperature": 1, "text": {}, "top_p": 1}
    ).encode()
    facts = AccountFacts(id="a", label="a", base_url="https://a.example")

    def sent(refused: frozenset[str] | None) -> set[str]:
        outgoing = Outgoing(
            operation=Operation.GENERATE,
            dialect="openai-responses",
            model="m",
            refused_fields=refused,
        )
        return set(json.loads(access.prepare(body, outgoing, facts)))

    known = access.habits[0].refused_fields
    usual = sent(None)
    assert not {"temperature", "top_p"} & usual
    assert "text" in usual
    assert sent(known) == usual
    changed = sent((known - {"temperature"}) | {"text"})
    assert "text" not in changed
    assert ("temperature" in changed) is (access_id == "chatgpt" or "temperature" in known)
    assert "top_p" not in changed


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gpt-4o", Thinking.NONE),
        ("gpt-4.1-mini-2025-04-14", Thinking.NONE),
        ("gpt-6.1-sol", Thinking.EFFORT),
        ("gpt-6.1-sol-2026-09-29", Thinking.EFFORT),
        ("gpt-7", Thinking.UNKNOWN),
        ("my-gpt-4", Thinking.UNKNOWN),
    ],
)
def test_models_that_never_reason_are_known(model: str, thinking: Thinking) -> None:
    """They refuse a request that asks for encrypted reasoning; a name with a date is the model's."""
    facts = API.facts_of(model, API.models)
    assert (facts.id, facts.thinking) == (model, thinking)
