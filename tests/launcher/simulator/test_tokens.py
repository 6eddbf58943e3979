"""Four characters are one token."""

from hypothesis import given
from hypothesis import strategies as st

from launcher.simulator.tokens import MEDIA_TOKENS, tokens_of_json, tokens_of_text


@given(st.text())
def test_text(text: str) -> None:
    assert tokens_of_text(text) * 4 - len(text) in range(4)


def test_names_and_values_count() -> None:
    assert tokens_of_json([{"role": "user", "n": 12, "none": None}]) == (4 + 4 + 1 + 2 + 4 + 3) // 4


def test_a_picture_costs_the_same_whatever_its_size() -> None:
    small, large = ({"data": "x" * size} for size in (300, 300_000))
    assert tokens_of_json([small]) == tokens_of_json([large]) == MEDIA_TOKENS + 1
    assert tokens_of_json([{"data": "x" * 8}]) == 3
    assert tokens_of_json([{"text": "x" * 300}]) == 76
