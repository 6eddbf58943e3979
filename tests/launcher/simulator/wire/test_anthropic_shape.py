"""Bodies as data: Anthropic."""

from launcher.simulator.wire.anthropic_shape import (
    BETA_FIELDS,
    BLOCKS,
    COUNT_REQUEST,
    REQUEST,
    TOOLS,
)
from launcher.simulator.wire.shape import check


def test_every_block_knows_its_type_and_takes_no_other_field() -> None:
    for name, shape in BLOCKS.variants.items():
        assert "type" in shape.fields, name
        assert [
            p.kind for p in check({"type": name, "nonsense": 1}, shape) if p.path == ("nonsense",)
        ] == ["extra"]


def test_thinking_takes_no_cache_marker_and_text_does() -> None:
    marker = {"cache_control": {"type": "ephemeral"}}
    assert list(check({"type": "text", "text": "x", **marker}, BLOCKS)) == []
    thinking = {"type": "thinking", "thinking": "x", "signature": "y", **marker}
    assert [p.path for p in check(thinking, BLOCKS)] == [("cache_control",)]


def test_a_versioned_tool_needs_no_schema() -> None:
    assert list(check({"type": "bash_20250124", "name": "bash"}, TOOLS)) == []
    assert [p.path for p in check({"name": "bash"}, TOOLS)] == [("input_schema",)]


def test_counting_takes_less_than_generating() -> None:
    assert set(COUNT_REQUEST.fields) < set(REQUEST.fields)
    assert set(BETA_FIELDS) - set(REQUEST.fields) == set(BETA_FIELDS) - {"messages"}
