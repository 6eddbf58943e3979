"""
How Google's error statuses are read, for API keys and Code Assist alike.

The order of decisions is that of Google's own client (`providers.md` 4d): a spent day counts even
where a short delay stands beside it.
"""

import re
from collections.abc import Mapping
from typing import Any

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec, Retry
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.rules import Rule
from korproxy_addons.providers.waits import (
    duration_in_text_s,
    duration_s,
    instant_s,
    next_pacific_midnight,
    retry_after_s,
)

LIMIT_STATUSES = frozenset({429, 499, 503})
PATIENCE_S = 300.0
"""Google's own client waits up to this long on the same account."""

_NO_QUOTA = re.compile(r"limit: 0(?![\d.])")
_PLAN_SPENT = frozenset({"INSUFFICIENT_G1_CREDITS_BALANCE", "QUOTA_EXHAUSTED"})

RULES = (
    # A wrong key is a 400; a key of the retired kind, or a token in its place, a 401 that no
    # refresh and no login cures.
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        codes=frozenset({"api_key_invalid", "access_token_type_unsupported"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
    ),
    *(
        Rule(
            spec=catalogue.ACCOUNT_REJECTED,
            statuses=(400, 401, 403),
            text=text,
            scope=Scope.ACCOUNT,
            verdict=Verdict.NEEDS_LOGIN,
        )
        for text in ("api key not valid", "api key expired", "api key was reported as leaked")
    ),
    Rule(
        spec=catalogue.CONTEXT_TOO_LONG,
        statuses=(400,),
        text="exceeds the maximum number of tokens",
    ),
    Rule(spec=catalogue.POLICY_REFUSED, statuses=(400,), text="user location is not supported"),
    Rule(
        spec=catalogue.ACCOUNT_ACTION_NEEDED,
        statuses=(403,),
        codes=frozenset({"validation_required"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
    ),
    Rule(
        spec=catalogue.POLICY_REFUSED,
        statuses=(403,),
        text="do not have a valid license",
        scope=Scope.ACCOUNT,
        verdict=Verdict.DISABLED,
    ),
)


def read_limit(words: Words, status: int, headers: Mapping[str, str], now: float) -> Failure:
    """
    A 429, 499 or 503 of Google's.

    Args:
        words: Of the body.
        status: HTTP status.
        headers: Names in lower case; Google sends no quota headers, a proxy may send retry-after.
        now: Unix seconds.
    """
    wait_s = _retry_delay_s(words)
    source = Source.BODY
    if wait_s is None:
        wait_s, source = retry_after_s(headers, now), Source.HEADER
    quota_ids = " ".join(_quota_ids(words))
    reasons = set(words.codes)
    reset_at = _reset_at(words, now)

    def failure(
        spec: ErrorSpec,
        retry: Retry,
        scope: Scope,
        wait_s: float | None,
        reset_at: float | None = None,
        source: Source = source,
        verdict: Verdict = Verdict.COOL,
    ) -> Failure:
        code = next((it for it in words.codes if not it.isdecimal()), "")
        return Failure(
            spec=spec,
            message=words.message,
            retry=retry,
            scope=scope,
            verdict=verdict,
            retry_after_s=wait_s,
            reset_at=reset_at,
            source=None if wait_s is None else source,
            code=code,
            status=status,
        )

    def until(at: float, source: Source, scope: Scope) -> Failure:
        spec, wait = catalogue.QUOTA_EXHAUSTED, max(at - now, 0.0)
        return failure(spec, Retry.NEXT_ACCOUNT, scope, wait, at, source)

    if _NO_QUOTA.search(words.message):
        spec = catalogue.BILLING_REQUIRED
        return failure(spec, Retry.NEXT_ACCOUNT, Scope.MODEL, 86_400.0, source=Source.GUESS)
    if "PerDay" in quota_ids or "Daily" in quota_ids:
        if reset_at is not None:
            return until(reset_at, Source.BODY, Scope.MODEL)
        return until(next_pacific_midnight(now), Source.GUESS, Scope.MODEL)
    if reasons & _PLAN_SPENT:
        if reset_at is None and wait_s is not None:
            reset_at = now + wait_s
        if reset_at is not None:
            return until(reset_at, Source.BODY, Scope.ACCOUNT)
        return until(next_pacific_midnight(now), Source.GUESS, Scope.ACCOUNT)
    if "MODEL_CAPACITY_EXHAUSTED" in reasons:
        # Another provider may serve the same model.
        spec, retry = catalogue.UPSTREAM_OVERLOADED, Retry.NEXT_ACCOUNT
        return failure(spec, retry, Scope.MODEL, wait_s or 60.0, source=Source.GUESS)
    if wait_s is not None:
        if wait_s > PATIENCE_S:
            return until(now + wait_s, source, Scope.ACCOUNT)
        return failure(catalogue.RATE_LIMITED, Retry.SAME_ACCOUNT, Scope.MODEL, wait_s)
    if "PerMinute" in quota_ids:
        spec = catalogue.RATE_LIMITED
        return failure(spec, Retry.SAME_ACCOUNT, Scope.MODEL, 60.0, source=Source.GUESS)
    # "Resource has been exhausted (e.g. check quota)." without details, or a busy service.
    busy = status == 503
    spec = catalogue.UPSTREAM_OVERLOADED if busy else catalogue.RATE_LIMITED
    return failure(spec, Retry.SAME_ACCOUNT, Scope.REQUEST, None, verdict=Verdict.NONE)


def _details(words: Words, kind: str) -> list[dict[str, Any]]:
    return [it for it in words.details if str(it.get("@type", "")).endswith(f".{kind}")]


def _quota_ids(words: Words) -> list[str]:
    ids: list[str] = []
    for failure in _details(words, "QuotaFailure"):
        violations = failure.get("violations")
        ids += [
            str(it.get("quotaId", ""))
            for it in (violations if isinstance(violations, list) else ())
            if isinstance(it, dict)
        ]
    return ids


def _retry_delay_s(words: Words) -> float | None:
    for info in _details(words, "RetryInfo"):
        seconds = duration_s(info.get("retryDelay"))
        if seconds is not None:
            return seconds
    return duration_in_text_s(words.message)


def _reset_at(words: Words, now: float) -> float | None:
    """The instant in an ErrorInfo's metadata; None if there is none."""
    for info in _details(words, "ErrorInfo"):
        metadata = info.get("metadata")
        if isinstance(metadata, dict):
            at = instant_s(metadata.get("quotaResetTimeStamp"))
            delay = duration_s(metadata.get("quotaResetDelay"))
            if at is not None:
                return at
            if delay is not None:
                return now + delay
    return None
