import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.supervisor import port_holder as module
from launcher.supervisor.listeners import Where
from launcher.supervisor.port_holder import (
    RUN_FILE,
    Run,
    load_run,
    port_holder,
    save_run,
    take_over_stale,
)
from launcher.supervisor.signals import Answered, Missed


def test_who_listens_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        holder = port_holder(taken.getsockname()[1])
    assert holder is not None
    assert f"(process {os.getpid()})" in holder


def test_nobody_is_nobody() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        assert port_holder(closed.getsockname()[1]) is None


def test_what_runs_is_written_down_and_read_again(tmp_path: Path) -> None:
    assert load_run(tmp_path) is None
    save_run(tmp_path, Run(7, 1337, "run-1"))
    assert load_run(tmp_path) == Run(7, 1337, "run-1")
    (tmp_path / RUN_FILE).write_text("{")
    assert load_run(tmp_path) is None
    save_run(tmp_path / "nowhere", Run(7, 1337, "run-1"))


class Port:
    """Somebody who answers at the port as long as a process lives."""

    def __init__(self, instance: str) -> None:
        self.instance = instance
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE
        )

    async def ask(self, *_: object) -> Answered | Missed:
        if self.process.poll() is None:
            return Answered(self.instance, 0.01)
        return Missed("gone")

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        return self.process.returncode


def taken_over(home: Path, port: Port, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(module, "ask_health", port.ask)
    return asyncio.run(take_over_stale(home, Where(("127.0.0.1",), 1337)))


def test_a_gateway_of_ours_that_was_left_over_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = Port("run-1")
    try:
        save_run(tmp_path, Run(port.process.pid, 1337, "run-1"))
        assert taken_over(tmp_path, port, monkeypatch)
    finally:
        assert port.end() == -signal.SIGTERM


def test_a_stranger_with_the_same_process_id_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids are used again: only the name of the run proves who it is."""
    port = Port("another run")
    try:
        save_run(tmp_path, Run(port.process.pid, 1337, "run-1"))
        assert not taken_over(tmp_path, port, monkeypatch)
        save_run(tmp_path, Run(port.process.pid, 1400, "another run"))
        assert not taken_over(tmp_path, port, monkeypatch)
    finally:
        assert port.end() == -signal.SIGKILL
