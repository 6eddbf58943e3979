"""
Which of the user's own processes holds the other end of a connection on this machine.

Linux is asked directly, since psutil reads every process's files for one answer: the kernel's table names the socket, and
whoever has it open is found in the order of likelihood.
"""

import contextlib
import os
import platform
import socket
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

type Address = tuple[str, int]

_SYSTEM = platform.system()
_PROC = Path("/proc")


def owner_of(client: Address, own: Address, likely: Iterable[int]) -> psutil.Process | None:
    """
    The process at the client's end; None if it is none of this user's, or cannot be told.

    Args:
        client: The client's end of the connection.
        own: Our end.
        likely: Ids of the processes to look at first.
    """
    for pid in _holders(client, own, likely):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if _is_own(process):
                return process
    return None


def _is_own(process: psutil.Process) -> bool:
    """Whether a process is another one of the same user."""
    if process.pid == os.getpid():
        return False
    if os.name == "posix":
        return bool(process.uids().effective == os.geteuid())
    return bool(process.username() == psutil.Process().username())


def _holders(client: Address, own: Address, likely: Iterable[int]) -> Iterator[int]:
    match _SYSTEM:
        case "Linux":
            link = _linux_link(client, own)
            found = [] if link is None else [*likely, *reversed(psutil.pids())]
            yield from (pid for pid in found if link is not None and _has_open(pid, link))
        case "Darwin":
            # The whole table is told to root only; each process's own part to its user.
            for pid in [*likely, *reversed(psutil.pids())]:
                with contextlib.suppress(psutil.Error):
                    process = psutil.Process(pid)
                    if _is_own(process) and _holds(process, client, own):
                        yield pid
        case _:
            for it in psutil.net_connections(kind="tcp"):
                if it.laddr == client and it.raddr == own and it.pid is not None:
                    yield it.pid


def _holds(process: psutil.Process, client: Address, own: Address) -> bool:
    return any(it.laddr == client and it.raddr == own for it in process.net_connections(kind="tcp"))


def _linux_link(client: Address, own: Address) -> str | None:
    """What a file descriptor of the client's socket links to: `socket:[NUMBER]` (proc(5), /proc/net/tcp)."""
    ends = (_linux_end(client), _linux_end(own))
    table = _PROC / "self" / "net" / ("tcp6" if ":" in client[0] else "tcp")
    with table.open("rb") as lines:
        for line in lines:
            fields = line.split()
            if (fields[1], fields[2]) == ends:
                return f"socket:[{int(fields[9])}]"
    return None


def _linux_end(address: Address) -> bytes:
    """An end as the kernel's table writes it: words of four bytes in the machine's order, in hexadecimal, and the port."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    packed = socket.inet_pton(family, host.partition("%")[0])
    step = -1 if sys.byteorder == "little" else 1
    words = (packed[start : start + 4][::step] for start in range(0, len(packed), 4))
    return b"%s:%04X" % (b"".join(words).hex().upper().encode(), port)


def _has_open(pid: int, link: str) -> bool:
    try:
        with os.scandir(_PROC / str(pid) / "fd") as entries:
            for entry in entries:
                # A descriptor may be closed meanwhile.
                with contextlib.suppress(OSError):
                    if os.readlink(entry.path) == link:  # noqa: PTH115 - a Path for each would cost more
                        return True
    except OSError:
        pass  # gone, or another user's
    return False
