"""What an upstream failure means: the row of the catalogue, what may follow, whom it concerns."""

from dataclasses import dataclass
from enum import StrEnum

from korproxy_addons.errors.catalogue import ErrorSpec, Retry


class Scope(StrEnum):
    """How far a failure reaches."""

    REQUEST = "request"
    MODEL = "model"
    ACCOUNT = "account"


class Verdict(StrEnum):
    """What becomes of whatever the scope names, beyond this one request."""

    NONE = "none"
    COOL = "cool"
    NEEDS_LOGIN = "needs_login"
    DISABLED = "disabled"


class Source(StrEnum):
    """Where a time to wait comes from."""

    HEADER = "header"
    BODY = "body"
    GUESS = "guess"


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """
    One failed attempt, read.

    Attributes:
        spec: Row of the catalogue that fits.
        message: The provider's own words, cut to 500 characters; "" if it said nothing readable.
        retry: What may follow while no byte has reached the client.
        scope: Whom it concerns.
        verdict: What becomes of the account, or of the model on that account.
        retry_after_s: Seconds from now until it makes sense to try the same again.
        reset_at: Unix seconds at which the limit ends, where the provider names an instant.
        source: Where these times come from; None where there are none.
        steps_s: Guesses to rest by, one after the other, if the account fails again after each.
        model_glob: With scope MODEL: the models concerned (`claude-fable-*`); "": the one asked for.
        code: The provider's own word for it, such as `usage_limit_reached`; "" if it has none.
        hint: What a person should look at; ours, not the provider's.
        status: HTTP status of the reply; 200 for an error hidden in a successful one.
    """

    spec: ErrorSpec
    message: str = ""
    retry: Retry = Retry.NO
    scope: Scope = Scope.REQUEST
    verdict: Verdict = Verdict.NONE
    retry_after_s: float | None = None
    reset_at: float | None = None
    source: Source | None = None
    steps_s: tuple[float, ...] = ()
    model_glob: str = ""
    code: str = ""
    hint: str = ""
    status: int = 0
