"""
What the Messages API takes of a JSON schema.

For the arguments of a tool nearly all, but the root must be an object without combinations. For strict tools and for
the form of an answer a subset (Anthropic's documentation, structured outputs; T133).
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec import Raw

from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.schema import Schema, items, members, parsed, strings
from korproxy_addons.dialects.schema_fit import SchemaRules, fitted

_COMBINATIONS: Final = ("anyOf", "oneOf", "allOf")
_STRICT: Final = SchemaRules(
    keys=frozenset(
        {
            "type", "properties", "required", "additionalProperties", "items", "enum", "const",
            "anyOf", "allOf", "$ref", "$defs", "definitions", "title", "description", "default",
            "format",
        }
    ),
    formats=frozenset(
        {
            "date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6",
            "uuid",
        }
    ),
    inline=False,
)  # fmt: skip
_EMPTY: Final = Raw(b'{"type":"object","properties":{}}')
_DEPTH_LIMIT: Final = 64


def input_schema(schema: Raw | None) -> Raw:
    """The schema of a tool's arguments: as it is where its root is an object (T27)."""
    root = parsed(schema)
    if schema is None or not root:
        return _EMPTY
    if root.get("type") == "object" and not any(word in root for word in _COMBINATIONS):
        return schema
    return Raw(msgspec.json.encode(_object_root(root)))


def strict_schema(schema: Raw | None, losses: Losses, *, tool: bool) -> Raw:
    """A schema that answers or arguments must keep to; limits that have no keyword go into descriptions."""
    fit, removed = fitted(schema, _STRICT)
    open_objects = _close(fit, 0)
    if removed:
        losses.add(Feature.SCHEMA, "as words only: " + ", ".join(removed))
    if open_objects:
        losses.add(Feature.SCHEMA, "objects with keys of any name were closed")
    if tool or not fit:
        fit = _object_root(fit)
    return Raw(msgspec.json.encode(fit))


def _object_root(root: Schema) -> Schema:
    """The root as an object: what its branches say, joined."""
    root = dict(root)
    reference = root.pop("$ref", None)
    if isinstance(reference, str):
        word = reference.rpartition("/")[2]
        target = members(root.get("$defs")).get(word) or members(root.get("definitions")).get(word)
        root = {**members(target), **root}
    properties: dict[str, Any] = dict(members(root.get("properties")))
    required = strings(root.get("required"))
    for word in _COMBINATIONS:
        for branch in items(root.pop(word, None)):
            properties = {**members(members(branch).get("properties")), **properties}
            if word == "allOf":
                required += strings(members(branch).get("required"))
    root |= {"type": "object", "properties": properties}
    if required:
        root["required"] = list(dict.fromkeys(required))
    return root


def _close(node: Any, depth: int) -> bool:
    """Close every object in place; whether one of them took keys of any name."""
    if not isinstance(node, dict) or depth > _DEPTH_LIMIT:
        return False
    found = False
    if node.get("type") == "object" or "properties" in node:
        found = node.get("additionalProperties") not in {None, False} if _plain(node) else True
        node["additionalProperties"] = False
    below = [node.get("items"), *members(node.get("properties")).values()]
    for word in ("$defs", "definitions"):
        below += members(node.get(word)).values()
    for word in _COMBINATIONS:
        below += items(node.get(word))
    for child in below:
        found = _close(child, depth + 1) or found
    return found


def _plain(node: Mapping[str, Any]) -> bool:
    """Whether `additionalProperties` is no schema."""
    return not isinstance(node.get("additionalProperties"), dict)
