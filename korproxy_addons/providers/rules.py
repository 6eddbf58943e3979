"""How a failure is read by table: a provider's own rows first, then what the status alone says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.waits import duration_in_text_s, duration_s, instant_s, retry_after_s

SHORT_WAIT_S = 60.0
"""A limit that ends sooner is waited for; a longer one is worth another account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """
    One row: if all that it names is seen, the failure is this.

    Attributes:
        spec: Row of the catalogue.
        statuses: HTTP statuses; empty: any.
        codes: The provider's words, one of which must be there; empty: any. Compared in lower case.
        text: Part of the message, in lower case; "": any.
        retry: What may follow; None: as the catalogue's row says.
        scope: Whom it concerns.
        verdict: What becomes of it.
        wait_s: Seconds to wait where the reply names no time.
        steps_s: In place of `wait_s`: the first, then the next if that was too short, and so on.
        model_glob: With scope MODEL: the models concerned.
        hint: What a person should look at, beside the provider's words.
    """

    spec: ErrorSpec
    statuses: tuple[int, ...] = ()
    codes: frozenset[str] = frozenset()
    text: str = ""
    retry: Retry | None = None
    scope: Scope = Scope.REQUEST
    verdict: Verdict = Verdict.NONE
    wait_s: float | None = None
    steps_s: tuple[float, ...] = ()
    model_glob: str = ""
    hint: str = ""

    def fits(self, status: int, words: Words) -> bool:
        """Whether a reply is what this row describes."""
        if self.statuses and status not in self.statuses:
            return False
        if self.codes and not any(code.lower() in self.codes for code in words.codes):
            return False
        return self.text in words.message.lower()


NO_RULES: tuple[Rule, ...] = ()

_BAD_CREDENTIAL = Rule(
    spec=catalogue.ACCOUNT_REJECTED, scope=Scope.ACCOUNT, verdict=Verdict.NEEDS_LOGIN
)
_EXPIRED = Rule(spec=catalogue.TOKEN_EXPIRED, scope=Scope.ACCOUNT)
_EDGE = Rule(spec=catalogue.EDGE_CHALLENGE)
_BY_STATUS: Mapping[int, Rule] = {
    401: _BAD_CREDENTIAL,
    402: Rule(spec=catalogue.BILLING_REQUIRED, scope=Scope.ACCOUNT, verdict=Verdict.COOL),
    403: Rule(spec=catalogue.POLICY_REFUSED),
    404: Rule(spec=catalogue.MODEL_UNSUPPORTED, scope=Scope.MODEL),
    408: Rule(spec=catalogue.UPSTREAM_UNAVAILABLE),
    409: Rule(spec=catalogue.UPSTREAM_UNAVAILABLE),
    413: Rule(spec=catalogue.REQUEST_TOO_LARGE),
    425: Rule(spec=catalogue.UPSTREAM_UNAVAILABLE),
    429: Rule(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL),
    499: Rule(spec=catalogue.UPSTREAM_UNAVAILABLE),
    503: Rule(spec=catalogue.UPSTREAM_OVERLOADED),
    529: Rule(spec=catalogue.UPSTREAM_OVERLOADED),
}


def rule_for_status(status: int, *, refreshes: bool = False) -> Rule:
    """What a status means where nothing else is known (`providers.md` section 9)."""
    if status == 401 and refreshes:
        return _EXPIRED
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    if 400 <= status < 500:
        return Rule(spec=catalogue.REQUEST_REJECTED)
    if status >= 500:
        return Rule(spec=catalogue.UPSTREAM_UNAVAILABLE)
    # A redirect is not followed: a credential goes to its own host only.
    return Rule(spec=catalogue.UPSTREAM_INVALID_REPLY)


def read_by(
    rules: Iterable[Rule],
    words: Words,
    status: int,
    headers: Mapping[str, str],
    now: float,
    *,
    refreshes: bool = False,
) -> Failure:
    """
    The failure by the first row that fits, else by the status.

    Args:
        rules: The provider's rows.
        words: Of the body.
        status: HTTP status.
        headers: Names in lower case.
        now: Unix seconds.
        refreshes: A 401 may be cured by a refresh of the token.
    """
    if words.html and status in {401, 403, 429, 503}:
        return failure_of(_EDGE, words, status, headers, now)
    for rule in rules:
        if rule.fits(status, words):
            return failure_of(rule, words, status, headers, now)
    return failure_of(rule_for_status(status, refreshes=refreshes), words, status, headers, now)


def failure_of(
    rule: Rule, words: Words, status: int, headers: Mapping[str, str], now: float
) -> Failure:
    """The failure that a row describes, with the times that this reply names."""
    wait_s, reset_at, source = _times(words, headers, now)
    steps_s: tuple[float, ...] = ()
    if wait_s is None and rule.steps_s:
        wait_s, source, steps_s = rule.steps_s[0], Source.GUESS, rule.steps_s
    elif wait_s is None and rule.wait_s is not None:
        wait_s, source = rule.wait_s, Source.GUESS
    retry = rule.spec.retry if rule.retry is None else rule.retry
    too_long = wait_s is not None and wait_s > SHORT_WAIT_S
    if retry is Retry.SAME_ACCOUNT and (too_long or headers.get("x-should-retry") == "false"):
        retry = Retry.NEXT_ACCOUNT
    return Failure(
        spec=rule.spec,
        message=words.message,
        retry=retry,
        scope=rule.scope,
        verdict=rule.verdict,
        retry_after_s=wait_s,
        reset_at=reset_at,
        source=source,
        steps_s=steps_s,
        model_glob=rule.model_glob,
        hint=rule.hint,
        code=words.codes[0] if words.codes else "",
        status=status,
    )


def _times(
    words: Words, headers: Mapping[str, str], now: float
) -> tuple[float | None, float | None, Source | None]:
    """(seconds to wait, instant of the reset, where they come from); the body's instant wins."""
    reset_at = instant_s(words.error.get("resets_at"))
    seconds = words.error.get("resets_in_seconds")
    if reset_at is None and isinstance(seconds, (int, float)) and not isinstance(seconds, bool):
        reset_at = now + max(float(seconds), 0.0)
    if reset_at is not None:
        return max(reset_at - now, 0.0), reset_at, Source.BODY
    wait_s = retry_after_s(headers, now)
    if wait_s is None:
        wait_s = _spent_limit_s(headers)
    if wait_s is not None:
        return wait_s, None, Source.HEADER
    wait_s = duration_in_text_s(words.message)
    return (wait_s, None, Source.BODY) if wait_s is not None else (None, None, None)


def _spent_limit_s(headers: Mapping[str, str]) -> float | None:
    """Seconds until the used-up one of OpenAI's two limits is refilled (`1s`, `6m0s`)."""
    waits = [
        duration_s(headers.get(f"x-ratelimit-reset-{name}"))
        for name in ("requests", "tokens")
        if headers.get(f"x-ratelimit-remaining-{name}") == "0"
    ]
    return max((it for it in waits if it is not None), default=None)
