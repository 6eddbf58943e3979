"""
The loopback listener that a provider's page leads back to (threat T20).

It takes one answer, on one exact path, under the one name it was registered with, and only with this login's state. Anything
else gets a page that says so, and the login goes on waiting.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from aiohttp import web

from korproxy_addons.auth.authorize import Callback, IgnoredAnswer, Ticket, read_callback
from korproxy_addons.auth.states import LoginError
from korproxy_addons.providers.logins import LoginSpec
from launcher.login.pages import HEADERS, page

_TRIES = 20
_ANSWER_LIMIT = 8192
_OUTCOME_WAIT_S = 60.0
_LOOPBACKS = {"localhost": ("127.0.0.1", "::1"), "127.0.0.1": ("127.0.0.1",)}
_GONE = page(
    "This answer was used already", "Start the sign-in again if you still need it.", good=False
)
_FOREIGN = page(
    "This page belongs to another sign-in",
    "Close it, and use the page that was opened last.",
    good=False,
)
_LATE = page("This took too long", "Look at KorProxy for what happened.", good=False)


class PortTakenError(Exception):
    """None of the registered ports is free; `ports` names them."""

    def __init__(self, ports: tuple[int, ...]) -> None:
        super().__init__(ports)
        self.ports = ports


class CallbackListener:
    """
    Listens from `async with` on, until its end.

    Args:
        login: Says under which name, ports and path.
    """

    def __init__(self, login: LoginSpec) -> None:
        self._login = login
        self._ticket: Ticket | None = None
        self._runner: web.ServerRunner | None = None
        self._answer: asyncio.Future[Callback] = asyncio.get_running_loop().create_future()
        self._outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.foreign = asyncio.Event()
        self.port = 0

    async def __aenter__(self) -> Self:
        """
        Begin to listen.

        Raises:
            PortTakenError: No port that the provider would lead to is free.
        """
        sockets = _bind(self._login)
        self.port = sockets[0].getsockname()[1]
        self._runner = web.ServerRunner(
            web.Server(self._serve, access_log=None, max_line_size=_ANSWER_LIMIT),
            shutdown_timeout=2.0,
        )
        await self._runner.setup()
        for each in sockets:
            await web.SockSite(self._runner, each).start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not self._outcome.done():
            self._outcome.cancel()
        if self._answer.done() and not self._answer.cancelled():
            self._answer.exception()  # seen
        if self._runner is not None:
            await self._runner.cleanup()

    @property
    def redirect_uri(self) -> str:
        """What the provider is to lead back to."""
        return f"http://{self._login.redirect_host}:{self.port}{self._login.redirect_path}"

    async def answer(self, ticket: Ticket) -> Callback:
        """
        Wait for the answer to a ticket.

        Raises:
            LoginError: The person, or the provider, said no.
        """
        self._ticket = ticket
        return await asyncio.shield(self._answer)

    def finish(self, title: str, text: str, *, good: bool) -> None:
        """Tell the browser how the login ended."""
        if not self._outcome.done():
            self._outcome.set_result(page(title, text, good=good))

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.getall("host", []) != [f"{self._login.redirect_host}:{self.port}"]:
            return web.Response(status=421, text="misdirected request")
        if request.rel_url.raw_path != self._login.redirect_path:
            return web.Response(status=404, text="nothing here")
        if request.method != "GET":
            return web.Response(status=405, text="GET only", headers={"allow": "GET"})
        if self._ticket is None or any(
            len(request.query.getall(name)) > 1
            for name in ("code", "state")
            if name in request.query
        ):
            return _html(400, _FOREIGN)
        if self._answer.done():
            return _html(410, _GONE)
        return await self._taken(self._ticket, request.query)

    async def _taken(self, ticket: Ticket, query: Mapping[str, str]) -> web.Response:
        try:
            self._answer.set_result(read_callback(self._login, ticket, query))
        except IgnoredAnswer:
            self.foreign.set()
            return _html(400, _FOREIGN)
        except LoginError as error:
            self._answer.set_exception(error)
        await asyncio.wait({self._outcome}, timeout=_OUTCOME_WAIT_S)
        told = self._outcome.done() and not self._outcome.cancelled()
        return _html(200, self._outcome.result() if told else _LATE)


def _html(status: int, text: str) -> web.Response:
    return web.Response(status=status, body=text.encode(), headers=HEADERS)


def _bind(login: LoginSpec) -> list[socket.socket]:
    """Bound sockets, one per loopback address that the name stands for, all on one port."""
    addresses = _LOOPBACKS[login.redirect_host]
    for port in login.redirect_ports or (0,) * _TRIES:
        sockets: list[socket.socket] = []
        try:
            for address in addresses:
                bound = sockets[0].getsockname()[1] if sockets else port
                found = _bound(address, bound)
                sockets += [found] if found is not None else []
            if sockets:
                return sockets
        except OSError as error:
            for each in sockets:
                each.close()
            if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
                raise
    raise PortTakenError(login.redirect_ports)


def _bound(address: str, port: int) -> socket.socket | None:
    """A listening socket; None where this machine has no IPv6."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError:
        if family == socket.AF_INET6:
            return None
        raise
    try:
        if os.name == "posix":
            # A sign-in of a minute ago must not look like a port in use; two listeners it does not allow.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            made.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", -5), 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((address, port))
        made.listen(8)
        made.setblocking(False)
    except OSError as error:
        made.close()
        if family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL:
            return None
        raise
    return made
