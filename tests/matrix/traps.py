"""Which tests stand for which trap of the dialects: those that carry its number, and those named here."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

from support.needs import ROOT

TESTS = ROOT / "tests"
# There is no T19.
TRAPS = frozenset(range(1, 183)) - {19}

_NOQA = re.compile(r"# noqa: [A-Z0-9, ]+")
_IN_NAME = re.compile(r"(?<=_)t(\d{1,3})(?=_|$)")
_IN_WORDS = re.compile(r"\bT(\d{1,3})\b")
_RANGE = re.compile(r"\bT(\d{1,3}) ?(?:-|–|to) ?T(\d{1,3})\b")


def numbers_in(name: str, words: str) -> set[int]:
    """The traps that a test's name and text carry."""
    found = {int(number) for number in _IN_NAME.findall(name)}
    words = _NOQA.sub("", words)
    found |= {int(number) for number in _IN_WORDS.findall(words)}
    for first, last in _RANGE.findall(words):
        found.update(range(int(first), int(last) + 1))
    return found


def tests_in(path: Path) -> dict[str, set[int]]:
    """Each test of a file, and the traps that its name, its docstring or a comment in it names."""
    text = path.read_text(encoding="utf-8")
    found: dict[str, set[int]] = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith(
            "test"
        ):
            found[node.name] = numbers_in(node.name, ast.get_source_segment(text, node) or "")
    return found


@cache
def tests_by_trap() -> dict[int, list[str]]:
    """For each trap the tests that name it, as path::name."""
    found: dict[int, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, numbers in tests_in(path).items():
            for number in numbers:
                found[number].append(f"{path.relative_to(TESTS).as_posix()}::{name}")
    return dict(found)


_PATHS = "korproxy_addons/routing/test_paths.py"
# Traps whose tests stand outside the dialects and carry other names: what the gateway, its routes and its transport do.
SHOWN_BY: dict[int, tuple[str, ...]] = {
    # frame by frame, not compressed, never buffered whole
    156: (
        "e2e/test_client_rules_streams.py::test_rule_6_a_stream_says_that_it_is_one",
        "e2e/test_client_rules.py::test_rule_14_nothing_is_compressed_unless_asked",
    ),
    # who leaves is noticed, and the upstream's reply is given up
    162: (
        "korproxy_addons/gateway/test_layer.py::test_a_client_that_leaves_is_noticed_at_once",
        "korproxy_addons/io/test_upstream_reply.py::test_an_aborted_reply_frees_the_upstream",
    ),
    # keys in every place, versions once or twice, and no client's key upstream
    175: (
        "e2e/test_client_rules.py::test_rule_1_a_key_is_taken_in_every_place_on_every_route",
        f"{_PATHS}::test_a_base_url_works_with_its_version_without_it_and_with_it_twice",
        "e2e/test_credentials.py::test_each_address_hears_its_own_accounts_key",
    ),
}
