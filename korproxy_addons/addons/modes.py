"""Where the gateway listens, in mitmproxy's words."""

import contextlib
import ipaddress
import socket
from contextlib import ExitStack

from korproxy_addons.config.schema import Listen

# Nothing is ever sent there: the upstream leg is ours. The name cannot resolve (RFC 6761), so that even a stream that
# slipped past our layer would find no way out.
NOWHERE = "http://korproxy.invalid"

_PORT_TRIES = 20


def gateway_modes(listen: Listen) -> list[str]:
    """One reverse-proxy mode per address; IPv6 addresses stand without brackets."""
    return [f"reverse:{NOWHERE}@{host}:{listen.port}" for host in listen.hosts]


def settled(listen: Listen) -> Listen:
    """
    `listen` as this machine can serve it.

    Port 0 becomes a free port, the same for every address, as a tool that resolves `localhost` may take any of them. The
    IPv6 loopback is left out where the machine has none (many containers): there no tool could reach it either.
    """
    hosts = tuple(host for host in listen.hosts if not _is_missing_loopback(host)) or listen.hosts
    return listen.model_copy(update={"hosts": hosts, "port": listen.port or _free_port(hosts)})


def _is_missing_loopback(host: str) -> bool:
    address = ipaddress.ip_address(host)
    if address.version == 4 or not address.is_loopback:
        return False
    try:
        with _bound(host, 0):
            return False
    except OSError:
        return True


def _free_port(hosts: tuple[str, ...]) -> int:
    """
    A port that is free at every address now.

    Raises:
        OSError: none was found.
    """
    for _ in range(_PORT_TRIES):
        with ExitStack() as held, contextlib.suppress(OSError):
            port = 0
            for host in hosts:
                port = held.enter_context(_bound(host, port)).getsockname()[1]
            return port
    raise OSError(f"no port is free at all of {', '.join(hosts)}")


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    try:
        found.bind((host, port))
    except OSError:
        found.close()
        raise
    return found
