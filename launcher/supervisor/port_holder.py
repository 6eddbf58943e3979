"""Who holds a port: a stranger, who is named, or a gateway of ours that outlived its launcher."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import msgspec

from launcher.supervisor.listeners import Where
from launcher.supervisor.probe import ask_health
from launcher.supervisor.signals import Answered

RUN_FILE = "gateway.run.json"
STALE_ENDS_S = 40.0
_LOOK_S = 0.1


class Run(msgspec.Struct, frozen=True):
    """A running gateway, as its launcher wrote it down."""

    pid: int
    port: int
    instance: str


def save_run(home: Path, run: Run) -> None:
    """Write down which gateway runs; without it one that is left over is only a stranger."""
    aside = home / f".{RUN_FILE}.{os.getpid()}"
    with contextlib.suppress(OSError):
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(run))
        aside.replace(home / RUN_FILE)


def load_run(home: Path) -> Run | None:
    """The gateway that was written down last; None if there is none."""
    try:
        return msgspec.json.decode((home / RUN_FILE).read_bytes(), type=Run)
    except (OSError, msgspec.DecodeError):
        return None


async def take_over_stale(home: Path, where: Where) -> bool:
    """
    End a gateway of this folder that nobody supervises any more, once it has finished what it does.

    It is ours only if the one that answers bears the instance name that was written down.

    Returns:
        Whether there was one, and the port is free now.
    """
    run = load_run(home)
    if run is None or run.port != where.port:
        return False
    answer = await ask_health(where.hosts[0], where.port)
    if not isinstance(answer, Answered) or answer.instance != run.instance:
        return False
    if not answer.draining:
        # One that is told twice ends at once, with whatever it serves; it may know already that its launcher is gone.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(run.pid, signal.SIGTERM)
    for _ in range(int(STALE_ENDS_S / _LOOK_S)):
        if not isinstance(await ask_health(where.hosts[0], where.port, 1.0), Answered):
            return True
        await asyncio.sleep(_LOOK_S)
    return False


def port_holder(port: int) -> str | None:
    """
    The program that listens on a TCP port, with its process id, for people; None if the system does not tell.

    May take tens of milliseconds.
    """
    import psutil  # noqa: PLC0415 - needed only when a port is taken

    with contextlib.suppress(psutil.Error, OSError):
        for connection in psutil.net_connections("tcp"):
            if (
                connection.status == psutil.CONN_LISTEN
                and connection.laddr
                and connection.laddr.port == port
                and connection.pid
            ):
                return f"{psutil.Process(connection.pid).name()} (process {connection.pid})"
    return None
