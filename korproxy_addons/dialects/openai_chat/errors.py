"""Errors in Chat's words, read and written: the envelope, its codes, and what compatible servers make of it."""

import re
from typing import Any, Final

import msgspec

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT, shown_text
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.sse import frame_bytes
from korproxy_addons.errors.catalogue import (
    CONTEXT_TOO_LONG,
    LOCAL_KEY_REFUSED,
    MODEL_UNSUPPORTED,
    QUOTA_EXHAUSTED,
    RATE_LIMITED,
    UNKNOWN_MODEL,
)
from korproxy_addons.errors.kinds import Kind

_OVERLOADED_STATUS: Final = 529  # Anthropic's; Chat clients know 503 (T164)
_SERVER_ERROR: Final = "server_error"

_TYPES: Final = {
    Kind.INVALID_REQUEST: "invalid_request_error",
    Kind.AUTHENTICATION: "authentication_error",
    Kind.BILLING: "insufficient_quota",
    Kind.PERMISSION: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.TOO_LARGE: "invalid_request_error",
    Kind.RATE_LIMIT: "rate_limit_error",
}
_STATUS: Final = {
    Kind.INVALID_REQUEST: 400,
    Kind.AUTHENTICATION: 401,
    Kind.BILLING: 402,
    Kind.PERMISSION: 403,
    Kind.NOT_FOUND: 404,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMIT: 429,
    Kind.OVERLOADED: 503,
    Kind.TIMEOUT: 504,
    Kind.INTERNAL: 500,
}
# Our codes that Chat clients know by a word of their own, and the words for upstreams that gave none.
_CODES: Final = {
    LOCAL_KEY_REFUSED.code: "invalid_api_key",
    UNKNOWN_MODEL.code: "model_not_found",
    MODEL_UNSUPPORTED.code: "model_not_found",
    RATE_LIMITED.code: "rate_limit_exceeded",
    QUOTA_EXHAUSTED.code: "insufficient_quota",
    CONTEXT_TOO_LONG.code: "context_length_exceeded",
}
_KIND_CODES: Final = {
    Kind.AUTHENTICATION: "invalid_api_key",
    Kind.BILLING: "insufficient_quota",
    Kind.NOT_FOUND: "model_not_found",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
}
_OVERFLOW_CODE: Final = "context_length_exceeded"
_OVERFLOW_WORDS: Final = "maximum context length"

_BY_STATUS: Final = {
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
# Words in `code` and `type`, lower case, that say more than the status; the first that occurs counts.
# Sources: OpenAI, DashScope (`Throttling.RateQuota`, `Arrearage`), iFlow's numbers, llama.cpp.
_BY_WORD: Final = (
    ("insufficient_quota", Kind.BILLING),
    ("credit_balance", Kind.BILLING),
    ("billing", Kind.BILLING),
    ("arrearage", Kind.BILLING),
    ("payment", Kind.BILLING),
    ("invalid_api_key", Kind.AUTHENTICATION),
    ("invalidapikey", Kind.AUTHENTICATION),
    ("authentication", Kind.AUTHENTICATION),
    ("model_not_found", Kind.NOT_FOUND),
    ("modelnotfound", Kind.NOT_FOUND),
    ("rate_limit", Kind.RATE_LIMIT),
    ("throttling", Kind.RATE_LIMIT),
    ("limit_requests", Kind.RATE_LIMIT),
    ("overloaded", Kind.OVERLOADED),
    ("slow_down", Kind.OVERLOADED),
    ("permission", Kind.PERMISSION),
    ("accessdenied", Kind.PERMISSION),
    ("invalid_request", Kind.INVALID_REQUEST),
    ("invalidparameter", Kind.INVALID_REQUEST),
    ("data_inspection", Kind.INVALID_REQUEST),
    ("context_length", Kind.INVALID_REQUEST),
    ("timeout", Kind.TIMEOUT),
)
# iFlow's numbers inside a 200 (providers.md 6d), and HTTP statuses that stand in `code`.
_BY_NUMBER: Final = {
    "434": Kind.AUTHENTICATION,
    "435": Kind.NOT_FOUND,
    "439": Kind.AUTHENTICATION,
    "449": Kind.RATE_LIMIT,
    "511": Kind.TOO_LARGE,
    "514": Kind.INTERNAL,
    "8211": Kind.RATE_LIMIT,
    **{str(status): kind for status, kind in _BY_STATUS.items()},
}
_OVERFLOW: Final = re.compile(
    r"context_length_exceeded|maximum context|context (?:length|window|size)|prompt is too long"
    r"|input token count|range of input length|too many (?:input )?tokens|reduce the length",
    re.IGNORECASE,
)
_WAIT: Final = re.compile(
    r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?\s*(?:ms|h|m(?:in)?|s(?:ec)?)[a-z]*\s*)+)",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|h|m|s)", re.IGNORECASE)
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_ANY: Final = msgspec.json.Decoder()
_CODED: Final = msgspec.json.Encoder()


def reported_error(value: Any, status: int = 0) -> ReplyError:
    """
    The error that a decoded `error` value states.

    Args:
        value: An object with `message`, `type`, `code` and `param`, or just a text.
        status: HTTP status; 0 where the error came inside a 200.
    """
    fields = value if isinstance(value, dict) else {"message": value}
    message = _message(fields)
    code = _word(fields.get("code"))
    kind_word = _word(fields.get("type"))
    inner = fields.get("status_code")
    overflow = bool(_OVERFLOW.search(f"{code} {message}"))
    kind = _kind(status or (inner if isinstance(inner, int) else 0), code, kind_word)
    if overflow and kind in {Kind.INTERNAL, Kind.TOO_LARGE}:
        kind = Kind.INVALID_REQUEST
    return ReplyError(
        kind,
        message or "The provider reported an error without words.",
        code=code or kind_word,
        param=_word(fields.get("param")),
        retry_after_s=_retry_after(message),
        context_overflow=overflow and kind is Kind.INVALID_REQUEST,
    )


def read_error(status: int, body: bytes) -> ReplyError:
    """An upstream's error body of any form; never raises."""
    try:
        value = _ANY.decode(body)
    except (ValueError, RecursionError):
        return _unstructured(status, body)
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, dict):
        return reported_error(value if isinstance(value, str) else "", status)
    inner = value.get("error")
    if not inner:
        # DashScope: code and message at the top; iFlow: status and msg; FastAPI: detail
        inner = {
            **value,
            "message": value.get("message") or value.get("msg") or value.get("detail"),
            "code": value.get("code") or value.get("error_code") or value.get("status"),
        }
    return reported_error(inner, status)


def error_status(error: ReplyError, status: int) -> int:
    """The status for a Chat client: 529 is not known to it, and an error is never a 2xx."""
    if status == _OVERLOADED_STATUS:
        return 503
    return status if 400 <= status <= 599 else _STATUS[error.kind]


def error_object(error: ReplyError) -> dict[str, str | None]:
    """The inner object of the envelope."""
    message = error.message
    code = _CODES.get(error.code, error.code) or _KIND_CODES.get(error.kind)
    if error.context_overflow:
        # agents compact when they read these words (T168)
        code = _OVERFLOW_CODE
        if _OVERFLOW_WORDS not in message:
            message = f"This model's {_OVERFLOW_WORDS} was exceeded. {message}"
    return {
        "message": message,
        "type": _TYPES.get(error.kind, _SERVER_ERROR),
        "param": error.param or None,
        "code": code or None,
    }


def error_body(error: ReplyError) -> bytes:
    """The envelope."""
    return _CODED.encode({"error": error_object(error)})


def error_frame(error: ReplyError) -> bytes:
    """The in-stream error; no `[DONE]` after it (T165)."""
    return frame_bytes(error_body(error))


def _kind(status: int, code: str, kind_word: str) -> Kind:
    known = _BY_NUMBER.get(code)
    if known is not None and (status < 400 or status >= 500):
        return known
    words = f"{code} {kind_word}".lower()
    if status not in {401, 402, 413}:
        for word, kind in _BY_WORD:
            if word in words and _fits(kind, status):
                return kind
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Kind.INVALID_REQUEST if 400 <= status <= 499 else Kind.INTERNAL


def _fits(kind: Kind, status: int) -> bool:
    """Whether a word may overrule the status: "invalid_request_error" is written under any of them."""
    return kind is not Kind.INVALID_REQUEST or status < 400 or status not in _BY_STATUS


def _message(fields: dict[str, Any]) -> str:
    message = fields.get("message")
    if isinstance(message, dict | list):
        message = _CODED.encode(message).decode()
    return shown_text("" if message is None else str(message))


def _unstructured(status: int, body: bytes) -> ReplyError:
    text = body[: 8 * MESSAGE_LIMIT].decode("utf-8", "replace").strip()
    if text.startswith("<"):  # a page of some proxy: nothing in it is meant for a program
        text = ""
    words = shown_text(text) or f"The provider answered with status {status} and no error text."
    kind = _kind(status, "", "")
    overflow = kind is Kind.INVALID_REQUEST and bool(_OVERFLOW.search(words))
    return ReplyError(kind, words, retry_after_s=_retry_after(words), context_overflow=overflow)


def _word(value: Any) -> str:
    if isinstance(value, str):
        return shown_text(value)[:200]
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _retry_after(message: str) -> float | None:
    found = _WAIT.search(message)
    if not found:
        return None
    spans = _SPAN.findall(found[1])
    return sum(float(number) * _UNITS[unit.lower()] for number, unit in spans)
