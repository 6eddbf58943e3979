"""The last look at a reply's head: what every reply carries, and what none may."""

from mitmproxy import http

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import response_hook
from korproxy_addons.gateway.replies import own_headers

_CROSS_ORIGIN = b"access-control-"


class Egress:
    """
    Puts KorProxy's own headers on every reply, whoever made it, and takes cross-origin permissions off.

    The reply's translation is the leg's affair (`gateway/leg.py`): there an exception can still be told to the client
    in its dialect, in a stream transformer it could only cut the connection.
    """

    @response_hook
    def responseheaders(self, exchange: Exchange, response: http.Response) -> None:
        exchange.status = response.status_code
        headers = response.headers
        for foreign in [it for it, _ in headers.fields if it.lower().startswith(_CROSS_ORIGIN)]:
            headers.pop(foreign, None)
        for name, value in own_headers(exchange):
            if headers.get(name) != value:
                headers[name] = value
