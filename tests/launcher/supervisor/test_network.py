import ipaddress
import socket
from typing import Any

import pytest

from launcher.supervisor.network import NetworkWatch, own_addresses

HOME, OFFICE, NOWHERE = ("192.0.2.7", ""), ("198.51.100.9", "2001:db8::9"), ("", "")


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ([HOME, HOME, HOME], [False, False]),
        ([HOME, OFFICE, OFFICE, HOME], [True, False, True]),
        ([HOME, NOWHERE, NOWHERE], [False, False]),
        ([HOME, NOWHERE, HOME], [False, False]),
        ([HOME, NOWHERE, OFFICE], [False, True]),
        ([NOWHERE, HOME], [True]),
    ],
)
def test_arriving_in_another_network_is_a_change(
    seen: list[tuple[str, str]], expected: list[bool]
) -> None:
    """A cable that is out for a moment leads back to where one was; nothing has to be dropped for it."""
    looks = iter(seen)
    watch = NetworkWatch(lambda: next(looks))
    assert [watch.changed() for _ in expected] == expected


def test_this_machine_s_addresses_are_addresses() -> None:
    for address in own_addresses():
        if address:
            ipaddress.ip_address(address.partition("%")[0])


def test_no_way_out_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoWay(socket.socket):
        def connect(self, _address: Any) -> None:
            raise OSError(101, "Network is unreachable")

    monkeypatch.setattr("launcher.supervisor.network.socket.socket", NoWay)
    assert own_addresses() == ("", "")
