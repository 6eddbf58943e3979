import itertools
import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.custom import InputReader, as_arguments, as_function
from korproxy_addons.dialects.model import CustomTool


def read(pieces: list[str]) -> tuple[str, str]:
    """What came while streaming, and in all."""
    reader = InputReader()
    early = "".join(reader.feed(piece) for piece in pieces)
    return early, early + reader.close()


@given(st.text(), st.booleans(), st.lists(st.integers(0, 300), max_size=9))
def test_a_raw_input_streams_out_however_it_is_cut(
    raw: str, ascii_only: bool, cuts: list[int]
) -> None:
    """T140: escapes, and halves of a pair, split over deltas."""
    text = json.dumps({"input": raw}, ensure_ascii=ascii_only)
    edges = [0, *sorted(cut % (len(text) + 1) for cut in cuts), len(text)]
    pieces = [text[a:b] for a, b in itertools.pairwise(edges)]
    assert (raw, raw) == read(pieces)


@given(st.text())
def test_our_own_wrapping_is_unwrapped(raw: str) -> None:
    assert (raw, raw) == read(list(as_arguments(raw)))


def test_text_is_told_before_the_arguments_are_over() -> None:
    reader = InputReader()
    assert [reader.feed(p) for p in ('{ "input" : "', "ab", 'c\\n"')] == ["", "ab", "c\n"]
    assert [reader.feed("}"), reader.close()] == ["", ""]


@pytest.mark.parametrize(
    ("arguments", "raw"),
    [
        ('{"why":"x","input":"go"}', "go"),
        ("{}", ""),
        ("plain words", "plain words"),
        ('{"patch":"x"}', '{"patch":"x"}'),
        (r'{"input":"a\qb and more"}', r"a\qb and more"),
        (r'{"input":"cut \u12', r"cut \u12"),
    ],
)
def test_arguments_of_another_form_are_given_at_the_end(arguments: str, raw: str) -> None:
    assert raw == read([arguments])[1]


@given(st.text(st.sampled_from('{}"input:\\uda8 e0'), max_size=60))
def test_nothing_a_model_writes_breaks_the_reader(text: str) -> None:
    read(list(text))


@pytest.mark.parametrize(
    "form",
    [
        b'{"type":"grammar","syntax":"lark","definition":"start: x"}',
        b'{"type":"grammar","grammar":{"syntax":"lark","definition":"start: x"}}',
    ],
)
def test_a_custom_tool_becomes_a_function_that_says_its_grammar(form: bytes) -> None:
    """T139; flat in Responses, nested in Chat (T142)."""
    tool = as_function(CustomTool("patch", "Edits.", Raw(form)))
    assert tool.description == "Edits.\n\n`input` must match this lark:\nstart: x"
    assert tool.schema is not None
    schema = msgspec.json.decode(tool.schema)
    assert ["input"] == schema["required"] == list(schema["properties"])


@pytest.mark.parametrize("form", [None, Raw(b'{"type":"text"}'), Raw(b"7")])
def test_a_free_text_tool_says_nothing_of_a_grammar(form: Raw | None) -> None:
    assert as_function(CustomTool("p", "Edits.", form)).description == "Edits."
