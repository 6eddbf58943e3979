import json
from typing import Any

import pytest
from msgspec import Raw

from korproxy_addons.dialects.gemini.google_schema import json_schema


def converted(schema: Any) -> Any:
    return json.loads(bytes(json_schema(Raw(json.dumps(schema).encode()))))


def test_a_schema_that_is_json_schema_keeps_its_bytes() -> None:
    """T93"""
    raw = Raw(b'{ "type":"object", "properties": {"n":{"type":["string","null"]}}, "$defs":{} }')
    assert json_schema(raw) is raw


def test_types_become_words_of_json_schema() -> None:
    assert converted(
        {
            "type": "OBJECT",
            "properties": {
                "at": {"type": "STRING", "format": "date-time", "nullable": True},
                "kind": {"type": "STRING", "enum": ["A", "B"], "nullable": True},
                "all": {"type": "ARRAY", "items": {"type": "INTEGER"}, "min_items": "2"},
                "some": {"any_of": [{"type": "STRING"}, {"type": "NUMBER"}], "nullable": True},
                "what": {"type": "TYPE_UNSPECIFIED", "nullable": True},
            },
            "property_ordering": ["at"],
            "required": ["at"],
            "description": None,
        }
    ) == {
        "type": "object",
        "properties": {
            "at": {"type": ["string", "null"], "format": "date-time"},
            "kind": {"type": ["string", "null"], "enum": ["A", "B", None]},
            "all": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "some": {"anyOf": [{"type": "string"}, {"type": "number"}, {"type": "null"}]},
            "what": {},
        },
        "required": ["at"],
    }


def test_t21_names_and_data_are_no_keywords() -> None:
    schema = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING"},
            "nullable": {"type": "STRING", "enum": ["STRING", "any_of"]},
            "property_ordering": {"type": "STRING", "default": "OBJECT"},
            "any_of": {"type": "STRING"},
        },
    }
    found = converted(schema)
    assert set(found["properties"]) == {"type", "nullable", "property_ordering", "any_of"}
    assert found["properties"]["nullable"]["enum"] == ["STRING", "any_of"]
    assert found["properties"]["property_ordering"]["default"] == "OBJECT"


@pytest.mark.parametrize("raw", [b"[]", b'"x"', b"{}", b'{"type":5}', b'{"items":[1]}'])
def test_what_is_no_schema_stays(raw: bytes) -> None:
    assert json.loads(bytes(json_schema(Raw(raw)))) == json.loads(raw)


def test_a_schema_of_any_depth_is_no_danger() -> None:
    deep = b'{"items":' * 5000 + b"{}" + b"}" * 5000
    assert bytes(json_schema(Raw(deep))) == deep
