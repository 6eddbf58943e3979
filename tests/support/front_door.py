"""A real listener of mitmproxy with `GatewayLayer` behind it, and a leg of the test's own behind that."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from mitmproxy import http, options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.addons.tlsconfig import TlsConfig
from mitmproxy.master import Master

from korproxy_addons.gateway.addon_failures import listen_for_failures
from korproxy_addons.gateway.front import (
    NextLayer,
    choose_layer,
    listening_on,
    set_options,
    start_task,
)
from korproxy_addons.gateway.layer import UpstreamRequest
from korproxy_addons.gateway.layer_sink import LayerSink
from support.playbook import PlainRefusals

type LegFunction = Callable[[LayerSink, http.HTTPFlow], Coroutine[Any, Any, None]]

WAIT_S = 20.0


class Door:
    """
    The addon that does what `Entrance` and `Dispatch` do, and nothing else.

    Attributes:
        port: Where it listens, once it does.
        legs: The task of each request.
        flows: The flow of each request.
    """

    def __init__(self, leg: LegFunction) -> None:
        self._leg = leg
        self.refusals = PlainRefusals(body_bytes=1 << 20, header_bytes=1 << 16)
        self.ready = asyncio.Event()
        self.port = 0
        self.legs: list[asyncio.Task[None]] = []
        self.flows: list[http.HTTPFlow] = []

    def load(self, _loader: object) -> None:
        set_options()
        listen_for_failures()

    def running(self) -> None:
        self.port = listening_on()[0][1]
        self.ready.set()

    def next_layer(self, nextlayer: NextLayer) -> None:
        choose_layer(nextlayer, self.refusals)

    def korproxy_upstream(self, request: UpstreamRequest) -> None:
        self.flows.append(request.flow)
        self.legs.append(start_task(self._leg(LayerSink.of(request), request.flow), "test's leg"))


@asynccontextmanager
async def front_door(leg: LegFunction, *addons: object, **set_to: Any) -> AsyncIterator[Door]:
    """
    A listener on a free port.

    Args:
        leg: Feeds each request's reply; its exceptions are raised at the end.
        addons: See the flow before the layer's door does.
        set_to: Options of mitmproxy.
    """
    master = Master(options.Options())
    door = Door(leg)
    proxyserver = Proxyserver()
    master.addons.add(proxyserver, TlsConfig(), *addons, door)
    master.options.update(mode=["reverse:http://korproxy.invalid@127.0.0.1:0"], **set_to)
    running = asyncio.create_task(master.run())
    try:
        async with asyncio.timeout(WAIT_S):
            await door.ready.wait()
            yield door
            await asyncio.gather(*door.legs)
    finally:
        # mitmproxy leaves its sockets to the end of the process.
        await proxyserver.servers.update([])
        master.shutdown()
        await running


@asynccontextmanager
async def client(
    port: int, **tls: Any
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection of bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, **tls)
    try:
        yield reader, writer
    finally:
        writer.close()
