"""Sockets that were handed over; with a launcher around them they are in tests/e2e/supervision."""

import asyncio
import socket

import pytest
from mitmproxy import options
from mitmproxy.addons.proxyserver import Proxyserver
from mitmproxy.master import Master

from korproxy_addons.gateway.listening import adopt, open_connections, opened, stop_listening

MODE = "reverse:http://korproxy.invalid@127.0.0.1:{}"


def test_a_descriptor_that_is_no_socket_is_an_error() -> None:
    with open("/dev/null") as file, pytest.raises(OSError, match=r"."):  # noqa: PTH123
        opened([file.fileno()])


def test_connections_are_taken_until_told_otherwise() -> None:
    """mitmproxy finds the listener in its table, opens no other, and lets it go on its own word."""

    async def serve() -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            (handed,) = opened([socket.dup(listener.fileno())])
            assert not handed.getblocking()
            master = Master(options.Options())
            servers = Proxyserver()
            master.addons.add(servers)
            await adopt(servers, [MODE.format(port)], [handed])
            master.options.update(mode=[MODE.format(port)])
            assert await servers.setup_servers()
            assert servers.listen_addrs() == [("127.0.0.1", port)]
            assert open_connections() == 0
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            for _ in range(100_000):
                if open_connections():
                    break
                await asyncio.sleep(0)
            await stop_listening()
            assert servers.listen_addrs() == []
            assert open_connections() == 1, "those there are stay"
            writer.close()
            assert await reader.read() == b""
            # The first owner listens still: who comes now waits for a successor, and is not refused.
            _, waiting = await asyncio.open_connection("127.0.0.1", port)
            waiting.close()
            master._legacy_log_events.uninstall()

    asyncio.run(serve())
