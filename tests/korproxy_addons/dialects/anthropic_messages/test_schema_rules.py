import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.anthropic_messages.schema_rules import input_schema, strict_schema
from korproxy_addons.dialects.losses import Losses


def raw(schema: Any) -> Raw:
    return Raw(json.dumps(schema).encode())


@pytest.mark.parametrize("schema", [None, raw({}), raw(True), raw(None), raw([1])])
def test_t27_there_is_always_an_object(schema: Raw | None) -> None:
    assert json.loads(bytes(input_schema(schema))) == {"type": "object", "properties": {}}


def test_t21_a_schema_of_an_object_keeps_its_bytes() -> None:
    schema = Raw(b'{ "type":"object", "properties":{"title":{"const":1.0}}, "$schema":"x" }')
    assert bytes(input_schema(schema)) == bytes(schema)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (
            {"properties": {"a": {}}},
            {"type": "object", "properties": {"a": {}}},
        ),
        (
            {
                "type": "object",
                "required": ["z"],
                "anyOf": [
                    {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                    {"properties": {"b": {}}},
                ],
            },
            {"type": "object", "properties": {"b": {}, "a": {"type": "string"}}, "required": ["z"]},
        ),
        (
            {"allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"required": ["b", "a"]}]},
            {"type": "object", "properties": {"a": {}}, "required": ["a", "b"]},
        ),
        (
            {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {"a": {}}}}},
            {
                "type": "object",
                "properties": {"a": {}},
                "$defs": {"A": {"type": "object", "properties": {"a": {}}}},
            },
        ),
    ],
)
def test_a_root_of_another_form_becomes_an_object(
    schema: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert json.loads(bytes(input_schema(raw(schema)))) == expected


def strict(schema: Any, *, tool: bool = False) -> tuple[Any, list[str]]:
    losses = Losses()
    found = json.loads(bytes(strict_schema(raw(schema), losses, tool=tool)))
    return found, [str(loss) for loss in losses.all()]


def test_t133_limits_move_to_the_description_and_objects_are_closed() -> None:
    found, lost = strict(
        {
            "type": "object",
            "properties": {
                "n": {"type": "integer", "minimum": 3},
                "list": {"type": "array", "items": {"type": "object", "properties": {}}},
                "minimum": {"type": "string", "format": "uuid"},
            },
            "required": ["n"],
        }
    )
    assert found == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "description": "minimum: 3"},
            "list": {
                "type": "array",
                "items": {"type": "object", "properties": {}, "additionalProperties": False},
            },
            "minimum": {"type": "string", "format": "uuid"},
        },
        "required": ["n"],
        "additionalProperties": False,
    }
    assert lost == ["schema: as words only: minimum"]


def test_references_stay_and_what_they_name_is_closed() -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/A"}},
        "$defs": {"A": {"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}},
    }
    found, lost = strict(schema)
    assert found["properties"]["a"] == {"$ref": "#/$defs/A"}
    assert found["$defs"]["A"]["additionalProperties"] is False
    assert lost == []


@pytest.mark.parametrize("value", [True, {"type": "string"}])
def test_objects_with_free_keys_are_a_loss(value: Any) -> None:
    found, lost = strict({"type": "object", "additionalProperties": value})
    assert found["additionalProperties"] is False
    assert lost == ["schema: objects with keys of any name were closed"]


def test_a_strict_tool_has_an_object_at_its_root() -> None:
    assert strict({"type": "string"})[0] == {"type": "string"}
    assert strict({}, tool=True)[0]["type"] == "object"
    assert strict({})[0]["type"] == "object"
