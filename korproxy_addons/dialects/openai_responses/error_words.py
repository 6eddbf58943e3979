"""Words in errors of the Responses API: which family they stand for."""

import re
from typing import Final

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT, shown_text
from korproxy_addons.errors.kinds import Kind

# Codes that say more than the status (providers.md 3c, 3d).
KIND_BY_CODE: Final = {
    "context_length_exceeded": Kind.INVALID_REQUEST,
    "invalid_prompt": Kind.INVALID_REQUEST,
    "invalid_encrypted_content": Kind.INVALID_REQUEST,
    "previous_response_not_found": Kind.INVALID_REQUEST,
    "subscription_sharing_unsupported_capability": Kind.INVALID_REQUEST,
    "cyber_policy": Kind.PERMISSION,
    "subscription_sharing_user_not_eligible": Kind.PERMISSION,
    "subscription_sharing_route_not_supported": Kind.PERMISSION,
    "insufficient_quota": Kind.BILLING,
    "credit_balance_exhausted": Kind.BILLING,
    "billing_hard_limit_reached": Kind.BILLING,
    "billing_not_active": Kind.BILLING,
    "usage_not_included": Kind.BILLING,
    "usage_limit_reached": Kind.RATE_LIMIT,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "subscription_sharing_usage_limit_exceeded": Kind.RATE_LIMIT,
    "server_is_overloaded": Kind.OVERLOADED,
    "slow_down": Kind.OVERLOADED,
    "engine_overloaded": Kind.OVERLOADED,
    "overloaded_error": Kind.OVERLOADED,
    "subscription_sharing_usage_unavailable": Kind.OVERLOADED,
    "subscription_sharing_user_unavailable": Kind.OVERLOADED,
    "model_not_found": Kind.NOT_FOUND,
    "invalid_api_key": Kind.AUTHENTICATION,
    "token_expired": Kind.AUTHENTICATION,
    "subscription_sharing_invalid_user": Kind.AUTHENTICATION,
}

# Types and codes that say no more than a status does: they count where there is none.
KIND_BY_TYPE: Final = {
    "invalid_request_error": Kind.INVALID_REQUEST,
    "authentication_error": Kind.AUTHENTICATION,
    "permission_error": Kind.PERMISSION,
    "not_found_error": Kind.NOT_FOUND,
    "rate_limit_error": Kind.RATE_LIMIT,
    "tokens": Kind.RATE_LIMIT,
    "requests": Kind.RATE_LIMIT,
    "server_error": Kind.INTERNAL,
    "timeout_error": Kind.TIMEOUT,
}

TYPE_BY_KIND: Final = {
    Kind.INVALID_REQUEST: "invalid_request_error",
    Kind.AUTHENTICATION: "authentication_error",
    Kind.BILLING: "insufficient_quota",
    Kind.PERMISSION: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.TOO_LARGE: "invalid_request_error",
    Kind.RATE_LIMIT: "rate_limit_error",
    Kind.OVERLOADED: "server_error",
    Kind.TIMEOUT: "server_error",
    Kind.INTERNAL: "server_error",
}

# A prompt that is too long, in the words of many services (T168).
OVERFLOW: Final = re.compile(
    r"exceeds? the (?:model's )?(?:maximum )?context|context (?:window|length) (?:is )?exceeded"
    r"|maximum context length|prompt is too long|input token count .{0,80}exceed"
    r"|too many tokens in (?:the )?(?:prompt|input)",
    re.IGNORECASE,
)

_KIND_BY_STATUS: Final = {
    401: Kind.AUTHENTICATION,
    402: Kind.BILLING,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_WAIT: Final = re.compile(
    r"(?:try again|retry) (?:in|after) (?:about )?(?:(\d+)h ?)?(?:(\d+)m(?!s) ?)?(?:(\d+(?:\.\d+)?) ?(ms|s))?",
    re.IGNORECASE,
)


def kind_of_status(status: int, otherwise: Kind | None = None) -> Kind:
    """The family of a status; `otherwise` (or INTERNAL) for one that is no error."""
    if status in _KIND_BY_STATUS:
        return _KIND_BY_STATUS[status]
    if 400 <= status < 500:
        return Kind.INVALID_REQUEST
    if status >= 500:
        return Kind.INTERNAL
    return otherwise or Kind.INTERNAL


def wait_in_words(message: str) -> float | None:
    """Seconds that "Please try again in 11.5s" asks for; None if nothing does."""
    found = _WAIT.search(message)
    if not found or not any(found.groups()):
        return None
    hours, minutes, amount, unit = found.groups()
    seconds = float(amount or 0) * (0.001 if unit and unit.lower() == "ms" else 1)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def cleaned(message: str) -> str:
    """The message in one line, and as a client may see it."""
    return shown_text(" ".join(message[: 4 * MESSAGE_LIMIT].split()))
