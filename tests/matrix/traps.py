"""Which tests stand for which trap of the dialects: those that carry its number, and those named here."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from support.needs import ROOT

# There is no T19.
TRAPS = frozenset(range(1, 183)) - {19}

_IN_NAME = re.compile(r"(?<=_)t(\d{1,3})(?=_|$)")
_IN_WORDS = re.compile(r"\bT(\d{1,3})\b")
_RANGE = re.compile(r"\bT(\d{1,3}) ?(?:-|–|to) ?T(\d{1,3})\b")


def numbers_in(name: str, words: str) -> set[int]:
    """The traps that a test's name and text carry."""
    found = {int(number) for number in _IN_NAME.findall(name)}
    found |= {int(number) for number in _IN_WORDS.findall(words)}
    for first, last in _RANGE.findall(words):
        found.update(range(int(first), int(last) + 1))
    return found


def tests_in(path: Path) -> dict[str, set[int]]:
    """Each test of a file, and the traps that its name, its docstring or a comment in it names."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, set[int]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
            found[node.name] = numbers_in(node.name, ast.get_source_segment(text, node) or "")
    return found


def tests_by_trap(folder: Path = ROOT / "tests") -> dict[int, list[str]]:
    """For each trap the tests that name it, as path::name."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        for name, numbers in tests_in(path).items():
            for number in numbers:
                found[number].append(f"{path.relative_to(folder).as_posix()}::{name}")
    return dict(found)
