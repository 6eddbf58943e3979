"""Claude's limit headers: which window of a subscription is spent, and until when."""

from collections.abc import Mapping
from dataclasses import replace

from korproxy_addons.errors.catalogue import QUOTA_EXHAUSTED, RATE_LIMITED
from korproxy_addons.providers.error_words import Words
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.quota import FIVE_HOURS_S
from korproxy_addons.providers.rules import Rule, failure_of
from korproxy_addons.providers.waits import instant_s

_UNIFIED = "anthropic-ratelimit-unified-"
_SHARED = ("5h", "7d")
_FAMILY_BY_CLAIM = {
    "seven_day_opus": "claude-opus-*",
    "seven_day_sonnet": "claude-sonnet-*",
    "seven_day_overage_included": "claude-fable-*",
}
_PLAN_SPENT = Rule(spec=QUOTA_EXHAUSTED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
_FAMILY_SPENT = Rule(spec=QUOTA_EXHAUSTED, scope=Scope.MODEL, verdict=Verdict.COOL)
# No window is spent: the provider only wants it slower, so the account stays in use; unless it says until when.
_SLOWER = Rule(spec=RATE_LIMITED, wait_s=2.0)
# Its limits are those of a class of models: the others of the account go on.
_SLOWER_UNTIL = Rule(spec=RATE_LIMITED, scope=Scope.MODEL, verdict=Verdict.COOL)


def read_limit(words: Words, status: int, headers: Mapping[str, str], now: float) -> Failure:
    """
    A 429 of Claude's.

    A rejected five-hour or seven-day window cools the account until the later of the rejected
    windows' resets. The weekly window of one model family (`7d_oi`: the Fable tier) blocks that
    family only; cooling the whole account for it was a reported bug elsewhere.

    Args:
        words: Of the body.
        status: HTTP status.
        headers: Names in lower case.
        now: Unix seconds.
    """
    shared = [name for name in _SHARED if headers.get(f"{_UNIFIED}{name}-status") == "rejected"]
    if shared:
        return _until(_PLAN_SPENT, shared, words, status, headers, now)
    if headers.get(f"{_UNIFIED}7d_oi-status") == "rejected":
        failure = _until(_FAMILY_SPENT, ["7d_oi"], words, status, headers, now)
        return replace(failure, model_glob="claude-fable-*")
    if headers.get(f"{_UNIFIED}status") == "rejected":
        family = _FAMILY_BY_CLAIM.get(headers.get(f"{_UNIFIED}representative-claim", ""))
        if family:
            failure = _until(_FAMILY_SPENT, [], words, status, headers, now)
            return replace(failure, model_glob=family)
        return _until(_PLAN_SPENT, [], words, status, headers, now)
    failure = failure_of(_SLOWER_UNTIL, words, status, headers, now)
    if failure.source is not None:
        return failure
    reset_at = _api_reset(headers)
    if reset_at is None:
        return failure_of(_SLOWER, words, status, headers, now)
    wait_s = max(reset_at - now, 0.0)
    headers = {"retry-after": f"{wait_s:.0f}", **headers}
    return replace(failure_of(_SLOWER_UNTIL, words, status, headers, now), reset_at=reset_at)


def until_plan_serves(failure: Failure, headers: Mapping[str, str], now: float) -> Failure:
    """
    A refusal for want of extra usage, with the time at which the plan itself serves again.

    Never a guess that a request could be tried against: what would be tried is money.
    """
    resets = [instant_s(headers.get(f"{_UNIFIED}{name}")) for name in ("5h-reset", "reset")]
    reset_at = next((it for it in resets if it is not None and it > now), now + FIVE_HOURS_S)
    wait_s = reset_at - now
    return replace(failure, reset_at=reset_at, retry_after_s=wait_s, source=Source.HEADER)


def _until(
    rule: Rule,
    windows: list[str],
    words: Words,
    status: int,
    headers: Mapping[str, str],
    now: float,
) -> Failure:
    """The rule's failure, ending with the latest of the windows, or with the deciding one."""
    failure = failure_of(rule, words, status, headers, now)
    instants = [instant_s(headers.get(f"{_UNIFIED}{name}-reset")) for name in windows]
    known = [it for it in instants if it is not None]
    reset_at = max(known) if known else instant_s(headers.get(f"{_UNIFIED}reset"))
    if reset_at is None:
        return failure
    wait_s = max(reset_at - now, 0.0)
    return replace(failure, reset_at=reset_at, retry_after_s=wait_s, source=Source.HEADER)


def _api_reset(headers: Mapping[str, str]) -> float | None:
    """When the used-up limit of an API key is refilled; None if the headers name none."""
    resets = [
        instant_s(headers.get(f"anthropic-ratelimit-{name}-reset"))
        for name in ("requests", "tokens", "input-tokens", "output-tokens")
        if headers.get(f"anthropic-ratelimit-{name}-remaining") == "0"
    ]
    return max((it for it in resets if it is not None), default=None)
