import msgspec
import pytest
from msgspec import Raw

from korproxy_addons.dialects.schema import (
    is_closed,
    items,
    members,
    object_schema,
    parsed,
    strings,
)


@pytest.mark.parametrize(
    "schema", [None, Raw(b"null"), Raw(b"{}"), Raw(b"[]"), Raw(b"{"), Raw(b"1")]
)
def test_a_tool_without_parameters_gets_an_object(schema: Raw | None) -> None:
    """T27."""
    found = msgspec.json.decode(object_schema(schema))
    assert found == {"type": "object", "properties": {}}


def test_a_schema_that_is_whole_keeps_its_bytes() -> None:
    """T93, T179."""
    schema = Raw(b'{ "properties":{"a":{"minimum":1.0}}, "type" : "object" }')
    assert object_schema(schema) is schema


def test_what_an_object_schema_has_is_kept() -> None:
    found = msgspec.json.decode(object_schema(Raw(b'{"properties":{"a":{}},"required":["a"]}')))
    assert found == {"type": "object", "properties": {"a": {}}, "required": ["a"]}


@pytest.mark.parametrize(
    ("schema", "closed"),
    [
        (
            '{"type":"object","properties":{"a":{}},"required":["a"],"additionalProperties":false}',
            True,
        ),
        ('{"type":"object","properties":{"a":{}},"additionalProperties":false}', False),
        ('{"type":"object","properties":{"a":{}},"required":["a"]}', False),
        ('{"type":"object"}', False),
        ('{"type":"array","items":{"type":"object"}}', False),
        ('{"anyOf":[{"type":"string"},{"type":"object"}]}', False),
        ('{"$defs":{"x":{"type":"object"}}}', False),
        ('{"type":"string"}', True),
    ],
)
def test_strict_mode_needs_closed_objects(schema: str, closed: bool) -> None:
    """T28, at every level."""
    assert closed is is_closed(Raw(schema.encode()))


def test_a_schema_without_end_is_not_closed() -> None:
    deep = '{"type":"array","items":' * 100 + "{}" + "}" * 100
    assert not is_closed(Raw(deep.encode()))


def test_values_of_other_types_read_as_nothing() -> None:
    assert (members([1]), items({}), strings(["a", 1]), parsed(Raw(b'"x"'))) == ({}, [], ["a"], {})
