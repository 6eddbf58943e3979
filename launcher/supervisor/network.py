"""Notices that the machine is in another network: another cable, another Wi-Fi, a VPN that came or went."""

import socket
from collections.abc import Callable

_SOMEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))
"""Addresses for documentation (RFC 5737, RFC 3849), which nobody has: only the way to them is looked up."""
_PORT = 9

type Addresses = tuple[str, str]


def own_addresses() -> Addresses:
    """
    The addresses that this machine would send from, by IPv4 and by IPv6; "" where there is no way out.

    No packet is sent: connecting a datagram socket only asks the system for the way.
    """
    found = [_address(family, somewhere) for family, somewhere in _SOMEWHERE]
    return found[0], found[1]


def _address(family: socket.AddressFamily, somewhere: str) -> str:
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((somewhere, _PORT))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


class NetworkWatch:
    """
    Compares where the machine is with where it was.

    Args:
        addresses: As `own_addresses`.
    """

    def __init__(self, addresses: Callable[[], Addresses]) -> None:
        self._addresses = addresses
        self._last = addresses()

    def changed(self) -> bool:
        """Whether the machine has arrived in another network since the last call; leaving one is no arrival."""
        now = self._addresses()
        if now == self._last or not any(now):
            return False
        self._last = now
        return True
