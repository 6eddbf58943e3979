"""A reply of an upstream: its head, where it came from, and its body piece by piece."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import aiohttp
from aiohttp.client_proto import ResponseHandler

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.upstream_failure import words


@dataclass(frozen=True, slots=True)
class Link:
    """Where a reply came from: what `flow.server_conn` shows. Addresses are (host, port)."""

    peername: tuple[str, int] | None = None
    sockname: tuple[str, int] | None = None
    tls_version: str | None = None
    tls_cipher: str | None = None
    reused: bool = False


class LinkedResponse(aiohttp.ClientResponse):
    """Remembers its transport, which aiohttp lets go of as soon as the body is complete."""

    link: Link = Link()

    async def start(self, connection: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        transport = connection.transport
        if transport is not None:
            tls = transport.get_extra_info("ssl_object")
            cipher = tls.cipher() if tls is not None else None
            self.link = Link(
                peername=_host_and_port(transport.get_extra_info("peername")),
                sockname=_host_and_port(transport.get_extra_info("sockname")),
                tls_version=tls.version() if tls is not None else None,
                tls_cipher=cipher[0] if cipher else None,
            )
        response = await super().start(connection)
        if connection.protocol is not None and not self.content.is_eof():
            _fail_when_closed(connection.protocol, self.content)
        return response


# By connection, the body that was read from it last; until it is closed.
_READING: dict[ResponseHandler, aiohttp.StreamReader] = {}


def _fail_when_closed(protocol: ResponseHandler, content: aiohttp.StreamReader) -> None:
    """
    Let `content` end with its connection.

    aiohttp (3.14) does so itself, but for a body whose chunks turn into garbage: it closes the connection and lets the
    reader wait.
    """
    watched = protocol in _READING
    closed = protocol.closed
    if closed is not None:
        _READING[protocol] = content
        if not watched:
            closed.add_done_callback(partial(_was_closed, protocol))


def _was_closed(protocol: ResponseHandler, closed: asyncio.Future[None]) -> None:
    if not closed.cancelled():
        closed.exception()  # seen
    content = _READING.pop(protocol)
    if not content.is_eof() and content.exception() is None:
        content.set_exception(aiohttp.ClientPayloadError("the connection was closed"))


class UpstreamReply:
    """
    A reply whose head has come.

    Args:
        response: aiohttp's.
        idle_s: Most seconds between two pieces of the body.
        reused: Whether it came over a connection that had served before.

    Attributes:
        listener: Is told what `read` returns; None: nobody listens.
    """

    def __init__(self, response: aiohttp.ClientResponse, idle_s: float, *, reused: bool) -> None:
        self._response = response
        self._idle_s = idle_s
        self._waited_s = 0.0
        self.listener: Callable[[bytes], None] | None = None
        self.status = response.status
        link = response.link if isinstance(response, LinkedResponse) else Link()
        self.link = replace(link, reused=reused)
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
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError) as error:
            self.abort()
            raise KorProxyError(catalogue.STREAM_CUT, words(error)) from error
        self._waited_s = 0.0
        if self.listener is not None:
            self.listener(data)
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


def _host_and_port(address: object) -> tuple[str, int] | None:
    return (address[0], address[1]) if isinstance(address, tuple) else None
