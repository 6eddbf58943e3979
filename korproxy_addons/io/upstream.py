"""
The pooled HTTP client behind every attempt.

One pool per process, shared by all clients: connections are kept alive per origin, TLS context and proxy. A coding tool that
opens a connection per request then pays no handshake of its own. aiohttp carries it; nothing outside this file knows.
"""

import asyncio
import io
import ipaddress
import os
import socket
import ssl
import urllib.request
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
import certifi
from aiohttp import hdrs
from yarl import URL

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.address_guard import (
    AddressGuard,
    BlockedAddressError,
    GuardedResolver,
    Origin,
    OwnAddressError,
)

READ_BUFFER_BYTES = 64 * 1024
HEADER_LIMIT_BYTES = 64 * 1024
# Half of what the large providers keep an idle connection for, so that the pool closes first.
KEEP_ALIVE_S = 75.0
# Above this a body is written in pieces, each waiting for the socket, instead of in one copy.
PIECEWISE_BODY_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Budgets:
    """How long each phase of a call may take, in seconds."""

    connect_s: float
    first_byte_s: float
    idle_s: float


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """One request as it goes on the wire; `headers` hold the credential, so a call is never logged or kept."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    budgets: Budgets
    ca_file: str | None = None
    proxy: str | None = None

    def __repr__(self) -> str:
        return f"UpstreamCall({self.method} {self.url.split('?', 1)[0]})"


@dataclass(frozen=True, slots=True)
class Link:
    """Where a reply came from: what `flow.server_conn` shows. Addresses are (host, port, ...)."""

    peername: tuple[str, int] | None
    sockname: tuple[str, int] | None
    tls_version: str | None
    tls_cipher: str | None
    reused: bool


class _Response(aiohttp.ClientResponse):
    """Remembers its transport, which aiohttp lets go of as soon as the body is complete."""

    link: Link | None = None

    async def start(self, connection: aiohttp.connector.Connection) -> "aiohttp.ClientResponse":
        transport = connection.transport
        if transport is not None:
            tls = transport.get_extra_info("ssl_object")
            cipher = tls.cipher() if tls is not None else None
            self.link = Link(
                peername=transport.get_extra_info("peername"),
                sockname=transport.get_extra_info("sockname"),
                tls_version=tls.version() if tls is not None else None,
                tls_cipher=cipher[0] if cipher else None,
                reused=False,
            )
        return await super().start(connection)


class UpstreamReply:
    """A reply whose head has come; the body is read piece by piece."""

    def __init__(self, response: aiohttp.ClientResponse, link: Link, idle_s: float) -> None:
        self._response = response
        self._idle_s = idle_s
        self._waited_s = 0.0
        self.status = response.status
        self.link = link
        self.headers: tuple[tuple[str, str], ...] = tuple(
            (name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))
            for name, value in response.raw_headers
        )

    def header(self, name: str) -> str | None:
        """The first value of a header; `name` in any case."""
        return self._response.headers.get(name)

    async def read(self, tick_s: float | None = None) -> bytes | None:
        """
        The next bytes of the body as they come; empty at its end.

        Args:
            tick_s: Return None when nothing came for so long, though the reply goes on.
        Raises:
            KorProxyError: idle for too long, or the body broke off.
        """
        left_s = self._idle_s - self._waited_s
        wait_s = left_s if tick_s is None else min(tick_s, left_s)
        try:
            async with asyncio.timeout(wait_s):
                data = await self._response.content.readany()
        except TimeoutError as error:
            self._waited_s += wait_s
            if self._waited_s < self._idle_s:
                return None
            self.abort()
            raise KorProxyError(
                catalogue.IDLE_TIMEOUT, f"no data for {self._idle_s:g} s"
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            self.abort()
            raise KorProxyError(catalogue.STREAM_CUT, _words(error)) from error
        self._waited_s = 0.0
        return data

    async def read_all(self, limit_bytes: int) -> bytes:
        """
        The whole body.

        Raises:
            KorProxyError: as `read`, or the body is larger than `limit_bytes`.
        """
        parts: list[bytes] = []
        size_bytes = 0
        while chunk := await self.read():
            size_bytes += len(chunk)
            if size_bytes > limit_bytes:
                self.abort()
                raise KorProxyError(
                    catalogue.UPSTREAM_INVALID_REPLY,
                    f"the reply is larger than {limit_bytes} bytes",
                )
            parts.append(chunk)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def release(self) -> None:
        """Give the connection back to the pool; one with unread bytes is closed instead."""
        if self._response.content.at_eof():
            self._response.release()
        else:
            self._response.close()

    def abort(self) -> None:
        """Close the connection at once: the provider must see that nobody listens any more."""
        self._response.close()


class UpstreamClient:
    """
    The pool.

    Must be made and used inside one running event loop. `guard` decides which addresses may be reached.
    """

    def __init__(self, guard: AddressGuard) -> None:
        self._guard = guard
        self._tls: dict[str | None, ssl.SSLContext] = {}
        self._pool = self._session(keep_alive=True)
        self._fresh = self._session(keep_alive=False)

    def configure(self, own_ports: Iterable[int], local: Iterable[Origin]) -> None:
        """Take over the own ports and local origins of a new configuration."""
        proxies = [URL(url) for url in urllib.request.getproxies().values() if "://" in url]
        # A corporate proxy lives at a private address by nature; the operating system's settings vouch for it.
        vouched = [(url.host, url.port) for url in proxies if url.host and url.port]
        self._guard.configure(own_ports, [*local, *vouched])
        for session in (self._pool, self._fresh):
            connector = session.connector
            assert isinstance(connector, aiohttp.TCPConnector)
            connector.clear_dns_cache()

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """
        Send one request and wait for the reply's head.

        A pooled connection may have died unnoticed. When one breaks before the first byte, the request goes out once more
        on a connection of its own; a new connection that breaks is a failure of the attempt.

        Raises:
            KorProxyError: KP-NET or KP-PROV, each with what went wrong in words.
        """
        trace = SimpleNamespace(reused=False)
        try:
            return await self._send(self._pool, call, trace)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            if isinstance(error, aiohttp.ClientConnectorError) or not trace.reused:
                raise _failure(error, call) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error, call) from error
        try:
            return await self._send(self._fresh, call, SimpleNamespace(reused=False))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failure(error, call) from error

    async def close(self) -> None:
        """Close every connection."""
        await self._pool.close()
        await self._fresh.close()

    async def _send(
        self, session: aiohttp.ClientSession, call: UpstreamCall, trace: SimpleNamespace
    ) -> UpstreamReply:
        url = URL(call.url, encoded=True)
        self._check_literal(url)
        body: bytes | io.BytesIO = call.body
        if len(call.body) > PIECEWISE_BODY_BYTES:
            body = io.BytesIO(call.body)
        budgets = call.budgets
        try:
            async with asyncio.timeout(budgets.first_byte_s):
                response = await session.request(
                    call.method,
                    url,
                    headers=_multi(call.headers),
                    data=body or None,
                    allow_redirects=False,
                    proxy=call.proxy,
                    ssl=self._tls_context(call.ca_file) if url.scheme == "https" else True,
                    timeout=aiohttp.ClientTimeout(
                        total=None, connect=None, sock_connect=budgets.connect_s, sock_read=None
                    ),
                    trace_request_ctx=trace,
                )
        except aiohttp.ServerTimeoutError:
            raise
        except TimeoutError as error:
            raise KorProxyError(
                catalogue.FIRST_BYTE_TIMEOUT,
                f"{url.host} sent nothing for {budgets.first_byte_s:g} s",
            ) from error
        head_bytes = sum(len(name) + len(value) for name, value in response.raw_headers)
        if head_bytes > HEADER_LIMIT_BYTES:
            response.close()
            raise KorProxyError(
                catalogue.UPSTREAM_INVALID_REPLY, f"its head has more than {HEADER_LIMIT_BYTES} bytes"
            )
        link = getattr(response, "link", None) or Link(None, None, None, None, reused=False)
        return UpstreamReply(
            response,
            Link(
                link.peername, link.sockname, link.tls_version, link.tls_cipher, reused=trace.reused
            ),
            budgets.idle_s,
        )

    def _check_literal(self, url: URL) -> None:
        # An address in place of a name never reaches the resolver.
        host = url.host
        if host is None or url.port is None:
            raise aiohttp.InvalidURL(url, "it names no host")
        try:
            ipaddress.ip_address(host.split("%", 1)[0])
        except ValueError:
            return
        self._guard.check((host, url.port), host)

    def _session(self, *, keep_alive: bool) -> aiohttp.ClientSession:
        if keep_alive:
            connector = aiohttp.TCPConnector(
                limit=0,
                resolver=GuardedResolver(self._guard),
                keepalive_timeout=KEEP_ALIVE_S,
                ttl_dns_cache=60,
            )
        else:
            connector = aiohttp.TCPConnector(
                limit=0, resolver=GuardedResolver(self._guard), force_close=True, ttl_dns_cache=60
            )
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reuse)
        return aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=HEADER_LIMIT_BYTES,
            max_line_size=HEADER_LIMIT_BYTES,
            read_bufsize=READ_BUFFER_BYTES,
            response_class=_Response,
            # What the client did not send is not made up here.
            skip_auto_headers=(
                hdrs.USER_AGENT,
                hdrs.ACCEPT,
                hdrs.ACCEPT_ENCODING,
                hdrs.CONTENT_TYPE,
            ),
            trace_configs=[tracing],
            trust_env=True,
        )

    def _tls_context(self, ca_file: str | None) -> ssl.SSLContext:
        context = self._tls.get(ca_file)
        if context is None:
            # The system's roots (and SSL_CERT_FILE, SSL_CERT_DIR) hold a company's own; certifi's are there on every machine.
            context = ssl.create_default_context()
            context.load_verify_locations(cafile=certifi.where())
            if ca_file is not None:
                context.load_verify_locations(cafile=os.path.expanduser(ca_file))
            self._tls[ca_file] = context
        return context


async def _note_reuse(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    request_context = context.trace_request_ctx
    if request_context is not None:
        request_context.reused = True


def _multi(headers: tuple[tuple[str, str], ...]) -> "Mapping[str, str]":
    from multidict import CIMultiDict

    return CIMultiDict(headers)


def _failure(error: Exception, call: UpstreamCall) -> KorProxyError:
    """The row for an exception that came before the head."""
    host = URL(call.url).host or "the provider"
    spec, detail = _reading(error, host)
    return KorProxyError(spec, detail)


def _reading(error: Exception, host: str) -> tuple[ErrorSpec, str]:
    root = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    if isinstance(root, OwnAddressError):
        return catalogue.LOOP, str(root)
    if isinstance(root, BlockedAddressError):
        return catalogue.ADDRESS_BLOCKED, str(root)
    match error:
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return catalogue.DNS_FAILED, f"{host} does not resolve"
        case aiohttp.ClientConnectorCertificateError():
            return catalogue.TLS_FAILED, f"{host}: {_words(error.certificate_error)}"
        case aiohttp.ClientSSLError() | ssl.SSLError():
            return catalogue.TLS_FAILED, f"{host}: the TLS handshake failed"
        case aiohttp.ServerTimeoutError():
            return catalogue.CONNECT_TIMEOUT, f"{host} did not answer in time"
        case aiohttp.ClientConnectorError():
            return (
                catalogue.CONNECT_REFUSED,
                f"{host}:{error.port}: {error.os_error.strerror or 'no connection'}",
            )
        case aiohttp.ServerDisconnectedError() | aiohttp.ClientOSError() | ConnectionError():
            return catalogue.CONNECTION_LOST, f"{host} closed the connection before its reply"
        case aiohttp.ClientResponseError() | aiohttp.ClientPayloadError():
            return catalogue.UPSTREAM_INVALID_REPLY, f"{host} did not answer in HTTP"
        case _:
            return catalogue.UPSTREAM_UNAVAILABLE, f"{host}: {_words(error)}"


def _words(error: Exception) -> str:
    """The kind of an exception in words; its own text may hold addresses or bytes of the reply."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
