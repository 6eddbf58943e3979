import os
import sys
from pathlib import Path

import pytest

from support import coding_tool
from support.coding_tool import Ran, Workplace
from support.needs import CodingTool

PYTHON = CodingTool(Path(sys.executable), os.environ["PATH"])
TELL = (
    "import os, sys; print(sys.stdin.read(), os.getcwd(), os.environ['HOME'], sorted(os.environ))"
)
STAY = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print("child", child.pid, flush=True)
child.wait()
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


@pytest.mark.skipif(
    os.name == "nt", reason="asks for a process by signal 0, which ends it on Windows"
)
def test_a_tool_that_hangs_ends_with_all_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coding_tool, "LIMIT_S", 1.0)
    with pytest.raises(AssertionError, match=r"still running after 1\.0 s:\nchild \d+") as failed:
        Workplace(tmp_path).run(PYTHON, ["-c", STAY], "", {})
    child = int(str(failed.value).split()[-1])
    assert not _lives(child)


def _lives(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for its parent's successor."""
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"


def test_lines_about_something_wrong_are_found() -> None:
    ran = Ran(0, "Fine.\nWARNING: one\n", "ERROR two\nRetrying three\n")
    assert ran.complaints("two") == ["WARNING: one", "Retrying three"]
