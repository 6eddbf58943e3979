"""Google's Schema (types in capitals, `nullable`, ordering) to JSON Schema."""

from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.gemini.wire import camel
from korproxy_addons.dialects.schema import DEPTH_LIMIT, Schema, items, parsed

_SNAKE: Final = frozenset(
    {
        "any_of", "min_items", "max_items", "min_length", "max_length", "min_properties",
        "max_properties", "property_ordering", "additional_properties", "prefix_items", "one_of",
        "all_of",
    }
)  # fmt: skip
_COUNTS: Final = frozenset(
    {"minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties"}
)
_DATA: Final = frozenset({"enum", "const", "default", "example", "examples"})
_BRANCHES: Final = frozenset({"anyOf", "oneOf", "allOf", "prefixItems"})
_NAMED: Final = frozenset({"properties", "$defs", "definitions"})


def json_schema(schema: Raw) -> Raw:
    """The schema as JSON Schema; one that is JSON Schema already stays the same bytes."""
    source = parsed(schema)
    converted = _node(source, 0)
    return schema if converted == source else Raw(msgspec.json.encode(converted))


def _node(source: Any, depth: int) -> Any:
    if not isinstance(source, dict) or depth > DEPTH_LIMIT:
        return source
    node: Schema = {}
    for name, value in source.items():
        key = camel(name) if name in _SNAKE else name
        if key == "propertyOrdering" or (value is None and key not in _DATA):
            continue
        if key == "type":
            kind = _kind(value)
            if kind:
                node[key] = kind
        elif key in _NAMED and isinstance(value, dict):
            node[key] = {each: _node(child, depth + 1) for each, child in value.items()}
        elif key in _BRANCHES:
            node[key] = [_node(child, depth + 1) for child in items(value)]
        elif key in {"items", "additionalProperties", "not"}:
            node[key] = _node(value, depth + 1)
        elif key in _COUNTS and isinstance(value, str) and value.isdecimal() and len(value) < 19:
            node[key] = int(value)  # protobuf writes long integers as strings
        else:
            node[key] = value
    if node.pop("nullable", False) is True:
        _allow_null(node)
    return node


def _kind(value: Any) -> Any:
    if isinstance(value, list):
        return [_kind(each) for each in value]
    if not isinstance(value, str):
        return value
    return "" if value == "TYPE_UNSPECIFIED" else value.lower()


def _allow_null(node: Schema) -> None:
    if isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list) and None not in node["enum"]:
            node["enum"] = [*node["enum"], None]
    elif isinstance(node.get("anyOf"), list):
        node["anyOf"] = [*node["anyOf"], {"type": "null"}]
