"""The last look at a reply's head: what every reply carries, and what none may."""

from mitmproxy import http

from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.gateway.hook import response_hook
from korproxy_addons.gateway.replies import own_headers


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
        for name in [name for name in headers if name.lower().startswith("access-control-")]:
            del headers[name]
        for name, value in own_headers(exchange):
            headers[name] = value
