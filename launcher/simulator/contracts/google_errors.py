"""Google's error envelope and the details a client decides by."""

from typing import Any

from launcher.simulator.call import Headers, Reply
from launcher.simulator.wire.gemini_content import google_json

Json = dict[str, Any]
STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
MESSAGES = {
    400: "Request contains an invalid argument.",
    401: "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie"
    " or other valid authentication credential. See"
    " https://developers.google.com/identity/sign-in/web/devconsole-project.",
    403: "The caller does not have permission",
    404: "Requested entity was not found.",
    429: "Resource has been exhausted (e.g. check quota).",
    500: "An internal error has occurred.",
    503: "The model is overloaded. Please try again later.",
    504: "Deadline expired before operation could complete.",
}
_TYPE = "type.googleapis.com/google.rpc."


def reply(
    status: int,
    message: str = "",
    details: list[Json] | None = None,
    headers: Headers | None = None,
) -> Reply:
    """A failure in Google's envelope."""
    error: Json = {
        "code": status,
        "message": message or MESSAGES.get(status, "Unknown error."),
        "status": STATUSES.get(status, "UNKNOWN"),
    }
    if details:
        error["details"] = details
    body = google_json({"error": error}).encode()
    return Reply(status, body, list(headers or ()), "application/json; charset=UTF-8")


def info(reason: str, domain: str, metadata: Json | None = None) -> Json:
    """An `ErrorInfo` detail."""
    return {
        "@type": f"{_TYPE}ErrorInfo",
        "reason": reason,
        "domain": domain,
        "metadata": metadata or {},
    }


def retry_info(delay: str) -> Json:
    """A `RetryInfo` detail, as `"34.07s"`."""
    return {"@type": f"{_TYPE}RetryInfo", "retryDelay": delay}


def bad_request(violations: tuple[tuple[str, str], ...]) -> Json:
    """A `BadRequest` detail."""
    fields = [{"field": field, "description": text} for field, text in violations]
    return {"@type": f"{_TYPE}BadRequest", "fieldViolations": fields}


def per_day(model: str, delay: str = "34.07s") -> tuple[str, list[Json]]:
    """Message and details of a spent daily quota, which misleads with a short delay."""
    text = (
        "You exceeded your current quota, please check your plan and billing details.\n* Quota exceeded"
        " for metric: generativelanguage.googleapis.com/generate_content_free_tier_requests, limit:"
        f" 250, model: {model}\nPlease retry in {delay}."
    )
    violation = {
        "quotaMetric": "generativelanguage.googleapis.com/generate_content_free_tier_requests",
        "quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier",
        "quotaDimensions": {"model": model, "location": "global"},
        "quotaValue": "250",
    }
    links = [
        {
            "description": "Learn more about Gemini API quotas",
            "url": "https://ai.google.dev/gemini-api/docs/rate-limits",
        }
    ]
    return text, [
        {"@type": f"{_TYPE}QuotaFailure", "violations": [violation]},
        {"@type": f"{_TYPE}Help", "links": links},
        retry_info(delay),
    ]
