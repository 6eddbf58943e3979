"""Arguments nobody scripted fit the schema."""

from typing import Any

import pytest

from launcher.simulator.arguments import fitting


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        (None, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}}}, {}),
        (
            {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]},
            {"path": "a.py"},
        ),
        (
            {
                "type": "OBJECT",
                "required": ["n"],
                "properties": {"n": {"type": "INTEGER", "minimum": 3}},
            },
            {"n": 3},
        ),
        ({"required": ["k"], "properties": {"k": {"enum": ["x", "y"]}}}, {"k": "x"}),
        ({"required": ["k"], "properties": {"k": {"const": 5}}}, {"k": 5}),
        ({"required": ["k"], "properties": {"k": {"type": ["null", "boolean"]}}}, {"k": False}),
        ({"required": ["k"], "properties": {"k": {"anyOf": [{"type": "number"}, {}]}}}, {"k": 1}),
        ({"required": ["k"], "properties": {"k": {"type": "null"}}}, {"k": None}),
        (
            {
                "required": ["k"],
                "properties": {"k": {"type": "array", "items": {"type": "string"}}},
            },
            {"k": ["kor"]},
        ),
        (
            {"required": ["k"], "properties": {"k": {"type": "string", "minLength": 5}}},
            {"k": "korxx"},
        ),
        (
            {
                "required": ["k"],
                "properties": {"k": {"$ref": "#/$defs/a~1b"}},
                "$defs": {"a/b": {"const": 1}},
            },
            {"k": 1},
        ),
        ({"required": ["k"]}, {"k": "kor"}),
    ],
)
def test_a_value_fits(schema: Any, value: Any) -> None:
    assert fitting(schema) == value


def test_a_schema_that_contains_itself_ends() -> None:
    schema = {"required": ["next"], "properties": {"next": {"$ref": "#"}}}
    assert fitting(schema)["next"]["next"] is not None
