"""What is wrong with a configuration, place by place."""

from collections.abc import Iterable
from dataclasses import dataclass

from korproxy_addons.errors.catalogue import CONFIG_INVALID, ErrorSpec
from korproxy_addons.errors.exceptions import KorProxyError

type KeyPath = tuple[str | int, ...]
"""Keys and list indexes from the top of the file to a value."""


@dataclass(frozen=True, slots=True)
class ConfigProblem:
    """
    One thing that is wrong.

    Attributes:
        file: Path of the file, as the person knows it.
        line: Line, counted from 1.
        column: Column, counted from 1.
        key: Dotted key, such as `accounts[0].provider`; empty for the file as a whole.
        expected: What would be right there.
        found: What stands there, without any value that could be a secret.
    """

    file: str
    line: int
    column: int
    key: str
    expected: str
    found: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        key = f" {self.key}:" if self.key else ""
        return f"{where}:{key} expected {self.expected}; found {self.found}"


class ConfigProblems(KorProxyError):
    """
    A configuration that cannot be used.

    Args:
        problems: Every problem found, in the order of the file; at least one.
        spec: The row that fits best.
    """

    def __init__(self, problems: Iterable[ConfigProblem], spec: ErrorSpec = CONFIG_INVALID) -> None:
        self.problems = tuple(sorted(problems, key=lambda it: (it.line, it.column, it.key)))
        super().__init__(spec, "; ".join(map(str, self.problems)))


def dotted(path: KeyPath) -> str:
    """The path as people write it: `accounts[0].provider`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else (f".{step}" if text else step)
    return text
