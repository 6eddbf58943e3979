import base64
import json
from typing import Any

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.id_tokens import SigningKey
from korproxy_addons.auth.replies import (
    check_scopes,
    first_tokens,
    read_api_key,
    read_object,
    read_profile,
    renewed_tokens,
    with_facts,
)
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.auth.tokens import MARGIN_S, TokenSet, due_at
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.calls import Reply
from korproxy_addons.providers.logins import LoginSpec

NOW = 1_800_000_000.0


def login(provider: str, access: str) -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


CLAUDE, CODEX = login("claude", "subscription"), login("codex", "chatgpt")
SIWC, GOOGLE, QWEN = login("codex", "siwc"), login("gemini", "code-assist"), login("qwen", "oauth")
SIWC_SCOPE = "openid resource.invoke chatgpt.tokens.use.direct"


def jwt(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"h.{body}.s"


def first(spec: LoginSpec, body: dict[str, Any], **words: str) -> TokenSet:
    client_id, nonce = words.get("client_id", "me"), words.get("nonce", "")
    return first_tokens(spec, body, NOW, client_id=client_id, nonce=nonce)


def value(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


CLAUDE_BODY = {
    "token_type": "Bearer", "access_token": "at", "expires_in": 28_800, "refresh_token": "rt",
    "refresh_token_expires_in": 2_419_200, "scope": "user:profile user:inference",
    "organization": {"uuid": "o-1", "name": "Mina's Organization"},
    "account": {"uuid": "a-1", "email_address": "mina@example.com"},
}  # fmt: skip


def test_claude_says_all_at_once() -> None:
    found = first(CLAUDE, CLAUDE_BODY)
    assert (value(found.access_token), value(found.refresh_token)) == ("at", "rt")
    assert (found.expires_at, found.obtained_at) == (NOW + 28_800, NOW)
    assert found.refresh_expires_at == NOW + 2_419_200
    assert found.scopes == ("user:profile", "user:inference")
    assert found.facts == {
        "email": "mina@example.com",
        "account_id": "a-1",
        "organization": "Mina's Organization",
        "organization_id": "o-1",
    }


def test_the_end_of_claude_s_grant_does_not_move() -> None:
    old = first(CLAUDE, CLAUDE_BODY)
    new = renewed_tokens(CLAUDE, old, {**CLAUDE_BODY, "access_token": "at2"}, NOW + 86_400)
    assert value(new.access_token) == "at2"
    assert new.expires_at == NOW + 86_400 + 28_800
    assert new.refresh_expires_at == old.refresh_expires_at


def test_a_refresh_that_leaves_the_refresh_token_out_keeps_the_old_one() -> None:
    old = first(CLAUDE, CLAUDE_BODY)
    new = renewed_tokens(CLAUDE, old, {"access_token": "at2", "expires_in": 60}, NOW)
    assert value(new.refresh_token) == "rt"
    assert new.scopes == old.scopes
    assert new.facts == old.facts


def test_codex_may_leave_out_any_field() -> None:
    access = jwt({"exp": NOW + 864_000})
    old = first(CODEX, {"access_token": access, "refresh_token": "rt", "id_token": jwt({})})
    assert old.expires_at == NOW + 864_000
    new = renewed_tokens(CODEX, old, {"refresh_token": "rt2"}, NOW + 9)
    assert value(new.access_token) == access
    assert (value(new.refresh_token), new.expires_at) == ("rt2", old.expires_at)
    with pytest.raises(LoginError):
        renewed_tokens(CODEX, old, {}, NOW)
    with pytest.raises(LoginError):
        renewed_tokens(CLAUDE, old, {"refresh_token": "rt2"}, NOW)


def test_codex_s_tokens_are_renewed_every_eight_days_as_its_own_tool_does() -> None:
    days = 86_400.0
    body = {"access_token": jwt({"exp": NOW + 10 * days}), "refresh_token": "rt"}
    old = first(CODEX, body)
    assert due_at(old) == NOW + 8 * days
    new = renewed_tokens(
        CODEX, old, {"access_token": jwt({"exp": NOW + 19 * days})}, NOW + 9 * days
    )
    assert due_at(new) == NOW + 17 * days
    # One that leaves the access token as it was is a renewal, too: the next comes when that one ends, and not at once.
    kept = renewed_tokens(CODEX, old, {"refresh_token": "rt2"}, NOW + 9 * days)
    assert due_at(kept) == NOW + 10 * days - MARGIN_S
    assert first(CLAUDE, CLAUDE_BODY).renew_by is None


@pytest.mark.parametrize(
    ("told", "renew_from"),
    [
        (NOW + 3400, NOW + 3400),
        ((NOW + 3400) * 1000, NOW + 3400),
        ("2027-01-15T08:56:40Z", NOW + 3400),
        (None, None),
        (True, None),
        ("soon", None),
    ],
)
def test_chatgpt_says_from_when_a_renewal_is_wanted(told: Any, renew_from: float | None) -> None:
    body = {**siwc_body(), "earliest_refresh_at": told}
    found = first(SIWC, body, client_id="oaiapp_1", nonce="n")
    assert found.renew_from == renew_from
    assert due_at(found) == NOW + (3300 if renew_from is None else 3400)


def siwc_body(**claims: Any) -> dict[str, Any]:
    known = {"iss": "https://auth.openai.com", "aud": "oaiapp_1", "nonce": "n", "sub": "user-1"}
    return {
        "access_token": "at",
        "refresh_token": "rt",
        "expires_in": 3600,
        "scope": SIWC_SCOPE,
        "id_token": jwt({**known, **claims}),
    }


def test_chatgpt_s_identity_is_checked_and_its_client_id_kept() -> None:
    found = first(SIWC, siwc_body(), client_id="oaiapp_1", nonce="n")
    assert found.facts == {"subject": "user-1", "client_id": "oaiapp_1"}
    listed = first(SIWC, siwc_body(aud=["x", "oaiapp_1"]), client_id="oaiapp_1", nonce="n")
    assert listed.facts["subject"] == "user-1"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"nonce": "m"},
        {"sub": ""},
        {"exp": NOW - 86_400},
    ],
)
def test_an_identity_for_somebody_else_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(LoginError, match=next(iter(claims))) as said:
        first(SIWC, siwc_body(**claims), client_id="oaiapp_1", nonce="n")
    assert said.value.state is AuthState.INVALID_GRANT


def test_an_identity_that_the_provider_did_not_sign_is_refused() -> None:
    key = SigningKey("", (1 << 2047) + 1, 65537)
    with pytest.raises(LoginError, match="signed") as said:
        first_tokens(SIWC, siwc_body(), NOW, client_id="oaiapp_1", nonce="n", keys=(key,))
    assert said.value.state is AuthState.INVALID_GRANT


@pytest.mark.parametrize(
    ("spec", "scope"),
    [
        (CLAUDE, "user:profile"),
        (SIWC, "openid profile email"),
        (GOOGLE, "https://www.googleapis.com/auth/userinfo.email"),
    ],
)
def test_too_few_permissions_are_told(spec: LoginSpec, scope: str) -> None:
    tokens = TokenSet(access_token=SecretStr("at"), scopes=tuple(scope.split()))
    with pytest.raises(LoginError) as said:
        check_scopes(spec, tokens)
    assert said.value.state is AuthState.SCOPE_DENIED
    check_scopes(spec, TokenSet(access_token=SecretStr("at")))  # it said nothing


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("portal.qwen.ai", "portal.qwen.ai"),
        ("https://dashscope.aliyuncs.com/v1", "dashscope.aliyuncs.com"),
        ("evil.example", ""),
        ("http://portal.qwen.ai", ""),
        ("qwen.ai.evil.example", ""),
        ("user@portal.qwen.ai", ""),
        ("portal.qwen.ai:8443", ""),
        ("https://[::1", ""),
        (7, ""),
    ],
)
def test_a_credential_follows_only_to_the_provider_s_own_hosts(url: Any, host: str) -> None:
    found = first(QWEN, {"access_token": "at", "resource_url": url})
    assert found.facts.get("resource_url", "") == host


@pytest.mark.parametrize("token", [None, "", 7, "two\nlines", "ümlaut"])
def test_a_reply_without_a_token_is_no_login(token: Any) -> None:
    with pytest.raises(LoginError) as said:
        first(CODEX, {"access_token": token, "refresh_token": "rt"})
    assert said.value.state is AuthState.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("lasts", "expected"),
    [(60, 60.0), ("61", 61.0), (-1, None), (True, None), ("soon", None), (1e12, None)],
)
def test_a_life_is_a_sensible_number_of_seconds(lasts: Any, expected: float | None) -> None:
    found = first(CODEX, {"access_token": "at", "expires_in": lasts})
    assert found.expires_at == (None if expected is None else NOW + expected)


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"7"])
def test_a_body_that_is_no_object_is_the_provider_s_fault(body: bytes) -> None:
    with pytest.raises(LoginError) as said:
        read_object(Reply(200, {}, body))
    assert said.value.state is AuthState.PROVIDER_ERROR
    assert said.value.__cause__ is None
    assert said.value.__suppress_context__ or said.value.__context__ is None


def test_profiles() -> None:
    claude = {
        "account": {"uuid": "a", "email": "m@x"},
        "organization": {"uuid": "o", "name": "Org", "organization_type": "claude_max"},
    }
    assert read_profile(claude) == {
        "email": "m@x", "account_id": "a", "organization": "Org", "organization_id": "o",
        "plan": "claude_max",
    }  # fmt: skip
    assert read_profile({"email": "m@x", "id": "1"}) == {"email": "m@x"}
    iflow = {"success": True, "data": {"apiKey": "sk-1", "email": "", "phone": "+49"}}
    assert read_profile(iflow) == {"email": "+49"}
    assert value(read_api_key(iflow)) == "sk-1"
    assert read_api_key({"success": False, "data": None}) is None
    assert read_profile({"data": [], "account": 3}) == {}


def test_facts_are_added_and_never_emptied() -> None:
    tokens = with_facts(TokenSet(access_token=SecretStr("at")), {"email": "m@x", "plan": ""})
    assert tokens.facts == {"email": "m@x"}
    assert with_facts(tokens, {"email": ""}).facts == {"email": "m@x"}
