import asyncio
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.io.upstream import PIECEWISE_BODY_BYTES, Budgets
from support.gateway import free_port
from support.raw_upstream import OK, FakeResolver, Visit, always_ok, raw_upstream
from support.upstream_calls import ask, failure, post, upstream_client

# What goes out


def test_a_request_goes_out_as_it_was_called() -> None:
    headers = (
        ("authorization", "Bearer sk-1"),
        ("x-a", "1"),
        ("x-a", "2"),
        ("user-agent", "tool/1"),
    )

    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            url = f"http://127.0.0.1:{server.port}/v1/a%2Fb:x?alt=sse&q=%20"
            reply = await client.send(post(url, b'{"a": 1}', headers=headers))
            assert await reply.read_all(100) == b"ok"
            (request,) = server.requests
        assert request.line == "POST /v1/a%2Fb:x?alt=sse&q=%20 HTTP/1.1"
        assert request.body == b'{"a": 1}'
        assert sorted((name.lower(), value) for name, value in request.fields) == sorted(
            (*headers, ("host", f"127.0.0.1:{server.port}"), ("content-length", "8"))
        )

    asyncio.run(run())


def test_nothing_is_made_up_for_a_request_without_a_body() -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port, b"", method="GET"))
            (request,) = server.requests
        assert request.line == "GET /v1/x HTTP/1.1"
        assert [name.lower() for name, _ in request.fields] == ["host"]

    asyncio.run(run())


def test_a_large_body_arrives_whole() -> None:
    body = bytes(range(256)) * (PIECEWISE_BODY_BYTES // 64)

    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port, body))
            assert server.requests[0].body == body
            assert server.requests[0].header("transfer-encoding") is None

    asyncio.run(run())


def test_a_call_shows_no_secret_of_itself() -> None:
    call = post("https://api.example/v1?key=AIza-secret", headers=(("authorization", "sk-secret"),))
    assert "secret" not in repr(call)
    assert "api.example" in repr(call)


def test_no_cookie_is_kept_and_no_redirect_followed() -> None:
    async def script(visit: Visit) -> None:
        head = (
            b"HTTP/1.1 307 Moved\r\nlocation: http://127.0.0.1:1/elsewhere\r\nset-cookie: a=b\r\n"
        )
        while True:
            await visit.request()
            await visit.send(head + b"content-length: 0\r\n\r\n")

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            for _ in range(2):
                reply = await client.send(post(server.port))
                assert reply.status == 307
                assert reply.header("Location") == "http://127.0.0.1:1/elsewhere"
                await reply.read_all(10)
            assert [it.header("cookie") for it in server.requests] == [None, None]

    asyncio.run(run())


def test_the_user_s_netrc_sets_no_credential(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """aiohttp reads it with the proxies of the environment, and would send it to whoever is asked."""
    netrc = tmp_path / "netrc"
    netrc.write_text("default login someone password netrc-secret\n")
    monkeypatch.setenv("NETRC", str(netrc))

    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port))
            await ask(client, post(server.port, headers=(("authorization", "Bearer sk-1"),)))
            assert [it.header("authorization") for it in server.requests] == [None, "Bearer sk-1"]

    asyncio.run(run())


# The pool


def test_a_connection_serves_request_after_request() -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            reused = []
            for _ in range(3):
                reply = await client.send(post(server.port))
                await reply.read_all(100)
                reply.release()
                reused.append(reply.link.reused)
                assert reply.link.peername == ("127.0.0.1", server.port)
            assert reused == [False, True, True]
            assert server.visits == 1

    asyncio.run(run())


def test_a_reply_that_was_not_read_gives_no_connection_back() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nab")
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            reply = await client.send(post(server.port))
            reply.release()
            await server.left.wait()
            (await client.send(post(server.port))).abort()
            assert server.visits == 2

    asyncio.run(run())


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_a_pooled_connection_that_died_is_replaced_once(how: str, method: str) -> None:
    """The other end gave it up; our request met the closing on its way."""

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        await visit.request()
        if visit.number == 1:
            if how == "reset":
                visit.reset()
            return
        await visit.send(OK)

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            call = post(server.port, b"{}" if method == "POST" else b"", method=method)
            await ask(client, call)
            reply = await client.send(call)
            assert await reply.read_all(10) == b"ok"
            assert reply.link.reused is False
            assert len(server.requests) == 3
            assert server.visits == 2

    asyncio.run(run())


def test_a_large_body_is_sent_again_from_its_beginning() -> None:
    body = bytes(range(256)) * (PIECEWISE_BODY_BYTES // 64)

    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        if visit.number == 1:
            await visit.request()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port))
            await ask(client, post(server.port, body))
            assert [it.body == body for it in server.requests] == [False, True, True]

    asyncio.run(run())


@pytest.mark.parametrize("how", ["close", "reset"])
def test_a_new_connection_that_dies_is_a_failure_of_the_attempt(how: str) -> None:
    """The request may have been served: sending it again could be paid twice."""

    async def script(visit: Visit) -> None:
        await visit.request()
        if how == "reset":
            visit.reset()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            detail = await failure(client.send(post(server.port)), catalogue.CONNECTION_LOST)
            assert detail == "127.0.0.1 closed the connection before its reply"
            assert len(server.requests) == 1

    asyncio.run(run())


def test_a_reply_that_had_begun_is_not_asked_for_again() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(OK)
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\ncontent-")

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port))
            detail = await failure(client.send(post(server.port)), catalogue.CONNECTION_LOST)
            assert "inside its reply's head" in detail
            assert len(server.requests) == 2

    asyncio.run(run())


def test_a_second_death_is_told() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        if visit.number == 1:
            await visit.send(OK)
            await visit.request()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            await ask(client, post(server.port))
            await failure(client.send(post(server.port)), catalogue.CONNECTION_LOST)
            assert server.visits == 2

    asyncio.run(run())


# What does not come about


def test_a_port_where_nobody_listens() -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server:
            port = server.port
        async with upstream_client(port) as client:
            detail = await failure(client.send(post(port)), catalogue.CONNECT_REFUSED)
            assert detail.startswith(f"127.0.0.1:{port}: ")

    asyncio.run(run())


def test_a_name_that_does_not_resolve() -> None:
    async def run() -> None:
        async with upstream_client(resolver=FakeResolver()) as client:
            detail = await failure(
                client.send(post("https://nowhere.invalid/")), catalogue.DNS_FAILED
            )
            assert detail == "nowhere.invalid does not resolve"

    asyncio.run(run())


@pytest.mark.parametrize(
    "url", ["ftp://api.example/", "api.example/v1", "http://", "", "http://[::1/", "http://a:b/"]
)
def test_an_address_that_is_no_url(url: str) -> None:
    async def run() -> None:
        async with upstream_client() as client:
            await failure(client.send(post(url)), catalogue.UPSTREAM_UNAVAILABLE)

    asyncio.run(run())


def test_a_connection_that_does_not_come_about_in_time() -> None:
    async def run() -> None:
        connected = asyncio.Event()

        async def script(visit: Visit) -> None:
            connected.set()
            await visit.until_closed()

        budgets = Budgets(connect_s=0.05, first_byte_s=10.0, idle_s=10.0)
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            # The TCP connection is there at once; the TLS handshake, which counts too, is never answered.
            call = post(f"https://127.0.0.1:{server.port}/", budgets=budgets)
            detail = await failure(client.send(call), catalogue.CONNECT_TIMEOUT)
            assert detail == "127.0.0.1 did not answer in time"
            await connected.wait()  # the server may hear of it when it is over already

    asyncio.run(run())


def test_a_first_byte_that_does_not_come_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its time runs out when the whole request is there, however long that took."""
    started: list[asyncio.Timeout] = []
    timeout = asyncio.timeout

    def by_hand(delay_s: float | None) -> asyncio.Timeout:
        if delay_s != 7.0:
            return timeout(delay_s)
        started.append(timeout(None))
        return started[0]

    async def script(visit: Visit) -> None:
        await visit.request()
        started[0].reschedule(asyncio.get_running_loop().time())
        await visit.until_closed()

    async def run() -> None:
        budgets = Budgets(connect_s=10.0, first_byte_s=7.0, idle_s=10.0)
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            call = post(server.port, budgets=budgets)
            detail = await failure(client.send(call), catalogue.FIRST_BYTE_TIMEOUT)
            assert detail == "127.0.0.1 sent nothing for 7 s"
            await server.left.wait()

    monkeypatch.setattr(asyncio, "timeout", by_hand)
    asyncio.run(run())


def test_a_cancelled_call_frees_the_upstream() -> None:
    async def run() -> None:
        asked = asyncio.Event()

        async def script(visit: Visit) -> None:
            await visit.request()
            asked.set()
            await visit.until_closed()

        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            task = asyncio.create_task(client.send(post(server.port)))
            await asked.wait()
            task.cancel()
            await server.left.wait()

    asyncio.run(run())


@pytest.mark.parametrize(
    "garbage",
    [
        b"garbage\r\n\r\n",
        b"\x00\x01\x02\x03" * 100,
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    ],
)
def test_what_is_no_http(garbage: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(garbage)
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            detail = await failure(client.send(post(server.port)), catalogue.UPSTREAM_INVALID_REPLY)
            assert detail == "127.0.0.1 did not answer in HTTP"

    asyncio.run(run())


@pytest.mark.parametrize("fields", [b"x: " + b"y" * 100_000 + b"\r\n", b"x: y\r\n" * 20_000])
def test_a_head_without_end(fields: bytes) -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\n" + fields)
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            await failure(client.send(post(server.port)), catalogue.UPSTREAM_INVALID_REPLY)

    asyncio.run(run())


def test_an_interim_reply_is_passed_over() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + OK)

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            reply = await client.send(post(server.port))
            assert (reply.status, await reply.read_all(10)) == (200, b"ok")

    asyncio.run(run())


# Whether anybody is reached at all


def test_what_is_not_on_this_network_is_told_of_when_it_answers_and_when_it_cannot_be_reached() -> (
    None
):
    async def run() -> None:
        heard: list[bool] = []
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            client.on_reach = heard.append
            await ask(client, post(server.port))
            assert heard == [True]
            (await client.send_once(post(server.port))).abort()
            assert heard == [True, True]
            await ask(client, post(server.port, local=True))
            assert heard == [True, True], "what is on this network says nothing of the world"
            gone = free_port()
            client._guard.vouch(("127.0.0.1", gone))
            await failure(client.send(post(gone)), catalogue.CONNECT_REFUSED)
            await failure(client.send_once(post(gone)), catalogue.CONNECT_REFUSED)
            assert heard[2:] == [False, False]
            await failure(client.send(post(gone, local=True)), catalogue.CONNECT_REFUSED)
            assert len(heard) == 4

    asyncio.run(run())


def test_a_provider_that_breaks_off_was_reached_and_says_nothing_of_the_network() -> None:
    async def run() -> None:
        heard: list[bool] = []

        async def hang_up(visit: Visit) -> None:
            await visit.request()
            visit.writer.close()

        async with raw_upstream(hang_up) as server, upstream_client(server.port) as client:
            client.on_reach = heard.append
            await failure(client.send(post(server.port)), catalogue.CONNECTION_LOST)
        assert heard == []

    asyncio.run(run())


def test_a_knock_finds_out_whether_a_door_opens_and_says_nothing() -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            here = f"http://127.0.0.1:{server.port}"
            assert await client.knock(here, None, 10)
            gone = f"http://127.0.0.1:{free_port()}"
            assert not await client.knock(gone, None, 10)
            assert not await client.knock("https://nobody.invalid", None, 10)
            assert not await client.knock("no url", None, 10)
            # By way of a proxy it is the proxy's door that counts.
            assert await client.knock("https://nobody.invalid", here, 10)
            assert not await client.knock(here, gone, 10)
            assert not await client.knock(here, "socks5://127.0.0.1:1", 10)
            assert server.requests == []

    asyncio.run(run())


def test_one_address_that_opens_is_enough() -> None:
    async def run() -> None:
        resolver = FakeResolver(here_example=["127.0.0.2", "127.0.0.1"])
        async with raw_upstream(always_ok) as server, upstream_client(resolver=resolver) as client:
            client._guard.vouch(("here.example", server.port))
            assert await client.knock(f"http://here.example:{server.port}", None, 10)

    asyncio.run(run())


def test_no_door_is_knocked_at_that_may_not_be_entered() -> None:
    async def run() -> None:
        resolver = FakeResolver(inside_example=["127.0.0.1"])
        async with raw_upstream(always_ok) as server, upstream_client(resolver=resolver) as client:
            assert not await client.knock(f"http://inside.example:{server.port}", None, 10)

    asyncio.run(run())
