"""
Listening sockets that somebody else opened.

The launcher keeps the sockets and hands them to each gateway it starts. While one gateway takes over from another, or comes back
after a crash, connections wait in the kernel's queue; none is refused. mitmproxy keeps the listeners that it finds in its table,
so they are put there before it looks.
"""

import asyncio
import socket
from collections.abc import Sequence
from typing import Any

from mitmproxy import ctx
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.proxy.mode_servers import AsyncioServerInstance, ServerInstance
from mitmproxy.proxy.mode_specs import ProxyMode

BACKLOG = 1024


def opened(descriptors: Sequence[int]) -> list[socket.socket]:
    """
    The sockets behind inherited descriptors.

    Raises:
        OSError: one of them is no listening socket.
    """
    found = [socket.socket(fileno=descriptor) for descriptor in descriptors]
    for it in found:
        it.setblocking(False)
    return found


async def adopt(
    proxyserver: Proxyserver, modes: Sequence[str], sockets: Sequence[socket.socket]
) -> None:
    """
    Accept on `sockets`, one per mode, as if mitmproxy had opened them.

    Args:
        proxyserver: mitmproxy's addon; it has not started yet.
        modes: Mode specifications, in the order of the sockets.
        sockets: Bound and listening.
    """
    table: dict[ProxyMode, ServerInstance[Any]] = proxyserver.servers._instances
    for spec, listener in zip(modes, sockets, strict=True):
        mode = ProxyMode.parse(spec)
        instance: ServerInstance[Any] = ServerInstance.make(mode, proxyserver)
        assert isinstance(instance, AsyncioServerInstance)
        instance._servers = [
            await asyncio.start_server(instance.handle_stream, sock=listener, backlog=BACKLOG)
        ]
        table[mode] = instance


async def stop_listening() -> None:
    """Take no new connection; those there are stay."""
    for instance in ctx.master.addons.get("proxyserver").servers:
        if instance.is_running:
            await instance.stop()


def open_connections() -> int:
    """How many clients are connected."""
    return len(ctx.master.addons.get("proxyserver").connections)
