import errno
import socket

import pytest

from launcher.supervisor import listeners as module
from launcher.supervisor.listeners import Listeners, PortTakenError, Where, opened

LOOPBACK = ("127.0.0.1",)


@pytest.fixture
def listeners() -> Listeners:
    return Listeners()


def refused(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def test_connections_wait_until_somebody_serves(listeners: Listeners) -> None:
    listeners.open(Where(LOOPBACK, 0))
    port = listeners.port or 0
    assert not refused(port)
    listeners.close()
    assert not listeners.port
    assert listeners.descriptors == ()
    assert refused(port)


def test_the_same_place_is_not_opened_twice(listeners: Listeners) -> None:
    listeners.open(Where(LOOPBACK, 0))
    before = listeners.descriptors
    listeners.open(Where(LOOPBACK, 0))
    assert listeners.descriptors == before
    listeners.close()


def test_another_place_takes_the_place_of_the_first(listeners: Listeners) -> None:
    listeners.open(Where(LOOPBACK, 0))
    first = listeners.port
    with socket.create_server(("127.0.0.1", 0)) as other:
        second = other.getsockname()[1]
    listeners.open(Where(LOOPBACK, second))
    assert listeners.port == second
    assert refused(first or 0)
    listeners.close()


def test_both_loopbacks_get_the_same_port() -> None:
    found = opened(Where(("127.0.0.1", "::1"), 0))
    try:
        assert len({it.getsockname()[1] for it in found}) == 1
    finally:
        for it in found:
            it.close()


def test_a_taken_port_is_named_with_the_next_free_one(listeners: Listeners) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError) as found:
            listeners.open(Where(LOOPBACK, port))
    assert (found.value.host, found.value.port) == ("127.0.0.1", port)
    assert found.value.free is not None
    assert port < found.value.free <= port + 20
    assert listeners.descriptors == ()


def test_a_port_that_the_system_keeps_is_told_as_that(
    listeners: Listeners, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ports below 1024 for those who are not root: nobody listens there, and nobody is to be named."""

    def kept(_host: str, _port: int) -> socket.socket:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(module, "_bound", kept)
    with pytest.raises(PortTakenError) as found:
        listeners.open(Where(LOOPBACK, 80))
    assert (found.value.kept, found.value.free) == (True, None)
    assert str(found.value) == "the system does not let KorProxy have port 80"


def test_a_place_that_cannot_be_had_leaves_the_old_one(listeners: Listeners) -> None:
    listeners.open(Where(LOOPBACK, 0))
    before = listeners.port
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTakenError):
        listeners.open(Where(LOOPBACK, taken.getsockname()[1]))
    assert listeners.port == before
    listeners.close()


def test_an_address_the_machine_lacks_is_an_error(listeners: Listeners) -> None:
    with pytest.raises(OSError, match=r"assign|available|valid"):
        listeners.open(Where(("203.0.113.1",), 0))
