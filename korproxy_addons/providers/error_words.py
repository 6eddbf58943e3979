"""What an error body says, whichever of the known shapes it has."""

from dataclasses import dataclass, field
from typing import Any

import msgspec

MESSAGE_LIMIT = 500
_READ_LIMIT_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Words:
    """
    An error body, read.

    Attributes:
        codes: Every word that could name the error: type, code, status, reason; as written.
        message: What it says to people, cut to `MESSAGE_LIMIT`.
        details: Google's detail objects, by their order.
        error: The error object itself, or the whole body where it has none.
        html: The body is a web page.
    """

    codes: tuple[str, ...] = ()
    message: str = ""
    details: tuple[dict[str, Any], ...] = ()
    error: dict[str, Any] = field(default_factory=dict)
    html: bool = False


def read_words(body: bytes, content_type: str = "") -> Words:
    """
    The words in an error body. Never raises; what cannot be read has none.

    Args:
        body: The bytes, or as much as was read of them.
        content_type: Of the reply.
    """
    start = body[:512].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html", b"<head")) or (
        "text/html" in content_type and not start.startswith((b"{", b"["))
    ):
        return Words(html=True)
    try:
        value = msgspec.json.decode(body[:_READ_LIMIT_BYTES])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Words(message=_cut(body[: 4 * MESSAGE_LIMIT].decode("utf-8", "replace")))
    return words_of(value)


def words_of(value: Any) -> Words:
    """The words in a decoded error body."""
    if isinstance(value, list):  # Google wraps it into a list of one at times
        value = value[0] if value else None
    if isinstance(value, str):
        return Words(message=_cut(value))
    if not isinstance(value, dict):
        return Words()
    error = value.get("error")
    if isinstance(error, str):
        # The form of OAuth (RFC 6749, section 5.2), which some APIs use too.
        description = value.get("error_description") or value.get("message") or error
        return Words((error,), _cut(str(description)), error=value)
    if not isinstance(error, dict):
        error = value
    details = tuple(it for it in _listed(error.get("details")) if isinstance(it, dict))
    codes = [error.get(name) for name in ("code", "type", "status", "reason", "error_code")]
    codes += [it.get("reason") for it in details]
    message = next((text for name in ("message", "msg", "detail") if (text := error.get(name))), "")
    if isinstance(message, list):  # validation errors: {"detail": [{"loc": …, "msg": "…"}]}
        message = "; ".join(str(it.get("msg", "")) for it in message if isinstance(it, dict))
    named = (
        str(it) for it in codes if isinstance(it, (str, int)) and not isinstance(it, bool) and it
    )
    text = message if isinstance(message, str) else ""
    return Words(tuple(dict.fromkeys(named)), _cut(text), details, error)


class _Probe(msgspec.Struct):
    type: msgspec.Raw = msgspec.Raw()
    error: msgspec.Raw = msgspec.Raw()
    response: msgspec.Raw = msgspec.Raw()


_PROBE = msgspec.json.Decoder(_Probe)
_NOTHING = (b"", b"null")


def hidden_words(data: bytes) -> Words | None:
    """
    The words of an error inside a successful reply; None if there is none.

    Seen: `{"error": {...}}` (Chat, Gemini, also inside a list), `{"type": "error", ...}` (Anthropic,
    Responses), `{"type": "response.failed", "response": {"error": {...}}}`.
    """
    if b'"error"' not in data:
        return None
    if data.lstrip()[:1] == b"[":
        words = read_words(data)
        return words if words.error and "code" in words.error and "message" in words.error else None
    try:
        probe = _PROBE.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    kind = bytes(probe.type)
    if bytes(probe.error) not in _NOTHING or kind == b'"error"':
        return words_of(msgspec.json.decode(data))
    if kind == b'"response.failed"':
        return words_of(msgspec.json.decode(probe.response))
    return None


_STATUS_BY_CODE = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


def status_of(words: Words) -> int:
    """The HTTP status that an error without one stands for; 500 if its words tell nothing."""
    for code in words.codes:
        if code in _STATUS_BY_CODE:
            return _STATUS_BY_CODE[code]
        if code.isdecimal() and 400 <= int(code) < 600:
            return int(code)
    return 500


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= MESSAGE_LIMIT else text[:MESSAGE_LIMIT] + "…"
