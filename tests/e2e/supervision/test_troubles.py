"""What goes wrong on a user's machine: each is told, and cured as far as it can be."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from launcher.single_instance import runs
from support.asking import ask, question, said
from support.gateway import free_port
from support.kept import Launched, SimulatedLauncher, gone
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]


def write(home: Path, text: str, port: int) -> None:
    config = home / "config.yaml"
    aside = home / "aside"
    aside.write_text(f"version: 1\nlisten: {{port: {port}, hosts: [127.0.0.1]}}\n{text}")
    aside.chmod(0o600)
    aside.replace(config)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    until(lambda: not runs(tmp_path))


def test_a_gateway_that_cannot_even_be_imported_is_not_tried_for_ever(home: Path) -> None:
    """A broken installation: three restarts, then its last lines are shown."""
    broken = home / "broken"
    broken.mkdir()
    (broken / "mitmproxy.py").write_text("raise RuntimeError('half an installation')\n")
    write(home, "", free_port())
    rules = {"first_backoff_s": 0.05}
    with Launched(home, rules, {"PYTHONPATH": str(broken)}) as launched:
        status = launched.wait_for("failed")
    assert (status["reason"], status["restarts"]) == ("crash-loop", 3)
    assert "RuntimeError: half an installation" in status["last_lines"]


def test_a_port_that_a_stranger_holds_is_named(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        write(home, "", port)
        with Launched(home) as launched:
            status = launched.wait_for("failed")
            assert status["reason"] == "port-busy"
            assert f"port {port} is taken by" in status["detail"]
            assert f"(process {os.getpid()})" in status["detail"]
            other = free_port()
            write(home, "", other)
            assert launched.wait_for("healthy")["port"] == other


def test_a_gateway_that_was_left_over_finishes_and_makes_room(tmp_path: Path) -> None:
    """
    Its launcher was killed in the middle of a stream; a new one waits for it, and nothing is cut.

    It is stopped until the new one has seen it: one that does not answer is waited for all the same.
    """
    with SimulatedLauncher(tmp_path) as first:
        way = first.sim.urls()["compatible", "chat"]
        asked = question(
            "openai-chat", f"sim-chat/{way['model']}",
            '[[sim text="one two three four five six seven eight nine ten" piece=4]]', stream=True,
        )  # fmt: skip
        first.sim.script("held", after=3, host="compat-chat")
        old = first.launched.status["pid"]
        with ThreadPoolExecutor(1) as pool:
            stream = pool.submit(ask, first.url, asked)
            until(lambda: in_flight(first.port) == 1)
            os.kill(old, signal.SIGSTOP)
            first.launched.process.kill()
            first.launched.process.wait()
            with Launched(tmp_path) as second:
                try:
                    second.wait_for(
                        "starting", lambda it: "left behind finishes first" in it["detail"]
                    )
                finally:
                    os.kill(old, signal.SIGCONT)
                first.sim.release()
                status = second.wait_for("healthy")
                assert (status["pid"] != old, status["restarts"]) == (True, 0)
                assert "ten" in said("openai-chat", stream.result(), stream=True)
                assert gone(old)


def in_flight(port: int) -> int:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(
            f"GET /_korproxy/health HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nconnection: close\r\n\r\n".encode()
        )
        reply = b""
        while part := connection.recv(65536):
            reply += part
    return int(json.loads(reply.partition(b"\r\n\r\n")[2])["in_flight"])


def test_a_config_that_breaks_while_it_runs_changes_nothing_but_what_is_shown(home: Path) -> None:
    port = free_port()
    write(home, "", port)
    with Launched(home) as launched:
        launched.wait_for("healthy")
        before = launched.status["pid"]
        write(home, "acounts: []\n", port)
        log = home / "logs" / "gateway.jsonl"
        until(lambda: "config refused" in log.read_text() if log.exists() else False)
        assert launched.status["state"] == "healthy"
        assert launched.status["pid"] == before
        # A restart now would end in a gateway that cannot start: the old one stays.
        launched.process.send_signal(1)
        launched.wait_for("healthy", lambda it: it["detail"].startswith("not replaced"))
        assert launched.status["pid"] == before


def test_a_config_that_is_broken_from_the_start_is_not_tried_again(home: Path) -> None:
    write(home, "acounts: []\n", free_port())
    with Launched(home) as launched:
        status = launched.wait_for("failed")
        assert (status["reason"], status["restarts"]) == ("config-error", 0)
        assert any("acounts" in line for line in status["last_lines"])


def test_a_folder_that_cannot_be_written_is_said(home: Path) -> None:
    """Read-only for its user; root may write everywhere, but where the kernel keeps no files."""
    folder = home / "locked" if os.geteuid() else Path("/proc/korproxy")
    if os.geteuid():
        folder.mkdir(mode=0o500)
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "run", "--home", str(folder), "--admin-port", "0"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "KP-SYS-510" in done.stderr
    assert str(folder) in done.stderr


def test_a_full_disk_stops_the_log_and_nothing_else(tmp_path: Path) -> None:
    """No file may grow any more: the gateway serves on, and so does the next one."""
    with SimulatedLauncher(tmp_path) as running:
        launched = running.launched
        way = running.sim.urls()["compatible", "chat"]
        asked = question("openai-chat", f"sim-chat/{way['model']}", "[[sim text=Aye]]")
        first = launched.status["pid"]
        for pid in (
            first,
            launched.process.pid,
        ):  # what the launcher starts from now on is limited, too
            psutil.Process(pid).rlimit(psutil.RLIMIT_FSIZE, (0, 0))
        for _ in range(5):
            assert said("openai-chat", ask(running.url, asked), stream=False) == "Aye"
        assert launched.status["state"] == "healthy"
        launched.process.send_signal(signal.SIGHUP)
        launched.wait_for("healthy", lambda it: it["pid"] not in (None, first))
        assert said("openai-chat", ask(running.url, asked), stream=False) == "Aye"


def test_of_two_launchers_at_once_one_runs(home: Path) -> None:
    write(home, "", free_port())
    with Launched(home) as one, Launched(home) as other:
        winner, loser = until(lambda: _sorted(one, other))
        winner.wait_for("healthy")
        assert loser.process.wait(60) != 0
        assert winner.process.poll() is None


def _sorted(one: Launched, other: Launched) -> tuple[Launched, Launched] | None:
    ended = [it for it in (one, other) if it.process.poll() is not None]
    if not ended:
        return None
    return (other, one) if ended[0] is one else (one, other)
