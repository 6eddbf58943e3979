from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.schema_fit import NODE_LIMIT, SchemaRules, fitted

KEYS = frozenset({
    "type", "format", "description", "nullable", "enum", "items", "properties", "required", "anyOf",
    "minItems",
})  # fmt: skip
NARROW = SchemaRules(
    keys=KEYS,
    formats=frozenset({"date-time"}),
    one_type=True,
    string_enums=True,
    items_needed=True,
    type_needed=True,
)
OPEN = SchemaRules(keys=KEYS | {"const", "$ref", "$defs", "additionalProperties"}, inline=False)


def narrow(schema: Any) -> Any:
    return fitted(Raw(msgspec.json.encode(schema)), NARROW)[0]


def prop(schema: Any) -> Any:
    return narrow({"type": "object", "properties": {"p": schema}})["properties"]["p"]


def test_unknown_keywords_go_at_every_level_and_are_reported() -> None:
    """T20."""
    schema = {
        "$schema": "x", "type": "object", "x-vendor": 1, "title": "T",
        "properties": {"a": {"type": "array", "items": {"type": "string", "$id": "y"}}},
    }  # fmt: skip
    found, removed = fitted(Raw(msgspec.json.encode(schema)), NARROW)
    assert found == {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string"}}},
    }
    assert {"$schema", "x-vendor", "title", "$id"} == set(removed)


def test_names_and_values_are_never_taken_for_keywords() -> None:
    """T21."""
    names = {"title": {"type": "string"}, "$ref": {"type": "string"}, "const": {"type": "integer"},
             "properties": {"type": "string", "enum": ["title", "$ref"]}}  # fmt: skip
    found = narrow({"type": "object", "properties": names, "required": ["title", "$ref"]})
    assert {"type": "object", "properties": names, "required": ["title", "$ref"]} == found


def test_references_are_inlined_with_their_siblings() -> None:
    """T22."""
    found = narrow(
        {
            "type": "object",
            "properties": {"a": {"$ref": "#/$defs/A~1b", "description": "mine"}},
            "$defs": {"A/b": {"$ref": "#/definitions/B"}},
            "definitions": {"B": {"type": "string", "description": "theirs"}},
        }
    )
    assert found == {
        "type": "object",
        "properties": {"a": {"type": "string", "description": "mine"}},
    }


@pytest.mark.parametrize("target", ["#/$defs/N", "#", "#/$defs/absent", "other.json", "#/$defs/T"])
def test_cycles_and_unknown_references_are_cut(target: str) -> None:
    """T22."""
    schema = {
        "type": "object",
        "properties": {"n": {"$ref": target}},
        "$defs": {
            "N": {"type": "object", "properties": {"next": {"$ref": "#/$defs/N"}}},
            "T": {"$ref": "#/$defs/T"},
        },
    }
    text = msgspec.json.encode(narrow(schema)).decode()
    assert "$ref" not in text
    assert '{"type":"object"}' in text


def test_null_becomes_nullable() -> None:
    """T23."""
    assert prop({"type": ["string", "null"]}) == {"type": "string", "nullable": True}
    assert prop(
        {
            "anyOf": [{"type": "integer"}, {"type": "null", "description": "none"}],
            "description": "d",
        }
    ) == {"type": "integer", "nullable": True, "description": "d"}
    assert prop({"type": ["string", "integer"]}) == {
        "anyOf": [{"type": "string"}, {"type": "integer"}]
    }
    assert narrow(
        {
            "anyOf": [{"$ref": "#/$defs/A"}, {"type": "null"}],
            "$defs": {"A": {"type": "object", "properties": {"x": {"type": "string"}}}},
        }
    ) == {"type": "object", "properties": {"x": {"type": "string"}}, "nullable": True}


def test_enums_hold_strings_only() -> None:
    """T24: others become words in the description."""
    assert prop({"enum": ["a", "b"]}) == {"type": "string", "enum": ["a", "b"]}
    assert prop({"const": "a"}) == {"type": "string", "enum": ["a"]}
    assert prop({"type": "integer", "enum": [1, 2]}) == {
        "type": "integer",
        "description": "enum: [1,2]",
    }
    assert prop({"type": "integer", "const": 3, "description": "n"}) == {
        "type": "integer",
        "description": "n (const: 3)",
    }
    assert prop({"oneOf": [{"const": "a"}, {"const": "b"}]}) == {
        "type": "string",
        "enum": ["a", "b"],
    }
    assert prop({"enum": ["a", None]}) == {"type": "string", "enum": ["a"], "nullable": True}


def test_arrays_have_items_and_required_names_exist() -> None:
    """T25."""
    assert prop({"type": "array"}) == {"type": "array", "items": {"type": "string"}}
    assert prop({"type": "array", "items": [{"type": "integer"}]}) == {
        "type": "array",
        "items": {"type": "integer"},
    }
    assert prop({"properties": {"a": {"type": "string"}}, "required": ["gone"]}) == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
    }


def test_removed_constraints_are_said_in_the_description() -> None:
    """T26."""
    assert prop(
        {
            "type": "string",
            "pattern": "^a+$",
            "minLength": 2,
            "format": "email",
            "description": "A name.",
        }
    ) == {
        "type": "string",
        "description": "A name. (pattern: ^a+$; minLength: 2; format: email)",
    }
    assert prop({"type": "string", "format": "date-time"}) == {
        "type": "string",
        "format": "date-time",
    }


def test_all_of_is_merged() -> None:
    found = narrow(
        {
            "allOf": [
                {"$ref": "#/$defs/A"},
                {"properties": {"b": {"type": "string"}}, "required": ["b"]},
            ],
            "$defs": {
                "A": {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
            },
        }
    )
    assert {k: found[k] for k in ("type", "required")} == {"type": "object", "required": ["b", "a"]}
    assert found["properties"] == {"a": {"type": "integer"}, "b": {"type": "string"}}


@pytest.mark.parametrize("schema", [True, False, {}, {"anyOf": []}, {"anyOf": "x"}, None, 7])
def test_every_node_has_a_type(schema: Any) -> None:
    """T22: an empty node is refused."""
    assert {k: v for k, v in prop(schema).items() if k == "type"} == {"type": "string"}


def test_a_target_that_knows_references_keeps_them() -> None:
    schema = {"$ref": "#/$defs/A", "$defs": {"A": {"type": "string", "title": "T"}}}
    assert fitted(Raw(msgspec.json.encode(schema)), OPEN)[0] == {
        "$ref": "#/$defs/A",
        "$defs": {"A": {"type": "string"}},
    }


def test_references_that_multiply_are_bounded() -> None:
    """Thirty doublings would make a thousand million nodes."""
    definitions: dict[str, Any] = {"d0": {"type": "string"}}
    for n in range(1, 31):
        step = {"$ref": f"#/$defs/d{n - 1}"}
        definitions[f"d{n}"] = {"type": "object", "properties": {"l": step, "r": step}}
    found = narrow({"$ref": "#/$defs/d30", "$defs": definitions})
    assert msgspec.json.encode(found).count(b'"type"') < 3 * NODE_LIMIT


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["string", "null", "#", "#/$defs/a", "x"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from([
            "type", "properties", "items", "anyOf", "oneOf", "allOf", "$ref", "$defs", "enum", "const",
            "required", "description", "format", "minLength", "additionalProperties", "a", "title",
        ]),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


def nodes(schema: dict[str, Any]) -> list[dict[str, Any]]:
    below = [*schema.get("properties", {}).values(), *schema.get("anyOf", [])]
    below += [schema["items"]] if "items" in schema else []
    return [schema, *(node for child in below for node in nodes(child))]


@given(JSON)
def test_whatever_comes_in_what_comes_out_obeys_the_rules(schema: Any) -> None:
    root = narrow(schema)
    for node in nodes(root):
        assert set(node) <= KEYS
        assert "type" in node or node["anyOf"]
        assert not isinstance(node.get("type"), list)
        assert all(isinstance(word, str) for word in node.get("enum", []))
        assert node.get("type") != "array" or "items" in node
        assert set(node.get("required", [])) <= set(node.get("properties", {}))
