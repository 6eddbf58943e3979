"""What OpenAI's strict mode takes, and how it says what it does not."""

from typing import Any

import pytest

from launcher.simulator.wire.strict_schemas import unclosed

TEXT = {"type": "string"}


def closed(**properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    "schema",
    [
        closed(),
        closed(a=TEXT, b={"type": ["string", "null"]}),
        closed(a=closed(b=TEXT)),
        closed(a={"type": "array", "items": closed(b=TEXT)}),
        {**closed(a={"$ref": "#/$defs/b"}), "$defs": {"b": closed(c=TEXT)}},
        closed(a={"anyOf": [closed(b=TEXT), {"type": "null"}]}),
        {"type": "string"},
        None,
        "text",
    ],
)
def test_it_is_taken(schema: Any) -> None:
    assert unclosed(schema) == ""


@pytest.mark.parametrize(
    ("schema", "context", "words"),
    [
        ({"type": "object"}, "()", "'additionalProperties' is required to be supplied"),
        ({"properties": {"a": TEXT}}, "()", "'additionalProperties' is required to be supplied"),
        ({**closed(a=TEXT), "additionalProperties": True}, "()", "and to be false."),
        ({**closed(a=TEXT, b=TEXT), "required": ["a"]}, "()", "Missing 'b'."),
        ({**closed(a=TEXT), "required": None}, "()", "Missing 'a'."),
        (closed(a={"type": "object"}), "('properties', 'a',)", "'additionalProperties'"),
        (
            closed(a={"type": "array", "items": {"type": "object"}}),
            "('properties', 'a', 'items',)",
            "'additionalProperties'",
        ),
        (
            {**closed(), "$defs": {"b": {"type": "object"}}},
            "('$defs', 'b',)",
            "'additionalProperties'",
        ),
        (
            closed(a={"anyOf": [TEXT, {"type": "object"}]}),
            "('properties', 'a', 'anyOf', '1',)",
            "'additionalProperties'",
        ),
    ],
)
def test_it_is_refused(schema: Any, context: str, words: str) -> None:
    found = unclosed(schema)
    assert found.startswith(f"In context={context}, ")
    assert words in found


def test_a_schema_without_end_is_not_followed_for_ever() -> None:
    schema: dict[str, Any] = closed()
    for _ in range(500):
        schema = closed(a=schema)
    assert unclosed(schema) == ""
