"""The files of this repository, and what a Python file imports and calls; for the tests of its rules."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
_MADE = {"__pycache__", "build", "dist", "node_modules"}


@cache
def files() -> tuple[str, ...]:
    """Every file that people wrote, as a path from the root with `/`."""
    found = []
    for folder, names, here in os.walk(ROOT):
        names[:] = [name for name in names if name not in _MADE and not _is_hidden(name)]
        found += [Path(folder, name).relative_to(ROOT).as_posix() for name in here]
    return tuple(sorted(name for name in found if name != ".venv.lock"))


def _is_hidden(name: str) -> bool:
    return name.startswith(".") and name != ".ci"


def python_files(*folders: str) -> list[str]:
    """Python files, below `folders` if any are given."""
    starts = tuple(f"{folder}/" for folder in folders)
    return [name for name in files() if name.endswith(".py") and name.startswith(starts or "")]


def text(name: str) -> str:
    """A file's text; empty for a binary one."""
    data = ROOT.joinpath(name).read_bytes()
    return "" if b"\0" in data else data.decode("utf-8")


@cache
def tree(name: str) -> ast.Module:
    """A Python file, parsed."""
    return ast.parse(text(name), filename=name)


def imports(module: ast.Module) -> Iterator[tuple[int, str]]:
    """
    Line and full dotted name of each import, at any depth: `from a import b` counts as `a.b`.

    What only a type checker sees (`if TYPE_CHECKING:`) is left out.
    """
    hidden = {
        id(node)
        for block in ast.walk(module)
        if isinstance(block, ast.If) and ast.unparse(block.test).endswith("TYPE_CHECKING")
        for statement in block.body
        for node in ast.walk(statement)
    }
    for node in ast.walk(module):
        if id(node) in hidden:
            continue
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls(module: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and text of what is called: `open`, `asyncio.create_task`, `self.path.read_text`."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield node.lineno, ast.unparse(node.func)
