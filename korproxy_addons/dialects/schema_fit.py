"""
Fits a JSON schema to what a target takes, with knowledge of position (T20 - T27, T133).

Inside `properties` the keys are names, inside `enum` and `const` the values are data: neither is ever taken for a
keyword (T21). References are inlined, cycles cut. Constraints that have to go are said in the description.
What the rules of a target are stands in its dialect's folder.
"""

from typing import Any, Final

import msgspec
from msgspec import Raw, Struct

from korproxy_addons.dialects.schema import DEPTH_LIMIT, Schema, items, members, parsed, strings

# Beyond this many nodes (references can multiply) a schema is cut.
NODE_LIMIT: Final = 20_000

# Constraints worth saying in words when a target has no keyword for them (T26).
_TOLD: Final = (
    "pattern", "format", "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minItems", "maxItems", "uniqueItems", "minProperties",
    "maxProperties", "additionalProperties", "const", "enum", "default", "not", "examples",
)  # fmt: skip
_TOLD_CHARACTERS: Final = 200


class SchemaRules(Struct, frozen=True, kw_only=True):
    """
    What a target takes.

    Attributes:
        keys: Keywords it knows; all others go.
        formats: Values of `format` it knows; None for all.
        one_type: `type` is one word: null becomes `nullable`, several become `anyOf` (T23).
        string_enums: `enum` holds strings only, on strings only (T24).
        items_needed: An array must say its `items` (T25).
        type_needed: Every node must have a `type` or an `anyOf` (T22).
        inline: References are inlined; else `$ref` and `$defs` stay where `keys` has them.
    """

    keys: frozenset[str]
    formats: frozenset[str] | None = None
    one_type: bool = False
    string_enums: bool = False
    items_needed: bool = False
    type_needed: bool = False
    inline: bool = True


def fitted(schema: Raw | None, rules: SchemaRules) -> tuple[Schema, tuple[str, ...]]:
    """
    The schema as the target takes it, and the keywords that went, each once.

    Never raises: what is no schema becomes an open object.
    """
    root = parsed(schema)
    fitter = _Fitter(root, rules)
    return fitter.node(root, (), 0), tuple(fitter.removed)


class _Fitter:
    """One schema's way through the rules."""

    def __init__(self, root: Schema, rules: SchemaRules) -> None:
        self._root = root
        self._rules = rules
        self._left = NODE_LIMIT
        self.removed: dict[str, None] = {}

    def node(self, source: Any, above: tuple[str, ...], depth: int) -> Schema:
        """The fitted form of a schema; `above` are the references we are inside of."""
        self._left -= 1
        if not isinstance(source, dict):
            return self._typed({})  # true, false and nonsense: anything
        if self._left < 0 or depth > DEPTH_LIMIT:
            return {"type": "object"}
        node = dict(source)
        if self._rules.inline:
            resolved = self._resolved(node, above)
            if resolved is None:
                self.removed["$ref"] = None
                return self._described({"type": "object"}, _text(source.get("description")))
            node, above = resolved
        node = self._merged(node, above)
        told: list[str] = []
        if self._rules.one_type:
            self._one_type(node)
        if self._rules.string_enums:
            self._string_enum(node, told)
        out = self._kept(node, told, above, depth + 1)
        if self._rules.items_needed and out.get("type") == "array" and "items" not in out:
            out["items"] = self._typed({})
        if "required" in out:
            known = out.get("properties", {})
            out["required"] = [name for name in strings(out["required"]) if name in known]
            if not out["required"]:
                del out["required"]
        return self._described(self._typed(out), "; ".join(told))

    def _resolved(
        self, node: Schema, above: tuple[str, ...]
    ) -> tuple[Schema, tuple[str, ...]] | None:
        """The node without `$ref`, siblings winning; None for a cycle or an unknown target."""
        while isinstance(reference := node.pop("$ref", None), str):
            target = self._found(reference)
            if reference in above or target is None:
                return None
            above = (*above, reference)
            node = {**target, **node}
        return node, above

    def _found(self, reference: str) -> Schema | None:
        place: Any = self._root
        if not reference.startswith("#"):
            return None
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            place = place.get(key) if isinstance(place, dict) else None
        return place if isinstance(place, dict) else None

    def _merged(self, node: Schema, above: tuple[str, ...]) -> Schema:
        """Combinations in the forms that `keys` knows: `allOf` merged, `oneOf` as `anyOf`."""
        if "allOf" not in self._rules.keys and "allOf" in node:
            for part in items(node.pop("allOf")):
                found = self._resolved(dict(part), above) if isinstance(part, dict) else None
                if found is not None:
                    node = _both(found[0], node)
        if "oneOf" not in self._rules.keys and "oneOf" in node:
            node.setdefault("anyOf", node["oneOf"])
            del node["oneOf"]
        return node

    def _one_type(self, node: Schema) -> None:
        kinds = node.get("type")
        if isinstance(kinds, list):
            words = [kind for kind in strings(kinds) if kind != "null"]
            if len(words) < len(kinds):
                node["nullable"] = True
            del node["type"]
            if len(words) == 1:
                node["type"] = words[0]
            elif words and "anyOf" not in node:
                node["anyOf"] = [{"type": word} for word in words]
        branches = node.get("anyOf")
        if not isinstance(branches, list):
            return
        real = [branch for branch in branches if not _is_null(branch)]
        if len(real) < len(branches):
            node["nullable"] = True
        constants = [branch.get("const") for branch in real if isinstance(branch, dict)]
        if constants and len(constants) == len(real) and all(isinstance(c, str) for c in constants):
            del node["anyOf"]
            node.update(type="string", enum=constants)
        elif len(real) == 1 and isinstance(real[0], dict):
            del node["anyOf"]
            node.update({key: value for key, value in real[0].items() if key not in node})
            if "$ref" in node or isinstance(node.get("type"), list) or "anyOf" in node:
                resolved = self._resolved(node, ())
                node.clear()
                node.update(resolved[0] if resolved else {"type": "object"})
        else:
            node["anyOf"] = real

    def _string_enum(self, node: Schema, told: list[str]) -> None:
        if "const" in node and "enum" not in node and isinstance(node["const"], str):
            node["enum"] = [node.pop("const")]
        values = node.get("enum")
        if not isinstance(values, list):
            node.pop("enum", None)
            return
        if None in values and self._rules.one_type:
            node["nullable"] = True
        words = [value for value in values if isinstance(value, str)]
        if words and node.get("type", "string") == "string":
            node["type"] = "string"
            node["enum"] = [word for word in words if word]
            return
        told.append(_said("enum", values))
        self.removed["enum"] = None
        del node["enum"]

    def _kept(self, node: Schema, told: list[str], above: tuple[str, ...], depth: int) -> Schema:
        out: Schema = {}
        for key, value in node.items():
            known = key in self._rules.keys
            if key == "format" and known and self._rules.formats is not None:
                known = isinstance(value, str) and value in self._rules.formats
            if not known or value is None:
                if key in _TOLD and value is not None:
                    told.append(_said(key, value))
                if not (self._rules.inline and key in {"$defs", "definitions"}):
                    self.removed[key] = None
            elif key in {"properties", "$defs", "definitions", "patternProperties"}:
                out[key] = {
                    str(name): self.node(child, above, depth)
                    for name, child in members(value).items()
                }
            elif key == "items":
                first = value[0] if isinstance(value, list) and value else value
                out[key] = self.node(first, above, depth)
            elif key in {"anyOf", "oneOf", "allOf", "prefixItems"}:
                out[key] = [self.node(child, above, depth) for child in items(value)]
            elif key in {"additionalProperties", "not"} and isinstance(value, dict):
                out[key] = self.node(value, above, depth)
            else:
                out[key] = value
        return out

    def _typed(self, out: Schema) -> Schema:
        if self._rules.type_needed and "type" not in out and not out.get("anyOf"):
            out.pop("anyOf", None)
            guess = "object" if "properties" in out else "array" if "items" in out else "string"
            return {"type": guess, **out}
        return out

    def _described(self, out: Schema, words: str) -> Schema:
        if words and "description" in self._rules.keys:
            old = _text(out.get("description"))
            out["description"] = f"{old} ({words})" if old else words
        return out


def _both(part: Schema, node: Schema) -> Schema:
    """Two schemas that both hold, as one: properties and required joined, `node` winning elsewhere."""
    joined = {**part, **node}
    properties = {**members(part.get("properties")), **members(node.get("properties"))}
    if properties:
        joined["properties"] = properties
    required = [*strings(part.get("required")), *strings(node.get("required"))]
    if required:
        joined["required"] = list(dict.fromkeys(required))
    return joined


def _is_null(branch: Any) -> bool:
    return isinstance(branch, dict) and (
        branch.get("type") == "null" or branch.get("const", 0) is None
    )


def _said(key: str, value: Any) -> str:
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return f"{key}: {text[:_TOLD_CHARACTERS]}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
