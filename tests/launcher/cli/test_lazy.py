"""Commands that are loaded when they are called, and not before."""

import subprocess
import sys

import pytest

from launcher.cli import run
from launcher.cli.lazy import Shelf
from launcher.cli.table import COMMANDS


def test_a_command_is_made_once_and_with_its_neighbours() -> None:
    shelf = Shelf(COMMANDS)
    assert shelf["start"] is shelf["start"]
    assert shelf["start"].help == "Start KorProxy in the background, and wait until it serves."
    assert len(shelf) == len(list(shelf)) == len(COMMANDS)
    with pytest.raises(KeyError):
        shelf["nothing"]


def test_help_lists_every_command_with_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    shown = capsys.readouterr().out.splitlines()
    for row in COMMANDS:
        lines = [it for it in shown if it.split()[:1] == [row.name]]
        assert [it.split(maxsplit=1)[1] for it in lines] == ([row.line] if row.line else [])


def test_one_command_loads_no_other() -> None:
    script = (
        "import sys\nfrom launcher.cli import run\nrun(['version', '--help'])\n"
        "print([it for it in sys.modules if it.startswith('launcher.cli.')], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "launcher.cli.version" in done.stderr
    assert "launcher.cli.config" not in done.stderr


def test_a_hidden_command_is_called_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    """The words of the earlier apps are not listed, and work."""
    assert run(["provider", "--help"]) == 0
    assert "test" in capsys.readouterr().out


def test_the_shell_completes_names(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_KORPROXY_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", "korproxy sta")
    monkeypatch.setenv("COMP_CWORD", "1")
    run([])
    assert capsys.readouterr().out.split() == ["status", "start"]
