"""What OpenAI's strict mode refuses a schema for: every object closed, every property required."""

from typing import Any

from launcher.simulator.wire.reading import mapping, objects, strings

_DEPTH = 64


def unclosed(schema: Any, place: tuple[str, ...] = ()) -> str:
    """
    Why strict mode refuses a schema.

    Args:
        schema: The schema, as the client wrote it.
        place: Names on the way to it.
    Returns:
        OpenAI's words from "In context=" on, "" if it takes the schema.
    """
    if not isinstance(schema, dict) or len(place) > _DEPTH:
        return ""
    properties = mapping(schema.get("properties"))
    where = f"In context=({''.join(f'{name!r}, ' for name in place).rstrip()})"
    if properties or schema.get("type") == "object":
        if schema.get("additionalProperties") is not False:
            return f"{where}, 'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in properties if name not in strings(schema.get("required"))]
        if missing:
            return (
                f"{where}, 'required' is required to be supplied and to be an array including every"
                f" key in properties. Missing '{missing[0]}'."
            )
    below = [((*place, "properties", name), inner) for name, inner in properties.items()]
    below += [
        ((*place, "$defs", name), inner) for name, inner in mapping(schema.get("$defs")).items()
    ]
    below += [((*place, "items"), schema.get("items"))]
    below += [
        ((*place, "anyOf", str(index)), inner)
        for index, inner in enumerate(objects(schema.get("anyOf")))
    ]
    return next(filter(None, (unclosed(inner, path) for path, inner in below)), "")
