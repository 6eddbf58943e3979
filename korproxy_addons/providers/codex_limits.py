"""How the errors and limits of ChatGPT plans are read: Codex's backend and shared sign-ins."""

from collections.abc import Mapping
from dataclasses import replace

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import Retry
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from korproxy_addons.providers.rules import Rule
from korproxy_addons.providers.waits import instant_s

# Texts and codes of providers.md 3d, as ChatGPT's backend and shared plans sent them in 2026.
PLAN_RULES = (
    Rule(
        spec=catalogue.QUOTA_EXHAUSTED,
        codes=frozenset({"usage_limit_reached"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        wait_s=3600.0,
    ),
    Rule(
        spec=catalogue.BILLING_REQUIRED,
        codes=frozenset({"usage_not_included"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.DISABLED,
    ),
    Rule(
        spec=catalogue.UPSTREAM_OVERLOADED,
        text="selected model is at capacity",
        scope=Scope.MODEL,
        # Another provider may serve the same model.
        retry=Retry.NEXT_ACCOUNT,
        verdict=Verdict.COOL,
        wait_s=60.0,
    ),
    Rule(
        spec=catalogue.MODEL_UNSUPPORTED,
        text="model is not supported when using codex",
        scope=Scope.MODEL,
    ),
    Rule(
        spec=catalogue.QUOTA_EXHAUSTED,
        codes=frozenset({"subscription_sharing_usage_limit_exceeded"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.COOL,
        wait_s=3600.0,
    ),
    Rule(
        spec=catalogue.UPSTREAM_OVERLOADED,
        codes=frozenset(
            {
                "subscription_sharing_usage_unavailable",
                "subscription_sharing_user_unavailable",
            }
        ),
    ),
    Rule(
        spec=catalogue.POLICY_REFUSED,
        codes=frozenset(
            {
                "subscription_sharing_user_not_eligible",
                "subscription_sharing_route_not_supported",
            }
        ),
        scope=Scope.ACCOUNT,
        verdict=Verdict.DISABLED,
    ),
    Rule(
        spec=catalogue.REQUEST_REJECTED,
        codes=frozenset({"subscription_sharing_unsupported_capability"}),
    ),
    Rule(
        spec=catalogue.ACCOUNT_REJECTED,
        codes=frozenset({"subscription_sharing_invalid_user"}),
        scope=Scope.ACCOUNT,
        verdict=Verdict.NEEDS_LOGIN,
    ),
)
CHATPASS_REFUSED = Rule(
    spec=catalogue.POLICY_REFUSED, scope=Scope.ACCOUNT, verdict=Verdict.DISABLED
)


def with_header_reset(failure: Failure, headers: Mapping[str, str], now: float) -> Failure:
    """
    A spent plan whose body named no reset, with the one that Codex's limit headers name.

    Args:
        failure: As the body reads.
        headers: Names in lower case; `x-codex-<window>-used-percent` and `-reset-at`.
        now: Unix seconds.
    """
    if failure.spec is not catalogue.QUOTA_EXHAUSTED or failure.source is not Source.GUESS:
        return failure
    resets = []
    for window in ("primary", "secondary"):
        used = _number(headers.get(f"x-codex-{window}-used-percent"))
        reset_at = instant_s(headers.get(f"x-codex-{window}-reset-at"))
        seconds = _number(headers.get(f"x-codex-{window}-reset-after-seconds"))
        if reset_at is None and seconds is not None:
            reset_at = now + seconds
        if used is not None and used >= 100 and reset_at is not None:
            resets.append(reset_at)
    if not resets:
        return failure
    reset_at = max(resets)
    wait_s = max(reset_at - now, 0.0)
    return replace(failure, reset_at=reset_at, retry_after_s=wait_s, source=Source.HEADER)


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text is not None else None
    except ValueError:
        return None
    return value if value is not None and 0 <= value < 1e9 else None
