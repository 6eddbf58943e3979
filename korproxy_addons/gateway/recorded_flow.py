"""
A recording as a file that mitmproxy and mitmweb open: one flow for the client's side, one for each attempt.

Made from the recording, which has no secret left in it, and not from the exchange; so it has none either.
"""

import base64
from io import BytesIO
from urllib.parse import urlsplit

from mitmproxy import flow as flows
from mitmproxy import http, io
from mitmproxy.connection import Client, Server
from mitmproxy.net.http.url import default_port

from korproxy_addons.gateway.messages import headers_of, new_request, new_response
from korproxy_addons.recording.record import Fields, RecordedAttempt, RecordedMessage, Recording

_HERE = ("127.0.0.1", 0)
# The body is there without them.
_ABOUT_CODING = frozenset(("content-encoding", "transfer-encoding", "content-length"))


def flow_file(recording: Recording) -> bytes:
    """The flows of a recording, in the order in which they began."""
    file = BytesIO()
    writer = io.FlowWriter(file)
    for flow in flows_of(recording):
        writer.add(flow)
    return file.getvalue()


def flows_of(recording: Recording) -> list[http.HTTPFlow]:
    """The client's flow, then one for each attempt that left."""
    start = recording.started_at
    client = _flow(recording.request, recording.reply, start, _seconds(start, recording.total_ms))
    client.comment = f"{recording.request_id}: {recording.tool or 'client'} and KorProxy"
    if recording.why:
        client.comment += f" ({', '.join(recording.why)})"
    attempts = [(it, it.request) for it in recording.attempts if it.request is not None]
    found = [client, *(_attempt(recording, it, request) for it, request in attempts)]
    for flow in found:
        flow.metadata["korproxy_id"] = recording.id
        flow.metadata["korproxy_request_id"] = recording.request_id
    return found


def _attempt(
    recording: Recording, attempt: RecordedAttempt, request: RecordedMessage
) -> http.HTTPFlow:
    start = recording.started_at
    sent_at, ended_at = _seconds(start, attempt.sent_ms), _seconds(start, attempt.ended_ms)
    flow = _flow(request, attempt.reply, sent_at, ended_at)
    flow.comment = f"{recording.request_id}: attempt {attempt.number}, {attempt.label}"
    if attempt.code:
        flow.comment += f" ({attempt.code})"
        if flow.response is None:
            flow.error = flows.Error(attempt.code, ended_at)
    flow.metadata["korproxy_attempt"] = attempt.number
    return flow


def _flow(
    request: RecordedMessage, reply: RecordedMessage | None, start: float, end: float
) -> http.HTTPFlow:
    url = urlsplit(request.url)
    host, port = url.hostname or "localhost", url.port or default_port(url.scheme) or 80
    client = Client(peername=_HERE, sockname=_HERE, timestamp_start=start)
    server = Server(address=(host, port))
    if url.scheme == "https":
        server.tls, server.sni = True, host
    flow = http.HTTPFlow(client, server)
    flow.timestamp_created = start
    content = _content(request)
    flow.request = new_request(
        method=request.method,
        scheme=url.scheme or "http",
        host=host,
        port=port,
        path=f"{url.path or '/'}{f'?{url.query}' if url.query else ''}",
        headers=headers_of(_headers(request.headers, content)),
        content=b"",
        timestamp_start=start,
        timestamp_end=start,
    )
    flow.request.data.content = content
    if reply is not None and reply.status is not None:
        content = _content(reply)
        flow.response = new_response(reply.status, headers_of(_headers(reply.headers, content)))
        flow.response.data.content = content
        flow.response.timestamp_start = flow.response.timestamp_end = end
    return flow


def _headers(fields: Fields, content: bytes | None) -> Fields:
    kept = tuple((name, value) for name, value in fields if name.lower() not in _ABOUT_CODING)
    return kept if content is None else (*kept, ("content-length", str(len(content))))


def _content(message: RecordedMessage) -> bytes | None:
    """None where the body is not here: mitmproxy then says that it is missing."""
    if message.body is None:
        is_empty = message.shape is not None and message.shape.kind == "empty"
        return b"" if is_empty else None
    if message.base64:
        return base64.b64decode(message.body)
    return message.body.encode("utf-8", "surrogatepass")


def _seconds(start: float, after_ms: float | None) -> float:
    return start + (after_ms or 0.0) / 1000
