"""
The strings of a JSON text and where they stand in it, so that one of them can be changed and every other byte stays.

Reads what is no whole document, too: a body that was cut off, or text that only begins like JSON.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

type Path = tuple[str | int, ...]

_TOKEN = re.compile(
    r'"(?P<string>[^"\\]*(?:\\.[^"\\]*)*)(?P<closed>"?)|(?P<mark>[{}\[\],:])|(?P<bare>[-+.\w]+)',
    re.DOTALL,
)
# What stands for one letter: two halves of a letter outside the first plane are one.
_ESCAPE = re.compile(
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.|\\$",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """
    A string, a name of a field, or a bare value (number, true, null).

    Attributes:
        start, end: Where it stands in the text, without its quotes.
        text: What it says, its escapes taken off.
        key: The name of the field that it is the value of; for an element of an array, the array's; "" if there is none.
        path: Names and places that lead to it.
        kind: "string", "name" or "bare".
        escaped: Its text is not what stands there letter by letter.
    """

    start: int
    end: int
    text: str
    key: str
    path: Path
    kind: str = "string"
    escaped: bool = False

    @property
    def names(self) -> Path:
        """The path without places: the same for every element of an array."""
        return tuple(it for it in self.path if isinstance(it, str))


class _Level:
    """An object or array that is open."""

    __slots__ = ("count", "key", "names_next", "path")

    def __init__(self, path: Path, key: str, *, is_array: bool) -> None:
        self.path = path
        self.key = key
        self.count = 0 if is_array else -1
        self.names_next = not is_array

    def child(self) -> Path:
        return (*self.path, self.count if self.count >= 0 else self.key)


def leaves(text: str, start: int = 0, end: int | None = None) -> Iterator[Leaf]:
    """Strings, names and bare values of the JSON in `text[start:end]`, in their order."""
    stack: list[_Level] = [_Level((), "", is_array=True)]
    level = stack[-1]
    root: Path = ()
    for found in _TOKEN.finditer(text, start, len(text) if end is None else end):
        mark = found["mark"]
        if mark is None:
            leaf = _leaf(found, level, root if level is stack[0] else level.child())
            if leaf.kind == "name":
                level.key = leaf.text
            yield leaf
        elif mark == ",":
            if level.count >= 0:
                level.count += 1
            else:
                level.names_next = True
        elif mark == ":":
            level.names_next = False
        elif mark in "{[":
            path = root if level is stack[0] else level.child()
            level = _Level(path, level.key, is_array=mark == "[")
            stack.append(level)
        elif len(stack) > 1:
            stack.pop()
            level = stack[-1]


def _leaf(found: re.Match[str], level: _Level, path: Path) -> Leaf:
    raw = found["string"]
    if raw is None:
        return Leaf(*found.span("bare"), found["bare"], level.key, path, "bare")
    start, end = found.span("string")
    kind = "name" if level.names_next else "string"
    escaped = "\\" in raw
    return Leaf(start, end, decoded(raw) if escaped else raw, level.key, path, kind, escaped)


def decoded(raw: str) -> str:
    """What a string says whose content stands there as `raw`; where it is broken, as much as can be read."""
    try:
        text = json.loads(f'"{raw}"', strict=False)
    except ValueError:
        return _ESCAPE.sub(_one_decoded, raw)
    assert isinstance(text, str)
    return text


def raw_places(raw: str) -> list[int]:
    """For each letter of `decoded(raw)` where it begins in `raw`, and at the end of the list where `raw` ends."""
    places: list[int] = []
    at = 0
    while at < len(raw):
        places.append(at)
        if raw[at] != "\\":
            at += 1
            continue
        found = _ESCAPE.match(raw, at)
        at = found.end() if found is not None else at + 1
    return [*places, len(raw)]


def _one_decoded(found: re.Match[str]) -> str:
    try:
        text = json.loads(f'"{found[0]}"')
    except ValueError:
        # One letter for each escape, as `raw_places` counts.
        return found[0][-1:]
    assert isinstance(text, str)
    return text
