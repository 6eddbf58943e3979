"""Commands of the command line, run in this process."""

import json
from pathlib import Path
from typing import Any

import pytest

from launcher.cli import run

type Output = pytest.CaptureFixture[str]


def called(home: Path, output: Output, *arguments: str) -> Any:
    """The JSON that a command prints; it must succeed."""
    code = run([*arguments, "--home", str(home), "--json"])
    printed = output.readouterr()
    assert code == 0, printed.out + printed.err
    return json.loads(printed.out)


def printed(home: Path, output: Output, *arguments: str) -> str:
    """What a command prints for people; it must succeed."""
    code = run([*arguments, "--home", str(home)])
    found = output.readouterr()
    assert code == 0, found.out + found.err
    return found.out


def failed(home: Path, output: Output, *arguments: str) -> tuple[int, str]:
    """Exit code and what is printed of a command that must fail."""
    code = run([*arguments, "--home", str(home)])
    found = output.readouterr()
    assert code != 0, found.out
    return code, found.out + found.err
