"""What a person sees while something takes its time, on a terminal of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.cli.waiting import waiting

PROGRAM = """
from launcher.cli.waiting import waiting
with waiting("Starting [1]…", quiet={quiet}) as say:
    say("Starting… it listens")
print("done")
"""


@pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")
@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_is_told_and_left_clean(quiet: bool, tmp_path: Path) -> None:
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(quiet=quiet)],
        stdout=subprocess.PIPE, stderr=theirs, check=True, env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    assert done.stdout == b"done\n", "results are not mixed with it"
    if quiet:
        assert shown == b""
    else:
        assert b"it listens" in shown
        assert shown.endswith(b"\x1b[2K"), "its line is wiped at the end"


def test_a_file_is_told_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with waiting("Starting…") as say:
        say("more")
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
