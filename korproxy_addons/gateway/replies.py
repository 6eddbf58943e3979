"""What the gateway says in its own name: errors in the client's dialect, and the headers every reply carries."""

import logging
import math
from dataclasses import dataclass

import msgspec
from mitmproxy import http

from korproxy_addons.dialects import dialect
from korproxy_addons.dialects.events import ReplyError
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import Kind, Retry
from korproxy_addons.gateway.exchange import Exchange

log = logging.getLogger("korproxy.replies")

REQUEST_ID = "x-korproxy-request-id"
ACCOUNT = "x-korproxy-account"
WHY = "x-korproxy-why"
ERROR = "x-korproxy-error"
ESTIMATE = "x-korproxy-estimate"
"""On a count that no upstream has made."""

# A provider's cookies, cross-origin rules and transport promises are about its own origin, never about ours; a page of
# some other origin must not be able to read or script what comes from this port.
_NOT_FOR_CLIENTS = frozenset(
    (
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade",
        "set-cookie", "set-cookie2", "alt-svc", "strict-transport-security", "clear-site-data", "refresh", "link",
        "report-to", "nel", "server-timing", "location", "www-authenticate", "content-security-policy",
        "public-key-pins", "expect-ct", "service-worker-allowed", "sourcemap",
    )
)  # fmt: skip
_OWN = frozenset((REQUEST_ID, ACCOUNT, WHY, ERROR, ESTIMATE, "content-encoding", "content-length"))


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply of the gateway's own."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def to_response(self) -> http.Response:
        """As mitmproxy wants it in `flow.response`."""
        fields = [
            (name.encode(), value.encode("utf-8", "surrogateescape"))
            for name, value in self.headers
        ]
        response = http.Response.make(self.status, self.body, http.Headers(fields))
        if self.status < 200:
            del response.headers["content-length"]  # what follows is not this reply's body
        return response


def own_headers(exchange: Exchange) -> tuple[tuple[str, str], ...]:
    """The headers that say what happened; values hold nothing but ids, labels and reasons."""
    # A head that goes out before anybody has answered must not name whoever is just being asked.
    label = "" if exchange.undecided else exchange.account_label
    why = [*exchange.why, "undecided"] if exchange.undecided else exchange.why
    fields = [
        (REQUEST_ID, exchange.id),
        (ACCOUNT, _plain(label)),
        (WHY, _plain(", ".join(why))),
    ]
    if exchange.error is not None:
        fields.append((ERROR, exchange.error.spec.code))
    if "x-correlation-id" in exchange.client.lower:
        fields.append(("x-correlation-id", exchange.id))
    fields.append(("x-content-type-options", "nosniff"))
    return tuple(fields)


def forwarded_headers(fields: tuple[tuple[str, str], ...]) -> list[tuple[str, str]]:
    """What of an upstream reply's headers reaches the client; body framing and coding are decided anew."""
    return [
        (name, value)
        for name, value in fields
        if (lower := name.lower()) not in _NOT_FOR_CLIENTS
        and lower not in _OWN
        and not lower.startswith("access-control-")
        and not lower.startswith("cross-origin-")
    ]


def reply_error(error: KorProxyError) -> ReplyError:
    """An error of ours in no dialect's words."""
    return ReplyError(
        kind=error.spec.kind,
        message=_encodable(error.message()),
        code=error.spec.code,
        param=_encodable(error.param or ""),
        retry_after_s=error.retry_after_s,
        context_overflow=error.spec is catalogue.CONTEXT_TOO_LONG,
    )


def error_reply(exchange: Exchange, error: KorProxyError) -> Reply:
    """An error in the envelope of the client's dialect, before anything was streamed."""
    exchange.error = error
    spec = error.spec
    status, body = _envelope(exchange, error)
    fields: list[tuple[str, str]] = [
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
    ]
    fields += own_headers(exchange)
    if spec is catalogue.UPGRADE_REQUIRED:
        fields.append(("upgrade", "websocket"))  # RFC 9110, 15.5.22
    if error.retry_after_s is not None and math.isfinite(error.retry_after_s):
        fields.append(("retry-after", str(max(1, math.ceil(error.retry_after_s)))))
    if spec.retry is Retry.NO and spec.kind in (Kind.RATE_LIMIT, Kind.BILLING, Kind.INTERNAL):
        # The official SDKs obey this: trying again would only repeat the refusal.
        fields.append(("x-should-retry", "false"))
    return Reply(status, tuple(fields), body)


def _envelope(exchange: Exchange, error: KorProxyError) -> tuple[int, bytes]:
    """Status and body in the client's dialect; in plain JSON if even that fails, for an error must always be told."""
    said = reply_error(error)
    try:
        speaker = dialect(exchange.dialect)
        status = speaker.error_status(said, error.status)
        return status, speaker.error_body(said, status, exchange.id)
    except Exception:
        fields = {"request_id": exchange.id, "where": "error envelope"}
        log.exception("internal error", extra={"fields": fields})
        plain = {"error": {"message": said.message, "type": "server_error", "code": said.code}}
        return error.status, msgspec.json.encode(plain)


def _encodable(text: str) -> str:
    """A path may have come in bytes that are no UTF-8, and Python then holds what JSON cannot."""
    return text.encode("utf-8", "replace").decode()


def _plain(text: str) -> str:
    """Header-safe: one line of visible ASCII, anything else replaced."""
    if not (text.isascii() and text.isprintable()):
        text = "".join(c if " " <= c <= "~" else "?" for c in text)
    return text[:512]
