import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.auth.failures import by_code, exchange_failure, printable, refresh_failure
from korproxy_addons.auth.states import AuthState
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.calls import Reply
from korproxy_addons.providers.logins import LoginSpec
from support.auth_flow import reply

DEAD, KEPT = AuthState.INVALID_GRANT, AuthState.PROVIDER_ERROR


def login(provider: str, access: str) -> LoginSpec:
    found = PROVIDERS[provider].access(access).login
    assert found is not None
    return found


CLAUDE, CODEX = login("claude", "subscription"), login("codex", "chatgpt")
SIWC, GOOGLE = login("codex", "siwc"), login("gemini", "code-assist")
QWEN, IFLOW = login("qwen", "oauth"), login("iflow", "login")


@pytest.mark.parametrize(
    ("spec", "status", "body", "state"),
    [
        (CLAUDE, 400, {"error": "invalid_grant", "error_description": "Refresh token expired"}, DEAD),
        (CLAUDE, 403, {"error": "permission_error"}, DEAD),
        (CLAUDE, 429, {"error": "rate_limit_error"}, KEPT),
        (CLAUDE, 500, {"error": "invalid_grant"}, KEPT),
        (CODEX, 401, {"error": {"code": "refresh_token_expired", "message": "x"}}, DEAD),
        (CODEX, 401, {}, DEAD),
        (CODEX, 400, {"error": "refresh_token_reused"}, DEAD),
        (CODEX, 400, {"code": "refresh_token_invalidated"}, DEAD),
        (CODEX, 400, {"error": {"code": "server_busy"}}, KEPT),
        (SIWC, 400, {"error": "invalid_refresh_token"}, DEAD),
        (SIWC, 400, {"error": "token_expired"}, DEAD),
        (SIWC, 401, {"error": "invalid_client"}, KEPT),
        (SIWC, 400, {"error": "invalid_request"}, KEPT),
        (GOOGLE, 400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, DEAD),
        (GOOGLE, 401, {"error": "invalid_client"}, KEPT),
        (QWEN, 400, {}, DEAD),
        (QWEN, 401, {}, DEAD),
        (QWEN, 403, {}, KEPT),
        (IFLOW, 400, {"error": "invalid_grant"}, DEAD),
    ],
)  # fmt: skip
def test_what_ends_a_login_at_each_provider(
    spec: LoginSpec, status: int, body: object, state: AuthState
) -> None:
    assert refresh_failure(spec, reply(status, body), 0.0).state is state


@pytest.mark.parametrize("spec", [CLAUDE, CODEX, SIWC, GOOGLE, QWEN, IFLOW])
def test_a_web_page_of_some_edge_ends_no_login(spec: LoginSpec) -> None:
    page = Reply(403, {"content-type": "text/html"}, b"<!DOCTYPE html><h1>Just a moment</h1>")
    assert refresh_failure(spec, page, 0.0).state is KEPT
    assert exchange_failure(page, 0.0).state is KEPT


def test_how_long_to_wait_is_passed_on() -> None:
    error = refresh_failure(CLAUDE, reply(429, {}, retry_after="7"), 0.0)
    assert error.retry_after_s == 7.0
    assert exchange_failure(reply(503, {}, retry_after="9"), 0.0).retry_after_s == 9.0


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("access_denied", AuthState.AUTH_CANCELLED),
        ("invalid_scope", AuthState.SCOPE_DENIED),
        ("temporarily_unavailable", KEPT),
        ("server_error", KEPT),
        ("invalid_grant", DEAD),
        ("", DEAD),
    ],
)
def test_codes_of_the_standard(code: str, state: AuthState) -> None:
    assert by_code(code, "d").state is state
    assert exchange_failure(reply(400, {"error": code}), 0.0).state is state


def test_a_token_that_the_server_repeats_is_not_shown() -> None:
    secret = "sk-ant-ort01-planted_secret-0123456789"
    body = {"error": secret, "error_description": f"Token {secret} is\nnot valid"}
    error = refresh_failure(CLAUDE, reply(400, body), 0.0)
    assert "planted" not in str(error)
    assert "Token … is not valid" in error.detail


@given(st.text())
def test_what_is_shown_is_one_short_line(text: str) -> None:
    shown = printable(text)
    assert len(shown) <= 201
    assert shown.isprintable()
