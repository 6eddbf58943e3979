"""Where the user's shell is told a variable: so that a wrong one can be mended where it stands."""

import re
from dataclasses import dataclass
from pathlib import Path

from launcher.tools.machine import LARGEST_BYTES, Machine

_FILES = (
    "~/.zshenv", "~/.zprofile", "~/.zshrc", "~/.zlogin",
    "~/.bash_profile", "~/.bash_login", "~/.profile", "~/.bashrc", "~/.bash_aliases",
    "~/.config/fish/config.fish", "~/.pam_environment", "/etc/environment",
    "~/Documents/PowerShell/Microsoft.PowerShell_profile.ps1",
)  # fmt: skip
# `export A=b`, `A=b`, `set -gx A b`, `$env:A = "b"`; a line that begins with # is none.
_SET = (
    re.compile(r"^\s*(?:export\s+|setenv\s+)?{name}\s*[= ]\s*(?P<value>.*?)\s*$"),
    re.compile(r"^\s*set\s+(?:-\S+\s+)*{name}\s+(?P<value>.*?)\s*$"),
    re.compile(r"^\s*\$env:{name}\s*=\s*(?P<value>.*?)\s*$", re.IGNORECASE),
)


@dataclass(frozen=True, slots=True)
class Line:
    """
    A line that sets a variable.

    Attributes:
        path: The file.
        number: Counted from 1.
        value: What it is set to, without quotes.
    """

    path: Path
    number: int
    value: str


def lines_that_set(name: str, machine: Machine) -> tuple[Line, ...]:
    """The lines of the shells' start files that set a variable, the last of each file."""
    patterns = [re.compile(it.pattern.replace("{name}", re.escape(name)), it.flags) for it in _SET]
    found = []
    for file in _FILES:
        path = Path(str(machine.home) + file[1:]) if file.startswith("~") else Path(file)
        last = None
        for number, line in enumerate(_lines(path), start=1):
            match = next((hit for it in patterns if (hit := it.match(line))), None)
            if match is not None:
                last = Line(path, number, match["value"].split(" #")[0].strip().strip("\"'"))
        if last is not None:
            found.append(last)
    return tuple(found)


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > LARGEST_BYTES:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
