"""`korproxy self-test`, for people and for scripts."""

import json
from pathlib import Path
from typing import Any

import pytest

from launcher.actions.checks import Check
from launcher.actions.self_test import Looked
from launcher.actions.steps import Step
from launcher.cli import run
from support.bundled import looked

type Output = pytest.CaptureFixture[str]

CHECKS = (
    Check(name="disk", result="ok", detail="9 GiB free"),
    Check(
        name="port", result="warn", detail="slow [x]", remedy=("Wait.",), seen=("127.0.0.1 free",)
    ),
    Check(name="DNS", result="skip", detail="not asked: --offline"),
)
FAILED = Check(
    name="vault", result="fail", detail="it does not open", remedy=("Unlock it.", "Restore it.")
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def found(monkeypatch: pytest.MonkeyPatch, *checks: Check) -> list[bool]:
    """Have the self-test find just this; whether it was to stay offline."""
    offline: list[bool] = []

    def look(_home: Path, **words: Any) -> Looked:
        words["on_step"](Step(3, 22, "vault"))
        offline.append(words["offline"])
        return looked(*checks)

    monkeypatch.setattr("launcher.actions.self_test.self_test", look)
    return offline


def test_each_check_has_its_line_and_what_to_do_below_it(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = found(monkeypatch, *CHECKS, FAILED)
    assert run(["self-test", "--offline", "--home", str(home)]) == 1
    lines = [it.rstrip() for it in capsys.readouterr().out.splitlines()]
    assert lines[:8] == [
        "✓ versions  KorProxy 0.1.0",
        "✓ disk      9 GiB free",
        "▲ port      slow [x]",
        "            > Wait.",
        "· DNS       not asked: --offline",
        "✕ vault     it does not open",
        "            > Unlock it.",
        "            > Restore it.",
    ]
    assert lines[-1].startswith("2 ok, 1 to know, 1 failed, 1 not looked at. ")
    assert offline == [True]


def test_verbose_shows_each_single_thing(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    offline = found(monkeypatch, *CHECKS)
    assert run(["self-test", "--verbose", "--home", str(home)]) == 0
    assert "127.0.0.1 free" in capsys.readouterr().out
    assert offline == [False]


def test_scripts_get_one_object_and_the_exit_code(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, *CHECKS)
    assert run(["self-test", "--json", "--home", str(home)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["ok"], told["result"], told["offline"]) == (True, "warn", False)
    assert told["checks"][2] == {
        "name": "port", "result": "warn", "detail": "slow [x]", "remedy": ["Wait."], "seen": ["127.0.0.1 free"],
    }  # fmt: skip
    found(monkeypatch, FAILED)
    assert run(["self-test", "--json", "--home", str(home)]) == 1
    assert json.loads(capsys.readouterr().out)["ok"] is False


def test_a_person_sees_how_far_it_is(
    home: Path, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(monkeypatch, *CHECKS)
    assert run(["self-test", "--home", str(home)]) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    assert run(["self-test", "--json", "--home", str(home)]) == 0
    assert capsys.readouterr().err == ""
    assert run(["self-test", "--home", str(home)]) == 0
    assert "3/22 vault" in capsys.readouterr().err
