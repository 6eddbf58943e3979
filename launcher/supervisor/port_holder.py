"""Who is at a port: the gateway that was written down, or a program that the system names."""

import contextlib
import os
from pathlib import Path

import msgspec

RUN_FILE = "gateway.run.json"


class Run(msgspec.Struct, frozen=True):
    """A running gateway, as its launcher wrote it down."""

    pid: int
    port: int
    instance: str


def save_run(home: Path, run: Run) -> None:
    """Write down which gateway runs, for those who look for it."""
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
