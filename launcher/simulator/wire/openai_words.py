"""How OpenAI words a problem of shape: message, code and the parameter's name."""

from dataclasses import dataclass
from typing import Any

from launcher.simulator.wire.shape import Path, Problem
from launcher.simulator.wire.strict_schemas import unclosed

_ARTICLES = {"array": "an array", "integer": "an integer", "object": "an object", "null": "null"}


@dataclass(frozen=True)
class OpenAIProblem:
    """A refusal: its text, its code and the parameter it is about."""

    message: str
    code: str | None = None
    param: str | None = None


def unfit_schema(whose: str, schema: Any, code: str | None, param: str) -> list[OpenAIProblem]:
    """What strict mode says of a schema that it does not take; `whose`: "function 'f'"."""
    found = unclosed(schema)
    return [OpenAIProblem(f"Invalid schema for {whose}: {found}", code, param)] if found else []


def place(path: Path) -> str:
    """A path as OpenAI writes it: `messages[0].content`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else str(step)
    return text


def worded(found: Problem) -> OpenAIProblem:
    """OpenAI's words for a problem of shape."""
    where = place(found.path)
    if found.kind == "missing":
        text = f"Missing required parameter: '{where}'."
        return OpenAIProblem(text, "missing_required_parameter", where)
    if found.kind == "extra":
        return OpenAIProblem(f"Unknown parameter: '{where}'.", "unknown_parameter", where)
    if found.kind == "type":
        wanted = " or ".join(_ARTICLES.get(w, f"a {w}") for w in found.detail.split(" or "))
        text = f"Invalid type for '{where}': expected {wanted}, but got {_kind_of(found.value)} instead."
        return OpenAIProblem(text, "invalid_type", where)
    if found.kind in {"choice", "tag"}:
        names = [each.strip().strip("'") for each in found.detail.split(",")]
        known = ", ".join(f"'{each}'" for each in names)
        where = f"{where}.type" if found.kind == "tag" else where
        text = f"Invalid value: '{found.value}'. Supported values are: {known}."
        return OpenAIProblem(text, "invalid_value", where)
    if found.kind == "short":
        text = f"Invalid '{where}': expected at least {found.detail} elements, but got fewer."
        return OpenAIProblem(text, "empty_array", where)
    if found.kind == "long":
        text = f"Invalid '{where}': array too long. Expected at most {found.detail} elements."
        return OpenAIProblem(text, "array_above_max_length", where)
    least = found.kind == "small"
    text = (
        f"Invalid '{where}': {'integer' if least else 'number'} {'below minimum' if least else 'above maximum'}"
        f" value. Expected a value {'>=' if least else '<='} {found.detail}, but got {found.value} instead."
    )
    code = "integer_below_min_value" if least else "decimal_above_max_value"
    return OpenAIProblem(text, code, where)


def _kind_of(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    words = {str: "a string", int: "an integer", float: "a decimal", list: "an array"}
    return words.get(type(value), "an object")
