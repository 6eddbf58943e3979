import pytest

from korproxy_addons.auth import states
from korproxy_addons.auth.states import AuthState, LoginError, network_error
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError


@pytest.mark.parametrize(
    ("state", "title"),
    [
        (AuthState.TOKEN_EXPIRED, "Your session has expired"),
        (AuthState.AUTH_CANCELLED, "Connection was cancelled"),
        (AuthState.NETWORK_ERROR, "Connection failed"),
        (AuthState.PROVIDER_ERROR, "Provider is unavailable"),
        (AuthState.INVALID_GRANT, "Authorization was rejected"),
        (AuthState.SCOPE_DENIED, "Required permissions were not granted"),
    ],
)
def test_each_state_has_its_words_and_something_to_do(state: AuthState, title: str) -> None:
    error = LoginError(state, catalogue.OAUTH_FAILED)
    assert error.words.title == title
    assert error.words.action.endswith(".")


@pytest.mark.parametrize(
    ("make", "state", "ends"),
    [
        (states.expired, AuthState.TOKEN_EXPIRED, True),
        (states.cancelled, AuthState.AUTH_CANCELLED, False),
        (states.rejected, AuthState.INVALID_GRANT, True),
        (states.scope_denied, AuthState.SCOPE_DENIED, True),
        (states.unavailable, AuthState.PROVIDER_ERROR, False),
    ],
)
def test_only_a_provider_s_no_ends_a_login(make, state, ends) -> None:  # type: ignore[no-untyped-def]
    error = make("why")
    assert (error.state, error.ends_login, error.detail) == (state, ends, "why")


def test_a_call_without_an_answer_keeps_its_own_row() -> None:
    broken = KorProxyError(catalogue.DNS_FAILED, "no such host", retry_after_s=2.0)
    error = network_error(broken)
    assert (error.state, error.spec, error.retry_after_s) == (
        AuthState.NETWORK_ERROR,
        catalogue.DNS_FAILED,
        2.0,
    )
    cut = network_error(KorProxyError(catalogue.STREAM_CUT))
    assert cut.state is AuthState.PROVIDER_ERROR
    assert not cut.ends_login
