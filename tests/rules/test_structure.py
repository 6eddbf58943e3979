"""Every source file has its test, and is of a size that can be read."""

import ast
import re
from pathlib import PurePosixPath

import pytest

from support.sources import files, python_files, text, tree

SOURCES = ("korproxy_addons", "launcher", "packaging", "certs")
MOST_LINES = 500

UNTESTED: set[str] = set()
"""Source files without a test file of their own; this list may only get shorter."""


BESIDE = {
    "tests/korproxy_addons/gateway/test_internals.py",  # of mitmproxy, not of ours
}
"""Test files of something else than one source file."""


def mirror(source: str) -> str:
    """Where the test of a source file is."""
    path = PurePosixPath("tests", source)
    return str(path.with_name(f"test_{path.stem.strip('_')}.py"))


def does_something(source: str) -> bool:
    """Whether a file has a function; one of names and values alone is tested by who reads them."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
    return any(isinstance(node, functions) for node in ast.walk(tree(source)))


def sources() -> list[str]:
    return [name for name in python_files(*SOURCES) if does_something(name)]


def mirrored() -> list[str]:
    return [
        name
        for name in python_files(*(f"tests/{folder}" for folder in SOURCES))
        if PurePosixPath(name).name.startswith("test_")
    ]


def test_every_source_file_has_its_test_file() -> None:
    lacking = {name for name in sources() if mirror(name) not in files()}
    assert lacking - UNTESTED == set()
    assert UNTESTED - lacking == set(), "no longer an exception: take it out of UNTESTED"


def test_every_test_file_has_its_source_file() -> None:
    known = {mirror(name) for name in python_files(*SOURCES)}
    assert [name for name in mirrored() if name not in known | BESIDE] == []


def test_every_test_file_has_a_test() -> None:
    assert [name for name in mirrored() if "def test_" not in text(name)] == []


def test_no_file_is_too_long() -> None:
    sizes = {name: text(name).count("\n") for name in python_files()}
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}


def test_only_packages_have_an_init_file() -> None:
    """`packaging` with one would hide PyPI's; in tests it would hide the source's packages."""
    inits = [name for name in python_files() if name.endswith("__init__.py")]
    assert [name for name in inits if not name.startswith(("korproxy_addons/", "launcher/"))] == []
    folders = {str(PurePosixPath(name).parent) for name in python_files(*SOURCES[:2])}
    assert [folder for folder in sorted(folders) if f"{folder}/__init__.py" not in inits] == []


UNWANTED = {
    # written so that this file does not find itself
    "a note of unfinished work": re.compile(r"\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K|WI[P])\b|for n[o]w\b"),
    "a path of one machine": re.compile(
        r"""(?<![\w.}])/(wor[k]|roo[t]|far[m]|home/\w+|Users/\w+)/"""
    ),
}
PROSE = (".md", ".py", ".toml", ".yaml", ".yml", ".json", ".js", ".sh", ".css", ".html", "run")


@pytest.mark.parametrize("what", UNWANTED)
def test_there_is_no(what: str) -> None:
    found = [
        f"{name}:{number}: {line.strip()}"
        for name in files()
        if name.endswith(PROSE)
        for number, line in enumerate(text(name).splitlines(), start=1)
        if UNWANTED[what].search(line)
    ]
    assert found == []


def test_no_test_waits_by_the_clock() -> None:
    """A wait for an event has a time limit; a sleep is a guess."""
    sleeps = re.compile(r"\b(time|asyncio)\.slee[p]\((?!0\))")
    found = [
        f"{name}:{number}"
        for name in python_files("tests")
        for number, line in enumerate(text(name).splitlines(), start=1)
        if sleeps.search(line)
    ]
    assert found == []
