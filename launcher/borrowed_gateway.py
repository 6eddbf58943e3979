"""A gateway to ask: the one that runs for a KorProxy folder, or one that is started for the occasion and ended with it."""

import contextlib
import http.client
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.config.schema import Config
from korproxy_addons.control.health import folder_mark
from korproxy_addons.errors.catalogue import GATEWAY_NOT_READY
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.gateway_command import gateway_command
from launcher.gateway_look import Address
from launcher.supervisor.port_holder import load_run

START_S = 30.0
STOP_S = 10.0
LOOK_S = 2.0
_MOST_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class BorrowedGateway:
    """
    Where it listens.

    Attributes:
        port: TCP port.
        started: It was started for this; False: it ran before and goes on.
        host: Loopback address that it listens on.
    """

    port: int
    started: bool
    host: str = "127.0.0.1"


@contextlib.contextmanager
def borrowed_gateway(home: Path, config: Config) -> Iterator[BorrowedGateway]:
    """
    The folder's running gateway, else one of its own for as long as the block runs.

    Raises:
        KorProxyError: GATEWAY_NOT_READY: none runs, and none could be started; with what it said.
    """
    host = Address(port=0, hosts=config.listen.hosts, admin_port=0).reached
    run = load_run(home)
    # A free port, or one that the launcher was told to take instead, stands in no settings.
    for port in (config.listen.port, run.port if run is not None else 0):
        if port and _serves(host, port, home):
            yield BorrowedGateway(port, started=False, host=host)
            return
    process, said = _started(home)
    try:
        yield BorrowedGateway(_port_of(process, said), started=True, host=host)
    finally:
        _stop(process, said)


def _serves(host: str, port: int, home: Path) -> bool:
    """Whether a gateway of this very folder listens there."""
    connection = http.client.HTTPConnection(host, port, timeout=LOOK_S)
    try:
        connection.request("GET", "/_korproxy/health")
        reply = connection.getresponse()
        value: Any = json.loads(reply.read(_MOST_BYTES)) if reply.status == 200 else None
    except (OSError, ValueError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return isinstance(value, dict) and value.get("folder") == folder_mark(home.resolve())


class _Said:
    """What a child says on stderr, read beside so that its pipe never fills."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._thread.start()

    def text(self) -> str:
        self._thread.join(STOP_S)
        return " ".join(self._lines[-5:])

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stderr is not None
        for line in process.stderr:
            self._lines.append(line.strip())


def _started(home: Path) -> "tuple[subprocess.Popen[str], _Said]":
    command = gateway_command(home=home, port=0, ready_json=True, quiet=True, parent=os.getpid())
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    return process, _Said(process)


def _port_of(process: "subprocess.Popen[str]", said: _Said) -> int:
    overdue = threading.Timer(START_S, process.kill)
    overdue.start()
    try:
        line = process.stdout.readline() if process.stdout else ""
        return int(json.loads(line)["port"])
    except (ValueError, KeyError):
        process.kill()
        process.wait()
        detail = said.text() or "it ended without a word"
        raise KorProxyError(GATEWAY_NOT_READY, detail) from None
    finally:
        overdue.cancel()


def _stop(process: "subprocess.Popen[str]", said: _Said) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    said.text()
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
