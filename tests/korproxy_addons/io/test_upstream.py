import asyncio
import datetime as dt
import ssl
import urllib.request
from pathlib import Path

import pytest
import trustme

from korproxy_addons.errors import catalogue
from korproxy_addons.io.upstream import PIECEWISE_BODY_BYTES, Budgets, UpstreamCall
from support.raw_upstream import OK, FakeResolver, Visit, always_ok, raw_upstream
from support.upstream_calls import ask, failure, post, upstream_client


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own proxies are none of these tests' business."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


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
            assert connected.is_set()
            assert detail == "127.0.0.1 did not answer in time"

    asyncio.run(run())


def test_a_first_byte_that_does_not_come_in_time() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.until_closed()

    async def run() -> None:
        budgets = Budgets(connect_s=10.0, first_byte_s=0.05, idle_s=10.0)
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            call = post(server.port, budgets=budgets)
            detail = await failure(client.send(call), catalogue.FIRST_BYTE_TIMEOUT)
            assert detail == "127.0.0.1 sent nothing for 0.05 s"
            await server.left.wait()

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


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> str:
    """A company's root certificate, in a file."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)
    return context


def test_a_certificate_of_the_given_authority_is_trusted(
    authority: trustme.CA, ca_file: str
) -> None:
    async def run() -> None:
        tls = serving(authority.issue_cert("api.example"))
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(always_ok, tls) as server:
            local = [("api.example", server.port)]
            async with upstream_client(local=local, resolver=names) as client:
                url = f"https://api.example:{server.port}/"
                for reused in (False, True):
                    reply = await client.send(post(url, ca_file=ca_file))
                    await reply.read_all(10)
                    assert reply.link.tls_version == "TLSv1.3"
                    assert reply.link.tls_cipher
                    assert reply.link.reused is reused
                # Without the file it is another matter, pooled connection or not.
                await failure(client.send(post(url)), catalogue.TLS_FAILED)

    asyncio.run(run())


def tls_failure(certificate: trustme.LeafCert, ca_file: str | None) -> str:
    async def run() -> str:
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(always_ok, serving(certificate)) as server:
            local = [("api.example", server.port)]
            async with upstream_client(local=local, resolver=names) as client:
                url = f"https://api.example:{server.port}/"
                detail = await failure(
                    client.send(post(url, ca_file=ca_file)), catalogue.TLS_FAILED
                )
                assert server.requests == []
                return detail

    return asyncio.run(run())


def test_a_certificate_nobody_vouches_for(authority: trustme.CA) -> None:
    assert "certificate" in tls_failure(authority.issue_cert("api.example"), None)


def test_a_certificate_for_another_name(authority: trustme.CA, ca_file: str) -> None:
    detail = tls_failure(authority.issue_cert("other.example"), ca_file)
    assert "Hostname mismatch" in detail


def test_an_expired_certificate(authority: trustme.CA, ca_file: str) -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    expired = authority.issue_cert(
        "api.example", not_before=past, not_after=past.replace(year=2021)
    )
    assert "expired" in tls_failure(expired, ca_file)


def test_a_server_that_does_not_speak_tls() -> None:
    async def script(visit: Visit) -> None:
        await visit.reader.read(10)
        await visit.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server, upstream_client(server.port) as client:
            call = post(f"https://127.0.0.1:{server.port}/")
            detail = await failure(client.send(call), catalogue.TLS_FAILED)
            assert detail == "127.0.0.1: the TLS handshake failed"

    asyncio.run(run())


@pytest.mark.parametrize("content", [None, "no certificate at all"])
def test_a_ca_file_that_cannot_be_used(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    async def run() -> None:
        async with upstream_client(443) as client:
            call = post("https://127.0.0.1/", ca_file=str(path))
            detail = await failure(client.send(call), catalogue.TLS_FAILED)
            assert detail.startswith(f"ca_file {path}: ")

    asyncio.run(run())


def test_a_ca_file_is_read_anew_with_the_configuration(
    authority: trustme.CA, tmp_path: Path
) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))

    async def run() -> None:
        tls = serving(authority.issue_cert("127.0.0.1"))
        async with raw_upstream(always_ok, tls) as server, upstream_client(server.port) as client:
            call = post(f"https://127.0.0.1:{server.port}/", ca_file=str(path))
            await failure(client.send(call), catalogue.TLS_FAILED)
            authority.cert_pem.write_to_path(str(path))
            client.configure([], [("127.0.0.1", server.port)])
            assert (await ask(client, call)).status == 200

    asyncio.run(run())


# Where it may connect to


BLOCKED = [
    "http://127.0.0.1/",
    "http://127.0.0.1:1338/",
    "http://127.1/",
    "http://127.0.1/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://017700000001/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0177.0.0.1/",
    "http://127.000.000.001/",
    "http://10.0.0.1/",
    "http://10.1/",
    "http://172.16.0.1/",
    "http://192.168.0.1/",
    "http://3232235521/",
    "http://169.254.169.254/latest/meta-data/",
    "http://2852039166/",
    "http://100.100.100.200/",
    "http://198.18.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://[::]/",
    "http://[::1]/",
    "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25lo]/",
    "http://[fc00::1]/",
    "http://[fec0::1]/",
    "http://[ff02::1]/",
    "http://user:password@127.0.0.1/",
    "https://127.0.0.1/",
    "http://localhost/",
    "http://LOCALHOST:8080/",
    "http://evil.example/",
    "http://six.example/",
]


@pytest.mark.parametrize("url", BLOCKED)
def test_an_address_that_is_not_public_is_not_reached(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is written, and whatever name stands for it; not a single connection is tried."""
    names = FakeResolver(
        localhost=["127.0.0.1"], evil_example=["1.1.1.1", "127.0.0.1"], six_example=["::1"]
    )
    names.addresses |= {it: ["127.0.0.1"] for it in ("0x7f000001", "0x7f.0.0.1")}
    tried: list[object] = []

    async def connect(*arguments: object, **_: object) -> None:
        tried.append(arguments)
        raise OSError("no connection is made in this test")

    monkeypatch.setattr("aiohappyeyeballs.start_connection", connect)

    async def run() -> None:
        async with upstream_client(resolver=names) as client:
            await failure(client.send(post(url)), catalogue.ADDRESS_BLOCKED)

    asyncio.run(run())
    assert tried == []


def test_a_name_that_is_rebound_is_noticed_when_the_pool_connects() -> None:
    async def script(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")

    async def run() -> None:
        names = FakeResolver(api_example=["127.0.0.1"])
        async with raw_upstream(script) as server:
            local = [("api.example", server.port)]
            url = f"http://api.example:{server.port}/"
            async with upstream_client(local=local, resolver=names) as client:
                reply = await client.send(post(url))
                await reply.read_all(10)
                client.configure([], [])
                await failure(client.send(post(url)), catalogue.ADDRESS_BLOCKED)
                assert server.visits == 1

    asyncio.run(run())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_our_own_port_is_a_loop(host: str) -> None:
    async def run() -> None:
        names = FakeResolver(localhost=["127.0.0.1"])
        local = [(it, 1337) for it in ("127.0.0.1", "localhost", "::1")]
        async with upstream_client(local=local, own_ports=[1337], resolver=names) as client:
            detail = await failure(client.send(post(f"http://{host}:1337/v1")), catalogue.LOOP)
            assert detail.endswith(":1337 is this gateway")

    asyncio.run(run())


# Proxies


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server:
            monkeypatch.setenv("HTTP_PROXY", f"http://user:pass%20word@127.0.0.1:{server.port}")
            async with upstream_client() as client:
                reply = await client.send(post("http://api.example/v1?a=b"))
                assert await reply.read_all(10) == b"ok"
                (request,) = server.requests
        assert request.line == "POST http://api.example/v1?a=b HTTP/1.1"
        assert request.header("proxy-authorization") == "Basic dXNlcjpwYXNzIHdvcmQ="

    asyncio.run(run())


def test_a_proxy_of_the_configuration_is_used_and_may_be_anywhere() -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client() as client:
            proxy = f"http://127.0.0.1:{server.port}"
            await ask(client, post("http://api.example/v1", proxy=proxy))
            assert server.requests[0].line == "POST http://api.example/v1 HTTP/1.1"

    asyncio.run(run())


def test_a_proxy_that_refuses_is_told_as_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(visit: Visit) -> None:
        request = await visit.request()
        assert request.line == "CONNECT api.example:443 HTTP/1.1"
        assert request.header("authorization") is None
        await visit.send(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
        await visit.until_closed()

    async def run() -> None:
        async with raw_upstream(script) as server:
            monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
            async with upstream_client() as client:
                call = post("https://api.example/", headers=(("authorization", "Bearer sk-1"),))
                detail = await failure(client.send(call), catalogue.UPSTREAM_UNAVAILABLE)
                assert detail == "the proxy on the way to api.example refused with status 407"

    asyncio.run(run())


def test_a_proxy_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server:
            port = server.port
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{port}")
        async with upstream_client() as client:
            detail = await failure(
                client.send(post("https://api.example/")), catalogue.CONNECT_REFUSED
            )
            assert detail.startswith("the proxy on the way to api.example: ")

    asyncio.run(run())


def test_a_private_address_is_not_reached_by_way_of_a_proxy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> None:
        async with raw_upstream(always_ok) as server:
            monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
            async with upstream_client() as client:
                for url in ("http://10.0.0.1/", "http://169.254.169.254/", "http://2852039166/"):
                    await failure(client.send(post(url)), catalogue.ADDRESS_BLOCKED)
            assert server.visits == 0

    asyncio.run(run())


@pytest.mark.parametrize("proxy", ["socks5://127.0.0.1:1080", "http://"])
def test_a_proxy_that_is_none(proxy: str) -> None:
    async def run() -> None:
        async with upstream_client() as client:
            call = post("https://api.example/", proxy=proxy)
            await failure(client.send(call), catalogue.UPSTREAM_UNAVAILABLE)

    asyncio.run(run())


def test_the_machine_s_settings_are_read_when_the_configuration_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Not for each request: on some systems that is a look into a registry."""
    asked: list[bool] = []

    def proxies() -> dict[str, str]:
        asked.append(True)
        return {}

    monkeypatch.setattr(urllib.request, "getproxies", proxies)

    async def run() -> None:
        async with raw_upstream(always_ok) as server, upstream_client(server.port) as client:
            before = len(asked)
            for _ in range(3):
                await ask(client, post(server.port))
            assert len(asked) == before

    asyncio.run(run())


def test_a_call_is_a_plain_value() -> None:
    assert isinstance(post(80), UpstreamCall)
