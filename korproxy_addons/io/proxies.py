"""The HTTP proxies that the operating system, or its environment, has for outgoing connections."""

import base64
import ipaddress
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

from yarl import URL

from korproxy_addons.io.address_guard import Origin


@dataclass(frozen=True, slots=True)
class Proxy:
    """
    An HTTP proxy.

    Attributes:
        url: Its address, without credentials.
        headers: What it wants to see of us (`Proxy-Authorization`).
    """

    url: URL
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def origin(self) -> Origin:
        """Host and port."""
        return self.url.host or "", self.url.port or 0

    def __repr__(self) -> str:
        return f"Proxy({self.url.host}:{self.url.port})"


def read_proxy(text: str) -> Proxy | None:
    """
    The proxy that a setting names, with or without scheme and credentials; None if it is none we can speak to.

    aiohttp speaks to http and https proxies; a socks one is left out.
    """
    try:
        url = URL(text if "://" in text else f"http://{text}")
    except ValueError:
        return None
    if url.scheme not in ("http", "https") or not url.host or not url.port:
        return None
    headers: tuple[tuple[str, str], ...] = ()
    if url.user is not None:
        pair = f"{url.user}:{url.password or ''}".encode()
        headers = (("Proxy-Authorization", f"Basic {base64.b64encode(pair).decode()}"),)
    return Proxy(url.origin(), headers)


class SystemProxies:
    """What `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY`, or the system's settings, say; read once."""

    def __init__(self) -> None:
        found = {key: read_proxy(text) for key, text in urllib.request.getproxies().items()}
        self._by_scheme = {
            key: proxy
            for key, proxy in found.items()
            if proxy is not None and key in ("http", "https", "all")
        }
        self._chosen: dict[tuple[str, str], Proxy | None] = {}

    def __iter__(self) -> Iterator[Proxy]:
        return iter(self._by_scheme.values())

    def proxy_for(self, url: URL) -> Proxy | None:
        """The proxy on the way to `url`, if any; never one to this machine itself."""
        if not self._by_scheme:
            return None
        key = (url.scheme, url.host or "")
        if key not in self._chosen:
            self._chosen[key] = None if self._is_direct(key[1]) else self._named(url.scheme)
        return self._chosen[key]

    def _named(self, scheme: str) -> Proxy | None:
        return self._by_scheme.get(scheme) or self._by_scheme.get("all")

    @staticmethod
    def _is_direct(host: str) -> bool:
        if host == "localhost" or host.endswith(".localhost"):
            return True
        try:
            if ipaddress.ip_address(host).is_loopback:
                return True
        except ValueError:
            pass
        return bool(urllib.request.proxy_bypass(host))
