"""What an error row is made of: its kind, what to do next, and the row itself."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The family of an error. A dialect maps kinds, never codes, to its own envelope."""

    INVALID_REQUEST = "invalid_request"
    AUTHENTICATION = "authentication"
    BILLING = "billing"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    TIMEOUT = "timeout"
    INTERNAL = "internal"


class Retry(StrEnum):
    """What may follow a failed attempt, while no byte has reached the client."""

    NO = "no"
    SAME_ACCOUNT = "same_account"
    NEXT_ACCOUNT = "next_account"
    REFRESH = "refresh"


class Severity(StrEnum):
    """How loudly the error is told to the person."""

    WARNING = "warning"
    ERROR = "error"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class ErrorSpec:
    """
    One row of the catalogue.

    Attributes:
        code: `KP-<AREA>-<NNN>`, stable for ever.
        kind: Family, which a dialect turns into its envelope's own word.
        severity: How loudly a person is told.
        status: HTTP status of an answer that KorProxy makes itself.
        retry: What may follow, unless a provider's reading of the reply says otherwise.
        title: One short sentence without a full stop; shown to the client.
        cause: Why it happens; for logs and the docs page, never sent to a client.
        remedy: What to do, in order; shown to the client.
    """

    code: str
    kind: Kind
    severity: Severity
    status: int
    retry: Retry
    title: str
    cause: str
    remedy: tuple[str, ...]


def row(
    code: str,
    kind: Kind,
    severity: Severity,
    status: int,
    retry: Retry,
    title: str,
    cause: str,
    *remedy: str,
) -> ErrorSpec:
    """A row of the catalogue, its remedy written as the last arguments."""
    return ErrorSpec(code, kind, severity, status, retry, title, cause, remedy)
