import json
from typing import Any

from msgspec import Raw

from korproxy_addons.dialects.gemini.fit import fitted_answer, fitted_parameters
from korproxy_addons.dialects.losses import Losses
from launcher.simulator.wire import gemini_rules


def fitted(schema: Any) -> tuple[dict[str, Any] | None, list[str]]:
    losses = Losses()
    wire = fitted_parameters(Raw(json.dumps(schema).encode()), "read", losses)
    if wire is not None:
        body = {
            "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
            "tools": [{"functionDeclarations": [{"name": "read", "parameters": wire}]}],
        }
        assert gemini_rules.problem(body, "gemini-3.8-flash", code_assist=True) is None
    return wire, [str(loss) for loss in losses.all()]


def properties(**schemas: Any) -> dict[str, Any]:
    wire, _ = fitted({"type": "object", "properties": schemas})
    assert wire is not None
    found: dict[str, Any] = wire["properties"]
    return found


def test_t20_unknown_keywords_go_and_are_listed() -> None:
    wire, losses = fitted(
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "$id": "x",
            "type": "object",
            "additionalProperties": False,
            "properties": {"n": {"type": "integer", "exclusiveMinimum": 0, "x-vendor": 1}},
            "patternProperties": {"^a": {}},
            "required": ["n"],
        }
    )
    assert wire is not None
    assert set(wire) == {"type", "properties", "required", "description"}
    assert wire["properties"]["n"]["type"] == "integer"
    assert "exclusiveMinimum" in wire["properties"]["n"]["description"]  # T26
    assert losses == [
        (
            "schema: tool read: $id, $schema, additionalProperties, exclusiveMinimum,"
            " patternProperties, x-vendor"
        )
    ]


def test_t21_property_names_are_no_keywords() -> None:
    found = properties(
        title={"type": "string"}, const={"type": "string"}, properties={"type": "object"}
    )
    assert set(found) == {"title", "const", "properties"}


def test_t22_references_are_inlined_and_cycles_cut() -> None:
    wire, _ = fitted(
        {
            "type": "object",
            "properties": {"node": {"$ref": "#/$defs/Node", "description": "root"}},
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {"next": {"$ref": "#/$defs/Node"}, "v": {"type": "string"}},
                }
            },
        }
    )
    assert wire is not None
    node = wire["properties"]["node"]
    assert node["description"] == "root"
    assert node["properties"]["v"] == {"type": "string"}
    assert node["properties"]["next"]["type"] == "object"


def test_t23_null_becomes_nullable() -> None:
    found = properties(
        a={"type": ["string", "null"]},
        b={"anyOf": [{"type": "integer"}, {"type": "null", "description": "none"}]},
    )
    assert found["a"] == {"type": "string", "nullable": True}
    assert found["b"] == {"type": "integer", "nullable": True}


def test_t24_enums_are_strings_on_strings() -> None:
    found = properties(
        n={"type": "integer", "enum": [1, 2]}, c={"const": "x"}, s={"enum": ["a", "b"]}
    )
    assert "enum" not in found["n"]
    assert "1" in found["n"]["description"]
    assert found["c"] == {"enum": ["x"], "type": "string"}
    assert found["s"]["type"] == "string"


def test_t25_arrays_say_their_items_and_required_names_exist() -> None:
    wire, _ = fitted(
        {
            "type": "object",
            "properties": {"a": {"type": "array"}},
            "required": ["a", "gone"],
        }
    )
    assert wire is not None
    assert "items" in wire["properties"]["a"]
    assert wire["required"] == ["a"]


def test_a_tool_without_parameters_has_none() -> None:
    assert fitted({"type": "object", "properties": {}})[0] is None
    assert fitted({"type": "string"})[0] is None


def test_t132_an_answers_schema_is_fitted_too() -> None:
    losses = Losses()
    schema = Raw(b'{"type":"array","items":{"type":["string","null"]},"uniqueItems":true}')
    wire = fitted_answer(schema, losses)
    assert wire["items"] == {"type": "string", "nullable": True}
    assert "uniqueItems" not in wire
    assert [loss.detail for loss in losses.all()] == ["answer: uniqueItems"]
