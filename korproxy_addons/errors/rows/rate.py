"""RATE, 400-499: limits, the provider's and ours."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

RATE_LIMITED = row(
    "KP-RATE-401",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.SAME_ACCOUNT,
    "Too many requests for this account just now",
    "A short-term limit of the provider, or of the local key.",
    "Wait a moment, or add a second account.",
)
QUOTA_EXHAUSTED = row(
    "KP-RATE-402",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.NEXT_ACCOUNT,
    "The account's quota is used up",
    "Its plan window is spent.",
    "Wait for the reset, or add a second account.",
)
OVERAGE_HELD = row(
    "KP-RATE-410",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.NEXT_ACCOUNT,
    "The account's plan is used up, and more would cost money",
    "The provider bills what comes on top of the plan; KorProxy stays within plan limits by default.",
    "Wait for the reset, or use another account.",
    "To go on with this one, allow it: overage: {allow: true, cap_usd: 5} on the account in config.yaml.",
)
CONCURRENCY = row(
    "KP-RATE-403",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.SAME_ACCOUNT,
    "Too many requests at the same time",
    "The limit of requests in flight is reached.",
    "Wait until a running request ends.",
)
