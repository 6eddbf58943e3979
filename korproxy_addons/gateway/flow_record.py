"""
What the flow shows of the upstream leg: the request as it really went out, and where it went.

mitmweb, flow files and every other addon read the flow, so it tells the truth but for one thing: a credential goes on
the wire only, and the flow holds its mask.
"""

import re
import time

from mitmproxy import http
from mitmproxy.connection import ConnectionState, Server
from yarl import URL

from korproxy_addons.gateway.messages import headers_of, new_request
from korproxy_addons.io.upstream import Link, UpstreamCall

MASK = "[korproxy: credential not shown]"
_CLIENT_SECRETS = frozenset(
    (
        b"authorization", b"x-api-key", b"x-goog-api-key", b"x-korproxy-key", b"proxy-authorization",
        b"cookie",
    )
)  # fmt: skip
_QUERY_SECRET = re.compile(rb"(?i)([?&](?:key|api_key|access_token)=)[^&]*")


def hide_client_credentials(request: http.Request) -> None:
    """
    Mask what the client showed, in place; the exchange has its copy.

    Otherwise a flow that never went upstream would keep it.
    """
    data = request.data
    data.headers.fields = tuple(
        (name, MASK.encode() if name.lower() in _CLIENT_SECRETS else value)
        for name, value in data.headers.fields
    )
    if b"=" in data.path:
        data.path = _QUERY_SECRET.sub(rb"\1not-shown", data.path)


class FlowRecord:
    """
    Writes each attempt into the flow; the last one is what stays.

    The client's request object is left alone, as mitmproxy frames the reply by it: the flow gets a new one.
    """

    def __init__(self, flow: http.HTTPFlow) -> None:
        self._flow = flow
        self._client_request = flow.request

    def sent(self, call: UpstreamCall, secret_headers: frozenset[str]) -> None:
        """
        Show an attempt that is about to leave.

        Args:
            call: The attempt.
            secret_headers: Names, in lower case, of the headers whose values are credentials.
        """
        url = URL(call.url, encoded=True)
        fields = (
            (name, MASK if name.lower() in secret_headers else value)
            for name, value in call.headers
        )
        client = self._client_request
        self._flow.request = new_request(
            method=call.method,
            scheme=url.scheme,
            host=url.host or "",
            port=url.port or 443,
            path=url.raw_path_qs,
            headers=headers_of((("host", url.host_port_subcomponent or ""), *fields)),
            content=call.body,
            timestamp_start=client.timestamp_start,
            timestamp_end=client.timestamp_end,
        )
        server = Server(address=(url.host or "", url.port or 443))
        server.timestamp_start = time.time()
        if url.scheme == "https":
            server.tls = True
            server.sni = url.host
        self._flow.server_conn = server

    def connected(self, link: Link) -> None:
        """Show over which connection the reply came."""
        server = self._flow.server_conn
        server.state = ConnectionState.OPEN
        server.peername = link.peername
        server.sockname = link.sockname
        server.timestamp_tcp_setup = server.timestamp_start
        if link.tls_version is not None:
            server.tls_version = link.tls_version  # type: ignore[assignment] # a closed list there
            server.cipher = link.tls_cipher
            server.timestamp_tls_setup = server.timestamp_start
