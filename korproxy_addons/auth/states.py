"""The six ways in which a login fails, and what the person is told."""

from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec


class AuthState(StrEnum):
    """What became of a login that failed."""

    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a state's name
    AUTH_CANCELLED = "AUTH_CANCELLED"
    NETWORK_ERROR = "NETWORK_ERROR"
    PROVIDER_ERROR = "PROVIDER_ERROR"
    INVALID_GRANT = "INVALID_GRANT"
    SCOPE_DENIED = "SCOPE_DENIED"


@dataclass(frozen=True, slots=True)
class Words:
    """What a person is told: what happened, and what to do."""

    title: str
    action: str


WORDS = {
    AuthState.TOKEN_EXPIRED: Words("Your session has expired", "Reconnect the account."),
    AuthState.AUTH_CANCELLED: Words("Connection was cancelled", "Try again when you are ready."),
    AuthState.NETWORK_ERROR: Words("Connection failed", "Check your internet connection."),
    AuthState.PROVIDER_ERROR: Words("Provider is unavailable", "Try again in a few minutes."),
    AuthState.INVALID_GRANT: Words("Authorization was rejected", "Reconnect your account."),
    AuthState.SCOPE_DENIED: Words(
        "Required permissions were not granted", "Reconnect, and allow everything that is asked."
    ),
}

ENDS_LOGIN = frozenset({AuthState.TOKEN_EXPIRED, AuthState.INVALID_GRANT, AuthState.SCOPE_DENIED})
"""States that only a new login cures; after any other the old tokens are still worth keeping."""


class LoginError(KorProxyError):
    """
    A login, or its renewal, that failed.

    Args:
        state: Which of the six ways.
        spec: The row that fits.
        detail: What was met, without any secret.
        retry_after_s: Seconds until a new try makes sense, where the provider said so.
    """

    def __init__(
        self,
        state: AuthState,
        spec: ErrorSpec,
        detail: str = "",
        *,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(spec, detail, retry_after_s=retry_after_s)
        self.state = state

    @property
    def words(self) -> Words:
        """What the person is told."""
        return WORDS[self.state]

    @property
    def ends_login(self) -> bool:
        """Whether the tokens at hand are of no more use."""
        return self.state in ENDS_LOGIN


def network_error(error: KorProxyError) -> LoginError:
    """A call that never got its answer, as a login's failure; the KP-NET row stays."""
    state = AuthState.NETWORK_ERROR
    if error.spec.code.startswith("KP-PROV"):
        state = AuthState.PROVIDER_ERROR
    return LoginError(state, error.spec, error.detail, retry_after_s=error.retry_after_s)


def expired(detail: str) -> LoginError:
    """The login has no way to go on by itself."""
    return LoginError(AuthState.TOKEN_EXPIRED, catalogue.TOKEN_EXPIRED, detail)


def cancelled(detail: str) -> LoginError:
    """The person, or the time limit, ended the login."""
    return LoginError(AuthState.AUTH_CANCELLED, catalogue.LOGIN_CANCELLED, detail)


def rejected(detail: str) -> LoginError:
    """The provider said no."""
    return LoginError(AuthState.INVALID_GRANT, catalogue.OAUTH_FAILED, detail)


def scope_denied(detail: str) -> LoginError:
    """The provider said yes to less than is needed."""
    return LoginError(AuthState.SCOPE_DENIED, catalogue.LOGIN_SCOPE_DENIED, detail)


def unavailable(detail: str, retry_after_s: float | None = None) -> LoginError:
    """The provider answered with something else than yes or no."""
    return LoginError(
        AuthState.PROVIDER_ERROR,
        catalogue.UPSTREAM_UNAVAILABLE,
        detail,
        retry_after_s=retry_after_s,
    )
