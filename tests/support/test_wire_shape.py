"""Shapes of recorded traffic."""

from support.wire_shape import Names, framings, objects, payloads, run_lengths_left_out


def test_framing_keeps_line_ends_and_drops_values() -> None:
    assert framings('event: a\ndata: {"x": 1}\n\nevent: b\ndata: {"y": "}"}\n\n') == {
        "event: E\ndata: J\n\n"
    }
    assert framings('data: {"x": 1}\r\n\r\ndata: {"x": 2}\r\n\r\n') == {"data: J\r\n\r\n"}


def test_kinds_are_told_apart_by_place_and_type() -> None:
    value = {"type": "a", "part": {"type": "b", "n": 1}, "input": {"any": {}}}
    assert list(objects(value)) == [(":a", ("type", "part", "input")), (":a.part:b", ("type", "n"))]


def test_another_order_is_strange_only_where_the_order_is_known() -> None:
    names = Names()
    names.learn({"a": 1, "b": 2}, faithful=False)
    assert names.strange({"b": 1, "a": 1}) == {}
    names.learn({"a": 1, "b": 2}, faithful=True)
    assert names.strange({"b": 1, "a": 1}) == {"": ("b", "a")}


def test_runs_are_folded() -> None:
    assert run_lengths_left_out("abbbcb") == ("a", "b", "c", "b")


def test_payloads_of_a_stream() -> None:
    assert payloads('data: {"a":1}\r\n\r\n: comment\ndata: [DONE]\n\n') == [{"a": 1}]
