"""The process at the other end of a connection, found in each system's way."""

import os
import platform
import socket
from pathlib import Path

import pytest

from korproxy_addons.io import socket_owner
from korproxy_addons.io.socket_owner import owner_of
from support.connected import connected

WAYS = [platform.system(), "Darwin", "Windows"]


def _has_ipv6() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


# Where the machine has no IPv6, nobody can call by it either.
HOSTS = ["127.0.0.1", "::1"] if _has_ipv6() else ["127.0.0.1"]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("host", HOSTS)
def test_the_process_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str, host: str
) -> None:
    """The other systems' ways work here, too."""
    monkeypatch.setattr(socket_owner, "_SYSTEM", way)
    with connected(tmp_path, host) as one:
        process = owner_of(*one, ())
        assert process is not None
        assert process.cwd() == str(tmp_path.resolve())
        found = owner_of(*one, (process.pid,))
        assert found == process, "also where it is likely"
        assert owner_of(*one, (2**22 + 1,)) == process, "also where the likely one is gone"


@pytest.mark.parametrize("way", WAYS)
def test_nobody_is_found_at_the_end_of_nothing(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(socket_owner, "_SYSTEM", way)
    assert owner_of(("127.0.0.1", 1), ("127.0.0.1", 2), (os.getppid(),)) is None


@pytest.mark.parametrize("way", WAYS)
def test_our_own_process_is_no_client(monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(socket_owner, "_SYSTEM", way)
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        assert owner_of(client.getsockname(), client.getpeername(), ()) is None


@pytest.mark.skipif(os.name != "posix", reason="user ids are POSIX's")
@pytest.mark.parametrize("way", WAYS)
def test_another_user_s_process_is_not_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setattr(socket_owner, "_SYSTEM", way)
    mine = os.geteuid()
    with connected(tmp_path) as one:
        assert owner_of(*one, ()) is not None
        monkeypatch.setattr(os, "geteuid", lambda: mine + 1)
        assert owner_of(*one, ()) is None
