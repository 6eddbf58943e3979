"""The validator of shapes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.simulator.wire.shape import (
    Any_,
    Bool,
    Int,
    Items,
    Null,
    Num,
    Obj,
    OneOf,
    Problem,
    Shape,
    Str,
    Tagged,
    check,
    word_for,
)

SHAPE = Obj(
    {
        "name": Str(least=1),
        "kind": Str(("a", "b")),
        "count": Int(1, 9),
        "part": Num(0, 1),
        "flag": OneOf((Bool(), Null())),
        "items": Items(Tagged("type", {"x": Obj({"type": Str(), "n": Int()}, ("n",))}, prefixes={"v_": Obj(open=True)}), 1, 2),
        "free": Any_(),
    },
    ("name",),
)  # fmt: skip


def kinds(value: object, shape: Shape = SHAPE) -> list[tuple[str, str]]:
    return [(".".join(str(step) for step in p.path), p.kind) for p in check(value, shape)]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, []),
        ({"free": [{}], "flag": None, "count": 9, "part": 1, "kind": "b"}, []),
        ({"items": [{"type": "x", "n": 1}, {"type": "v_7", "anything": 1}]}, []),
        ({"other": 1}, [("other", "extra")]),
        ({"name": ""}, [("name", "short")]),
        ({"name": 1}, [("name", "type")]),
        ({"kind": "c"}, [("kind", "choice")]),
        ({"count": 0}, [("count", "small")]),
        ({"count": 10}, [("count", "large")]),
        ({"count": True}, [("count", "type")]),
        ({"part": 1.5}, [("part", "large")]),
        ({"flag": 0}, [("flag", "type")]),
        ({"items": []}, [("items", "short")]),
        ({"items": {}}, [("items", "type")]),
        ({"items": [{"type": "x"}]}, [("items.0.n", "missing")]),
        ({"items": [{"n": 1}]}, [("items.0.type", "missing")]),
        ({"items": [{"type": "y"}]}, [("items.0", "tag")]),
        ({"items": [{"type": "v_1"}] * 3}, [("items", "long")]),
    ],
)
def test_each_kind_of_problem(fields: dict[str, object], expected: list[tuple[str, str]]) -> None:
    assert kinds({"name": "n", **fields}) == expected


def test_what_is_missing_comes_first() -> None:
    assert kinds({"other": 1}) == [("name", "missing"), ("other", "extra")]
    assert kinds([]) == [("", "type")]


def test_a_default_variant_needs_no_tag() -> None:
    shape = Tagged("type", {"x": Obj({"n": Int()})}, default="x")
    assert kinds({"n": 1}, shape) == []
    assert kinds({"m": 1}, shape) == [("m", "extra")]


def test_a_union_of_objects_is_judged_by_the_type_that_fits() -> None:
    shape = OneOf((Str(), Items(Int())))
    assert list(check([1, "a"], shape)) == [Problem((1,), "type", "integer", "a")]
    assert next(iter(check({}, shape))).detail == "string or array"


def test_words_for_types() -> None:
    assert [
        word_for(each) for each in (Str(), Int(), Num(), Bool(), Null(), Obj(), Items(Str()))
    ] == [
        "string",
        "integer",
        "number",
        "boolean",
        "null",
        "object",
        "array",
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(JSON)
def test_no_json_makes_it_raise(value: object) -> None:
    list(check(value, SHAPE))
    assert list(check(value, Any_())) == []
