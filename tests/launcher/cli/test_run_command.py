import io
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO

import pytest

from korproxy_addons.control.protocol import Notice
from launcher.cli.run_command import (
    NEXT_STEPS,
    TextLines,
    error_line,
    json_line,
    notice_line,
)
from launcher.single_instance import SingleInstance
from launcher.supervisor.states import Reason, State, Status
from support.gateway import free_port
from support.waiting import until


def started(home: Path, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "launcher", "run", "--home", str(home), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_people_are_told_where_to_point_their_tool(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell = TextLines(tmp_path)
    tell(Status(state=State.STARTING))
    tell(Status(state=State.HEALTHY, port=1337))
    tell(Status(state=State.HEALTHY, port=1337, latency_ms=5.0))
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "starting"
    assert said[1] == "healthy"
    assert said[2].endswith("http://localhost:1337/v1")
    assert len(said) == 5, "what did not change is not said again"


@pytest.mark.parametrize("reason", [it for it in Reason if it])
def test_a_failure_comes_with_its_lines_and_the_next_step(
    reason: Reason, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    TextLines(tmp_path)(
        Status(state=State.FAILED, reason=reason, detail="it ended", last_lines=("boom",))
    )
    said = capsys.readouterr().out
    assert said.startswith("failed: it ended\n  | boom\n  > ")
    assert NEXT_STEPS[reason.value][0] in said


def test_scripts_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    json_line(Status(state=State.HEALTHY, pid=7))
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["pid"]) == ("healthy", 7)


def test_what_a_gateway_says_goes_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    error_line("a warning")
    assert capsys.readouterr() == ("", "a warning\n")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_it_runs_until_it_is_told_to_end(tmp_path: Path) -> None:
    with started(tmp_path, "--json", "--admin-port", "0", "--port", str(free_port())) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["state"] == "healthy":
                process.send_signal(signal.SIGTERM)
                break
        rest, errors = process.communicate(timeout=60)
    assert json.loads(rest.splitlines()[-1])["state"] == "stopped"
    assert process.returncode == 0, errors


def healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/_korproxy/health") as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_whoever_reads_what_it_says_may_go_away(tmp_path: Path) -> None:
    """As `head` does, when it has read enough."""
    port = free_port()
    with started(tmp_path, "--json", "--admin-port", "0", "--port", str(port)) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["state"] == "starting"
        process.stdout.close()
        until(lambda: healthy(port))
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
        assert process.wait(60) == 0, said
    assert [line for line in said.splitlines() if not line.startswith("page: ")] == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_the_end_of_its_terminal_is_its_end(tmp_path: Path) -> None:
    """A window was closed, a connection to the machine has ended: no gateway is left behind that nobody sees."""
    port = free_port()
    master, slave = os.openpty()
    words = [sys.executable, "-m", "launcher", "run", "--home", str(tmp_path)]
    words += ["--admin-port", "0", "--port", str(port)]
    leads = (
        "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", leads, *words], stdin=slave, stdout=slave, stderr=slave
    )
    try:
        os.close(slave)
        with open(master, "rb", buffering=0, closefd=False) as terminal:
            read_until(terminal, b"healthy")
            os.kill(process.pid, signal.SIGHUP)
            read_until(terminal, b"a successor is being prepared")
        assert process.poll() is None
    finally:
        os.close(master)
        code = process.wait(60)
    assert code == 0
    assert not healthy(port)


def read_until(terminal: IO[bytes], words: bytes) -> None:
    said = b""
    while words not in said:
        said += terminal.read(4096)


@pytest.mark.parametrize("said", [error_line, lambda line: notice_line(Notice("", "", line))])
def test_what_cannot_be_said_is_no_reason_to_end(
    monkeypatch: pytest.MonkeyPatch, said: Callable[[str], None]
) -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Gone())
    said("a line")


def test_a_second_one_says_that_there_is_one(tmp_path: Path) -> None:
    with SingleInstance(tmp_path), started(tmp_path) as process:
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert errors == f"KorProxy runs already for {tmp_path}.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_broken_config_waits_for_its_mending(tmp_path: Path) -> None:
    """It says what is wrong, and starts as soon as the file is saved."""
    config = tmp_path / "config.yaml"
    good = f"version: 1\nlisten: {{port: {free_port()}}}\n"
    config.write_text(f"{good}acounts: []\n")
    config.chmod(0o600)
    # A file that cannot be read means the usual port, which somebody on this machine may hold.
    with started(tmp_path, "--admin-port", "0", "--port", str(free_port())) as process:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Mend the settings" in line:
                config.write_text(good)
            if line == "healthy\n":
                process.send_signal(signal.SIGINT)
                break
        process.communicate(timeout=60)
    assert "failed: the config cannot be used" in said
    assert "acounts" in said


def test_what_a_person_should_know_is_a_line_on_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    """Not on stdout: there scripts read."""
    notice_line(Notice("KP-AUTH-003", "c", "c: Reconnect.", title="Authorization was rejected"))
    notice_line(Notice("", "", "Just so."))
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.splitlines() == [
        "note: Authorization was rejected: c: Reconnect. (KP-AUTH-003)", "note: Just so.",
    ]  # fmt: skip
