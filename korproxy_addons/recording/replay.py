"""A recorded request as one that can be sent again, and what of it cannot be as it was."""

import json
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from korproxy_addons.errors.catalogue import CANNOT_REPLAY, RECORDING_WITHOUT_CONTENT
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.recording.record import Recording
from korproxy_addons.recording.redact import MASK
from korproxy_addons.routing.tools import OWN_REQUESTS

USER_AGENT = "korproxy-replay"
# The gateway speaks for itself, makes its own id, and is sent one whole body.
_NOT_AGAIN = frozenset(
    (
        "host", "connection", "keep-alive", "content-length", "content-encoding", "transfer-encoding",
        "accept-encoding", "expect", "te", "trailer", "upgrade", "user-agent", "x-request-id",
        "x-correlation-id", "x-korproxy-request-id", "traceparent", "tracestate",
    )
)  # fmt: skip
_HASHED = re.compile(r"^sha256:[0-9a-f]{8}$")
_MODEL_IN_PATH = re.compile(r"(/models/)[^/:?]+(?=:)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """
    A request to the gateway.

    Attributes:
        method: Of it.
        target: Path and query.
        headers: Without credentials.
        body: As recorded, but for the model if it is another.
        model: That it names.
        notes: What is not as it was, and why, in words.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: str
    model: str
    notes: tuple[str, ...]


def replay_of(recording: Recording, against: str | None = None) -> Replay:
    """
    The recorded request again.

    Args:
        recording: Of an exchange.
        against: `provider/model` to ask instead; None: as the client asked, routed anew.
    Raises:
        KorProxyError: RECORDING_WITHOUT_CONTENT; CANNOT_REPLAY, and why not.
    """
    body = _whole_body(recording)
    parts = urlsplit(recording.request.url)
    target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    hidden = {name.lower() for name, value in recording.request.headers if _hidden(value)}
    if MASK in target or quote(MASK) in target:
        target = _without_masked(parts.path, parts.query)
        hidden.add("a key in the query")
    if against is not None:
        target, body = _asking(against, target, body)
    return Replay(
        method=recording.request.method,
        target=target,
        headers=(*_headers(recording), ("user-agent", USER_AGENT)),
        body=body,
        model=against or recording.requested_model,
        notes=tuple(_notes(recording, hidden)),
    )


def _whole_body(recording: Recording) -> str:
    request = recording.request
    if recording.mode == "shapes":
        raise KorProxyError(RECORDING_WITHOUT_CONTENT, f"recording {recording.id}")
    if request.cut_bytes:
        why = f"the last {request.cut_bytes:,} bytes of its body were not kept"
    elif not request.ended:
        why = "the client broke off before it was whole"
    elif request.base64:
        why = "its body is no text"
    elif request.body is None and request.note:
        why = request.note
    else:
        return request.body or ""
    raise KorProxyError(CANNOT_REPLAY, f"recording {recording.id}: {why}")


def _headers(recording: Recording) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name, value)
        for name, value in recording.request.headers
        if name.lower() not in _NOT_AGAIN and not _hidden(value)
    )


def _hidden(value: str) -> bool:
    return MASK in value or _HASHED.match(value) is not None


def _without_masked(path: str, query: str) -> str:
    kept = [it for it in query.split("&") if MASK not in it and quote(MASK) not in it]
    return f"{path or '/'}{'?' + '&'.join(kept) if kept else ''}"


def _asking(against: str, target: str, body: str) -> tuple[str, str]:
    """Path and body with another model in that one of the two where it stands."""
    if _MODEL_IN_PATH.search(target):
        return _MODEL_IN_PATH.sub(lambda found: found[1] + quote(against, safe=""), target), body
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if not isinstance(value, dict) or "model" not in value:
        raise KorProxyError(
            CANNOT_REPLAY, "the request names no model that another could stand for"
        )
    return target, json.dumps({**value, "model": against}, ensure_ascii=False)


def _notes(recording: Recording, hidden: set[str]) -> list[str]:
    notes = []
    if hidden:
        names = ", ".join(sorted(hidden))
        notes.append(f"not in the recording, so not sent: {names}")
    if recording.request.masked:
        number = recording.request.masked
        what = "one secret was" if number == 1 else f"{number} secrets were"
        notes.append(f"{what} taken out of the body: there the request is another one")
    if recording.tool not in ("", OWN_REQUESTS):
        notes.append(
            f"sent as KorProxy's own and not as {recording.tool}: rules about tools, and logins for that tool"
            " alone, do not apply"
        )
    if recording.over_socket:
        notes.append(
            "it came over a WebSocket and goes as a POST: what was said there before is not known"
        )
    return notes
