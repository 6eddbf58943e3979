"""RATE, 404-409, and AUTH 050: limits that the user has set."""

from korproxy_addons.errors.kinds import Kind, Retry, Severity, row

LIMIT_REACHED = row(
    "KP-RATE-404",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.NO,
    "A limit that you have set is reached",
    "A rule under quota_rules, or a limit of the local key, has nothing left for a while.",
    "Wait for the reset, or raise the limit in config.yaml.",
)
LIMIT_PACE = row(
    "KP-RATE-405",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.SAME_ACCOUNT,
    "A limit that you have set is reached for the moment",
    "A rule under quota_rules, or a limit of the local key, has nothing left for a minute or so.",
    "Wait a moment, or raise the limit in config.yaml.",
)
RUNAWAY = row(
    "KP-RATE-406",
    Kind.RATE_LIMIT,
    Severity.WARNING,
    429,
    Retry.NO,
    "The tool repeats itself without end",
    "The same request, or the same tool call with the same result, came again and again.",
    "Stop the tool, and look at what it is stuck at.",
    "If this was meant, raise or turn off the limits under runaway in config.yaml.",
)
KEY_MODEL_REFUSED = row(
    "KP-AUTH-050",
    Kind.PERMISSION,
    Severity.WARNING,
    403,
    Retry.NO,
    "The local key may not be used for this model",
    "The key's limits.models does not name the model.",
    "Ask for another model, or add this one to the key's limits.models in config.yaml.",
)
