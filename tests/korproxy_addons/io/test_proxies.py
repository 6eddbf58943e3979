import asyncio
import urllib.request

import pytest
from yarl import URL

from korproxy_addons.errors import catalogue
from korproxy_addons.io.proxies import SystemProxies, read_proxy
from support.raw_upstream import Visit, always_ok, raw_upstream
from support.upstream_calls import ask, failure, post, upstream_client

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment that names no proxy, on every system."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr(urllib.request, "getproxies", urllib.request.getproxies_environment)
    bypass = vars(urllib.request)["proxy_bypass_environment"]
    monkeypatch.setattr(urllib.request, "proxy_bypass", bypass)


def chosen(url: str) -> str | None:
    proxy = SystemProxies().proxy_for(URL(url))
    return None if proxy is None else str(proxy.url)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://proxy.corp:3128", "http://proxy.corp:3128"),
        ("proxy.corp:3128", "http://proxy.corp:3128"),
        ("https://proxy.corp", "https://proxy.corp"),
        ("http://proxy.corp:3128/path?query", "http://proxy.corp:3128"),
    ],
)
def test_a_proxy_is_read_with_or_without_its_scheme(text: str, url: str) -> None:
    proxy = read_proxy(text)
    assert proxy is not None
    assert (str(proxy.url), proxy.headers) == (url, ())


@pytest.mark.parametrize("text", ["", "http://", "socks5://proxy:1080", "http://[", "ftp://proxy"])
def test_what_is_no_http_proxy_is_none(text: str) -> None:
    assert read_proxy(text) is None


def test_credentials_become_a_header_and_leave_the_address() -> None:
    proxy = read_proxy("http://us%40er:pa%3Ass@proxy.corp:3128")
    assert proxy is not None
    assert str(proxy.url) == "http://proxy.corp:3128"
    assert proxy.headers == (("Proxy-Authorization", "Basic dXNAZXI6cGE6c3M="),)
    assert proxy.origin == ("proxy.corp", 3128)
    assert "pa" not in repr(proxy)


def test_without_a_setting_there_is_none() -> None:
    assert chosen("https://api.example/") is None
    assert list(SystemProxies()) == []


def test_each_scheme_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("HTTPS_PROXY", "http://tls:2")
    assert chosen("http://api.example/") == "http://plain:1"
    assert chosen("https://api.example/") == "http://tls:2"
    assert {it.origin for it in SystemProxies()} == {("plain", 1), ("tls", 2)}


def test_one_may_stand_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://any:1")
    assert chosen("https://api.example/") == "http://any:1"


def test_exceptions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    monkeypatch.setenv("NO_PROXY", "corp.example,.internal")
    assert chosen("https://corp.example/") is None
    assert chosen("https://api.internal/") is None
    assert chosen("https://api.example/") == "http://proxy:1"


@pytest.mark.parametrize(
    "host", ["localhost", "ollama.localhost", "127.0.0.1", "127.1.2.3", "[::1]"]
)
def test_this_machine_is_never_reached_by_way_of_another(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:1")
    assert chosen(f"http://{host}:11434/") is None


def test_what_was_chosen_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy:1")
    proxies = SystemProxies()
    asked: list[str] = []
    monkeypatch.setattr(urllib.request, "proxy_bypass", asked.append)
    for _ in range(3):
        assert proxies.proxy_for(URL("https://api.example/x")) is not None
    assert asked == ["api.example"]


# By way of the client


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
