"""
Faults by name: what a rule of the script does to a request. Settings in brackets, with their defaults.

A fault replaces the reply of the provider:

    status          [status=500 message code headers body content_type retry_after], in the provider's own envelope
    401 402 403 404 408 413 429 500 502 503 504 529          the same with this status
    403-html        an edge's page
    invalid-json    a 200 whose JSON breaks off
    empty-200       a 200 with no body
    redirect        [location]: 302
    websocket-limit     an upgrade is accepted; the first message is answered by the end of the 60 minutes
    websocket-too-big   an upgrade is accepted; the first message closes it with 1009

or it spoils the way the reply leaves (`after`: frames of a stream, bytes of a whole body, by default the middle; `held=true`:
what spoils it there happens when `release` is called):

    cut             [after]: the message ends properly, but without the dialect's terminal event
    drop            [after]: the connection closes in the middle
    reset           [after]: TCP reset in the middle
    stall           [after stall_s]: silence until the client goes, or for so many seconds; then as `cut`
    error-mid-stream [after bare=false]: the dialect's error event, then the end; `bare`: in Responses an `error` event
    error-in-200    a stream whose first event is an error; for a whole answer, the error's body under 200 [status body]
    slow-first-byte [seconds=1]: silence before the head
    held            [after status]: silence before the head, or behind so many frames of a stream, until `release` is called;
                    with a status, its error takes the answer's place
    reset-before-head
    garbage         no HTTP at all
    huge-headers    [bytes=100000]
    wrong-content-type [content_type=text/plain]
    gzip            compressed although nobody asked
    pace            [delay_ms=20]: a pause before each frame
    split           [bytes=1 delay_ms=0]: cut everywhere, inside of lines and characters
    bare-data       no blank after `data:`, as some services write
    comments        a comment line before each frame of a stream, as some services keep a connection alive
    clock-skew      [seconds=600]: a wrong `Date`
    headers         [headers retry_after]: more headers, or other values
    empty-output    the final response object of a ChatGPT plan comes without its items
    foreign-state   a login's page leads back with another login's state
    less-scope      [scope]: a login's page grants everything but this
    foreign-key     the sign-in with ChatGPT brings an identity that somebody else has signed
    no-client-id    the sign-in with ChatGPT leads back without the client id it issues
    slow-down       a device that polls is told to poll more slowly
    answer          [prompt]: the model answers as if this had been the prompt (see `directives`)

`retry_after` is a number of seconds, or `"date:30"` for an HTTP date so many seconds ahead. A request which the provider
would refuse anyway uses no fault up.
"""

import json
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

from launcher.simulator.call import Call, Headers, Reply
from launcher.simulator.script import Rule
from launcher.simulator.transport import Emission

ErrorMaker = Callable[[int, str, str], Reply]

_STATUSES = ("401", "402", "403", "404", "408", "413", "429", "500", "502", "503", "504", "529")
_STOPS = {
    "cut": "close",
    "drop": "drop",
    "reset": "reset",
    "error-mid-stream": "report",
    "stall": "stall",
}
_WEBSOCKET_LIMIT = json.dumps(
    {
        "type": "error",
        "status": 400,
        "error": {
            "type": "invalid_request_error",
            "code": "websocket_connection_limit_reached",
            "message": "Responses websocket connection limit reached (60 minutes).",
        },
    }
)
_WEBSOCKETS: dict[str, tuple[tuple[str, ...], int]] = {
    "websocket-limit": ((_WEBSOCKET_LIMIT,), 1000),
    "websocket-too-big": ((), 1009),
}
_REPLIES = frozenset(
    {"status", *_STATUSES, "403-html", "invalid-json", "empty-200", "redirect", *_WEBSOCKETS}
)
_SPOILED = frozenset(
    {
        *_STOPS,
        "error-in-200",
        "slow-first-byte",
        "held",
        "reset-before-head",
        "garbage",
        "huge-headers",
        "wrong-content-type",
        "gzip",
        "pace",
        "split",
        "bare-data",
        "comments",
        "clock-skew",
        "headers",
        "answer",
        "empty-output",
        "foreign-key",
        "foreign-state",
        "less-scope",
        "no-client-id",
        "slow-down",
    }
)
FAULTS = _REPLIES | _SPOILED

EDGE_PAGE = (
    b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body><h1>Checking your"
    b" browser</h1><p>Enable JavaScript and cookies to continue</p></body></html>"
)
GARBAGE = b"\x16\x03\x01 this is no HTTP reply\r\n\x00\xff\r\n\r\n"


def replacement(call: Call, rule: Rule, make_error: ErrorMaker) -> Reply | None:
    """The reply of a fault that replaces it; nothing for one that spoils it."""
    name, params = rule.fault, rule.params
    if name not in _REPLIES and not (name == "held" and "status" in params):
        return None
    reply = Reply(200)
    if name in _WEBSOCKETS:
        return Reply(101, websocket=_WEBSOCKETS[name])
    if name == "403-html":
        reply = Reply(403, EDGE_PAGE, [("cf-mitigated", "challenge")], "text/html; charset=UTF-8")
    elif name == "redirect":
        location = str(params.get("location", "https://elsewhere.example/"))
        reply = Reply(302, headers=[("location", location)], content_type=None)
    elif name == "invalid-json":
        reply = Reply(200, b'{"id": "broken", "choices": [')
    elif name != "empty-200":
        status = int(name) if name in _STATUSES else int(params.get("status", 500))
        reply = make_error(status, str(params.get("message", "")), str(params.get("code", "")))
    if "body" in params:
        body = params["body"]
        text = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        reply.body = text.encode()
    if "content_type" in params:
        reply.content_type = str(params["content_type"])
    return reply.with_headers(*extra_headers(params, call.world.clock()))


def extra_headers(params: dict[str, Any], now: float) -> Headers:
    """The headers a rule adds: `headers` and `retry_after`."""
    found = [(name, str(value)) for name, value in params.get("headers", {}).items()]
    wait = params.get("retry_after")
    if isinstance(wait, str) and wait.startswith("date:"):
        found.append(("retry-after", formatdate(now + float(wait[5:]), usegmt=True)))
    elif wait is not None:
        found.append(("retry-after", str(wait)))
    return found


def emission(rule: Rule | None, reply: Reply, now: float, make_error: ErrorMaker) -> Emission:
    """How a reply leaves under a rule; `error-in-200` and `wrong-content-type` change the reply as well."""
    found = Emission()
    if rule is None or rule.fault not in _SPOILED:
        return found
    name, params = rule.fault, rule.params
    if name in _STOPS:
        found.stop = _STOPS[name]
        found.stop_after = params.get("after")
        found.stall_s = params.get("stall_s")
        found.stop_held = bool(params.get("held"))
    elif name == "error-in-200":
        _error_in_200(reply, params, make_error)
    elif name in {"bare-data", "comments"}:
        reply.frames = [_rewritten(name, frame) for frame in reply.frames or ()] or None
    elif name == "wrong-content-type":
        reply.content_type = str(params.get("content_type", "text/plain"))
    elif name == "huge-headers":
        size = int(params.get("bytes", 100_000))
        found.headers = [(f"x-huge-{n}", "h" * 4000) for n in range(size // 4000 + 1)]
    elif name == "headers":
        found.headers = extra_headers(params, now)
    else:
        _set_pace(found, name, params)
    return found


def _rewritten(name: str, frame: bytes) -> bytes:
    if name == "comments":
        return b": keep-alive\n\n" + frame
    return frame.replace(b"\ndata: ", b"\ndata:").replace(b"data: ", b"data:", 1)


def _set_pace(found: Emission, name: str, params: dict[str, Any]) -> None:
    if name == "slow-first-byte":
        found.head_delay_s = float(params.get("seconds", 1))
    elif name == "held":
        found.held, found.held_after = True, params.get("after")
    elif name == "reset-before-head":
        found.reset_before_head = True
    elif name == "garbage":
        found.raw = GARBAGE
    elif name == "gzip":
        found.gzip = True
    elif name == "pace":
        found.delay_ms = float(params.get("delay_ms", 20))
    elif name == "split":
        found.split_bytes = int(params.get("bytes", 1))
        found.delay_ms = float(params.get("delay_ms", 0))
    elif name == "clock-skew":
        found.date_skew_s = float(params.get("seconds", 600))


def _error_in_200(reply: Reply, params: dict[str, Any], make_error: ErrorMaker) -> None:
    if reply.frames is not None and reply.broken is not None and "body" not in params:
        reply.frames = reply.broken(0)
        return
    status, message = int(params.get("status", 503)), str(params.get("message", ""))
    reply.body = make_error(status, message, str(params.get("code", ""))).body
    if "body" in params:
        reply.body = json.dumps(params["body"]).encode()
    reply.frames = None
    reply.status = 200
