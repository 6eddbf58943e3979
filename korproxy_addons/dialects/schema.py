"""Reads JSON schemas of tools and answers; `schema_fit.py` fits them to a target."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

type Schema = dict[str, Any]

DEPTH_LIMIT: Final = 64

_ANY: Final = msgspec.json.Decoder()


def object_schema(schema: Raw | None) -> Raw:
    """The schema of a tool's arguments, for targets that need one: `type` and `properties` added (T27)."""
    value = parsed(schema)
    if value.get("type") == "object" and "properties" in value and schema is not None:
        return schema
    return Raw(
        msgspec.json.encode(
            {**value, "type": "object", "properties": value.get("properties") or {}}
        )
    )


def parsed(schema: Raw | None) -> Schema:
    """The schema as a dict; {} for none, and for what is no object."""
    if schema is None:
        return {}
    try:
        value = _ANY.decode(schema)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def is_closed(schema: Raw | None) -> bool:
    """Whether OpenAI's strict mode takes it: every object closed, all its properties required (T28)."""
    return _closed(parsed(schema), 0)


def _closed(node: Any, depth: int) -> bool:
    if not isinstance(node, dict):
        return True
    if depth > DEPTH_LIMIT:
        return False
    properties = members(node.get("properties"))
    if properties or node.get("type") == "object":
        if node.get("additionalProperties") is not False:
            return False
        if set(properties) != set(strings(node.get("required"))):
            return False
    below = [*properties.values(), *members(node.get("$defs")).values(), node.get("items")]
    below += items(node.get("anyOf"))
    return all(_closed(child, depth + 1) for child in below)


def members(value: Any) -> Mapping[str, Any]:
    """The value if it is an object, else nothing."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """The value if it is a list, else nothing."""
    return value if isinstance(value, list) else []


def strings(value: Any) -> list[str]:
    """The strings of a list; nothing for other values."""
    return [word for word in items(value) if isinstance(word, str)]
