"""
TCP ports on loopback for servers that must be told theirs before they start.

A port that the system gave away and took back is anybody's: until the server is there, a test beside this one may be given it.
These lie below those that systems give away by themselves, and each process of tests has a range of its own.
"""

import atexit
import contextlib
import errno
import socket

_FIRST, _END, _RANGE = 20_000, 32_000, 100
# What a machine says that has no such address.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


class Ports:
    """
    One process's range.

    Its first port stays bound for as long as it is used: that is how other processes see that the range is taken.
    """

    def __init__(self) -> None:
        self._mark = _free_mark()
        self._first = self._mark.getsockname()[1] + 1
        self._given = 0

    def free(self) -> int:
        """
        A port that nobody listens on, and that nobody else is given.

        Raises:
            OSError: All of the range are in use.
        """
        for _ in range(_RANGE - 1):
            port: int = self._first + self._given % (_RANGE - 1)
            self._given += 1
            if _is_free(port):
                return port
        raise OSError(errno.EADDRINUSE, f"all ports from {self._first} on are in use")

    def close(self) -> None:
        """Leave the range to others."""
        self._mark.close()


_ports: list[Ports] = []


def free_port() -> int:
    """See `Ports.free`; of this process's range."""
    if not _ports:
        _ports.append(Ports())
        atexit.register(_ports[0].close)
    return _ports[0].free()


def _free_mark() -> socket.socket:
    for port in range(_FIRST, _END, _RANGE):
        mark = socket.socket()
        try:
            mark.bind(("127.0.0.1", port))
        except OSError:
            mark.close()
        else:
            return mark
    raise OSError(errno.EADDRINUSE, "every range of ports is in use")


def _is_free(port: int) -> bool:
    for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(socket.socket(family)).bind((host, port))
            except OSError as error:
                if error.errno not in _NO_SUCH_ADDRESS:
                    return False
    return True
