"""JSON Schema to the subset that Google's `Schema` message knows (T20 - T26)."""

from typing import Any, Final

from msgspec import Raw

from korproxy_addons.dialects.losses import Feature, Losses
from korproxy_addons.dialects.schema_fit import SchemaRules, fitted

# `pattern` and the lengths are in the message, too, but not every server behind it takes them: they are
# said in the description.
RULES: Final = SchemaRules(
    keys=frozenset(
        {
            "type", "format", "title", "description", "nullable", "enum", "items", "properties",
            "required", "minItems", "maxItems", "minimum", "maximum", "anyOf", "propertyOrdering",
        }
    ),
    formats=frozenset({"enum", "date-time", "float", "double", "int32", "int64"}),
    one_type=True,
    string_enums=True,
    items_needed=True,
    type_needed=True,
)  # fmt: skip


def fitted_parameters(schema: Raw, tool: str, losses: Losses) -> dict[str, Any] | None:
    """A tool's `parameters`: always an object, and None where it would have no properties (T25)."""
    wire = _fitted(schema, f"tool {tool}", losses)
    if wire.get("type") != "object" or not wire.get("properties"):
        return None
    return wire


def fitted_answer(schema: Raw, losses: Losses) -> dict[str, Any]:
    """A `responseSchema` (T132)."""
    return _fitted(schema, "answer", losses)


def _fitted(schema: Raw, whose: str, losses: Losses) -> dict[str, Any]:
    wire, removed = fitted(schema, RULES)
    if removed:
        losses.add(Feature.SCHEMA, f"{whose}: {', '.join(sorted(removed))}")
    return wire
