"""
Shapes of JSON: a small validator that says what is wrong and where, and leaves the wording to each provider.

A shape is data. `check` yields problems in the order a reader of the body would meet them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """
    One thing that is wrong.

    `kind` is `missing`, `extra`, `type`, `choice` (a value out of a fixed set), `tag` (an unknown variant), `small`,
    `large`, `short` or `long`; `detail` is the expected type, the allowed values or the bound.
    """

    path: Path
    kind: str
    detail: str = ""
    value: Any = None


@dataclass(frozen=True)
class Any_:  # noqa: N801
    """Anything at all."""


@dataclass(frozen=True)
class Str:
    """A string, of a fixed set if `choices` are given."""

    choices: tuple[str, ...] = ()
    least: int = 0


@dataclass(frozen=True)
class Int:
    """A whole number."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True)
class Num:
    """A number."""

    least: float | None = None
    most: float | None = None


@dataclass(frozen=True)
class Bool:
    """True or false."""


@dataclass(frozen=True)
class Null:
    """Null, in a union."""


@dataclass(frozen=True)
class Items:
    """A list of one shape."""

    of: "Shape"
    least: int = 0
    most: int | None = None


@dataclass(frozen=True)
class Obj:
    """An object; fields it doesn't name are `extra` unless it is `open`."""

    fields: Mapping[str, "Shape"] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    open: bool = False


@dataclass(frozen=True)
class Tagged:
    """
    An object whose shape depends on a field.

    Args:
        default: The variant of an object without the field, or `None` if the field is required.
        prefixes: Variants chosen by the beginning of the tag, for names with a date.
    """

    tag: str
    variants: Mapping[str, Obj]
    default: str | None = None
    prefixes: Mapping[str, Obj] = field(default_factory=dict)


@dataclass(frozen=True)
class OneOf:
    """The first of several shapes whose JSON type fits."""

    shapes: tuple["Shape", ...]


Shape = Any_ | Str | Int | Num | Bool | Null | Items | Obj | Tagged | OneOf

_WORDS = {Str: "string", Int: "integer", Num: "number", Bool: "boolean", Null: "null"}


def word_for(shape: Shape) -> str:
    """The JSON Schema name of a shape's type."""
    if isinstance(shape, Items):
        return "array"
    return _WORDS.get(type(shape), "object")


def _fits_type(value: Any, shape: Shape) -> bool:
    match shape:
        case Any_():
            return True
        case Str():
            return isinstance(value, str)
        case Bool():
            return isinstance(value, bool)
        case Int():
            return isinstance(value, int) and not isinstance(value, bool)
        case Num():
            return isinstance(value, int | float) and not isinstance(value, bool)
        case Null():
            return value is None
        case Items():
            return isinstance(value, list)
        case OneOf(shapes):
            return any(_fits_type(value, each) for each in shapes)
        case _:
            return isinstance(value, dict)


def check(value: Any, shape: Shape, path: Path = ()) -> Iterator[Problem]:
    """All problems of `value` against `shape`."""
    if isinstance(shape, OneOf):
        fitting = next((each for each in shape.shapes if _fits_type(value, each)), None)
        if fitting is None:
            words = " or ".join(word_for(each) for each in shape.shapes)
            yield Problem(path, "type", words, value)
        else:
            yield from check(value, fitting, path)
    elif not _fits_type(value, shape):
        yield Problem(path, "type", word_for(shape), value)
    elif isinstance(shape, Obj):
        yield from _check_object(value, shape, path)
    elif isinstance(shape, Tagged):
        yield from _check_tagged(value, shape, path)
    elif isinstance(shape, Items):
        yield from _check_items(value, shape, path)
    elif isinstance(shape, Str):
        if shape.choices and value not in shape.choices:
            yield Problem(path, "choice", ", ".join(shape.choices), value)
        elif len(value) < shape.least:
            yield Problem(path, "short", str(shape.least), value)
    elif isinstance(shape, Int | Num):
        if shape.least is not None and value < shape.least:
            yield Problem(path, "small", f"{shape.least}", value)
        elif shape.most is not None and value > shape.most:
            yield Problem(path, "large", f"{shape.most}", value)


def _check_object(value: dict[str, Any], shape: Obj, path: Path) -> Iterator[Problem]:
    for name in shape.required:
        if name not in value:
            yield Problem((*path, name), "missing")
    for name, inner in value.items():
        if name in shape.fields:
            yield from check(inner, shape.fields[name], (*path, name))
        elif not shape.open:
            yield Problem((*path, name), "extra", value=inner)


def _check_tagged(value: dict[str, Any], shape: Tagged, path: Path) -> Iterator[Problem]:
    tag = value.get(shape.tag, shape.default)
    if tag is None:
        yield Problem((*path, shape.tag), "missing")
        return
    variant = shape.variants.get(str(tag))
    if variant is None:
        begins = (each for each in shape.prefixes if str(tag).startswith(each))
        found = next(begins, None)
        variant = shape.prefixes[found] if found is not None else None
    if variant is None:
        known = ", ".join(f"'{each}'" for each in (*shape.variants, *shape.prefixes))
        yield Problem(path, "tag", known, tag)
        return
    yield from _check_object(value, variant, path)


def _check_items(value: Sequence[Any], shape: Items, path: Path) -> Iterator[Problem]:
    if len(value) < shape.least:
        yield Problem(path, "short", str(shape.least), value)
    elif shape.most is not None and len(value) > shape.most:
        yield Problem(path, "long", str(shape.most), value)
    for index, each in enumerate(value):
        yield from check(each, shape.of, (*path, index))
