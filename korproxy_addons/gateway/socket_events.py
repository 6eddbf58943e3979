"""
The messages on a WebSocket of the Responses API that are not events of a reply, and the two events that are looked into.

Pure values to JSON; sources: the published client of that protocol, and what it was seen to read.
"""

import math
from collections.abc import Mapping
from typing import Any

import msgspec

_encode = msgspec.json.Encoder().encode
_OBJECT = msgspec.json.Decoder(dict[str, Any])

_WINDOWS = ("primary", "secondary")
_EXCHANGE_HEADERS = ("x-korproxy-request-id", "x-korproxy-account", "x-korproxy-why")
# What a tool reads beside an error: when to come again, how full its windows are, whom to name in a report.
_ERROR_HEADERS = ("retry-after", "x-request-id", "x-oai-request-id", "x-should-retry")
_ERROR_PREFIXES = ("x-codex-", "x-korproxy-")
# Codex tries again when a POST is refused with these, whatever its code says. On a socket the code makes it give up.
_TRIED_AGAIN = 503
_GIVES_UP_AT = frozenset(("server_is_overloaded", "slow_down"))


class ItemDone(msgspec.Struct):
    """`response.output_item.done`."""

    type: str
    item: msgspec.Raw


class Named(msgspec.Struct):
    """A response object, as far as its name."""

    id: str


class Ended(msgspec.Struct):
    """`response.completed` and `response.incomplete`."""

    response: Named


def warm_messages(response_id: str, model: msgspec.Raw) -> list[bytes]:
    """The two messages of a response that generates nothing."""
    response: dict[str, Any] = {
        "id": response_id, "object": "response", "status": "in_progress", "model": model, "output": [],
    }  # fmt: skip
    usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
    completed = {**response, "status": "completed", "usage": usage}
    return [
        _encode({"type": "response.created", "sequence_number": 0, "response": response}),
        _encode({"type": "response.completed", "sequence_number": 1, "response": completed}),
    ]


def exchange_message(headers: Mapping[str, str]) -> bytes:
    """
    What the gateway says about an exchange, where a POST would say it in headers.

    Args:
        headers: Of the reply, names in lower case.
    """
    said = {name: headers[name] for name in _EXCHANGE_HEADERS if name in headers}
    return _encode({"type": "korproxy.exchange", "headers": said})


def rate_limits_message(headers: Mapping[str, str]) -> bytes | None:
    """
    A plan's windows as this protocol tells them; None if the reply's headers say nothing of any.

    Args:
        headers: Of the reply, names in lower case.
    """
    windows = {name: _window(headers, name) for name in _WINDOWS}
    if not any(windows.values()):
        return None
    message = {
        "type": "codex.rate_limits",
        "plan_type": headers.get("x-codex-plan-type"),
        "rate_limits": windows,
        "credits": _credits(headers),
        "metered_limit_name": headers.get("x-codex-active-limit"),
    }
    return _encode({name: value for name, value in message.items() if value is not None})


def error_message(
    status: int, body: bytes | Mapping[str, object], headers: Mapping[str, str]
) -> bytes:
    """
    A refused request.

    Args:
        status: HTTP status.
        body: The reply's, in whatever form; or the error's fields.
        headers: Of the reply, names in lower case.
    """
    error = _error_of(body) if isinstance(body, bytes) else body
    if status == _TRIED_AGAIN and error.get("code") in _GIVES_UP_AT:
        error = {name: value for name, value in error.items() if name != "code"}
    told = {
        name: value
        for name, value in headers.items()
        if name in _ERROR_HEADERS or name.startswith(_ERROR_PREFIXES)
    }
    return _encode({"type": "error", "status": status, "error": error, "headers": told})


def _error_of(body: bytes) -> Mapping[str, object]:
    try:
        fields = _OBJECT.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"type": "server_error", "message": body[:2000].decode("utf-8", "replace")}
    said = fields.get("error", fields.get("detail", fields.get("message", "")))
    if isinstance(said, dict):
        return said
    # Some backends say only what is wrong, in a text.
    text = said if isinstance(said, str) else _encode(said).decode()
    return {"type": "invalid_request_error", "message": text}


def _window(headers: Mapping[str, str], name: str) -> dict[str, float] | None:
    names = {
        "used_percent": f"x-codex-{name}-used-percent",
        "window_minutes": f"x-codex-{name}-window-minutes",
        "reset_at": f"x-codex-{name}-reset-at",
    }
    found = {key: _number(headers.get(header, "")) for key, header in names.items()}
    if found["used_percent"] is None:
        return None
    return {key: value for key, value in found.items() if value is not None}


def _credits(headers: Mapping[str, str]) -> dict[str, object] | None:
    has = headers.get("x-codex-credits-has-credits")
    if has is None:
        return None
    unlimited = headers.get("x-codex-credits-unlimited", "")
    found: dict[str, object] = {
        "has_credits": has.lower() == "true",
        "unlimited": unlimited.lower() == "true",
    }
    if "x-codex-credits-balance" in headers:
        found["balance"] = headers["x-codex-credits-balance"]
    return found


def _number(text: str) -> float | None:
    """A whole number as one: the client reads some of these as integers."""
    try:
        value = float(text)
    except ValueError:
        return None
    if not math.isfinite(value):
        return None
    return int(value) if value.is_integer() else value
