import os
import sys
import time
from pathlib import Path

import pytest

from support import coding_tool
from support.coding_tool import Ran, Workplace
from support.needs import CodingTool

PYTHON = CodingTool(Path(sys.executable), os.environ["PATH"])
TELL = (
    "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['HOME'], sorted(os.environ))"
)
# The child holds the same outputs open, for far longer than the test may take.
STAY = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import threading; threading.Event().wait(60)"])
"""


def test_a_tool_finds_an_empty_home_and_none_of_our_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "a person's own")
    place = Workplace(tmp_path)
    ran = place.run(PYTHON, ["-c", TELL], "the prompt", {"EXTRA": "1"})
    assert ran.exit_code == 0
    assert ran.out.startswith(f"the prompt {place.project} {place.home} ")
    assert "'EXTRA'" in ran.out
    assert "'HTTPS_PROXY'" in ran.out
    assert "ANTHROPIC_API_KEY" not in ran.out


def test_a_tool_that_hangs_ends_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outputs come to their end only when nobody holds them open any more."""
    monkeypatch.setattr(coding_tool, "LIMIT_S", 1.0)
    began_s = time.monotonic()
    with pytest.raises(AssertionError, match=r"still running after 1\.0 s"):
        Workplace(tmp_path).run(PYTHON, ["-c", STAY], "", {})
    assert time.monotonic() - began_s < 30


def test_lines_about_something_wrong_are_found() -> None:
    ran = Ran(0, "Fine.\nWARNING: one\n", "ERROR two\nRetrying three\n")
    assert ran.complaints("two") == ["WARNING: one", "Retrying three"]
