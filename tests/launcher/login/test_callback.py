"""The listener that a provider's page leads back to."""

import asyncio
import http.client
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from urllib.parse import urlencode

import pytest

from korproxy_addons.auth.authorize import Ticket
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.logins import LoginSpec
from launcher.login.callback import CallbackListener, PortTakenError

TICKET = Ticket(state="the-state", verifier="v", nonce="n")
GOOD = f"/callback?{urlencode({'code': 'the-code', 'state': 'the-state'})}"
type Asked = tuple[int, str, dict[str, str]]


def login(**words: object) -> LoginSpec:
    found = PROVIDERS["claude"].access("subscription").login
    assert found is not None
    return replace(found, **words)  # type: ignore[arg-type]


def ask(
    port: int, path: str, *, host: str = "", address: str = "127.0.0.1", method: str = "GET"
) -> Asked:
    connection = http.client.HTTPConnection(address, port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host=True)
        connection.putheader("Host", host or f"localhost:{port}")
        connection.endheaders()
        reply = connection.getresponse()
        return reply.status, reply.read().decode(), {k.lower(): v for k, v in reply.getheaders()}
    finally:
        connection.close()


def run(work: Callable[[CallbackListener], Awaitable[None]], spec: LoginSpec | None = None) -> None:
    async def main() -> None:
        async with CallbackListener(spec or login()) as listener:
            await work(listener)

    asyncio.run(main())


def test_the_browser_is_told_how_it_really_ended() -> None:
    async def work(listener: CallbackListener) -> None:
        waiting = asyncio.ensure_future(listener.answer(TICKET))
        await asyncio.sleep(0)
        browser = asyncio.ensure_future(asyncio.to_thread(ask, listener.port, GOOD))
        callback = await waiting
        assert callback.code.get_secret_value() == "the-code"
        assert not browser.done()
        listener.finish("All <went> well", "Close me.", good=True)
        status, text, headers = await browser
        assert status == 200
        assert "All &lt;went&gt; well" in text
        assert headers["referrer-policy"] == "no-referrer"
        assert (await asyncio.to_thread(ask, listener.port, GOOD))[0] == 410

    run(work)


@pytest.mark.parametrize(
    ("path", "words", "status"),
    [
        ("/callback?code=c&state=other", {}, 400),
        ("/callback", {}, 400),
        (f"{GOOD}&code=again", {}, 400),
        (f"{GOOD}&state=the-state", {}, 400),
        ("/callback/?code=c&state=the-state", {}, 404),
        ("//callback?code=c&state=the-state", {}, 404),
        ("/%63allback?code=c&state=the-state", {}, 404),
        ("/favicon.ico", {}, 404),
        (GOOD, {"method": "POST"}, 405),
        (GOOD, {"method": "HEAD"}, 405),
        (GOOD, {"host": "evil.example"}, 421),
        (GOOD, {"host": "localhost"}, 421),
        (GOOD, {"host": "127.0.0.1:1"}, 421),
    ],
)
def test_nothing_else_is_an_answer(path: str, words: dict[str, str], status: int) -> None:
    async def work(listener: CallbackListener) -> None:
        waiting = asyncio.ensure_future(listener.answer(TICKET))
        await asyncio.sleep(0)
        found = await asyncio.to_thread(lambda: ask(listener.port, path, **words))
        assert found[0] == status
        assert not waiting.done()
        assert listener.foreign.is_set() == (path in {"/callback?code=c&state=other", "/callback"})
        waiting.cancel()

    run(work)


def test_a_no_is_an_answer() -> None:
    async def work(listener: CallbackListener) -> None:
        waiting = asyncio.ensure_future(listener.answer(TICKET))
        await asyncio.sleep(0)
        path = "/callback?error=access_denied&state=the-state"
        browser = asyncio.ensure_future(asyncio.to_thread(ask, listener.port, path))
        with pytest.raises(LoginError) as said:
            await waiting
        assert said.value.state is AuthState.AUTH_CANCELLED
        listener.finish("Connection was cancelled", "Try again.", good=False)
        assert "Connection was cancelled" in (await browser)[1]

    run(work)


def test_before_it_waits_nothing_is_taken() -> None:
    async def work(listener: CallbackListener) -> None:
        assert (await asyncio.to_thread(ask, listener.port, GOOD))[0] == 400

    run(work)


def test_localhost_is_both_loopbacks_and_an_address_is_itself() -> None:
    async def both(listener: CallbackListener) -> None:
        assert listener.redirect_uri == f"http://localhost:{listener.port}/callback"
        for address in ("127.0.0.1", "::1"):
            found = await asyncio.to_thread(partial(ask, listener.port, "/x", address=address))
            assert found[0] == 404

    async def one(listener: CallbackListener) -> None:
        assert listener.redirect_uri.startswith("http://127.0.0.1:")
        with pytest.raises(ConnectionRefusedError):
            await asyncio.to_thread(lambda: ask(listener.port, "/x", address="::1"))

    if socket.has_ipv6:
        run(both)
    run(one, login(redirect_host="127.0.0.1"))


def test_the_second_registered_port_serves_where_the_first_is_taken() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        socket.create_server(("127.0.0.1", 0)) as free,
    ):
        first, second = taken.getsockname()[1], free.getsockname()[1]
        free.close()

        async def work(listener: CallbackListener) -> None:
            assert listener.port == second

        run(work, login(redirect_ports=(first, second)))
        with pytest.raises(PortTakenError) as said:
            run(work, login(redirect_ports=(first,)))
        assert said.value.ports == (first,)


def test_a_port_is_free_again_at_once() -> None:
    """A person who tries again must not be told that the port is in use."""

    async def work(listener: CallbackListener) -> None:
        await asyncio.to_thread(ask, listener.port, "/x")
        ports.append(listener.port)

    ports: list[int] = []
    run(work)
    run(work, login(redirect_ports=(ports[0],)))
    assert ports[0] == ports[1]
