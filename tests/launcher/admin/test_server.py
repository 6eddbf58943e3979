import asyncio
import http.client
import socket
from pathlib import Path

from launcher.admin.server import admin_listener
from launcher.admin.sessions import Sessions
from support.admin_house import ToySteward
from support.gateway import free_port


def fetch(port: int, host: str = "127.0.0.1") -> tuple[int, dict[str, str]]:
    connection = http.client.HTTPConnection(host, port, timeout=20)
    try:
        connection.request("GET", "/api/v1/status", headers={"authorization": "Bearer the-key"})
        reply = connection.getresponse()
        reply.read()
        return reply.status, {name.lower(): value for name, value in reply.getheaders()}
    finally:
        connection.close()


def run(home: Path, port: int) -> tuple[int, int | None, tuple[int, dict[str, str]]]:
    async def serve() -> tuple[int, int | None, tuple[int, dict[str, str]]]:
        sessions = Sessions("the-key", lambda: 5.0)
        async with admin_listener(ToySteward(home), port, sessions) as serving:
            bound = int(serving.url.rpartition(":")[2])
            return bound, serving.moved_from, await asyncio.to_thread(fetch, bound)

    return asyncio.run(serve())


def test_it_serves_while_the_block_runs_and_lets_the_port_go(tmp_path: Path) -> None:
    bound, moved, (status, headers) = run(tmp_path, 0)
    assert (status, moved) == (200, None)
    assert bound
    assert "server" not in headers
    port = free_port()
    for _ in range(2):
        bound, moved, (status, _) = run(tmp_path, port)
        assert (bound, status, moved) == (port, 200, None)


def test_a_taken_port_moves_it_and_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        bound, moved, (status, _) = run(tmp_path, port)
    assert (status, moved) == (200, port)
    assert bound != port
