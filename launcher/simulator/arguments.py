"""A smallest JSON value that fits a JSON Schema: the arguments of a tool call nobody scripted."""

from typing import Any

Json = dict[str, Any]

_TEXTS = {
    "command": "echo korproxy",
    "path": "a.py",
    "file_path": "src/a.py",
    "pattern": "kor",
}
_DEEPEST = 12


def fitting(schema: Any, name: str = "", root: Json | None = None, depth: int = 0) -> Any:
    """
    A value that fits `schema`.

    Args:
        schema: JSON Schema, or the upper-case subset Gemini takes. An unreadable schema fits anything.
        name: Name of the property the value is for; gives shell tools a harmless command.
        root: The whole schema, where `$ref` looks; by default `schema` itself.
        depth: Levels above; below the twelfth everything is `null`.
    """
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return {} if depth == 0 else None
    root = schema if root is None else root
    if "$ref" in schema:
        return fitting(_referred(schema["$ref"], root), name, root, depth + 1)
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if schema.get("enum"):
        return schema["enum"][0]
    for key in ("anyOf", "oneOf", "allOf"):
        if schema.get(key):
            return fitting(schema[key][0], name, root, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
    if isinstance(kind, list):
        kind = next((each for each in kind if each != "null"), "null")
    return _of_kind(str(kind).lower(), schema, name, root, depth)


def _of_kind(kind: str, schema: Json, name: str, root: Json, depth: int) -> Any:
    if kind == "object":
        properties = schema.get("properties")
        known = properties if isinstance(properties, dict) else {}
        required = schema.get("required")
        names = (
            [each for each in required if isinstance(each, str)]
            if isinstance(required, list)
            else []
        )
        return {name: fitting(known.get(name, {}), name, root, depth + 1) for name in names}
    if kind == "array":
        item = fitting(schema.get("items", {}), name, root, depth + 1)
        return [item] * int(schema.get("minItems", 1))
    if kind in {"integer", "number"}:
        return schema.get("minimum", 1)
    if kind == "boolean":
        return False
    if kind == "null":
        return None
    return _TEXTS.get(name, "kor").ljust(int(schema.get("minLength", 0)), "x")


def _referred(reference: str, root: Json) -> Any:
    node: Any = root
    for step in filter(None, reference.removeprefix("#").split("/")):
        node = (
            node.get(step.replace("~1", "/").replace("~0", "~")) if isinstance(node, dict) else None
        )
    return node
