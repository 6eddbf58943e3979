"""Gateways that outlived their launcher, as real processes: only their command line is a gateway's."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher.gateway_command import CONTROL_PIPE, PARENT, gateway_command
from launcher.supervisor.left_over import left_over, until_gone

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")

# Says that it is there, and then does what its environment says until its stdin ends.
PROGRAM = """
import os, signal, sys
if os.environ["HOW"] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("here", flush=True)
sys.stdin.read()
"""
# Starts what it is given, with its own process id as the last word.
LAUNCHES = "import os, subprocess, sys; subprocess.run([*sys.argv[1:], str(os.getpid())])"
LAUNCHER = 2**22 + 1  # no process has such a number: Linux counts to 2**22


class Houses:
    """Folders with gateways."""

    def __init__(self, root: Path) -> None:
        self.root = root
        package = root / "package" / "korproxy_addons"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(PROGRAM)
        self.processes: list[subprocess.Popen[bytes]] = []

    def gateway(
        self,
        home: str | Path,
        *,
        parent: int = LAUNCHER,
        pipe: bool = True,
        how: str = "",
        cwd: Path | None = None,
    ) -> subprocess.Popen[bytes]:
        command = [*gateway_command(home=Path(home), quiet=True), "--start", "config"]
        command += [CONTROL_PIPE, PARENT, str(parent)] if pipe else []
        return self._started(command, how, cwd)

    def launcher(self, home: Path) -> subprocess.Popen[bytes]:
        command = [*gateway_command(home=home, quiet=True), CONTROL_PIPE, PARENT]
        return self._started([sys.executable, "-c", LAUNCHES, *command])

    def _started(
        self, command: list[str], how: str = "", cwd: Path | None = None
    ) -> subprocess.Popen[bytes]:
        it = subprocess.Popen(
            command,
            cwd=cwd or self.root,
            env={**os.environ, "HOW": how, "PYTHONPATH": str(self.root / "package")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.processes.append(it)
        assert it.stdout is not None
        assert it.stdout.readline() == b"here\n"
        return it

    def end(self) -> None:
        for it in self.processes:
            it.kill()
            it.communicate()


@pytest.fixture
def houses(tmp_path: Path) -> Iterator[Houses]:
    found = Houses(tmp_path)
    try:
        yield found
    finally:
        found.end()


def pids(home: Path) -> set[int]:
    return {it.pid for it in left_over(home)}


def test_it_is_known_by_its_command_line(houses: Houses, tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "link").symlink_to(home)
    found = {
        houses.gateway(home).pid,
        houses.gateway(tmp_path / "link").pid,
        houses.gateway("home", cwd=tmp_path).pid,
    }
    houses.gateway(tmp_path / "another")
    houses.gateway("home", cwd=houses.root / "package")
    houses.gateway(home, pipe=False)  # a person's own
    houses.gateway(home, parent=os.getpid())  # this launcher's
    assert pids(home) == found


def test_one_that_ended_and_was_not_waited_for_is_gone(houses: Houses, tmp_path: Path) -> None:
    it = houses.gateway(tmp_path)
    it.kill()
    os.waitid(os.P_PID, it.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert pids(tmp_path) == set()


class Waiting:
    """Waits for room; what it is told is written down."""

    def __init__(self) -> None:
        self.found = 0
        self.wanted = True
        self.on_found: Callable[[], None] = lambda: None

    def _found(self) -> None:
        self.found += 1
        self.on_found()

    def run(self, home: Path, *, finish_s: float = 60.0, kill_s: float = 60.0) -> None:
        work = until_gone(
            home,
            finish_s=finish_s,
            kill_s=kill_s,
            wanted=lambda: self.wanted,
            on_found=self._found,
        )
        asyncio.run(work)


def test_where_none_is_left_nobody_waits(tmp_path: Path) -> None:
    waiting = Waiting()
    waiting.run(tmp_path)
    assert waiting.found == 0


def test_each_finishes_what_it_does(houses: Houses, tmp_path: Path) -> None:
    """Two, as when a launcher died while one took over from the other: neither is told anything."""
    left = [houses.gateway(tmp_path), houses.gateway(tmp_path)]
    waiting = Waiting()

    def finish() -> None:
        for it in left:
            assert it.poll() is None
            assert it.stdin is not None
            it.stdin.close()
            it.stdin = None

    waiting.on_found = finish
    waiting.run(tmp_path)
    assert waiting.found == 1
    assert [it.wait() for it in left] == [0, 0]


def test_one_that_hangs_is_told_to_end_and_then_killed(houses: Houses, tmp_path: Path) -> None:
    deaf = houses.gateway(tmp_path)
    Waiting().run(tmp_path, finish_s=0.0)
    assert deaf.wait() == -signal.SIGTERM
    stubborn = houses.gateway(tmp_path, how="stubborn")
    Waiting().run(tmp_path, finish_s=0.0, kill_s=0.3)
    assert stubborn.wait() == -signal.SIGKILL


def test_one_whose_launcher_lives_is_not_ended(houses: Houses, tmp_path: Path) -> None:
    """Somebody took the lock away under them. It is not waited for without end, and keeps what it has."""
    launcher = houses.launcher(tmp_path)
    (gateway,) = left_over(tmp_path)
    Waiting().run(tmp_path, finish_s=0.0, kill_s=0.1)
    assert gateway.is_running()
    launcher.kill()
    launcher.wait()
    Waiting().run(tmp_path, finish_s=0.0)
    assert pids(tmp_path) == set()


def test_who_is_wanted_no_more_waits_no_more(houses: Houses, tmp_path: Path) -> None:
    left = houses.gateway(tmp_path)
    waiting = Waiting()
    waiting.wanted = False
    waiting.run(tmp_path)
    assert left.poll() is None
