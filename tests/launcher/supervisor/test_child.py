import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from korproxy_addons.control.protocol import Draining, Pause, Report, Stop
from launcher.supervisor import child as module
from launcher.supervisor.child import LAST_LINES, GatewayChild
from launcher.supervisor.signals import StartWith

Told = tuple[list[Report], list[str], list[tuple[int, tuple[str, ...]]]]


def run(
    program: str,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: Callable[[GatewayChild], None] = lambda _child: None,
) -> Told:
    """What a program in the gateway's place says, until it is gone."""
    monkeypatch.setattr(module, "gateway_command", lambda **_named: [sys.executable, "-c", program])

    async def serve() -> Told:
        told: Told = ([], [], [])
        began = asyncio.Event()

        def on_line(line: str) -> None:
            told[1].append(line)
            began.set()

        found = await GatewayChild.start(
            home,
            (),
            StartWith.CONFIG,
            on_report=told[0].append,
            on_line=on_line,
            on_exit=lambda code, lines: told[2].append((code, lines)),
        )
        if act is not None:
            await began.wait()
            act(found)
        await found.gone()
        return told

    return asyncio.run(serve())


def test_it_is_started_for_its_folder_and_its_parent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys; print(*sys.argv[1:], file=sys.stderr)"
    _, lines, _ = run(program, tmp_path, monkeypatch)
    words = lines[0].split()
    assert words[:3] == ["--control-pipe", "--start", "config"]
    assert words[3] == "--parent"
    assert int(words[4]) > 1


def test_its_reports_arrive_and_what_else_it_prints_does_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import sys; print('x', file=sys.stderr); print('stray'); print('y' * 3_000_000);"
        'print(\'{"event":"draining","in-flight":2}\')'
    )
    reports, _, exits = run(program, tmp_path, monkeypatch)
    assert reports == [Draining(2)]
    assert exits == [(0, ("x",))]


def test_the_last_lines_are_kept_for_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = "import sys\nfor i in range(100): print('line', i, file=sys.stderr)\nsys.exit(3)"
    _, lines, exits = run(program, tmp_path, monkeypatch)
    assert len(lines) == 100
    assert exits == [(3, tuple(f"line {i}" for i in range(100 - LAST_LINES, 100)))]


def test_it_hears_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = (
        "import sys; print('up', file=sys.stderr, flush=True);"
        "print(sys.stdin.readline().strip(), sys.stdin.readline().strip(), file=sys.stderr)"
    )

    def act(child: GatewayChild) -> None:
        child.send(Pause())
        child.send(Stop())

    _, lines, _ = run(program, tmp_path, monkeypatch, act)
    assert lines == ["up", '{"do":"pause"} {"do":"stop"}']


@pytest.mark.skipif(sys.platform == "win32", reason="exit codes of signals are POSIX")
def test_it_can_be_ended_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = "import sys; print('up', file=sys.stderr, flush=True); sys.stdin.read()"
    for act, code in ((GatewayChild.terminate, -15), (GatewayChild.kill, -9)):
        _, _, exits = run(program, tmp_path, monkeypatch, act)
        assert exits == [(code, ("up",))]


def test_one_that_is_gone_can_be_told_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "gateway_command", lambda **_named: [sys.executable, "-c", ""])

    async def serve() -> None:
        found = await GatewayChild.start(
            tmp_path, (), StartWith.PLAIN,
            on_report=lambda _: None, on_line=lambda _: None, on_exit=lambda *_: None,
        )  # fmt: skip
        await found.gone()
        found.send(Pause())
        found.terminate()
        found.kill()

    asyncio.run(serve())


def test_a_grandchild_that_holds_the_streams_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = (
        "import subprocess, sys\n"
        "it = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], stdin=subprocess.PIPE)\n"
        "print('up', it.pid, file=sys.stderr, flush=True)\n"
        "import os; os.set_inheritable(it.stdin.fileno(), True); os._exit(5)"
    )
    _, _, exits = run(program, tmp_path, monkeypatch)
    assert exits[0][0] == 5


def test_it_is_made_to_end_with_the_launcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows a job object sees to it (test_job.py)."""
    taken: list[int] = []
    monkeypatch.setattr(module, "end_with_launcher", taken.append)
    program = "import os, sys; print(os.getpid(), file=sys.stderr)"
    _, lines, _ = run(program, tmp_path, monkeypatch)
    assert taken == [int(lines[0])]
