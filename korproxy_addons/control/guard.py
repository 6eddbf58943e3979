"""
Who may talk to the gateway at all: the rules against web pages that reach for a local server.

Loopback is no border: any page in the user's browser can send requests there. The exact `Host` set stops DNS rebinding
(a rebound name is not in it; browsers send no `Sec-Fetch-*` to such names), `Origin` and `Sec-Fetch-Site` stop
cross-site requests, and a navigation never shows bytes that came from an upstream. Pure: headers in, error or nothing
out.
"""

from collections.abc import Sequence
from functools import cache

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
_OWN_SITE = ("none", "same-origin")

type HeaderFields = Sequence[tuple[bytes, bytes]]


@cache
def allowed_hosts(port: int, names: tuple[str, ...] = ()) -> frozenset[str]:
    """Every value of `Host` that means us, in lower case. A scheme's own port may be left out."""
    hosts = (*LOOPBACK_NAMES, *names)
    values = {f"{host.lower()}:{port}" for host in hosts}
    if port in (80, 443):
        values |= {host.lower() for host in hosts}
    return frozenset(values)


def check_head(fields: HeaderFields, hosts: frozenset[str], *, max_count: int) -> None:
    """
    Let a request head in, or not.

    Args:
        fields: Header fields as they came, names in any case.
        hosts: From `allowed_hosts`.
        max_count: Most header fields one request may have.
    Raises:
        KorProxyError: HEADERS_TOO_LARGE, HOST_REFUSED or ORIGIN_REFUSED.
    """
    if len(fields) > max_count:
        raise KorProxyError(
            catalogue.HEADERS_TOO_LARGE, f"{len(fields)} fields, at most {max_count}"
        )
    found: dict[bytes, list[bytes]] = {}
    for name, value in fields:
        lower = name.lower()
        if lower in (b"host", b"origin") or lower.startswith(b"sec-fetch-"):
            found.setdefault(lower, []).append(value)
    host = found.get(b"host", [])
    if len(host) != 1 or _text(host[0]) not in hosts:
        raise KorProxyError(catalogue.HOST_REFUSED, f"Host is {_shown(host)}")
    for origin in found.get(b"origin", ()):
        scheme, _, rest = _text(origin).partition("://")
        if scheme not in ("http", "https") or rest not in hosts:
            raise KorProxyError(catalogue.ORIGIN_REFUSED, f"Origin is {_shown([origin])}")
    for site in found.get(b"sec-fetch-site", ()):
        if _text(site) not in _OWN_SITE:
            raise KorProxyError(catalogue.ORIGIN_REFUSED, f"Sec-Fetch-Site is {_shown([site])}")


def is_navigation(fields: HeaderFields) -> bool:
    """Whether a browser means to show the reply as a page, or as a part of one."""
    for name, value in fields:
        lower = name.lower()
        if lower == b"sec-fetch-mode" and _text(value) in ("navigate", "nested-navigate"):
            return True
        if lower == b"sec-fetch-dest" and _text(value) not in ("empty", ""):
            return True
    return False


def _text(value: bytes) -> str:
    return value.decode("latin-1").strip().lower()


def _shown(values: Sequence[bytes]) -> str:
    if not values:
        return "missing"
    text = ", ".join(value.decode("latin-1")[:80] for value in values[:3])
    return "“" + "".join(c if " " <= c <= "~" else "?" for c in text) + "”"
