import base64
from dataclasses import replace

import pytest
from pydantic import SecretStr

from korproxy_addons.auth.authorize import Callback, Ticket
from korproxy_addons.auth.flows import exchange_code, finish, needs_finish, post, refresh
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.logins import BodyStyle, LoginSpec
from support.auth_flow import fields, play_flow, reply
from support.signed_tokens import public_key, signed_token

NOW = 1_800_000_000.0
CLIENT_SECRET = SecretStr("client-secret")
TICKET = Ticket(
    state="the-state", verifier="the-verifier", nonce="n", redirect_uri="http://localhost:1/cb"
)
CODE = Callback(SecretStr("the-code"))


def login(provider: str, access: str) -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


CLAUDE, CODEX = login("claude", "subscription"), login("codex", "chatgpt")
SIWC, GOOGLE = login("codex", "siwc"), login("gemini", "code-assist")
QWEN, IFLOW = login("qwen", "oauth"), login("iflow", "login")
COMMON = {
    "grant_type": "authorization_code",
    "code": "the-code",
    "redirect_uri": "http://localhost:1/cb",
}


def exchanged(spec: LoginSpec, callback: Callback = CODE) -> Request:
    spec = replace(spec, discovery_url="")
    flow = exchange_code(spec, callback, TICKET, NOW, client_secret=CLIENT_SECRET)
    request = next(flow)
    flow.close()
    return request


def refreshed(spec: LoginSpec, **facts: str) -> Request:
    tokens = TokenSet(access_token=SecretStr("at"), refresh_token=SecretStr("the-rt"), facts=facts)
    flow = refresh(spec, tokens, NOW, client_secret=CLIENT_SECRET)
    request = next(flow)
    flow.close()
    return request


def test_what_each_provider_is_sent_for_a_code() -> None:
    claude = exchanged(CLAUDE)
    assert dict(claude.headers)["content-type"] == "application/json"
    assert fields(claude) == {
        **COMMON, "state": "the-state", "client_id": CLAUDE.client_id,
        "code_verifier": "the-verifier",
    }  # fmt: skip
    codex = exchanged(CODEX)
    assert dict(codex.headers)["content-type"] == "application/x-www-form-urlencoded"
    assert fields(codex) == {
        **COMMON,
        "client_id": CODEX.client_id,
        "code_verifier": "the-verifier",
    }
    siwc = fields(exchanged(SIWC, Callback(SecretStr("the-code"), "oaiapp_1")))
    assert (siwc["client_id"], siwc["resource"]) == ("oaiapp_1", "https://api.openai.com/v1")
    assert fields(exchanged(GOOGLE))["client_secret"] == "client-secret"
    iflow = exchanged(IFLOW)
    assert "code_verifier" not in fields(iflow)
    basic = base64.b64encode(b"10009311001:client-secret").decode()
    assert dict(iflow.headers)["authorization"] == f"Basic {basic}"


def test_what_each_provider_is_sent_for_a_refresh() -> None:
    wanted = {"grant_type": "refresh_token", "refresh_token": "the-rt"}
    for spec, json in ((CLAUDE, True), (CODEX, True), (QWEN, False)):
        request = refreshed(spec)
        assert fields(request) == {**wanted, "client_id": spec.client_id}
        assert (b"{" in request.body) == json
        assert request.url == spec.token_url
    siwc = fields(refreshed(SIWC, client_id="oaiapp_1"))
    assert siwc == {**wanted, "client_id": "oaiapp_1", "resource": "https://api.openai.com/v1"}
    assert fields(refreshed(GOOGLE))["client_secret"] == "client-secret"
    assert "authorization" in dict(refreshed(IFLOW).headers)


def test_a_login_that_needs_a_client_secret_says_so() -> None:
    with pytest.raises(LoginError) as said:
        post(GOOGLE, {"client_id": "x"})
    assert said.value.spec is catalogue.CLIENT_SECRET_MISSING
    assert not said.value.ends_login


def test_a_code_becomes_tokens() -> None:
    flow = exchange_code(CLAUDE, CODE, TICKET, NOW)
    played = play_flow(flow, reply(body={"access_token": "at", "expires_in": 60}))
    assert played.answer.access_token.get_secret_value() == "at"
    assert played.answer.expires_at == NOW + 60


SIWC_CODE = Callback(SecretStr("the-code"), "oaiapp_1")
DESCRIBED = reply(body={"issuer": SIWC.issuer, "jwks_uri": "https://auth.openai.com/keys"})
CLAIMS = {"iss": SIWC.issuer, "aud": "oaiapp_1", "nonce": "n", "sub": "user-1"}


def siwc_reply(id_token: str) -> Reply:
    scope = "openid chatgpt.tokens.use.direct"
    return reply(
        body={"access_token": "at", "expires_in": 60, "scope": scope, "id_token": id_token}
    )


def test_an_identity_is_checked_by_the_keys_that_its_provider_shows() -> None:
    keys = reply(body={"keys": [public_key()]})
    good = siwc_reply(signed_token(claims=CLAIMS))
    played = play_flow(exchange_code(SIWC, SIWC_CODE, TICKET, NOW), DESCRIBED, keys, good)
    assert [it.url for it in played.requests] == [
        SIWC.discovery_url, "https://auth.openai.com/keys", SIWC.token_url,
    ]  # fmt: skip
    assert [it.method for it in played.requests] == ["GET", "GET", "POST"]
    assert played.answer.facts["subject"] == "user-1"
    foreign = siwc_reply(signed_token("other", claims=CLAIMS, kid="mine"))
    with pytest.raises(LoginError) as said:
        play_flow(exchange_code(SIWC, SIWC_CODE, TICKET, NOW), DESCRIBED, keys, foreign)
    assert said.value.state is AuthState.INVALID_GRANT


def test_a_code_is_not_spent_where_its_tokens_could_not_be_checked() -> None:
    for answers in ((reply(503),), (DESCRIBED, reply(404)), (DESCRIBED, reply(body={"keys": []}))):
        with pytest.raises(LoginError) as said:
            play_flow(exchange_code(SIWC, SIWC_CODE, TICKET, NOW), *answers)
        assert said.value.state is AuthState.PROVIDER_ERROR


def test_a_refused_code_is_one_of_the_six_states() -> None:
    refused = reply(400, {"error": "invalid_grant"})
    with pytest.raises(LoginError) as said:
        play_flow(exchange_code(CLAUDE, CODE, TICKET, NOW), refused)
    assert said.value.state is AuthState.INVALID_GRANT


def test_a_network_that_fails_is_one_of_the_six_states() -> None:
    broken = KorProxyError(catalogue.CONNECT_REFUSED, "nobody there")
    tokens = TokenSet(access_token=SecretStr("at"), refresh_token=SecretStr("rt"))
    for flow in (exchange_code(CLAUDE, CODE, TICKET, NOW), refresh(CLAUDE, tokens, NOW)):
        with pytest.raises(LoginError) as said:
            play_flow(flow, broken)
        assert said.value.state is AuthState.NETWORK_ERROR
        assert not said.value.ends_login


def test_a_refresh_gives_new_tokens() -> None:
    old = TokenSet(access_token=SecretStr("at"), refresh_token=SecretStr("rt"))
    body = {"access_token": "at2", "refresh_token": "rt2", "expires_in": 60}
    new = play_flow(refresh(QWEN, old, NOW), reply(body=body)).answer
    assert new.refresh_token is not None
    assert new.refresh_token.get_secret_value() == "rt2"


def test_a_refused_refresh_says_whether_the_login_is_over() -> None:
    old = TokenSet(access_token=SecretStr("at"), refresh_token=SecretStr("rt"))
    for answer, over in ((reply(400, {"error": "invalid_grant"}), True), (reply(502), False)):
        with pytest.raises(LoginError) as said:
            play_flow(refresh(CLAUDE, old, NOW), answer)
        assert said.value.ends_login is over


def test_a_login_is_renewed_until_its_own_end() -> None:
    tokens = TokenSet(
        access_token=SecretStr("at"), refresh_token=SecretStr("rt"), refresh_expires_at=NOW + 1
    )
    new = play_flow(refresh(CLAUDE, tokens, NOW), reply(body={"access_token": "at2"})).answer
    assert (new.access_token.get_secret_value(), new.refresh_expires_at) == ("at2", NOW + 1)


def test_a_code_that_comes_without_a_client_id_is_exchanged_under_the_known_one() -> None:
    ticket = replace(TICKET, client_id="oaiapp_1")
    flow = exchange_code(replace(SIWC, discovery_url=""), CODE, ticket, NOW)
    assert fields(next(flow))["client_id"] == "oaiapp_1"
    flow.close()


def test_what_cannot_be_renewed_is_not_asked_for() -> None:
    for tokens in (
        TokenSet(access_token=SecretStr("at")),
        TokenSet(
            access_token=SecretStr("at"), refresh_token=SecretStr("rt"), refresh_expires_at=NOW
        ),
    ):
        with pytest.raises(LoginError) as said:
            play_flow(refresh(CLAUDE, tokens, NOW))
        assert said.value.state is AuthState.TOKEN_EXPIRED
        assert said.value.ends_login


def test_iflow_s_key_is_fetched_with_the_access_token() -> None:
    tokens = TokenSet(access_token=SecretStr("at"))
    assert needs_finish(IFLOW, tokens)
    body = {"success": True, "data": {"apiKey": "sk-1", "email": "m@x"}}
    played = play_flow(finish(IFLOW, tokens), reply(body=body))
    assert played.requests[0].url.endswith("/api/oauth/getUserInfo?accessToken=at")
    assert "accessToken" not in repr(played.requests[0])
    assert played.answer.credential.get_secret_value() == "sk-1"
    assert played.answer.facts == {"email": "m@x"}
    assert not needs_finish(IFLOW, played.answer)


@pytest.mark.parametrize(
    "answer", [reply(503), reply(body={"success": False}), KorProxyError(catalogue.DNS_FAILED)]
)
def test_iflow_s_key_may_be_late_only_where_there_is_one(answer) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(LoginError):
        play_flow(finish(IFLOW, TokenSet(access_token=SecretStr("at"))), answer)
    has = TokenSet(access_token=SecretStr("at"), api_key=SecretStr("sk-0"))
    assert play_flow(finish(IFLOW, has), answer).answer is has


def test_an_email_is_asked_for_where_nobody_has_said_it() -> None:
    tokens = TokenSet(access_token=SecretStr("at"))
    played = play_flow(finish(GOOGLE, tokens), reply(body={"email": "m@x"}))
    assert dict(played.requests[0].headers)["authorization"] == "Bearer at"
    assert played.answer.facts == {"email": "m@x"}
    assert play_flow(finish(GOOGLE, played.answer)).answer is played.answer
    assert play_flow(finish(GOOGLE, tokens), reply(500)).answer is tokens
    assert play_flow(finish(CODEX, tokens)).answer is tokens


def test_a_request_does_not_show_what_it_carries() -> None:
    request = post(CLAUDE, {"refresh_token": SecretStr("planted")}, BodyStyle.JSON)
    assert b"planted" in request.body
    assert "planted" not in repr(request)
