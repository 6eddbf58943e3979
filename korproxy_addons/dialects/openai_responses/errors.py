"""
Errors of the Responses API, read and written.

Shapes that upstreams use: `{"error": {message, type, code, param}}`, `{"error": "text"}`, `{"detail": "text"}` (Codex
backend), `{"type": "error", code, message}` in a stream, `{"code", "message"}` inside `response.failed`, HTML.
"""

import re
from typing import Any, Final

import msgspec

from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.openai_responses.error_words import (
    KIND_BY_CODE,
    KIND_BY_TYPE,
    OVERFLOW,
    TYPE_BY_KIND,
    cleaned,
    kind_of_status,
    wait_in_words,
)
from korproxy_addons.errors.catalogue import PREVIOUS_RESPONSE_NOT_FOUND
from korproxy_addons.errors.kinds import Kind

_ANY: Final = msgspec.json.Decoder()
_OVERFLOW_CODE: Final = "context_length_exceeded"
_NO_PREVIOUS: Final = "previous_response_not_found"  # clients then send the whole conversation
_OVERFLOW_TEXT: Final = (
    "Your input exceeds the context window of this model. Please adjust your input and try again."
)
_HTML: Final = re.compile(rb"\s*<(?:!doctype|html|head|body)", re.IGNORECASE)
_SHOWN: Final = 8000
_CODE_BY_KIND: Final = {
    Kind.AUTHENTICATION: "invalid_api_key",
    Kind.BILLING: "insufficient_quota",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
    Kind.OVERLOADED: "server_is_overloaded",
    Kind.INTERNAL: "server_error",
    Kind.TIMEOUT: "server_error",
}
_OVERLOADED_STATUS: Final = 529


def decoded_error(status: int, body: bytes) -> ReplyError:
    """
    What an error body says. Never raises.

    Args:
        status: HTTP status; 0 for an error inside a 200, where only the words count.
        body: The body, or the JSON of an error event.
    """
    if _HTML.match(body):
        return ReplyError(
            kind_of_status(status), f"The service answered with a web page ({status})."
        )
    try:
        value = _ANY.decode(body)
    except (ValueError, RecursionError):
        value = body[:_SHOWN].decode("utf-8", "replace")
    return error_of(status, value)


def error_of(status: int, value: Any) -> ReplyError:
    """The error that a decoded JSON value reports, in any of the known shapes."""
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict) and isinstance(value.get("response"), dict):
        value = value["response"]  # response.failed
    error: Any = value
    if isinstance(value, dict):
        found = value.get("error")
        error = found if found is not None else value.get("detail", value)
        if isinstance(value.get("status"), int) and not status:
            status = value["status"]
    fields: dict[str, Any] = error if isinstance(error, dict) else {}
    message = _message(error)[:_SHOWN]
    code = _text(fields.get("code"))
    family = _text(fields.get("type"))
    word = code if code in KIND_BY_CODE else family if family in KIND_BY_CODE else ""
    overflow = word == _OVERFLOW_CODE or bool(OVERFLOW.search(message))
    kind = KIND_BY_CODE[word] if word else kind_of_status(status, KIND_BY_TYPE.get(family))
    if "at capacity" in message or "currently overloaded" in message:
        kind = Kind.OVERLOADED
    return ReplyError(
        Kind.INVALID_REQUEST if overflow else kind,
        cleaned(message) or f"The service gave no reason ({status or 'in the stream'}).",
        code=_OVERFLOW_CODE if overflow else code or ("" if family == "error" else family),
        param=_text(fields.get("param")),
        retry_after_s=_wait(fields, message),
        context_overflow=overflow,
    )


def encoded_error(error: ReplyError, status: int) -> bytes:
    """The envelope of an error that has a real status."""
    return msgspec.json.encode(
        {
            "error": {
                "message": error_message(error),
                "type": TYPE_BY_KIND[error.kind],
                "param": error.param or None,
                "code": error_code(error)
                or ("model_not_found" if _no_model(error, status) else None),
            }
        }
    )


def failure_fields(error: ReplyError) -> dict[str, str]:
    """`response.error` of `response.failed`; Codex decides by its code whether to try again."""
    fallback = "server_error"
    if error.kind in {Kind.INVALID_REQUEST, Kind.TOO_LARGE, Kind.PERMISSION}:
        fallback = "invalid_prompt"
    code = error_code(error)
    if code.startswith("KP-") or not code:
        code = fallback
    return {"code": code, "message": error_message(error)}


def error_code(error: ReplyError) -> str:
    """The dialect's own word for an error where it has one, else the code that came."""
    if error.context_overflow:
        return _OVERFLOW_CODE
    if error.code == PREVIOUS_RESPONSE_NOT_FOUND.code:
        return _NO_PREVIOUS
    if error.code in KIND_BY_CODE:
        return error.code
    if error.kind is Kind.NOT_FOUND and error.param == "model":
        return "model_not_found"
    return _CODE_BY_KIND.get(error.kind, error.code)


def error_message(error: ReplyError) -> str:
    """The words; those that agents look for are added where they are missing (T168)."""
    if error.context_overflow and "exceeds the context window" not in error.message:
        return f"{_OVERFLOW_TEXT} ({error.message})"
    waits = error.kind is Kind.RATE_LIMIT and error.retry_after_s is not None
    if waits and wait_in_words(error.message) is None:
        return f"{error.message} Please try again in {error.retry_after_s:g}s."
    return error.message


def error_status(status: int) -> int:
    """The status that clients of this dialect know: 529 is Anthropic's own."""
    return 503 if status == _OVERLOADED_STATUS else status


def _no_model(error: ReplyError, status: int) -> bool:
    return status == 404 and "model" in error.message.lower() and not error.code


def _message(error: Any) -> str:
    if isinstance(error, str):
        return error
    if isinstance(error, list):  # validation errors: [{"loc": [...], "msg": "..."}]
        return "; ".join(_message(each) for each in error if each)
    if not isinstance(error, dict):
        return ""
    found = next((error[name] for name in ("message", "msg", "detail") if error.get(name)), "")
    return found if isinstance(found, str) else _message(found)


def _text(value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)


def _wait(fields: dict[str, Any], message: str) -> float | None:
    for name in ("resets_in_seconds", "retry_after", "retry_after_seconds"):
        value = fields.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
            return float(value)
    return wait_in_words(message)
