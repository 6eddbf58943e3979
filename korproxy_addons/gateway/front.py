"""How the gateway takes its place in mitmproxy: the layer on each connection, the options, the tasks."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from mitmproxy import ctx, http
from mitmproxy.net.tls import starts_like_tls_record
from mitmproxy.proxy.layer import NextLayer
from mitmproxy.proxy.layers import ClientTLSLayer
from mitmproxy.proxy.layers.modes import ReverseProxy
from mitmproxy.proxy.mode_specs import ReverseMode
from mitmproxy.utils import asyncio_utils

from korproxy_addons.gateway.fastpath import begin_of
from korproxy_addons.gateway.layer import GatewayLayer, Refusals

__all__ = [
    "OPTIONS",
    "NextLayer",
    "choose_layer",
    "is_gateway_flow",
    "listening_on",
    "set_options",
    "shut_down",
    "start_task",
]

# Without these options the gateway would not be one; the same for our own master and for stock mitmdump.
OPTIONS: dict[str, Any] = {
    "keep_host_header": True,
    "connection_strategy": "lazy",
    "http2": False,
    "http3": False,
    "rawtcp": False,
    "validate_inbound_headers": True,
    "websocket": False,
}


def set_options() -> None:
    """Set what the gateway cannot do without."""
    ctx.options.update(**OPTIONS)


def choose_layer(nextlayer: NextLayer, refusals: Refusals) -> None:
    """
    Put `GatewayLayer` on a reverse-proxy connection, behind TLS where the client speaks it and this mitmproxy can.

    mitmproxy's own addon has had its say before us; its layers took their places in the context as they were made.
    """
    context = nextlayer.context
    if not isinstance(context.layers[0], ReverseProxy) or not nextlayer.data_client():
        return
    encrypted = any(isinstance(it, ClientTLSLayer) and it.tls is not None for it in context.layers)
    del context.layers[2 if encrypted else 1 :]
    speaks_tls = ctx.master.addons.get("tlsconfig") is not None
    if speaks_tls and not encrypted and starts_like_tls_record(nextlayer.data_client()):
        nextlayer.layer = ClientTLSLayer(context)
    else:
        nextlayer.layer = GatewayLayer(context, refusals, begin_of(ctx.master))


def is_gateway_flow(flow: http.HTTPFlow) -> bool:
    """Whether a flow came in by our door, and not by one of another mode that the same mitmproxy runs."""
    return isinstance(flow.client_conn.proxy_mode, ReverseMode)


def start_task(work: Coroutine[Any, Any, None], name: str) -> asyncio.Task[None]:
    """Run `work` in the master's loop; the task is kept alive until it is done."""
    return asyncio_utils.create_task(work, name=name, keep_ref=True)


def listening_on() -> list[tuple[str, int]]:
    """Host and port of every listener, once the master runs."""
    found = ctx.master.addons.get("proxyserver").listen_addrs()
    return [(address[0], address[1]) for address in found]


def shut_down() -> None:
    """End the master."""
    ctx.master.shutdown()
