"""
The gateway's listening sockets, held by the launcher.

They outlive each gateway process: while one is replaced, or comes back after a crash, connections wait in the kernel's queue. A
port that is taken is found out here, before anything is started; it is never changed in silence.
"""

import errno
import os
import socket
from dataclasses import dataclass

BACKLOG = 1024
NEXT_PORTS = 20


@dataclass(frozen=True, slots=True)
class Where:
    """Addresses and the port to listen on; port 0 takes a free one."""

    hosts: tuple[str, ...]
    port: int


class PortTakenError(Exception):
    """
    The port cannot be had: somebody else listens there, or the system keeps it for others.

    Attributes:
        host, port: Where.
        free: The next port that is free at every address; None if none was found.
        kept: The system keeps it: ports below 1024 are the administrator's on many.
        holder: The program that listens, for people; None while nobody has found out.
    """

    def __init__(self, host: str, port: int, free: int | None, *, kept: bool = False) -> None:
        super().__init__(host, port, free)
        self.host = host
        self.port = port
        self.free = free
        self.kept = kept
        self.holder: str | None = None

    def __str__(self) -> str:
        text = f"port {self.port} is taken by {self.holder or 'another program'}"
        if self.kept:
            text = f"the system does not let KorProxy have port {self.port}"
        return text + (f"; port {self.free} is free" if self.free else "")


class Listeners:
    """Opens sockets, keeps them, and lets them go."""

    def __init__(self) -> None:
        self._where: Where | None = None
        self._sockets: tuple[socket.socket, ...] = ()

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What a child inherits."""
        return tuple(it.fileno() for it in self._sockets)

    @property
    def port(self) -> int | None:
        """The port in use; None while nothing is open."""
        return self._sockets[0].getsockname()[1] if self._sockets else None

    def open(self, where: Where) -> None:
        """
        Listen there; nothing happens where that is done already.

        The IPv6 loopback is left out where the machine has none.

        Raises:
            PortTakenError: the port is in use.
            OSError: the system refuses for another reason; `strerror` says which.
        """
        if where == self._where and self._sockets:
            return
        found = opened(where)
        self.close()
        self._where, self._sockets = where, found

    def close(self) -> None:
        """Let go: connections are refused from now on, unless a child still listens."""
        for it in self._sockets:
            it.close()
        self._where, self._sockets = None, ()


def opened(where: Where) -> tuple[socket.socket, ...]:
    """
    Listening sockets, one per address.

    Raises:
        PortTakenError: the port is in use.
        OSError: the system refuses for another reason.
    """
    found: list[socket.socket] = []
    port = where.port
    try:
        for host in where.hosts:
            try:
                found.append(_listening(host, port))
            except OSError as error:
                if _missing(host, error) and len(where.hosts) > 1:
                    continue
                if error.errno in (errno.EADDRINUSE, errno.EACCES):
                    kept = error.errno == errno.EACCES
                    raise PortTakenError(host, port, _next_free(where), kept=kept) from error
                raise
            port = found[0].getsockname()[1]
    except BaseException:
        for it in found:
            it.close()
        raise
    return tuple(found)


def _listening(host: str, port: int) -> socket.socket:
    it = _bound(host, port)
    it.listen(BACKLOG)
    return it


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    it = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # What a client's last connection left behind does not keep the port; a live listener does.
            it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            it.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        it.bind((host, port))
    except BaseException:
        it.close()
        raise
    return it


def _missing(host: str, error: OSError) -> bool:
    """Whether the machine has no such address at all, as many containers have no IPv6 loopback."""
    return ":" in host and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def _next_free(where: Where) -> int | None:
    for port in range(where.port + 1, min(where.port + 1 + NEXT_PORTS, 65_536)):
        held: list[socket.socket] = []
        try:
            for host in where.hosts:
                held.append(_bound(host, port))
        except OSError as error:
            if not _missing(host, error):
                continue
        finally:
            for it in held:
                it.close()
        return port
    return None
