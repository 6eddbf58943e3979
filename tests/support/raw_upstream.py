"""A server that does on each connection what a test's script says, byte by byte."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp.abc import AbstractResolver, ResolveResult

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@dataclass(frozen=True)
class RawRequest:
    """A request as it came: first line, header lines in their order, body."""

    line: str
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.fields if key.lower() == name), None)


@dataclass
class Visit:
    """One connection, for a script to answer."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int
    server: "RawUpstream"

    async def request(self) -> RawRequest:
        """
        The next request, whole.

        Raises:
            EOFError: the client has closed the connection.
        """
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        line, *lines = head.rstrip("\r\n").split("\r\n")
        fields = tuple((name, value) for name, _, value in (it.partition(": ") for it in lines))
        request = RawRequest(line, fields, b"")
        if length := int(request.header("content-length") or 0):
            request = RawRequest(line, fields, await self.reader.readexactly(length))
        self.server.requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        """Send bytes."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close the connection the hard way."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()

    async def until_closed(self) -> None:
        """Wait for the client to close the connection."""
        with contextlib.suppress(OSError):
            while await self.reader.read(65_536):
                pass
        self.server.left.set()


type Script = Callable[[Visit], Awaitable[None]]


@dataclass
class RawUpstream:
    """
    The server.

    Attributes:
        port: Where it listens.
        visits: Connections so far.
        requests: Requests that were read whole.
        left: Set when a client closed a connection that a script watched with `until_closed`.
    """

    port: int = 0
    visits: int = 0
    requests: list[RawRequest] = field(default_factory=list)
    left: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def raw_upstream(
    script: Script, tls: ssl.SSLContext | None = None
) -> AsyncIterator[RawUpstream]:
    """A server on a free port of 127.0.0.1; a script that raises anything but the end of a connection fails the test."""
    found = RawUpstream()
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        found.visits += 1
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            with contextlib.suppress(EOFError, ConnectionError):
                await script(Visit(reader, writer, found.visits, found))
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    try:
        yield found
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()
    errors = [it for it in results if isinstance(it, Exception)]
    assert errors == []


async def always_ok(visit: Visit) -> None:
    """Answer every request of a connection."""
    while True:
        await visit.request()
        await visit.send(OK)


class FakeResolver(AbstractResolver):
    """
    Knows the names it is given.

    Attributes:
        addresses: By name, what it resolves to; more than one list are the answers in turn.
        asked: The names it was asked for.
    """

    def __init__(self, **addresses: list[str]) -> None:
        self.addresses = {name.replace("_", "."): found for name, found in addresses.items()}
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        host = host.lower()
        self.asked.append(host)
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self.addresses[host]
        ]

    async def close(self) -> None:
        """Nothing to close."""
