import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from launcher.cli import run
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


def test_the_newest_lines_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, 10)
    assert run(["logs", "--home", str(tmp_path), "-n", "2"]) == 0
    assert [it.split()[-1] for it in capsys.readouterr().out.splitlines()[1:]] == ["e8", "e9"]
    assert run(["logs", "--home", str(tmp_path), "-n", "2", "--level", "error", "--json"]) == 0
    found = [json.loads(line)["ts"] for line in capsys.readouterr().out.splitlines()]
    assert found == [7, 9]


def test_that_nothing_passes_is_said_beside_the_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 2)
    where = ["logs", "--home", str(tmp_path)]
    for words in (["--request", "kp1"], ["--json", "--component", "x"]):
        assert run([*where, *words]) == 0
        out, err = capsys.readouterr()
        assert (out, err) == ("", "No line that is kept passes this filter.\n")
    for words in ([], ["-n", "0"]):
        assert run([*where, *words]) == 0
        assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words", [["--level", "loud"], ["--since", "soon"], ["level", "legg"], ["level", "leg", "loud"]]
)
def test_what_there_is_not_is_a_wrong_call(tmp_path: Path, words: list[str]) -> None:
    where = ["--home", str(tmp_path)]
    assert run(["logs", *where, *words] if words[0] != "level" else ["logs", *words, *where]) == 2


def test_people_see_aligned_lines_and_the_day_where_it_is_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 2)
    assert run(["logs", "--home", str(tmp_path)]) == 0
    day, first, second = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"-- (1970-01-01|1969-12-31)", day)
    assert first.index("e0") == second.index("e1")
    assert " ✕ leg" in second


def test_a_moment_is_asked_for_and_all_lines_since_then_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 100)
    write(tmp_path, 1, begin=int(time.time()) - 30)
    assert run(["logs", "--home", str(tmp_path), "--since", "1d", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert run(["logs", "--home", str(tmp_path), "--since", "1970-01-02", "--json"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    since = ["--since", "1969-01-01", "--json"]
    assert run(["logs", "--home", str(tmp_path), *since]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 101


def test_the_log_is_taken_along_in_a_file_of_ones_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, 10)
    file = tmp_path / "taken.jsonl"
    command = ["logs", "export", str(file), "--home", str(tmp_path), "--level", "error"]
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"file": str(file), "lines": 5}
    assert [json.loads(it)["ts"] for it in file.read_text().splitlines()] == [1, 3, 5, 7, 9]
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # What is there already is nobody's to write over.
    assert run(command) == 2
    assert "exists" in capsys.readouterr().err


def test_half_a_character_is_shown_as_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An escape in the log can stand for what no encoding has."""
    write(tmp_path, 0)
    (tmp_path / FILE).write_text(
        '{"ts": 1, "level": "info", "component": "leg", "event": "e", "project": "\\udc80"}\n'
    )
    file = tmp_path / "lines.jsonl"
    assert run(["logs", "export", str(file), "--home", str(tmp_path)]) == 0
    assert json.loads(file.read_text())["project"] == "?"
    assert run(["logs", "--json", "--home", str(tmp_path)]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["project"] == "?"


def test_levels_are_shown_and_changed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = ["--home", str(tmp_path)]
    assert run(["logs", "level", "leg", "debug", *where]) == 0
    assert "within a second" in capsys.readouterr().out
    assert run(["logs", "level", *where, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["levels"]
    assert [it["component"] for it in rows if it["level"] == "debug"] == ["leg"]
    assert run(["logs", "level", "leg", *where]) == 0
    assert "debug" in capsys.readouterr().out


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
