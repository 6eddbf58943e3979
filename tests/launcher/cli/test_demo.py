import json
import subprocess
import sys
from typing import Any

import pytest

from launcher.cli import run
from launcher.demo import run as demo
from support.asking import DIALECTS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], {"once": False, "as_json": False, "port": 1337}),
        (["--once", "--json"], {"once": True, "as_json": True, "port": 1337}),
        (["--port", "4711"], {"once": False, "as_json": False, "port": 4711}),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_the_options_reach_the_demo_and_its_outcome_is_the_exit_code(
    monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: dict[str, Any], code: int
) -> None:
    started: list[dict[str, Any]] = []

    def run_demo(**given: Any) -> int:
        started.append(given)
        return code

    monkeypatch.setattr(demo, "run_demo", run_demo)
    assert run(["demo", *arguments]) == code
    assert started == [words]


@pytest.mark.e2e
def test_every_dialect_gets_an_answer_by_every_way_in() -> None:
    """As a user runs it: one command, one process, all of it on this machine."""
    done = subprocess.run(
        [sys.executable, "-m", "launcher", "demo", "--once", "--json"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=120,
    )
    result = json.loads(done.stdout)
    assert [row for row in result["rows"] if not row["ok"]] == []
    assert (done.returncode, result["ok"]) == (0, True)
    asked = {(row["dialect"], row["provider"], row["access"]) for row in result["rows"]}
    providers = {"claude", "codex", "gemini", "qwen", "iflow"}
    assert {row["provider"] for row in result["rows"]} >= providers
    assert {dialect for dialect, _, _ in asked} == set(DIALECTS)
    assert len(asked) == len(result["rows"]) == len(DIALECTS) * len({it[1:] for it in asked})
