"""The first addon: puts `GatewayLayer` on each connection, opens the exchange, keeps strangers out."""

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from mitmproxy import http

from korproxy_addons.config.schema import Config
from korproxy_addons.control.guard import allowed_hosts, check_head, is_navigation
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.addon_failures import listen_for_failures
from korproxy_addons.gateway.exchange import ClientRequest, Exchange
from korproxy_addons.gateway.flow_record import hide_client_credentials
from korproxy_addons.gateway.front import (
    NextLayer,
    choose_layer,
    is_gateway_flow,
    set_options,
)
from korproxy_addons.gateway.hook import answer, internal_error
from korproxy_addons.gateway.replies import ERROR, error_reply
from korproxy_addons.gateway.socket_history import SocketHistory
from korproxy_addons.routing.paths import OWN_PAGES, dialect_of
from korproxy_addons.routing.prefix import split_profile

_ID_HEADERS = ("x-korproxy-request-id", "x-correlation-id", "x-request-id")
_SANE_ID = re.compile(r"[A-Za-z0-9._:/+=@-]{8,128}")


_PLAIN_ERROR = (
    b'{"type":"error","error":{"type":"api_error","message":"KorProxy failed on this request; its log says where.",'
    b'"code":"KP-SYS-501"}}'
)


def new_id(now: float) -> str:
    """A request id: sortable by time (milliseconds in hex), then random."""
    return f"kp{int(now * 1000):012x}{secrets.token_hex(8)}"


class Entrance:
    """
    Opens one `Exchange` per request.

    Args:
        config: The configuration in force at the moment of the call.
        sockets: Is told how requests on WebSockets go.
    """

    def __init__(self, config: Callable[[], Config], sockets: SocketHistory | None = None) -> None:
        self._config = config
        self.sockets = sockets or SocketHistory()

    def load(self, _loader: object) -> None:
        set_options()
        listen_for_failures()

    def next_layer(self, nextlayer: NextLayer) -> None:
        choose_layer(nextlayer, self)

    def requestheaders(self, flow: http.HTTPFlow) -> None:
        if not is_gateway_flow(flow):
            return
        try:
            exchange = self._open(flow)
        finally:
            hide_client_credentials(flow.request)
        try:
            self._check(flow)
        except KorProxyError as error:
            answer(flow, error_reply(exchange, error))
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody unchecked comes in
            answer(flow, error_reply(exchange, internal_error(exchange, "Entrance", error)))

    def request(self, flow: http.HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is not None:
            exchange.client.body = flow.request.raw_content or b""

    def _open(self, flow: http.HTTPFlow) -> Exchange:
        now = time.time()
        path, _, query = flow.request.path.partition("?")
        profile, path = split_profile(path)
        own = new_id(now)
        client = ClientRequest(
            method=flow.request.method.upper(),
            path=path,
            query=query,
            headers=flow.request.headers.copy(),
            http_version=flow.request.http_version,
            peer=end_of(flow.client_conn.peername),
            profile=profile,
            own=end_of(flow.client_conn.sockname),
            connection=flow.client_conn.id,
        )
        given = next((client.lower[name] for name in _ID_HEADERS if name in client.lower), "")
        exchange = Exchange(
            id=given if _SANE_ID.fullmatch(given) else own,
            seed=own,
            config=self._config(),
            client=client,
            received_at=now,
            clock_started_s=time.monotonic(),
            dialect=dialect_of(path, client.lower),
        )
        exchange.bind(flow)
        return exchange

    def _check(self, flow: http.HTTPFlow) -> None:
        fields = flow.request.headers.fields
        # An address that a connection came in by is no name that somebody could have bound to it.
        address, port = flow.client_conn.sockname[:2]
        hosts = allowed_hosts(port, (f"[{address}]" if ":" in address else address,))
        check_head(fields, hosts, max_count=self._config().limits.header_count)
        authority = flow.request.authority.lower()
        if authority and authority not in hosts:
            raise KorProxyError(catalogue.HOST_REFUSED, "the request's target is another host")
        if is_navigation(fields) and flow.request.path.partition("?")[0] not in OWN_PAGES:
            raise KorProxyError(
                catalogue.ORIGIN_REFUSED, "a browser page, not a tool, asked for this address"
            )

    # What the layer asks for when it must answer by itself.

    def body_limit_bytes(self, flow: http.HTTPFlow) -> int:
        exchange = Exchange.of(flow)
        return (exchange.config if exchange else self._config()).limits.body_bytes

    def header_limit_bytes(self) -> int:
        return self._config().limits.header_bytes

    def message_limit_bytes(self) -> int:
        return self._config().limits.body_bytes

    def body_too_large(self, flow: http.HTTPFlow) -> http.Response:
        exchange = Exchange.of(flow) or self._open(flow)
        return error_reply(exchange, too_large(self.body_limit_bytes(flow))).to_response()

    def addon_failed(self, flow: http.HTTPFlow) -> http.Response:
        exchange = Exchange.of(flow)
        if exchange is None:
            # The entrance itself, then: nothing is known, not even the dialect.
            fields = {"content-type": "application/json", ERROR: catalogue.INTERNAL.code}
            return http.Response.make(500, _PLAIN_ERROR, fields)
        error = KorProxyError(catalogue.INTERNAL, f"request {exchange.id}")
        return error_reply(exchange, error).to_response()

    def bad_framing(self, head: bytes, status: int, message: str) -> http.Response:
        target = head.split(b" ", 2)[1:2]
        path = target[0].decode("latin-1").partition("?")[0] if target else "/"
        own = new_id(time.time())
        exchange = Exchange(
            id=own,
            seed=own,
            config=self._config(),
            client=ClientRequest("", path, "", http.Headers(), "", None),
            received_at=time.time(),
            clock_started_s=time.monotonic(),
            dialect=dialect_of(path, {}),
        )
        if status >= 500:
            error = KorProxyError(catalogue.INTERNAL, f"request {own}")
        else:
            spec = catalogue.HEADERS_TOO_LARGE if status == 431 else catalogue.BAD_FRAMING
            # mitmproxy's own wording names an option of its own as the way out.
            error = KorProxyError(spec, message.partition(", refusing")[0], status=status)
        return error_reply(exchange, error).to_response()


def end_of(address: tuple[Any, ...] | None) -> tuple[str, int] | None:
    """Host and port of a connection's end; IPv6 brings two numbers more."""
    return (address[0], address[1]) if address else None


def too_large(limit_bytes: int) -> KorProxyError:
    """The error for a body over the limit."""
    return KorProxyError(catalogue.BODY_TOO_LARGE, f"the limit is {limit_bytes} bytes")
