import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli import run
from launcher.cli.logs import as_text
from launcher.log_lines import FILE


def write(home: Path, count: int, begin: int = 0) -> None:
    path = home / FILE
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as file:
        for number in range(begin, begin + count):
            level = "error" if number % 2 else "info"
            file.write(
                json.dumps(
                    {"ts": number, "level": level, "component": "leg", "event": f"e{number}"}
                )
                + "\n"
            )


def test_a_line_for_people_says_what_matters() -> None:
    text = as_text(
        {"ts": 0.5, "level": "error", "component": "leg", "event": "attempt failed", "code": "KP-NET-301",
         "why": [], "wait_s": 2, "request_id": "r1", "none": None}
    )  # fmt: skip
    assert ".500 ✕ leg" in text
    assert text.endswith("attempt failed  code=KP-NET-301 wait_s=2 request_id=r1")


def test_nothing_in_a_line_steers_the_terminal() -> None:
    assert "\x1b" not in as_text({"ts": 1, "event": "\x1b[2Jgone", "model": "\x07\n"})


def test_the_newest_lines_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 10)
    assert run(["logs", "--home", str(tmp_path), "-n", "2"]) == 0
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()] == ["e8", "e9"]
    assert run(["logs", "--home", str(tmp_path), "-n", "2", "--level", "error", "--json"]) == 0
    found = [json.loads(line)["ts"] for line in capsys.readouterr().out.splitlines()]
    assert found == [7, 9]


def test_an_unknown_level_is_a_wrong_call(tmp_path: Path) -> None:
    assert run(["logs", "--home", str(tmp_path), "--level", "loud"]) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_it_follows_until_ctrl_c(tmp_path: Path) -> None:
    write(tmp_path, 1)
    with subprocess.Popen(
        [sys.executable, "-m", "launcher", "logs", "-f", "--json", "--home", str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["ts"] == 0
        write(tmp_path, 1, begin=2)
        assert json.loads(process.stdout.readline())["ts"] == 2
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
