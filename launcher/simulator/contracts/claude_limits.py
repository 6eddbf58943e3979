"""Anthropic's limit headers and the usage endpoint of subscriptions."""

from datetime import UTC, datetime
from typing import Any

from launcher.simulator.call import Headers
from launcher.simulator.keys import Credential, State

FIVE_HOURS_S = 5 * 3600
WEEK_S = 7 * 86_400
_PREFIX = "anthropic-ratelimit-unified-"


def reset_of_five_hours(now: float) -> int:
    """When the running five-hour window ends, Unix seconds: windows start at multiples of five hours."""
    return (int(now) // FIVE_HOURS_S + 1) * FIVE_HOURS_S


def reset_of_week(now: float) -> int:
    """When the running week ends, Unix seconds."""
    return (int(now) // WEEK_S + 1) * WEEK_S


def rfc3339(at: float) -> str:
    """An instant as Anthropic and Google write it."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def headers(credential: Credential, now: float, rejected: bool) -> Headers:  # noqa: FBT001
    """The limit headers of any reply to this credential; `rejected`: the reply is a 429."""
    if credential.access != "subscription":
        return _key_headers(now, exhausted=rejected and credential.state is State.EXHAUSTED)
    return unified(now, five_hours_rejected=rejected and credential.state is State.EXHAUSTED)


def unified(
    now: float, *, five_hours_rejected: bool = False, fable_week_rejected: bool = False
) -> Headers:
    """The headers of a subscription: the shared windows, and the week of the Fable tier if that is the matter."""
    five, week = str(reset_of_five_hours(now)), str(reset_of_week(now))
    claim, reset = ("five_hour", five)
    if fable_week_rejected:
        claim, reset = "seven_day_overage_included", week
    found = [
        ("status", "rejected" if five_hours_rejected or fable_week_rejected else "allowed"),
        ("reset", reset),
        ("representative-claim", claim),
        ("5h-status", "rejected" if five_hours_rejected else "allowed"),
        ("5h-utilization", "1.02" if five_hours_rejected else "0.12"),
        ("5h-reset", five),
        ("7d-status", "allowed"),
        ("7d-utilization", "0.3"),
        ("7d-reset", week),
    ]
    if fable_week_rejected:
        found += [("7d_oi-status", "rejected"), ("7d_oi-utilization", "1.0"), ("7d_oi-reset", week)]
    found += [
        ("overage-status", "rejected"),
        ("overage-disabled-reason", "out_of_credits"),
        ("overage-in-use", "false"),
        ("fallback", "available"),
    ]
    return [(_PREFIX + name, value) for name, value in found]


def _key_headers(now: float, *, exhausted: bool) -> Headers:
    reset = rfc3339(now + 60)
    found: Headers = []
    limits = (
        ("requests", 4000, 3999),
        ("tokens", 2_400_000, 2_399_000),
        ("input-tokens", 2_000_000, 1_999_000),
        ("output-tokens", 400_000, 400_000),
    )
    for kind, limit, remaining in limits:
        stem = f"anthropic-ratelimit-{kind}"
        found += [
            (f"{stem}-limit", str(limit)),
            (f"{stem}-remaining", "0" if exhausted else str(remaining)),
            (f"{stem}-reset", reset),
        ]
    return found


def usage(credential: Credential, now: float) -> dict[str, Any]:
    """The body of `/api/oauth/usage`; utilization goes from 0 to 100 here."""
    five, week = rfc3339(reset_of_five_hours(now)), rfc3339(reset_of_week(now))
    exhausted = credential.state is State.EXHAUSTED
    scope = {"model": {"id": None, "display_name": "Fable"}, "surface": None}
    return {
        "five_hour": {"utilization": 102.0 if exhausted else 12.5, "resets_at": five},
        "seven_day": {"utilization": 30.0, "resets_at": week},
        "seven_day_sonnet": {"utilization": 8.0, "resets_at": week},
        "seven_day_opus": None,
        "limits": [
            {
                "kind": "weekly_scoped",
                "group": "weekly",
                "percent": 5,
                "resets_at": week,
                "scope": scope,
                "is_active": False,
            }
        ],
        "extra_usage": {
            "is_enabled": False,
            "monthly_limit": None,
            "used_credits": None,
            "utilization": None,
        },
    }
