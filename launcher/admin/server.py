"""Serves the admin application on loopback, inside the launcher's event loop."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

from launcher.admin.sessions import Sessions
from launcher.admin.steward import Steward
from launcher.supervisor.listeners import PortTakenError, Where, opened

STOP_S = 2


@dataclass(frozen=True, slots=True)
class Serving:
    """
    The running listener.

    Attributes:
        steward: Whom it serves for.
        url: Its root.
        sessions: Who may pass.
        moved_from: The port that was asked for, where that was taken.
    """

    steward: Steward
    url: str
    sessions: Sessions
    moved_from: int | None = None


@contextlib.asynccontextmanager
async def admin_listener(steward: Steward, port: int, sessions: Sessions) -> AsyncIterator[Serving]:
    """
    Serve while the block runs.

    A taken port is no reason to go without: another one is used, and `moved_from` says so.

    Args:
        steward: Who keeps the gateway.
        port: TCP port; 0 takes a free one.
        sessions: Who may pass.
    """
    # Heavy, and of no use before the gateway is on its way.
    import uvicorn  # noqa: PLC0415

    from launcher.admin.app import build_app  # noqa: PLC0415

    sockets, moved_from = _sockets(port)
    bound = sockets[0].getsockname()[1]
    config = uvicorn.Config(
        build_app(steward, sessions, bound),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=STOP_S,
        limit_concurrency=64,
        h11_max_incomplete_event_size=64 * 1024,
        ws="none",
    )
    server = uvicorn.Server(config)
    # Signals are the launcher's own.
    server.capture_signals = contextlib.nullcontext  # type: ignore[assignment,method-assign]
    serving = asyncio.create_task(server.serve(sockets=list(sockets)), name="admin listener")
    try:
        yield Serving(steward, f"http://127.0.0.1:{bound}", sessions, moved_from)
    finally:
        server.should_exit = True
        await serving
        for it in sockets:
            it.close()


def _sockets(port: int) -> tuple[tuple[socket.socket, ...], int | None]:
    hosts = ("127.0.0.1", "::1")
    try:
        return opened(Where(hosts, port)), None
    except PortTakenError:
        return opened(Where(hosts, 0)), port
