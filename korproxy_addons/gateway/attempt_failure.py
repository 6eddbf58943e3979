"""What is known of an attempt that ended without a byte for the client."""

from dataclasses import dataclass

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind
from korproxy_addons.providers.failure import Failure, Scope


@dataclass(frozen=True, slots=True)
class UpstreamAnswer:
    """
    An upstream's error reply as it came, its content coding taken off.

    `hidden`: it came inside a successful reply, so `body` is an event's payload, which is no body of an error, and `status`
    is that of the catalogue's row.
    """

    dialect: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hidden: bool = False

    def header(self, name: str) -> str | None:
        """The first value of a header, its name in lower case."""
        return next((value for key, value in self.headers if key.lower() == name), None)


class AttemptFailedError(Exception):
    """
    An attempt ended without a byte for the client.

    Args:
        failure: What it means.
        account_label: Whose attempt it was.
        at: Unix seconds.
        answer: The upstream's error reply, if it sent one.
        cause: Our own error, if the upstream sent nothing that could be read.
    """

    def __init__(
        self,
        failure: Failure,
        account_label: str,
        at: float,
        *,
        answer: UpstreamAnswer | None = None,
        cause: KorProxyError | None = None,
    ) -> None:
        super().__init__(failure.spec.code)
        self.failure = failure
        self.account_label = account_label
        self.at = at
        self.answer = answer
        self.cause = cause

    @property
    def breakdown(self) -> bool:
        """Whether the upstream broke down, with no verdict on the account."""
        return self.failure.spec.kind in (Kind.INTERNAL, Kind.TIMEOUT, Kind.OVERLOADED)


_SPEC_OF_KIND = {
    Kind.INVALID_REQUEST: catalogue.REQUEST_REJECTED,
    Kind.AUTHENTICATION: catalogue.ACCOUNT_REJECTED,
    Kind.BILLING: catalogue.BILLING_REQUIRED,
    Kind.PERMISSION: catalogue.POLICY_REFUSED,
    Kind.NOT_FOUND: catalogue.MODEL_UNSUPPORTED,
    Kind.TOO_LARGE: catalogue.REQUEST_TOO_LARGE,
    Kind.RATE_LIMIT: catalogue.RATE_LIMITED,
    Kind.OVERLOADED: catalogue.UPSTREAM_OVERLOADED,
    Kind.TIMEOUT: catalogue.FIRST_BYTE_TIMEOUT,
    Kind.INTERNAL: catalogue.UPSTREAM_ERROR,
}


def failure_of(error: KorProxyError) -> Failure:
    """An error of ours as the failure of an attempt."""
    return Failure(
        spec=error.spec,
        message=error.detail,
        retry=error.spec.retry,
        scope=Scope.ACCOUNT,
        retry_after_s=error.retry_after_s,
    )


def error_of(error: ReplyError) -> KorProxyError:
    """An error that a translator met in a reply, as one of ours: its own row, else that of its kind."""
    spec = catalogue.CATALOGUE.get(error.code)
    if spec is None:
        overflow = error.context_overflow
        spec = catalogue.CONTEXT_TOO_LONG if overflow else _SPEC_OF_KIND[error.kind]
    # A code of ours brings its own words; anything else is the upstream's.
    message = "" if error.code in catalogue.CATALOGUE else error.message
    return KorProxyError(spec, message, retry_after_s=error.retry_after_s)
