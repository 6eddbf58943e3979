"""Calls of `UpstreamClient` against a server of the test's own."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp.abc import AbstractResolver

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.address_guard import AddressGuard, Origin
from korproxy_addons.io.upstream import Budgets, UpstreamCall, UpstreamClient, UpstreamReply

# Nothing of a passing test takes so long: a test of a time-out has its own.
PATIENT = Budgets(connect_s=10.0, first_byte_s=10.0, idle_s=10.0)


@asynccontextmanager
async def upstream_client(
    *ports: int,
    local: Iterable[Origin] = (),
    own_ports: Iterable[int] = (),
    resolver: AbstractResolver | None = None,
) -> AsyncIterator[UpstreamClient]:
    """A client that may reach 127.0.0.1 and localhost on `ports`, and what is `local`."""
    client = UpstreamClient(AddressGuard(), resolver)
    here = [(host, port) for port in ports for host in ("127.0.0.1", "localhost")]
    client.configure(own_ports, [*here, *local])
    try:
        yield client
    finally:
        await client.close()


def post(url: str | int, body: bytes = b"{}", **fields: Any) -> UpstreamCall:
    """A POST to a URL, or to a port of 127.0.0.1."""
    if isinstance(url, int):
        url = f"http://127.0.0.1:{url}/v1/x"
    return UpstreamCall(
        **{"method": "POST", "url": url, "headers": (), "body": body, "budgets": PATIENT, **fields}
    )


async def ask(client: UpstreamClient, call: UpstreamCall) -> UpstreamReply:
    """Send a call, and read its reply to the end."""
    reply = await client.send(call)
    await reply.read_all(1 << 20)
    return reply


async def failure(call: Coroutine[Any, Any, object], spec: ErrorSpec) -> str:
    """The detail of the error that a call ends with, which must be of this row."""
    with pytest.raises(KorProxyError) as found:
        async with asyncio.timeout(20):
            await call
    assert found.value.spec is spec, found.value
    return found.value.detail
