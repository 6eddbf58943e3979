"""What a person sees while something takes its time, on a terminal of the test's own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from launcher.actions.steps import Step
from launcher.cli.waiting import progress, waiting
from support.ledgers import ledger, record

PROGRAM = """
from launcher.cli.waiting import waiting
with waiting("Starting [1]…", quiet={quiet}) as say:
    say("Starting… it listens")
print("done")
"""


BAR = """
from launcher.actions.steps import Step
from launcher.cli.waiting import progress
with progress("Checking", quiet={quiet}) as bar:
    bar(Step(3, 22, "the [vault]"))
    print("a result")
    answer = bar.aside(lambda: print("asked", flush=True) or 7)()
    bar(Step(21, 22, "a round"))
print("done", answer, bar.is_shown)
"""
ON_A_TERMINAL = pytest.mark.skipif(os.name != "posix", reason="terminals of POSIX")


def seen(arguments: list[str], **variables: str) -> tuple[bytes, bytes]:
    """What a Python program wrote to stdout, a pipe, and to stderr, a terminal of 80 columns."""
    import pty

    ours, theirs = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80", **variables}
    done = subprocess.run(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=theirs, check=True, env=env
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux: the other end is closed
        pass
    os.close(ours)
    return done.stdout, shown


@ON_A_TERMINAL
@pytest.mark.parametrize("quiet", [False, True])
def test_a_terminal_is_told_and_left_clean(quiet: bool) -> None:
    written, shown = seen(["-c", PROGRAM.format(quiet=quiet)])
    assert written == b"done\n", "results are not mixed with it"
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


@ON_A_TERMINAL
@pytest.mark.parametrize("quiet", [False, True])
def test_a_bar_grows_and_is_gone_at_the_end(quiet: bool) -> None:
    written, shown = seen(["-c", BAR.format(quiet=quiet)])
    results = f"a result\nasked\ndone 7 {not quiet}\n"
    assert written == results.encode(), "results are not mixed with it"
    if quiet:
        assert shown == b""
    else:
        text = shown.decode()
        assert "Checking" in text
        # The question stands where the bar was: it is wiped before, and drawn again after.
        assert "3/22" in text
        assert "the [vault]" in text
        assert "21/22" in text
        assert "━" in text
        assert text.endswith("\x1b[2K"), "its line is wiped at the end"


@ON_A_TERMINAL
@pytest.mark.parametrize("as_json", [False, True])
def test_a_command_shows_its_bar_to_people_alone(as_json: bool, tmp_path: Path) -> None:
    home = ledger(tmp_path, record(1), record(2))
    command = ["-m", "launcher", "usage", "export", "--home", str(home)]
    written, shown = seen([*command, *(["--json"] if as_json else [])])
    assert b"Exporting" not in written
    assert (b"2/2 requests" in shown) is not as_json
    assert b"\x1b" not in written


def test_a_file_sees_no_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("Checking") as bar:
        bar(Step(1, 2, "x"))
        assert not bar.is_shown
        assert bar.aside(lambda: 7)() == 7
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "")
