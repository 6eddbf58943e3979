"""
Recordings as an HTTP archive (HAR 1.2), which browsers' developer tools, mitmproxy and many others open.

Of each exchange there is a page: first the client's request and what it was given, then every attempt as it went upstream.
What the format has no place for stands in fields named `_kp`. A recording holds no secret; every text in it goes through the
redaction once more all the same, with the secrets of today.

The format: http://www.softwareishard.com/blog/har-12-spec/
"""

import base64
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from korproxy_addons import __version__
from korproxy_addons.recording.record import RecordedAttempt, RecordedMessage, Recording
from korproxy_addons.recording.redact import Redactor

type Json = dict[str, Any]

# The recording does not know it; upstreams and clients are spoken to in this one.
_HTTP = "HTTP/1.1"
_UNKNOWN_SIZE = -1


def har_of(recordings: Iterable[Recording], redactor: Redactor | None = None) -> Json:
    """
    An archive of some recordings, in the order of their beginnings.

    Args:
        recordings: What to export.
        redactor: With the secrets in use; None: only what looks like one is taken out.
    """
    redactor = redactor or Redactor()
    ordered = sorted(recordings, key=lambda it: (it.started_at, it.id))
    archive = {
        "version": "1.2",
        "creator": {"name": "KorProxy", "version": __version__},
        "pages": [_page(it) for it in ordered],
        "entries": [entry for it in ordered for entry in _entries(it, redactor)],
    }
    cleaned: Json = _cleaned({"log": archive}, redactor)
    return cleaned


def _page(recording: Recording) -> Json:
    asked = recording.requested_model or recording.operation or "a request"
    title = f"{recording.tool or 'a client'}: {asked}"
    return {
        "startedDateTime": _time(recording.started_at),
        "id": recording.id,
        "title": title,
        "pageTimings": {},
    }


def _entries(recording: Recording, redactor: Redactor) -> Iterator[Json]:
    yield _client_leg(recording, redactor)
    for attempt in recording.attempts:
        if attempt.request is not None:
            yield _upstream_leg(recording, attempt, attempt.request, redactor)


def _client_leg(recording: Recording, redactor: Redactor) -> Json:
    total_ms = recording.total_ms
    first_ms = total_ms if recording.first_byte_ms is None else recording.first_byte_ms
    first_ms = min(first_ms, total_ms)
    return {
        **_entry(
            recording,
            recording.started_at,
            recording.request,
            recording.reply,
            (first_ms, total_ms - first_ms),
            redactor,
        ),
        "_kp": {
            "leg": "client",
            "id": recording.id,
            "request_id": recording.request_id,
            "mode": recording.mode,
            "tool": recording.tool,
            "profile": recording.profile,
            "dialect": recording.client_dialect,
            "operation": recording.operation,
            "requested_model": recording.requested_model,
            "streamed": recording.streamed,
            "over_socket": recording.over_socket,
            "outcome": recording.outcome,
            "code": recording.code,
            "why": list(recording.why),
            "losses": list(recording.losses),
            "attempts": [_of(it) for it in recording.attempts],
            "overhead_ms": overhead_ms(recording),
            **_left_out(recording.request, recording.reply),
        },
    }


def _upstream_leg(
    recording: Recording, attempt: RecordedAttempt, request: RecordedMessage, redactor: Redactor
) -> Json:
    sent_ms = attempt.sent_ms or 0.0
    ended_ms = max(recording.total_ms if attempt.ended_ms is None else attempt.ended_ms, sent_ms)
    first_ms = ended_ms if attempt.first_byte_ms is None else attempt.first_byte_ms
    first_ms = min(max(first_ms, sent_ms), ended_ms)
    return {
        **_entry(
            recording,
            recording.started_at + sent_ms / 1000,
            request,
            attempt.reply,
            (first_ms - sent_ms, ended_ms - first_ms),
            redactor,
        ),
        "_kp": {
            "leg": "upstream",
            "id": recording.id,
            "request_id": recording.request_id,
            "mode": recording.mode,
            **_of(attempt),
            **_left_out(request, attempt.reply),
        },
    }


def overhead_ms(recording: Recording) -> float:
    """What of the whole time no attempt was under way for, in milliseconds."""
    upstream = sum(
        max(0.0, (recording.total_ms if it.ended_ms is None else it.ended_ms) - it.sent_ms)
        for it in recording.attempts
        if it.sent_ms is not None
    )
    return round(max(0.0, recording.total_ms - upstream), 3)


def _of(attempt: RecordedAttempt) -> Json:
    return {
        "attempt": attempt.number,
        "account": attempt.label,
        "provider": attempt.provider,
        "access": attempt.access,
        "dialect": attempt.dialect,
        "model": attempt.model,
        "code": attempt.code,
        "sent": attempt.request is not None,
    }


def _left_out(request: RecordedMessage, reply: RecordedMessage | None) -> Json:
    """What the bodies were like, and what of them is not here."""
    return {
        "request_body": _kept(request),
        "reply_body": None if reply is None else _kept(reply),
    }


def _kept(message: RecordedMessage) -> Json:
    shape = message.shape
    return {
        "note": message.note,
        "cut_bytes": message.cut_bytes,
        "masked": message.masked,
        "ended": message.ended,
        "kind": "" if shape is None else shape.kind,
        "bytes": None if shape is None else shape.bytes,
        "sha256_8": "" if shape is None else shape.sha256_8,
        "events": 0 if shape is None else shape.events,
        "skeleton": None if shape is None else shape.skeleton,
    }


def _entry(
    recording: Recording,
    started_at: float,
    request: RecordedMessage,
    reply: RecordedMessage | None,
    took_ms: tuple[float, float],
    redactor: Redactor,
) -> Json:
    wait, receive = (round(max(0.0, it), 3) for it in took_ms)
    return {
        "pageref": recording.id,
        "startedDateTime": _time(started_at),
        "time": round(wait + receive, 3),
        "request": _request(request, redactor),
        "response": _response(reply, redactor),
        "cache": {},
        "timings": {
            "blocked": -1, "dns": -1, "connect": -1, "ssl": -1,
            "send": 0, "wait": wait, "receive": receive,
        },
    }  # fmt: skip


def _request(message: RecordedMessage, redactor: Redactor) -> Json:
    found: Json = {
        "method": message.method,
        "url": message.url,
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _headers(message),
        "queryString": [
            {"name": name, "value": value}
            for name, value in parse_qsl(urlsplit(message.url).query, keep_blank_values=True)
        ],
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _size(message),
    }
    if found["bodySize"] != 0:
        text, encoding = _body(message, redactor)
        posted = {"mimeType": _type(message), "params": [], "text": text}
        comment = "; ".join(it for it in (message.note, encoding and f"{encoding} of bytes") if it)
        found["postData"] = posted | ({"comment": comment} if comment else {})
    return found


def _response(message: RecordedMessage | None, redactor: Redactor) -> Json:
    """The reply; one that never came has status 0, as browsers write it."""
    message = message or RecordedMessage(status=0, note="there was no reply")
    status = message.status or 0
    text, encoding = _body(message, redactor)
    content: Json = {"size": max(0, _size(message)), "mimeType": _type(message)}
    if text or not _size(message):
        content |= {"text": text} | ({"encoding": encoding} if encoding else {})
    if message.note:
        content["comment"] = message.note
    return {
        "status": status,
        "statusText": _phrase(status),
        "httpVersion": _HTTP,
        "cookies": [],
        "headers": _headers(message),
        "content": content,
        "redirectURL": "",
        "headersSize": _UNKNOWN_SIZE,
        "bodySize": _size(message) if status else _UNKNOWN_SIZE,
    }


def _headers(message: RecordedMessage) -> list[Json]:
    return [{"name": name, "value": value} for name, value in message.headers]


def _body(message: RecordedMessage, redactor: Redactor) -> tuple[str, str]:
    """The body as text, and the name of what it is encoded in."""
    body = message.body or ""
    if not (message.base64 and body):
        return redactor.body(body, _type(message)), ""
    # Within base64 no pattern is found; the secrets in use are looked for in what it stands for.
    clean = redactor.without_known(base64.b64decode(body))
    return base64.b64encode(clean).decode(), "base64"


def _size(message: RecordedMessage) -> int:
    """Of the body, in bytes as it passed."""
    if message.shape is not None:
        return message.shape.bytes
    if message.body is None:
        return _UNKNOWN_SIZE if message.note else 0
    kept = (
        base64.b64decode(message.body)
        if message.base64
        else message.body.encode("utf-8", "replace")
    )
    return len(kept) + message.cut_bytes


def _type(message: RecordedMessage) -> str:
    return next(
        (value for name, value in message.headers if name.lower() == "content-type"), "x-unknown"
    )


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _cleaned(value: Any, redactor: Redactor) -> Any:
    """A value without what is, or looks like, a secret in any of its texts."""
    match value:
        case str():
            return redactor.text(value)
        case {"encoding": "base64", **rest}:
            # Taken care of already; as text it would only be broken.
            return {**_cleaned(rest, redactor), "text": value["text"], "encoding": "base64"}
        case dict():
            return {_cleaned(key, redactor): _cleaned(it, redactor) for key, it in value.items()}
        case list() | tuple():
            return [_cleaned(it, redactor) for it in value]
        case _:
            return value
