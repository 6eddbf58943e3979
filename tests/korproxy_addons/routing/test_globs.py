"""Patterns: `*`, `?`, and nothing else."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.routing.globs import matcher

SIGNS = st.text("aB*?[].-", max_size=8)


def naive(pattern: str, text: str) -> bool:
    """A pattern by its definition, sign by sign."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return naive(pattern[1:], text) or (bool(text) and naive(pattern, text[1:]))
    if not text or (pattern[0] != "?" and pattern[0].lower() != text[0].lower()):
        return False
    return naive(pattern[1:], text[1:])


@pytest.mark.parametrize(
    ("patterns", "text", "fits"),
    [
        (["claude-*"], "Claude-Opus-5", True),
        (["claude-*"], "my-claude-opus", False),
        (["gpt-?", "x"], "gpt-5", True),
        (["gpt-?"], "gpt-55", False),
        (["opus[1m]"], "opus[1m]", True),
        (["opus[1m]*"], "opus[1m]-x", True),
        (["opus[1m]*"], "opus1", False),
        ([], "", False),
        ([""], "", True),
    ],
)
def test_examples(patterns: list[str], text: str, fits: bool) -> None:
    assert matcher(patterns)(text) is fits


@given(st.lists(SIGNS, max_size=3), SIGNS)
def test_it_agrees_with_the_definition(patterns: list[str], text: str) -> None:
    assert matcher(patterns)(text) == any(naive(it, text) for it in patterns)


def test_a_pattern_with_many_stars_takes_no_time_on_a_long_text() -> None:
    fits = matcher(["*a*a*a*a*a*a*a*a*a*a*b"])
    started_s = time.thread_time()
    assert not fits("a" * 5000)
    assert time.thread_time() - started_s < 1
