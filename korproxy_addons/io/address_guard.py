"""
Which addresses the upstream client may connect to.

A base URL is configuration, but what its name resolves to is not ours to choose: a rebinding name server, a stale entry
or a typo must not turn the gateway into a way to the machine's own services. So the check is made on the addresses that
are about to be connected to, each time.
"""

import functools
import ipaddress
import socket
from collections.abc import Iterable

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

type Origin = tuple[str, int]
"""Host in lower case, without brackets, and port."""

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# The only part of IPv6 that is given out (RFC 4291, section 2.4); what lies outside has, at best, history.
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")


class BlockedAddressError(OSError):
    """A name resolved to an address that its provider may not live at."""


class OwnAddressError(BlockedAddressError):
    """An upstream address that is one of the gateway's own listeners."""


# Asked for each request, of a handful of addresses.
_ADDRESSES_KEPT = 1024


@functools.lru_cache(_ADDRESSES_KEPT)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a text is; None for anything else, as a name."""
    try:
        return ipaddress.ip_address(text.split("%", 1)[0])
    except ValueError:
        return None


@functools.lru_cache(_ADDRESSES_KEPT)
def is_public(address: str) -> bool:
    """
    Whether `address` (an IP in text) is a public unicast one, however it is wrapped.

    IPv4 inside IPv6 (mapped, 6to4, NAT64) counts as the IPv4 address it stands for.
    """
    ip = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _GLOBAL_UNICAST:
            return False
    return ip.is_global and not ip.is_multicast


class AddressGuard:
    """
    The rule in force: public addresses for all, private ones for the origins the user marked as local.

    Args:
        own_ports: Ports the gateway and its launcher listen on; loopback addresses with them are never an upstream.
    """

    def __init__(self, own_ports: Iterable[int] = ()) -> None:
        self._own_ports = frozenset(own_ports)
        self._local: frozenset[Origin] = frozenset()

    def configure(self, own_ports: Iterable[int], local: Iterable[Origin]) -> None:
        """Swap in the ports and local origins of a new configuration."""
        self._own_ports = frozenset(own_ports)
        self._local = frozenset((host.lower(), port) for host, port in local)

    def vouch(self, origin: Origin) -> None:
        """Let one more origin be at a private address: what the configuration of a request names as such."""
        origin = (origin[0].lower(), origin[1])
        if origin not in self._local:
            self._local |= {origin}

    def check(self, origin: Origin, address: str) -> None:
        """
        Let `origin` be reached at `address`, or not.

        Raises:
            OwnAddressError: it is ourselves.
            BlockedAddressError: it is not public, and the provider is not marked local.
        """
        host, port = origin
        ip = _address(address)
        if ip is None:
            raise ValueError(f"{address!r} is no address")
        inner = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
        here = (inner or ip).is_loopback or (inner or ip).is_unspecified
        if here and port in self._own_ports:
            raise OwnAddressError(f"{host}:{port} is this gateway")
        if not is_public(address) and (host.lower(), port) not in self._local:
            raise BlockedAddressError(
                f"{host} resolves to {address}, which is not a public address"
            )

    def check_literal(self, origin: Origin) -> None:
        """
        Let an origin be reached whose host is an address in place of a name, which no resolver sees; any name passes.

        Raises:
            BlockedAddressError: as `check`, or the address is in disguise.
        """
        host = origin[0]
        if _address(host) is None:
            if _disguised(host):
                raise BlockedAddressError(f"{host} is an address in disguise")
            return
        self.check(origin, host)


def _disguised(host: str) -> bool:
    """Whether a host is an address for the operating system though nobody writes it so: `127.1`, `2130706433`."""
    return ":" in host or host.replace(".", "").isdigit()


class GuardedResolver(AbstractResolver):
    """
    Lets only checked addresses through.

    Args:
        guard: The rule in force.
        resolver: What resolves the names; by default the system's resolver.
    """

    def __init__(self, guard: AddressGuard, resolver: AbstractResolver | None = None) -> None:
        self._guard = guard
        self._resolver = resolver or ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """
        The addresses of `host`.

        Raises:
            BlockedAddressError: any of them is out of bounds; a name that mixes both kinds is not trusted at all.
            OSError: the name does not resolve.
        """
        found = await self._resolver.resolve(host, port, family)
        for entry in found:
            self._guard.check((host, port), entry["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()
