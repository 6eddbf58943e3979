"""What a person sees of requests and use: while a gateway serves, after it was killed, and when everything is stopped."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.io.ledger_file import LedgerFile
from korproxy_addons.io.tables.timeline import FILE_NAME, MOMENTS
from launcher.actions.exchanges import recent
from launcher.actions.usage import report
from support.asking import ask, question
from support.command import called, printed
from support.kept import SimulatedLauncher
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.skipif(os.name != "posix", reason="POSIX signals")]

type Output = pytest.CaptureFixture[str]

# A program of the user's that says nothing of itself, and asks over one connection as often as it is told to.
_PROGRAM = """
import http.client, sys
from urllib.parse import urlsplit
url, path, key, body = sys.argv[1:]
connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=30)
for _ in sys.stdin:
    connection.request("POST", path, body, {"authorization": key, "content-type": "application/json"})
    reply = connection.getresponse()
    reply.read()
    print(reply.getheader("x-korproxy-request-id"), flush=True)
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[SimulatedLauncher]:
    with SimulatedLauncher(tmp_path / "home") as found:
        yield found


def model(running: SimulatedLauncher) -> str:
    return f"sim-chat/{running.sim.urls()['compatible', 'chat']['model']}"


def row(home: Path, request_id: str) -> Any:
    """The ledger's record of a request, as soon as it is there."""
    return until(lambda: next((it for it in recent(home) if it.request_id == request_id), None))


def test_requests_and_use_are_seen_whatever_runs(
    running: SimulatedLauncher, capsys: Output
) -> None:
    home = running.home
    good = ask(running.url, question("openai-chat", model(running), "[[sim tokens=40]]"))
    running.sim.script("500", count=9)
    bad = ask(running.url, question("openai-chat", model(running)))
    ids = [it.headers["x-korproxy-request-id"] for it in (good, bad)]
    assert (row(home, ids[0]).outcome, row(home, ids[1]).outcome) == ("ok", "error")

    def seen() -> tuple[Any, ...]:
        listed = called(home, capsys, "requests")["requests"]
        told = called(home, capsys, "requests", "show", ids[1])
        use = called(home, capsys, "usage", "--days", "2")
        return (
            [it["request_id"] for it in listed],
            told["request"]["code"],
            (use["total"]["requests"], use["total"]["succeeded"], use["total"]["output_tokens"]),
            [it["requests"] for it in use["causes"] if it["requests"]],
        )

    while_it_runs = seen()
    assert while_it_runs[0] == ids[::-1]
    assert while_it_runs[1] == bad.headers["x-korproxy-error"]
    assert while_it_runs[2:] == ((2, 1, row(home, ids[0]).output_tokens), [1])
    before = running.launched.status["pid"]
    os.kill(before, signal.SIGKILL)
    running.launched.wait_for("healthy", lambda it: it["pid"] not in (None, before))
    assert seen() == while_it_runs, "nothing was lost, nothing counted twice"
    assert running.launched.stop() == 0
    assert seen() == while_it_runs, "nothing need run"
    assert ids[1] in printed(home, capsys, "requests", "show")
    shares = report(home).dependability
    assert shares.success_percent == 50.0
    assert shares.crashes >= 1, "a machine that is very busy may bring it down once more"
    assert shares.uptime_percent is not None
    assert 0 < shares.uptime_percent < 100
    with LedgerFile(home / FILE_NAME) as file:
        moments = file.rows(MOMENTS, (0.0,))
    states = [state for _, state, _, _ in moments]
    assert states[0] == "starting"
    assert "healthy" in states
    assert states[-2:] == ["stopped", "ended"]
    assert any("-9" in detail for _, _, reason, detail in moments if reason == "restart")


def test_forgetting_does_not_disturb_the_gateway(
    running: SimulatedLauncher, capsys: Output
) -> None:
    home = running.home
    for _ in range(3):
        reply = ask(running.url, question("openai-chat", model(running)))
    row(home, reply.headers["x-korproxy-request-id"])
    assert called(home, capsys, "usage", "clear", "--yes")["requests"] == 3
    again = ask(running.url, question("openai-chat", model(running)))
    assert again.status == 200
    newest = row(home, again.headers["x-korproxy-request-id"])
    assert recent(home) == (newest,)
    assert report(home).total.requests == 1


def test_a_program_that_says_nothing_is_known_all_the_same(
    running: SimulatedLauncher, tmp_path: Path
) -> None:
    """By the process at the other end: what it is, and the project that it runs in."""
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / ".git").mkdir()
    asked = question("openai-chat", model(running))
    words = [running.url, asked.path, asked.headers["authorization"], json.dumps(asked.body)]
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *words],
        cwd=project / "src",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        stdin, stdout = program.stdin, program.stdout
        assert stdin is not None
        assert stdout is not None

        def known() -> Any:
            """A record is not held back for long; by the next one it is known who asks."""
            stdin.write("again\n")
            stdin.flush()
            found = row(running.home, stdout.readline().strip())
            return found if found.tool else None

        record = until(known)
        stdin.close()
    assert (record.tool, record.project) == ("python", str(project))
