from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.recording.spans import MASK, Span, joined, without


def test_a_text_without_spans_is_the_same_object() -> None:
    text = "nothing in here"
    assert without(text, ()) is text


@pytest.mark.parametrize(
    ("spans", "left"),
    [
        ([Span(0, 2)], f"{MASK}cdef"),
        ([Span(4, 6)], f"abcd{MASK}"),
        ([Span(1, 3), Span(3, 5)], f"a{MASK}f"),
        ([Span(2, 4), Span(0, 6)], MASK),
        ([Span(0, 1), Span(2, 3)], f"{MASK}b{MASK}def"),
        ([Span(2, 2)], "abcdef"),
        ([Span(1, 3, "")], "adef"),
        ([Span(1, 3, ""), Span(2, 4)], f"a{MASK}ef"),
        ([Span(1, 3, "[e-mail]"), Span(2, 4, "")], "a[e-mail]ef"),
        ([Span(1, 3, "[e-mail]"), Span(2, 4)], f"a{MASK}ef"),
    ],
)
def test_what_stands_there_goes_out(spans: list[Span], left: str) -> None:
    """Spans that touch or overlap are one, and the mask that says most stands for them."""
    assert without("abcdef", spans) == left


@given(
    st.text("abc", max_size=30),
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda it: Span(*it)), max_size=6
    ),
)
def test_everything_else_stays(text: str, spans: list[Span]) -> None:
    """Each letter that no span covers is left, in its order; none that one covers is."""
    spans = [it for it in spans if it.end <= len(text)]
    kept = "".join(
        letter
        for place, letter in enumerate(text)
        if not any(it.start <= place < it.end for it in spans)
    )
    assert without(text, spans).replace(MASK, "") == kept
    merged = joined(spans)
    assert all(one.end < other.start for one, other in pairwise(merged))
