import urllib.request

import pytest
from yarl import URL

from korproxy_addons.io.proxies import SystemProxies, read_proxy

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
