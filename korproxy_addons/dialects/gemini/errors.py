"""Google's error envelope, read and written."""

import re
from typing import Any, Final

import msgspec
from msgspec import Struct

from korproxy_addons.dialects.error_text import MESSAGE_LIMIT, shown_text
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.payload import decode_body
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind

_TOO_LONG: Final = "The input token count exceeds the maximum number of tokens allowed."
_OVERFLOW: Final = re.compile(
    r"input token count\b.{0,80}\bexceed|exceeds? the maximum number of (input )?tokens",
    re.IGNORECASE,
)
_RETRY_TEXT: Final = re.compile(r"retry in (\d{1,9}(?:\.\d+)?)\s*(ms|s)\b", re.IGNORECASE)
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d+)?)(ms|s)")
_TAG: Final = re.compile(r"<[^>]*>")
_STYLE: Final = re.compile(r"<(script|style)\b.*?</\1>", re.DOTALL | re.IGNORECASE)

# Kind to the status of an error that comes inside a stream, and to Google's word.
_CODES: Final = {
    Kind.INVALID_REQUEST: (400, "INVALID_ARGUMENT"),
    Kind.AUTHENTICATION: (401, "UNAUTHENTICATED"),
    Kind.BILLING: (402, "FAILED_PRECONDITION"),
    Kind.PERMISSION: (403, "PERMISSION_DENIED"),
    Kind.NOT_FOUND: (404, "NOT_FOUND"),
    Kind.TOO_LARGE: (413, "INVALID_ARGUMENT"),
    Kind.RATE_LIMIT: (429, "RESOURCE_EXHAUSTED"),
    Kind.OVERLOADED: (503, "UNAVAILABLE"),
    Kind.TIMEOUT: (504, "DEADLINE_EXCEEDED"),
    Kind.INTERNAL: (500, "INTERNAL"),
}
_KINDS_OF_STATUS: Final = {
    400: Kind.INVALID_REQUEST,
    401: Kind.AUTHENTICATION,
    402: Kind.BILLING,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    499: Kind.OVERLOADED,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_KINDS_OF_WORD: Final = {
    "INVALID_ARGUMENT": Kind.INVALID_REQUEST,
    "OUT_OF_RANGE": Kind.INVALID_REQUEST,
    "UNAUTHENTICATED": Kind.AUTHENTICATION,
    "PERMISSION_DENIED": Kind.PERMISSION,
    "NOT_FOUND": Kind.NOT_FOUND,
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT,
    "UNAVAILABLE": Kind.OVERLOADED,
    "CANCELLED": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
    "INTERNAL": Kind.INTERNAL,
}
_KINDS_OF_REASON: Final = {
    "API_KEY_INVALID": Kind.AUTHENTICATION,
    "ACCESS_TOKEN_TYPE_UNSUPPORTED": Kind.AUTHENTICATION,
    "BILLING_DISABLED": Kind.BILLING,
    "INSUFFICIENT_G1_CREDITS_BALANCE": Kind.BILLING,
    "MODEL_CAPACITY_EXHAUSTED": Kind.OVERLOADED,
}


class _Detail(Struct, rename={"retry_delay": "retryDelay"}):
    reason: str | None = None
    retry_delay: str | None = None
    metadata: dict[str, Any] | None = None


class _Error(Struct):
    code: int | str | None = None
    message: str | None = None
    status: str | None = None
    details: list[msgspec.Raw] | None = None


class _Envelope(Struct):
    error: msgspec.Raw
    error_description: str | None = None


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_ENVELOPES: Final = msgspec.json.Decoder(list[_Envelope])
_ERROR: Final = msgspec.json.Decoder(_Error)
_DETAIL: Final = msgspec.json.Decoder(_Detail)
_TEXT: Final = msgspec.json.Decoder(str)


def read_error(status: int, body: bytes) -> ReplyError:
    """`base.Dialect.read_error`: Google's envelope, alone or as the only element of an array, or anything."""
    envelope = _envelope(body)
    if envelope is None:
        return ReplyError(_KINDS_OF_STATUS.get(status, _otherwise(status)), _plain(status, body))
    try:
        error = _ERROR.decode(envelope.error)
    except (ValueError, RecursionError):
        return _worded(status, envelope)
    details = _details(error)
    reason = next((detail.reason for detail in details if detail.reason), "")
    message = error.message or envelope.error_description or ""
    overflow = bool(_OVERFLOW.search(message))
    return ReplyError(
        Kind.INVALID_REQUEST if overflow else _kind(status, error, reason, message),
        shown_text(message) or f"The provider answered with status {status}.",
        code=reason or error.status or "",
        retry_after_s=_retry_after(details, message),
        context_overflow=overflow,
    )


def error_in_reply(payload: bytes) -> ReplyError:
    """An error that came as a chunk of a reply with status 200 (T166); its own code is its status."""
    envelope = _envelope(payload) or _Envelope(msgspec.Raw(b"{}"))
    try:
        code = _ERROR.decode(envelope.error).code
    except (ValueError, RecursionError):
        code = None
    return read_error(code if isinstance(code, int) and 400 <= code < 600 else 500, payload)


def error_value(error: ReplyError, status: int = 0, request_id: str = "") -> bytes:
    """
    The envelope of an error.

    Args:
        error: What went wrong.
        status: HTTP status; 0 inside a stream, where the kind gives the code.
        request_id: "" if there is none to tell.
    """
    code, word = _CODES[error.kind]
    message = error.message
    if error.context_overflow and not _OVERFLOW.search(message):
        message = f"{_TOO_LONG} {message}"
    details: list[dict[str, Any]] = []
    if error.code:
        info = {"reason": error.code, "domain": "korproxy"}
        details.append({"@type": "type.googleapis.com/google.rpc.ErrorInfo", **info})
    if error.param:
        violations = [{"field": error.param, "description": message}]
        details.append(
            {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": violations}
        )
    if error.retry_after_s is not None:
        delay = f"{max(0.0, error.retry_after_s):.3f}".rstrip("0").rstrip(".") + "s"
        details.append({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay})
    if request_id:
        details.append(
            {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": request_id}
        )
    value: dict[str, Any] = {"code": status or code, "message": message, "status": word}
    if details:
        value["details"] = details
    try:
        return msgspec.json.encode({"error": value})
    except UnicodeEncodeError:
        value = {"code": status or code, "message": "The request failed.", "status": word}
        return msgspec.json.encode({"error": value})


def _envelope(body: bytes) -> _Envelope | None:
    try:
        if body.lstrip()[:1] != b"[":
            return decode_body(_ENVELOPE, body)
        envelopes = decode_body(_ENVELOPES, body)
    except KorProxyError:
        return None
    return envelopes[0] if envelopes else None


def _details(error: _Error) -> list[_Detail]:
    details = []
    for raw in error.details or ():
        try:
            details.append(_DETAIL.decode(raw))
        except (ValueError, RecursionError):
            continue
    return details


def _worded(status: int, envelope: _Envelope) -> ReplyError:
    """An error that is one word, as token endpoints and proxies give it."""
    try:
        word = _TEXT.decode(envelope.error)
    except (ValueError, RecursionError):
        word = ""
    message = ": ".join(text for text in (word, envelope.error_description) if text)
    return ReplyError(
        _KINDS_OF_STATUS.get(status, _otherwise(status)),
        shown_text(message) or f"The provider answered with status {status}.",
        code=word if re.fullmatch(r"\w{1,64}", word) else "",
    )


def _kind(status: int, error: _Error, reason: str, message: str) -> Kind:
    if reason in _KINDS_OF_REASON:
        return _KINDS_OF_REASON[reason]
    word = error.status or ""
    if word == "FAILED_PRECONDITION":
        if "billing" in message.lower():
            return Kind.BILLING
        return Kind.PERMISSION if "location" in message.lower() else Kind.INVALID_REQUEST
    known = _KINDS_OF_STATUS.get(status)
    if known is None or status == 400:
        return _KINDS_OF_WORD.get(word, known or _otherwise(status))
    return known


def _otherwise(status: int) -> Kind:
    return Kind.INVALID_REQUEST if 400 <= status < 500 else Kind.INTERNAL


def _retry_after(details: list[_Detail], message: str) -> float | None:
    for detail in details:
        if detail.retry_delay and (found := _DURATION.fullmatch(detail.retry_delay)):
            return _seconds(found)
    for detail in details:
        delay = (detail.metadata or {}).get("quotaResetDelay")
        if isinstance(delay, str) and (found := _DURATION.fullmatch(delay)):
            return _seconds(found)
    told = _RETRY_TEXT.search(message)
    return _seconds(told) if told else None


def _seconds(found: re.Match[str]) -> float:
    number = float(found[1])
    return number / 1000 if found[2].lower() == "ms" else number


def _plain(status: int, body: bytes) -> str:
    text = body[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")
    if "<" in text:
        text = _TAG.sub(" ", _STYLE.sub(" ", text))
    text = " ".join(text.split())
    return shown_text(text) or f"The provider answered with status {status}."
