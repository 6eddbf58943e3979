"""
One provider's host, asked as the gateway would reach it: name, address, connection, certificate, clock.

`HEAD /` goes there, without a credential, a path or a body; what it answers does not matter, only that it does.
"""

import email.utils
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

import certifi
from cryptography import x509
from cryptography.x509.oid import NameOID
from yarl import URL

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import is_public
from korproxy_addons.io.proxies import Proxy, SystemProxies, read_proxy
from korproxy_addons.io.trust import Trust
from korproxy_addons.io.upstream_failure import words
from korproxy_addons.providers.resolve import ResolvedAccount

CONNECT_S = 4.0
ALL_S = 9.0
MOST_HOSTS = 12

type Problem = Literal["", "dns", "address", "connect", "proxy", "tls", "late", "unasked"]
type Resolve = Callable[[str, int], Iterable[str]]
"""Host and port to addresses; raises OSError."""


@dataclass(frozen=True, slots=True)
class Target:
    """
    A host to ask.

    Attributes:
        host, port: Where.
        secure: By TLS.
        local: The configuration says that it is on this machine or network.
        ca_file: More certificates to trust; None: none.
        proxy: On the way there; None: none.
    """

    host: str
    port: int
    secure: bool = True
    local: bool = False
    ca_file: str | None = None
    proxy: Proxy | None = None


@dataclass(frozen=True, slots=True)
class Probed:
    """
    What was found.

    Attributes:
        target: Where.
        problem: At which step it went wrong; "": at none.
        detail: What happened, in words.
        issuer: Who signed the certificate; "": not known.
        company: It is trusted on this machine, and its signer is no public authority.
        ahead_s: How far this machine's clock is ahead of the host's; None: the host told no time.
        took_ms: From the name to the answer.
    """

    target: Target
    problem: Problem = ""
    detail: str = ""
    issuer: str = ""
    company: bool = False
    ahead_s: float | None = None
    took_ms: float = 0.0


def targets_of(ways: Iterable[ResolvedAccount], proxies: SystemProxies) -> tuple[Target, ...]:
    """The hosts of these accounts, each once: where they send requests, and where their logins are renewed."""
    found: dict[tuple[str, int], Target] = {}
    for way in ways:
        urls = [way.facts.base_url]
        if way.login is not None and way.token_url:
            urls.append(way.token_url)
        for text in urls:
            url = URL(text)
            key = (url.host or "", url.port or 0)
            if not all(key) or key in found:
                continue
            named = read_proxy(way.proxy) if way.proxy is not None else None
            proxy = named or proxies.proxy_for(url)
            found[key] = Target(*key, url.scheme == "https", way.local, way.ca_file, proxy)
    return tuple(found.values())[:MOST_HOSTS]


def probe_all(
    targets: Iterable[Target],
    clock: Callable[[], float] = time.time,
    *,
    limit_s: float = ALL_S,
    resolve: Resolve | None = None,
) -> tuple[Probed, ...]:
    """
    Ask all of them at once.

    Args:
        targets: Where.
        clock: Unix seconds.
        limit_s: For all; who has not answered by then is "late".
        resolve: In place of the system's resolver.
    """
    wanted = tuple(targets)
    found: dict[Target, Probed] = {}

    def one(target: Target) -> None:
        found[target] = probe(target, clock, resolve=resolve)

    # Not a pool's: the system's resolver cannot be interrupted, and the process shall end without it.
    threads = [threading.Thread(target=one, args=(it,), daemon=True) for it in wanted]
    for thread in threads:
        thread.start()
    deadline = time.monotonic() + limit_s
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    late = f"no answer within {limit_s:g} s"
    return tuple(found.get(it) or Probed(it, "late", late) for it in wanted)


def probe(
    target: Target, clock: Callable[[], float] = time.time, *, resolve: Resolve | None = None
) -> Probed:
    """Ask one host; never raises for what may be wrong with it."""
    began = time.monotonic()
    found = Probed(target)
    if target.proxy is None:
        found = _resolved(target, resolve or _by_system)
    if not found.problem:
        found = _answered(target, clock)
    return replace(found, took_ms=round((time.monotonic() - began) * 1000, 1))


def _by_system(host: str, port: int) -> list[str]:
    return [str(it[4][0]) for it in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _resolved(target: Target, resolve: Resolve) -> Probed:
    """The gateway's own rule on addresses: all of them, or none."""
    try:
        addresses = list(resolve(target.host, target.port))
    except OSError as error:
        return Probed(target, "dns", words(error))
    private = [it for it in addresses if not is_public(it)]
    if private and not target.local:
        return Probed(target, "address", f"resolves to {private[0]}")
    return Probed(target)


def _answered(target: Target, clock: Callable[[], float]) -> Probed:
    if target.proxy is not None and target.proxy.url.scheme == "https":
        # TLS within TLS: the gateway can, the standard library, which shows us the certificate, cannot.
        return Probed(target, "unasked", "behind a proxy that is itself spoken to by TLS")
    if not target.secure:
        return _asked(target, None, clock)
    try:
        return _asked(target, _public_only(), clock)
    except ssl.SSLCertVerificationError:
        pass
    try:
        context = Trust().context(target.ca_file)
        return replace(_asked(target, context, clock), company=True)
    except ssl.SSLCertVerificationError as error:
        return Probed(target, "tls", words(error), issuer=_unverified_issuer(target))
    except KorProxyError as error:
        return Probed(target, "tls", error.detail)


def _asked(target: Target, context: ssl.SSLContext | None, clock: Callable[[], float]) -> Probed:
    """
    One question.

    Raises:
        ssl.SSLCertVerificationError: the certificate is not trusted by `context`.
    """
    connection = _connection(target, context)
    try:
        connection.connect()
        issuer = ""
        if isinstance(connection.sock, ssl.SSLSocket):
            issuer = _issuer(connection.sock.getpeercert(binary_form=True))
        whole = target.proxy is not None and not target.secure
        path = f"http://{target.host}:{target.port}/" if whole else "/"
        asked_at = clock()
        connection.request("HEAD", path, headers={"user-agent": "korproxy"})
        reply = connection.getresponse()
        middle = (asked_at + clock()) / 2
        return Probed(target, issuer=issuer, ahead_s=_ahead(reply.getheader("date"), middle))
    except ssl.SSLCertVerificationError:
        raise
    except ssl.SSLError as error:
        return Probed(target, "tls", f"the handshake failed: {error.reason or 'no reason told'}")
    except TimeoutError:
        return Probed(target, "connect", f"no answer within {CONNECT_S:g} s")
    except OSError as error:
        # `http.client` tells a refusal of the proxy as an OSError with the status in its text.
        refused = target.proxy is not None and "Tunnel connection failed" in str(error)
        return Probed(target, "proxy" if refused else "connect", _words(error))
    except http.client.HTTPException as error:
        return Probed(target, "connect", f"no answer in HTTP ({type(error).__name__})")
    finally:
        connection.close()


def _connection(target: Target, context: ssl.SSLContext | None) -> http.client.HTTPConnection:
    proxy = target.proxy
    host, port = (target.host, target.port) if proxy is None else proxy.origin
    if context is None:
        return http.client.HTTPConnection(host, port, timeout=CONNECT_S)
    connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=context)
    if proxy is not None:
        connection.set_tunnel(target.host, target.port, dict(proxy.headers))
    return connection


def _words(error: OSError) -> str:
    text = str(error)
    return text if "Tunnel connection failed" in text else words(error)


def _public_only() -> ssl.SSLContext:
    """Trusts the public authorities and nobody whom this machine's owner, or its company, added."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=certifi.where())
    return context


def _unverified_issuer(target: Target) -> str:
    """Who signed a certificate that is not trusted; nothing is sent over that connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    connection = _connection(target, context)
    try:
        connection.connect()
        assert isinstance(connection.sock, ssl.SSLSocket)
        return _issuer(connection.sock.getpeercert(binary_form=True))
    except (OSError, http.client.HTTPException):
        return ""
    finally:
        connection.close()


def _issuer(certificate: bytes | None) -> str:
    if not certificate:
        return ""
    try:
        issuer = x509.load_der_x509_certificate(certificate).issuer
    except ValueError:
        return ""
    parts = [
        str(it.value)
        for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)
        for it in issuer.get_attributes_for_oid(oid)
    ]
    return ", ".join(dict.fromkeys(parts)) or issuer.rfc4514_string()


def _ahead(date: str | None, now: float) -> float | None:
    try:
        told = email.utils.parsedate_to_datetime(date or "").timestamp()
    except ValueError:
        return None
    return now - told


def is_fake(address: str) -> bool:
    """Whether an address is one that VPN and proxy programs hand out in place of the real one (198.18.0.0/15)."""
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network("198.18.0.0/15")
    except ValueError:
        return False
