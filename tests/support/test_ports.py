import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.ports import Ports, free_port

ASK = "from support.ports import free_port; print(*(free_port() for _ in range(3)), flush=True); input()"


@pytest.fixture
def ports() -> Iterator[Ports]:
    found = Ports()
    yield found
    found.close()


def test_each_is_given_once(ports: Ports) -> None:
    found = [ports.free() for _ in range(20)]
    assert len(set(found)) == 20
    with socket.create_server(("127.0.0.1", found[0])) as server:
        assert server.getsockname()[1] == found[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_one_in_use_is_not_given(ports: Ports, host: str) -> None:
    taken = ports.free() + 1
    with socket.create_server((host, taken), family=family_of(host)):
        # The next may be resting from another run's connections, and is passed over, too.
        assert taken < ports.free()


def test_one_that_the_system_keeps_for_itself_is_not_given(
    ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = ports.free() + 1

    class Socket(socket.socket):
        def bind(self, address: tuple[str, int]) -> None:  # type: ignore[override]
            if address[1] == kept:
                raise PermissionError(errno.EACCES, "Permission denied")
            super().bind(address)

    monkeypatch.setattr(socket, "socket", Socket)
    assert kept < ports.free()


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def test_no_system_gives_one_of_them_away(ports: Ports) -> None:
    """Linux begins at 32768, others at 49152."""
    assert ports.free() < 32_768


def test_two_processes_are_given_different_ones() -> None:
    own = {free_port() for _ in range(3)}
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", ASK],
        cwd=tests,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None
        theirs = {int(it) for it in other.stdout.readline().split()}
        assert len(theirs) == 3
        # As long as the other lives, its range is its own.
        assert theirs.isdisjoint(own | {free_port() for _ in range(98)})
        other.communicate("\n", timeout=30)
    assert other.returncode == 0
