"""The verbs of a terminal, with a real launcher and a real gateway behind them."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from korproxy_addons.errors.exceptions import KorProxyError
from launcher.cli import lifecycle, run
from launcher.single_instance import Reach, SingleInstance, load_reach, runs
from support.gateway import free_port

# It serves; how fast a busy machine answers is no matter here.
UP = ("healthy", "degraded")

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX sockets are handed over")


class Terminal:
    """Runs `korproxy` for one folder, as a person does."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "launcher", *words, "--home", str(self.home)],
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def json(self, *words: str) -> dict[str, Any]:
        done = self.run(*words, "--json")
        found: dict[str, Any] = json.loads(done.stdout)
        return found


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "config.yaml").write_text(
        f"version: 1\nlisten: {{port: {free_port()}}}\nadmin: {{port: 0}}\n"
    )
    (tmp_path / "config.yaml").chmod(0o600)
    found = Terminal(tmp_path)
    yield found
    found.run("stop")
    assert not runs(tmp_path)


def test_a_day_with_korproxy(terminal: Terminal) -> None:
    """Start, look, pause, go on, restart, open the page, stop."""
    assert terminal.run("status").returncode == 1
    started = terminal.run("start")
    assert started.returncode == 0, started
    assert started.stdout.startswith(UP)
    first = terminal.json("status")
    assert first["state"] in UP
    assert terminal.json("start")["pid"] == first["pid"], "a second start changes nothing"
    assert terminal.json("pause")["state"] == "paused"
    assert terminal.run("status").stdout.startswith("paused")
    assert terminal.json("resume")["state"] in UP
    assert terminal.json("restart")["pid"] != first["pid"]
    assert "/login?ticket=" in terminal.json("open")["url"]
    assert "/login?ticket=" in terminal.run("open", "--print").stdout
    second = terminal.run("run")
    assert second.returncode == 1
    assert "runs already" in second.stderr
    assert terminal.run("stop").stdout == "stopped\n"
    assert not runs(terminal.home)


def test_what_cannot_be_started_says_why(terminal: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (terminal.home / "config.yaml").write_text(
            f"version: 1\nlisten: {{port: {port}, hosts: [127.0.0.1]}}\nadmin: {{port: 0}}\n"
        )
        done = terminal.run("start")
    assert done.returncode == 1
    assert f"port {port} is taken by" in done.stdout
    assert "KP-SYS-510" in done.stderr
    assert terminal.json("start")["state"] in UP, "the port is free now"


@pytest.mark.parametrize("verb", ["restart", "pause", "resume", "open"])
def test_without_korproxy_there_is_nothing_to_steer(terminal: Terminal, verb: str) -> None:
    done = terminal.run(verb)
    assert done.returncode == 1
    assert "KP-SYS-509" in done.stderr
    assert "korproxy start" in done.stderr


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = Terminal(tmp_path / "file").run("start")
    assert done.returncode != 0
    assert "Traceback" not in done.stderr


def test_a_launcher_that_hangs_is_named(tmp_path: Path) -> None:
    """It holds the lock, but does not say how it is reached: after a while that is an error."""
    from launcher.cli import lifecycle

    with SingleInstance(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "START_S", 0.2)
        assert lifecycle._launcher(tmp_path) is None


def test_a_stop_waits_for_the_lock(tmp_path: Path) -> None:
    """A launcher that ends withdraws its address before it lets go of the lock."""
    from launcher import single_instance
    from launcher.cli import lifecycle

    answers = [True, True, False]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifecycle, "_LOOK_S", 0)
        patch.setattr(single_instance, "runs", lambda _home: answers.pop(0))
        lifecycle._wait_until_gone(tmp_path)
    assert answers == []


def test_a_launcher_that_does_not_end_is_named(tmp_path: Path) -> None:
    from launcher.cli import lifecycle

    (tmp_path / "config.yaml").write_text("version: 1\nlimits: {drain_s: 0}\n")
    (tmp_path / "config.yaml").chmod(0o600)
    with SingleInstance(tmp_path) as held, pytest.MonkeyPatch.context() as patch:
        held.say(Reach(pid=4711))
        patch.setattr(lifecycle, "STOP_S", 0.0)
        with pytest.raises(KorProxyError, match="process 4711 does not end"):
            lifecycle._wait_until_gone(tmp_path)


def test_a_network_that_is_gone_is_said_beside_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = {
        "state": "healthy",
        "url": "http://localhost:1",
        "in_flight": 0,
        "pid": 7,
        "version": "1",
    }
    said = SimpleNamespace(get=lambda _path: found)
    monkeypatch.setattr(lifecycle, "_launcher", lambda _home: said)
    assert run(["status", "--home", str(tmp_path)]) == 0
    assert "offline" not in capsys.readouterr().out
    found["offline"] = True
    assert run(["status", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("healthy\n")
    assert "! offline: no provider can be reached" in shown


@pytest.mark.parametrize(
    ("verb", "state", "refused", "code"),
    [
        ("restart", "healthy", "", 0),
        ("restart", "healthy", "KP-CONF-203 line 3", 1),
        ("restart", "failed", "", 1),
        ("pause", "paused", "KP-CONF-203 line 3", 0),
    ],
)
def test_a_restart_that_did_not_come_to_be_is_a_failure(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    state: str,
    refused: str,
    code: int,
) -> None:
    """The gateway from before serves on, and a script is told that it is that one."""
    found = {"state": state, "phase": "settled", "detail": "it ended", "refused": refused}
    said = SimpleNamespace(get=lambda _path: found, post=lambda _path, _body: {})
    monkeypatch.setattr(lifecycle, "_launcher", lambda _home: said)
    assert run([verb, "--home", str(tmp_path)]) == code
    assert ("KP-SYS-510" in capsys.readouterr().err) == bool(code)
    assert run([verb, "--home", str(tmp_path), "--json"]) == code
    told = json.loads(capsys.readouterr().out)
    assert told["error"]["code"] == "KP-SYS-510" if code else told == found


def test_recording_is_told_with_the_state(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever asks how KorProxy is shall see that what passes is kept."""
    found: dict[str, Any] = {"state": "healthy", "recording": None}
    said = SimpleNamespace(get=lambda _path: found)
    monkeypatch.setattr(lifecycle, "_launcher", lambda _home: said)
    assert run(["status", "--home", str(tmp_path)]) == 0
    assert "record" not in capsys.readouterr().out
    found["recording"] = {"until_at": 1_800_000_000.0, "tool": "codex", "shapes": True}
    assert run(["status", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "● recording codex (without content) until " in shown
    assert "korproxy record off" in shown


def test_scripts_of_the_earlier_apps_steer_by_address_and_key(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KORPROXY_MANAGEMENT_KEY is good beside the key of the run, which no script can know."""
    monkeypatch.setenv("KORPROXY_MANAGEMENT_KEY", "a key of my own")
    assert terminal.run("start").returncode == 0
    reach = load_reach(terminal.home)
    assert reach is not None
    monkeypatch.setenv("KORPROXY_URL", reach.url)
    elsewhere = Terminal(tmp_path / "elsewhere")
    assert elsewhere.json("status")["home"] == str(terminal.home)
    monkeypatch.setenv("KORPROXY_MANAGEMENT_KEY", "another key")
    refused = elsewhere.run("status")
    assert (refused.returncode, refused.stderr[:11]) == (1, "KP-AUTH-005")
    # For the folder itself nothing but its own key is needed.
    assert terminal.json("status")["state"] in UP
