"""
Errors of the Messages API: read from an upstream, and said to a client in the words it knows.

Words and statuses: providers.md 2d and 8.2. Claude's tools compact a conversation when they read "prompt is too
long" (T168).
"""

import re
from typing import Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.anthropic_messages.wire import json_bytes
from korproxy_addons.dialects.error_text import MESSAGE_LIMIT, shown_text
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.dialects.payload import decode_payload
from korproxy_addons.dialects.sse import frame_bytes
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind

_OVERLOADED_STATUS: Final = 529

_TYPES: Final = {
    Kind.INVALID_REQUEST: "invalid_request_error",
    Kind.AUTHENTICATION: "authentication_error",
    Kind.BILLING: "billing_error",
    Kind.PERMISSION: "permission_error",
    Kind.NOT_FOUND: "not_found_error",
    Kind.TOO_LARGE: "request_too_large",
    Kind.RATE_LIMIT: "rate_limit_error",
    Kind.OVERLOADED: "overloaded_error",
    Kind.TIMEOUT: "timeout_error",
    Kind.INTERNAL: "api_error",
}
_KINDS: Final = {word: kind for kind, word in _TYPES.items()}
_OF_STATUS: Final = {
    401: Kind.AUTHENTICATION,
    402: Kind.BILLING,
    403: Kind.PERMISSION,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    _OVERLOADED_STATUS: Kind.OVERLOADED,
}
_OVERFLOW_WORDS: Final = "prompt is too long"
_OVERFLOW: Final = re.compile(
    r"prompt is too long|exceeds? (?:the )?(?:model'?s )?(?:maximum )?context|context[ _]length"
    r"|context window|context limit",
    re.IGNORECASE,
)
_PARAM: Final = re.compile(r"([a-z_]+(?:\.\w+)*): ")
_MARKUP: Final = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)


class _Words(Struct):
    """The inside of an error in any envelope that servers of this dialect were seen to use."""

    type: str | None = None
    message: str | None = None
    detail: str | None = None
    error: Raw = Raw(b"")


_WORDS: Final = msgspec.json.Decoder(_Words)
_TEXT: Final = msgspec.json.Decoder(str)


def read_error(status: int, body: bytes) -> ReplyError:
    """An upstream's error body, of this dialect or of none; see `base.Dialect`."""
    word, message = _said(body)
    kind = _OF_STATUS.get(status) or (Kind.INTERNAL if status >= 500 else Kind.INVALID_REQUEST)
    return _reply_error(_KINDS.get(word, kind), word, message or f"the upstream answered {status}")


def reported_error(error: bytes) -> ReplyError:
    """An error inside a 200: the value of its `error` field, b"" if there was none."""
    word, message = _said(error)
    kind = _KINDS.get(word, Kind.INTERNAL)
    return _reply_error(kind, word, message or "the upstream reported an error without words")


def error_status(error: ReplyError, status: int) -> int:
    """The status that clients of this dialect know: overload is 529, an overlong prompt 400."""
    if error.context_overflow:
        return 400
    return _OVERLOADED_STATUS if error.kind is Kind.OVERLOADED and status == 503 else status


def error_body(error: ReplyError, request_id: str = "") -> bytes:
    """The envelope of an error, whole and inside a stream."""
    envelope: dict[str, object] = {"type": "error", "error": _inside(error)}
    if request_id:
        envelope["request_id"] = request_id
    return json_bytes(envelope)


def error_frame(error: ReplyError) -> bytes:
    """The event that ends a stream which failed; nothing follows it (T165)."""
    return frame_bytes(error_body(error), "error")


def _inside(error: ReplyError) -> dict[str, str]:
    word, message = _TYPES[error.kind], error.message
    if error.context_overflow:
        word = _TYPES[Kind.INVALID_REQUEST]
        if _OVERFLOW_WORDS not in message.lower():
            message = f"{_OVERFLOW_WORDS}: {message}"
    return {"type": word, "message": message.encode("utf-8", "replace").decode()}


def _reply_error(kind: Kind, word: str, message: str) -> ReplyError:
    overflow = kind in {Kind.INVALID_REQUEST, Kind.TOO_LARGE} and bool(_OVERFLOW.search(message))
    param = _PARAM.match(message) if kind is Kind.INVALID_REQUEST and not overflow else None
    return ReplyError(
        kind,
        shown_text(message),
        code=word,
        param=param[1] if param else "",
        context_overflow=overflow,
    )


def _said(body: bytes) -> tuple[str, str]:
    """The error's own word and its text, "" for what it does not say."""
    try:
        words = decode_payload(_WORDS, body)
    except KorProxyError:
        return "", _plain(body)
    inside = bytes(words.error)
    if inside in {b"", b"null"}:
        word = words.type or ""
        return ("" if word == "error" else word), words.message or words.detail or ""
    try:
        return "", _TEXT.decode(inside)
    except ValueError:
        pass
    try:
        error = decode_payload(_WORDS, inside)
    except KorProxyError:
        return "", words.message or words.detail or ""
    return error.type or "", error.message or error.detail or words.message or ""


def _plain(body: bytes) -> str:
    """A body that is no JSON object: its text, unless it is a page for browsers."""
    head = body[: 4 * MESSAGE_LIMIT]
    if _MARKUP.match(head.decode("utf-8", "replace")):
        return "the upstream answered with a web page"
    try:
        return _TEXT.decode(body)
    except ValueError:
        return " ".join(head.decode("utf-8", "replace").split())
