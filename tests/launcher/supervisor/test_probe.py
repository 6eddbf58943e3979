import asyncio
import json
from collections.abc import Awaitable, Callable

import pytest

from launcher.supervisor.probe import ask_health
from launcher.supervisor.signals import Answered, Missed

HEALTH = {
    "status": "ok",
    "version": "1",
    "instance": "run-7",
    "started_at": 1.0,
    "uptime_s": 2.0,
    "in_flight": 3,
    "draining": False,
    "accounts_configured": 0,
    "config_problems": [],
    "accounts": [],
}
OK = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"

type Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def asked(serve: Serve, timeout_s: float = 20.0) -> Answered | Missed:
    """What a question to such a server comes to."""

    async def run() -> Answered | Missed:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        async with server:
            return await ask_health("127.0.0.1", server.sockets[0].getsockname()[1], timeout_s)

    return asyncio.run(run())


def saying(reply: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"GET /_korproxy/health HTTP/1.1\r\nhost: 127.0.0.1:")
        writer.write(reply)
        await writer.drain()
        writer.close()

    return serve


def test_a_gateway_says_who_it_is_and_what_it_does() -> None:
    found = asked(saying(OK + json.dumps(HEALTH).encode()))
    assert isinstance(found, Answered)
    assert (found.instance, found.in_flight) == ("run-7", 3)
    assert 0 < found.latency_s < 20


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 404 Not Found\r\n\r\n",
        OK + b"<html>",
        OK + b"{}",
        OK + b"[]",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"",
        OK + b'{"instance": 1}',
    ],
    ids=["404", "html", "no fields", "list", "ssh", "nothing", "wrong type"],
)
def test_a_stranger_is_no_gateway(reply: bytes) -> None:
    assert asked(saying(reply)) == Missed("somebody else answers at its address")


def test_who_says_too_much_is_a_stranger() -> None:
    assert isinstance(asked(saying(OK + b"x" * (9 * 1024 * 1024))), Missed)


def test_silence_has_an_end() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    found = asked(silent, timeout_s=0.05)
    assert found == Missed("it does not answer (waited 0.05 s)")


def test_nobody_there_is_said_in_words() -> None:
    async def run() -> Answered | Missed:
        server = await asyncio.start_server(saying(b""), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        server.close()
        await server.wait_closed()
        return await ask_health("127.0.0.1", port)

    found = asyncio.run(run())
    assert isinstance(found, Missed)
    assert "cannot be reached" in found.detail
