"""
The pooled HTTP client behind every attempt.

One pool per process, shared by all clients: connections are kept alive per origin, TLS context and proxy. A coding tool
that opens a connection per request then pays no handshake of its own. aiohttp carries it; nothing outside this file and
the two beside it (`upstream_reply.py`, `upstream_failure.py`) knows.
"""

import asyncio
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from aiohttp import hdrs
from aiohttp.abc import AbstractResolver
from multidict import CIMultiDict
from yarl import URL

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import (
    AddressGuard,
    GuardedResolver,
    Origin,
)
from korproxy_addons.io.proxies import Proxy, SystemProxies, read_proxy
from korproxy_addons.io.trust import Trust
from korproxy_addons.io.upstream_failure import began_reply, failure_before_head
from korproxy_addons.io.upstream_reply import Link, LinkedResponse, UpstreamReply

__all__ = ["NOT_REACHED", "Budgets", "Link", "UpstreamCall", "UpstreamClient", "UpstreamReply"]

READ_BUFFER_BYTES = 64 * 1024
HEADER_LIMIT_BYTES = 64 * 1024
# Half of what the large providers keep an idle connection for, so that the pool closes first.
KEEP_ALIVE_S = 75.0
# Above this a body is written in pieces, each waiting for the socket, instead of in one copy.
PIECEWISE_BODY_BYTES = 256 * 1024
_SCHEMES = ("http", "https")
NOT_REACHED = (catalogue.CONNECT_REFUSED, catalogue.CONNECT_TIMEOUT, catalogue.DNS_FAILED)
"""What an attempt comes to where no connection came about."""


@dataclass(frozen=True, slots=True)
class Budgets:
    """How long each phase of a call may take, in seconds."""

    connect_s: float
    first_byte_s: float
    idle_s: float


@dataclass(frozen=True, slots=True)
class UpstreamCall:
    """
    One request as it goes on the wire; `headers` hold the credential, so a call is never logged or kept.

    `local` says that the user marked its provider as local: the request's own config counts, which may be an older one.
    """

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    budgets: Budgets
    ca_file: str | None = None
    proxy: str | None = None
    local: bool = False

    def __repr__(self) -> str:
        return f"UpstreamCall({self.method} {self.url.split('?', 1)[0]})"


class UpstreamClient:
    """
    The pool; must be made and used inside one running event loop.

    Args:
        guard: Decides which addresses may be reached.
        resolver: Resolves names, in place of the system's resolver.

    Attributes:
        on_reach: Told of each provider that is not on this network: whether a connection came about.
    """

    def __init__(self, guard: AddressGuard, resolver: AbstractResolver | None = None) -> None:
        self.on_reach: Callable[[bool], None] = lambda _reached: None
        self._guard = guard
        self._resolver = resolver
        self._proxies = SystemProxies()
        self._trust = Trust()
        self._pool, self._pool_connector = self._session(keep_alive=True)
        self._fresh, self._fresh_connector = self._session(keep_alive=False)
        self._left: list[aiohttp.ClientSession] = []

    def configure(self, own_ports: Iterable[int], local: Iterable[Origin]) -> None:
        """Take over the own ports and local origins of a new configuration."""
        self._proxies = SystemProxies()
        # A corporate proxy lives at a private address by nature; the operating system's settings vouch for it.
        vouched = [proxy.origin for proxy in self._proxies]
        self._guard.configure(own_ports, [*local, *vouched])
        self._pool_connector.clear_dns_cache()
        self._fresh_connector.clear_dns_cache()
        self._trust.forget_files()

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        """
        Send one request and wait for the reply's head.

        A pooled connection may have died unnoticed. When one breaks before the first byte, the request goes out once more
        on a connection of its own; a new connection that breaks is a failure of the attempt.

        Raises:
            KorProxyError: KP-NET or KP-PROV, each with what went wrong in words.
        """
        url = _url_of(call)
        host = url.host or ""
        trace = SimpleNamespace(reused=False)
        try:
            reply = await self._send(self._pool, url, call, trace)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if not (trace.reused and _is_stale(error)):
                raise self._failure(error, host, call) from error
        else:
            self._reached(call)
            return reply
        return await self.send_once(call)

    async def send_once(self, call: UpstreamCall) -> UpstreamReply:
        """
        Send one request on a connection of its own, whatever becomes of it.

        For what must not reach its server twice, such as a refresh token that is used up by its use.

        Raises:
            KorProxyError: As `send`.
        """
        url = _url_of(call)
        try:
            reply = await self._send(self._fresh, url, call, SimpleNamespace(reused=False))
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise self._failure(error, url.host or "", call) from error
        self._reached(call)
        return reply

    async def knock(self, url: str, proxy: str | None, timeout_s: float) -> bool:
        """
        Whether a connection to an upstream, or to the proxy on the way there, comes about; nothing is sent.

        Args:
            url: Where its requests go.
            proxy: As `UpstreamCall.proxy`.
            timeout_s: For resolving, and for connecting to its addresses, all at once.
        """
        try:
            address = URL(url)
            way = self._proxy(address, proxy)
            host, port = (address.host or "", address.port or 0) if way is None else way.origin
            async with asyncio.timeout(timeout_s):
                found = await GuardedResolver(self._guard, self._resolver).resolve(host, port)
        except (OSError, ValueError):  # a timeout is an OSError, no URL a ValueError
            return False
        # A machine without IPv6 may be told an IPv6 address first.
        return any(await asyncio.gather(*(_opens(it["host"], port, timeout_s) for it in found)))

    def _reached(self, call: UpstreamCall) -> None:
        if not call.local:
            self.on_reach(True)

    def _failure(self, error: Exception, host: str, call: UpstreamCall) -> KorProxyError:
        failure = failure_before_head(error, host)
        if not call.local and failure.spec in NOT_REACHED:
            self.on_reach(False)
        return failure

    def renew(self) -> None:
        """
        Use no connection that idles now: after a sleep, or in another network, they are dead.

        What is under way goes on; the pool that is left lets its idle connections time out by itself.
        """
        self._left.append(self._pool)
        self._pool, self._pool_connector = self._session(keep_alive=True)
        self._fresh_connector.clear_dns_cache()

    async def close(self) -> None:
        """Close every connection."""
        for session in (*self._left, self._pool, self._fresh):
            await session.close()

    async def _send(
        self, session: aiohttp.ClientSession, url: URL, call: UpstreamCall, trace: SimpleNamespace
    ) -> UpstreamReply:
        if call.local:
            self._guard.vouch((url.host or "", url.port or 0))
        self._guard.check_literal((url.host or "", url.port or 0))
        proxy = self._proxy(url, call.proxy)
        body: bytes | io.BytesIO = call.body
        if len(call.body) > PIECEWISE_BODY_BYTES:
            body = io.BytesIO(call.body)
        headers = CIMultiDict(call.headers)
        if proxy is not None and url.scheme == "http":
            # There is no CONNECT that could carry them: the proxy reads the request itself.
            headers.extend(proxy.headers)
        budgets = call.budgets
        try:
            async with asyncio.timeout(budgets.first_byte_s):
                response = await session.request(
                    call.method,
                    url,
                    headers=headers,
                    data=body or None,
                    allow_redirects=False,
                    proxy=proxy.url if proxy is not None else None,
                    proxy_headers=CIMultiDict(proxy.headers) if proxy is not None else None,
                    ssl=self._trust.context(call.ca_file) if url.scheme == "https" else True,
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
        # aiohttp bounds each field; together they must not be more than any client would take.
        if sum(len(name) + len(value) for name, value in response.raw_headers) > HEADER_LIMIT_BYTES:
            response.close()
            raise KorProxyError(
                catalogue.UPSTREAM_INVALID_REPLY,
                f"the head of {url.host}'s reply has more than {HEADER_LIMIT_BYTES} bytes",
            )
        return UpstreamReply(response, budgets.idle_s, reused=trace.reused)

    def _proxy(self, url: URL, named: str | None) -> Proxy | None:
        if named is None:
            return self._proxies.proxy_for(url)
        proxy = read_proxy(named)
        if proxy is None:
            raise aiohttp.InvalidURL(url, "its proxy is no HTTP proxy")
        self._guard.vouch(proxy.origin)
        return proxy

    def _session(self, *, keep_alive: bool) -> tuple[aiohttp.ClientSession, aiohttp.TCPConnector]:
        resolver = GuardedResolver(self._guard, self._resolver)
        if keep_alive:
            connector = aiohttp.TCPConnector(
                limit=0, resolver=resolver, ttl_dns_cache=60, keepalive_timeout=KEEP_ALIVE_S
            )
        else:
            connector = aiohttp.TCPConnector(
                limit=0, resolver=resolver, ttl_dns_cache=60, force_close=True
            )
        tracing = aiohttp.TraceConfig()
        tracing.on_connection_reuseconn.append(_note_reused)
        tracing.on_connection_create_start.append(_note_new)
        session = aiohttp.ClientSession(
            connector=connector,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_field_size=HEADER_LIMIT_BYTES,
            max_line_size=HEADER_LIMIT_BYTES,
            read_bufsize=READ_BUFFER_BYTES,
            response_class=LinkedResponse,
            # What the client did not send is not made up here.
            skip_auto_headers=(
                hdrs.USER_AGENT,
                hdrs.ACCEPT,
                hdrs.ACCEPT_ENCODING,
                hdrs.CONTENT_TYPE,
            ),
            trace_configs=[tracing],
            # Proxies are looked up here; `~/.netrc`, which would come with them, must not set a credential.
            trust_env=False,
        )
        return session, connector


async def _opens(host: str, port: int, timeout_s: float) -> bool:
    try:
        async with asyncio.timeout(timeout_s):
            _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


def _url_of(call: UpstreamCall) -> URL:
    try:
        url = URL(call.url, encoded=True)
        if url.host and url.port and url.scheme in _SCHEMES:
            return url
    except ValueError:
        pass
    raise KorProxyError(catalogue.UPSTREAM_UNAVAILABLE, "its address is no http(s) URL")


def _is_stale(error: Exception) -> bool:
    """Whether a pooled connection broke as one does that the other end had given up."""
    if isinstance(error, aiohttp.ClientConnectorError) or began_reply(error):
        return False
    return isinstance(
        error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError | ConnectionError
    )


async def _note_reused(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    context.trace_request_ctx.reused = True


async def _note_new(
    _session: aiohttp.ClientSession, context: SimpleNamespace, _params: object
) -> None:
    context.trace_request_ctx.reused = False
