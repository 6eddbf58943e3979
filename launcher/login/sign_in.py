"""A person's sign-in, from the first page to the tokens."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from korproxy_addons.auth.authorize import (
    Callback,
    IgnoredAnswer,
    Ticket,
    authorize_url,
    read_pasted,
)
from korproxy_addons.auth.device import device_begin, device_poll
from korproxy_addons.auth.flows import exchange_code, finish
from korproxy_addons.auth.states import AuthState, LoginError, cancelled
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED, LOGIN_PORT_TAKEN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.http_driver import Send, Sleep, drive
from korproxy_addons.providers.logins import LoginSpec
from launcher.login.browser import open_browser
from launcher.login.callback import CallbackListener, PortTakenError
from launcher.login.tickets import new_ticket
from launcher.login.watch import LoginWatch, Method

NOBODYS_PORT = 61455
LIMIT_S = 300.0
"""How long a person has for a sign-in in the browser."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """
    All that a sign-in needs.

    Attributes:
        login: How the provider does it.
        send: Makes calls.
        watch: Shows it to the person.
        installation: This installation's number.
        previous: The login that is to be renewed; None for a new one.
        client_secret: Where the login needs one.
        limit_s: How long the person has.
        clock: Unix seconds.
        sleep: Waits for so many seconds.
        opener: Opens a page in the browser.
    """

    login: LoginSpec
    send: Send
    watch: LoginWatch
    installation: str = ""
    previous: TokenSet | None = None
    client_secret: SecretStr | None = None
    limit_s: float = LIMIT_S
    clock: Callable[[], float] = time.time
    sleep: Sleep = asyncio.sleep
    opener: Callable[[str], bool] = open_browser

    async def run(self, method: Method) -> TokenSet:
        """
        The tokens of the person who signed in.

        Raises:
            LoginError: Any of the six states.
            KorProxyError: LOGIN_NOT_OFFERED: this access has no such sign-in; LOGIN_PORT_TAKEN.
        """
        login = self.login
        offered = login.device_url if method is Method.DEVICE else login.auth_url
        if not offered:
            raise KorProxyError(LOGIN_NOT_OFFERED, f"no sign-in by {method}")
        try:
            async with asyncio.timeout(None if method is Method.DEVICE else self.limit_s):
                match method:
                    case Method.DEVICE:
                        return await self._by_device()
                    case Method.PASTE:
                        return await self._by_paste("")
                    case Method.BROWSER:
                        return await self._by_browser()
        except TimeoutError as error:
            minutes = round(self.limit_s / 60)
            raise cancelled(f"it was not finished within {minutes} minutes") from error
        finally:
            self.watch.done()

    async def _by_browser(self) -> TokenSet:
        try:
            listener = CallbackListener(self.login)
            async with listener:
                return await self._with_listener(listener)
        except PortTakenError as taken:
            ports = " and ".join(map(str, taken.ports))
            if not self.watch.can_paste:
                raise KorProxyError(LOGIN_PORT_TAKEN, f"port {ports}") from taken
            return await self._by_paste(f"another program holds port {ports}")

    async def _with_listener(self, listener: CallbackListener) -> TokenSet:
        ticket = self._ticket(listener.redirect_uri)
        url = authorize_url(self.login, ticket)
        opened = await asyncio.to_thread(self.opener, url)
        self.watch.page(url, opened=opened, why_paste="")
        self.watch.waiting(self.clock() + self.limit_s)
        try:
            callback = await self._answer(listener, ticket)
            self.watch.done()
            tokens = await self._exchanged(ticket, callback)
        except LoginError as error:
            listener.finish(error.words.title, error.words.action, good=False)
            raise
        listener.finish("You are signed in", "You can close this page.", good=True)
        return tokens

    async def _answer(self, listener: CallbackListener, ticket: Ticket) -> Callback:
        """Whichever comes first: the browser's answer, or a pasted one."""
        async with _tasks() as tasks:
            arrived = tasks.create(listener.answer(ticket))
            pasted = tasks.create(self._pasted_or_never(ticket))
            foreign = tasks.create(listener.foreign.wait())
            waiting: set[asyncio.Task[Any]] = {arrived, pasted, foreign}
            while True:
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                if arrived in done:
                    return arrived.result()
                if pasted in done:
                    return pasted.result()
                self.watch.note("An answer for another sign-in came in, and was not taken.")
                listener.foreign.clear()
                waiting.discard(foreign)
                foreign = tasks.create(listener.foreign.wait())
                waiting.add(foreign)

    async def _by_paste(self, why: str) -> TokenSet:
        login = self.login
        # Where any port is registered, one that is likely nobody's: the browser shall find nothing there.
        port = login.redirect_ports[0] if login.redirect_ports else NOBODYS_PORT
        local = f"http://{login.redirect_host}:{port}{login.redirect_path}"
        ticket = self._ticket(login.manual_redirect or local)
        url = authorize_url(login, ticket)
        opened = await asyncio.to_thread(self.opener, url)
        shown = "the code that the page shows" if login.manual_redirect else "the address"
        self.watch.page(url, opened=opened, why_paste=why or f"paste {shown}")
        self.watch.waiting(self.clock() + self.limit_s)
        callback = await self._pasted(ticket)
        self.watch.done()
        return await self._exchanged(ticket, callback)

    async def _pasted(self, ticket: Ticket) -> Callback:
        """The answer in what the person pastes; what is no answer is told, and asked for again."""
        last = cancelled("nothing was pasted")
        while True:
            try:
                text = await self.watch.pasted()
            except EOFError:
                raise last from None
            try:
                return read_pasted(self.login, ticket, text)
            except IgnoredAnswer as error:
                self.watch.note(f"Not taken: {error.detail}.")
                last = error

    async def _pasted_or_never(self, ticket: Ticket) -> Callback:
        try:
            return await self._pasted(ticket)
        except LoginError as error:
            if error.state is not AuthState.AUTH_CANCELLED and not isinstance(error, IgnoredAnswer):
                raise
            never: asyncio.Future[Callback] = asyncio.get_running_loop().create_future()
            return await never

    async def _by_device(self) -> TokenSet:
        ticket = self._ticket("")
        code = await drive(device_begin(self.login, ticket, self.clock()), self.send, self.sleep)
        self.watch.code(code)
        self.watch.waiting(code.expires_at)
        polls = device_poll(self.login, ticket, code, self.clock, client_secret=self.client_secret)
        tokens = await drive(polls, self.send, self.sleep)
        self.watch.done()
        return await self._finished(tokens)

    def _ticket(self, redirect_uri: str) -> Ticket:
        return new_ticket(redirect_uri, installation=self.installation, previous=self.previous)

    async def _exchanged(self, ticket: Ticket, callback: Callback) -> TokenSet:
        exchange = exchange_code(
            self.login, callback, ticket, self.clock(), client_secret=self.client_secret
        )
        return await self._finished(await drive(exchange, self.send, self.sleep))

    async def _finished(self, tokens: TokenSet) -> TokenSet:
        return await drive(finish(self.login, tokens), self.send, self.sleep)


class _Tasks:
    """Tasks that end with their block."""

    def __init__(self) -> None:
        self.made: list[asyncio.Task[Any]] = []

    def create[Result](self, work: Coroutine[Any, Any, Result]) -> asyncio.Task[Result]:
        task = asyncio.get_running_loop().create_task(work)
        self.made.append(task)
        return task


@contextlib.asynccontextmanager
async def _tasks() -> AsyncIterator[_Tasks]:
    tasks = _Tasks()
    try:
        yield tasks
    finally:
        for task in tasks.made:
            task.cancel()
        await asyncio.gather(*tasks.made, return_exceptions=True)
