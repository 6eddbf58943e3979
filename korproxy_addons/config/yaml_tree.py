"""
YAML 1.2 text to plain values, with the line and column of every key and value.

The nodes are read one by one rather than through ruamel's constructors: these run tags, stop at the
first duplicate key and lose the places of scalars.
"""

import io
import math
import re
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from korproxy_addons.config.problems import ConfigProblem, KeyPath, dotted

DEPTH_LIMIT = 20
NODE_LIMIT = 50_000
"""Values in one file, counted after aliases are unfolded: a small file must stay small."""

_TAG = "tag:yaml.org,2002:"
_KNOWN_TAGS = frozenset(
    {"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "merge", "value"}
)
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = {
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_INT = re.compile(r"[-+]?[0-9]{1,40}\Z|0o[0-7]{1,40}\Z|0x[0-9a-fA-F]{1,40}\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_DEEP_LINE = re.compile(r"(?:[\[{][^\[\]{}\n]*){100}")
_QUOTED = re.compile(r"'[^']{2,}'")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(slots=True)
class YamlTree:
    """
    A file's content.

    Attributes:
        data: Plain dicts, lists and scalars; None for an empty file.
        places: (line, column) from 1, of every value by its path.
        key_places: The same, of every mapping key.
        problems: What could not be read; `data` holds the rest.
    """

    file: str
    data: Any = None
    places: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    key_places: dict[KeyPath, tuple[int, int]] = field(default_factory=dict)
    problems: list[ConfigProblem] = field(default_factory=list)

    def place(self, path: KeyPath, *, key: bool = False) -> tuple[int, int]:
        """Where a path stands; the nearest parent that stands anywhere, if it does not."""
        while path:
            found = (self.key_places if key else self.places).get(path)
            found = found or self.places.get(path) or self.key_places.get(path)
            if found:
                return found
            path = path[:-1]
        return self.places.get((), (1, 1))

    def complain(self, path: KeyPath, expected: str, found: str, *, key: bool = False) -> None:
        """Note a problem at a path."""
        line, column = self.place(path, key=key)
        self.problems.append(ConfigProblem(self.file, line, column, dotted(path), expected, found))


def read_yaml(content: bytes, file: str) -> YamlTree:
    """
    The file's values and their places. Never raises: what is wrong stands in `problems`.

    Args:
        content: The file's bytes; UTF-8, with or without a byte order mark.
        file: Its path, for the problems.
    """
    tree = YamlTree(file)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = content[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        _note(tree, line, column, "UTF-8 text", "bytes that are not UTF-8")
        return tree
    bracket = _DEEP_LINE.search(text)
    if bracket:
        # ruamel's scanner takes a time that grows with the square of such a line's depth.
        line = text.count("\n", 0, bracket.start()) + 1
        _note(tree, line, 1, f"at most {DEPTH_LIMIT} levels", "far deeper nesting")
        return tree
    yaml = YAML(typ="rt", pure=True)
    yaml.composer.warn_double_anchors = False  # YAML 1.2 allows them (section 3.2.2.2)
    try:
        root = yaml.compose(io.StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        # Quoted words in ruamel's message come from the file, and could be part of a secret.
        problem = _QUOTED.sub("'…'", error.problem or "a syntax error")
        _note(tree, line, column, "valid YAML", problem)
    except RecursionError:
        _note(tree, 1, 1, f"at most {DEPTH_LIMIT} levels", "far deeper nesting")
    except YAMLError as error:
        # A character YAML forbids: the reader gives its offset and no mark.
        position = getattr(error, "position", 0)
        line = text.count("\n", 0, position) + 1
        column = position - (text.rfind("\n", 0, position) + 1) + 1
        _note(tree, line, column, "valid YAML", "a character that YAML does not allow")
    except (
        ArithmeticError,
        AssertionError,
        AttributeError,
        LookupError,
        TypeError,
        ValueError,
    ) as error:
        # ruamel's scanner lets these escape on some malformed directives and escapes.
        _note(tree, 1, 1, "valid YAML", f"a syntax error ({type(error).__name__})")
    else:
        if root is not None:
            tree.data = _Builder(tree).value(root, ())
    return tree


def _note(tree: YamlTree, line: int, column: int, expected: str, found: str) -> None:
    tree.problems.append(ConfigProblem(tree.file, line, column, "", expected, found))


class _Builder:
    """Nodes to plain values; counts what it makes."""

    def __init__(self, tree: YamlTree) -> None:
        self._tree = tree
        self._count = 0

    def value(self, node: Node, path: KeyPath) -> Any:
        """The node's value; its place and its problems go to the tree."""
        self._tree.places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        self._count += 1
        if self._count > NODE_LIMIT:
            if self._count == NODE_LIMIT + 1:
                self._tree.complain(path, f"at most {NODE_LIMIT} values", "more")
            return None
        if len(path) > DEPTH_LIMIT:
            self._tree.complain(path, f"at most {DEPTH_LIMIT} levels", "deeper nesting")
            return None
        if str(node.tag).removeprefix(_TAG) not in _KNOWN_TAGS:
            self._tree.complain(path, "a value without a tag", "a tag")
            return None
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, ScalarNode) or not key_node.value:
                _note_at(self._tree, place, path, "a plain text as key", "something else")
                continue
            key = str(key_node.value)
            here = (*path, key)
            if key in values:
                first = self._tree.key_places[here]
                found = f"the key a second time (first in line {first[0]})"
                _note_at(self._tree, place, here, "each key once", found)
                continue
            if _SURROGATE.search(key):
                _note_at(self._tree, place, path, "text", "half of a UTF-16 pair")
                continue
            self._tree.key_places[here] = place
            values[key] = self.value(value_node, here)
        return values

    def _scalar(self, node: Node, path: KeyPath) -> Any:
        text = str(node.value)
        tag = str(node.tag).removeprefix(_TAG)
        if _SURROGATE.search(text):
            self._tree.complain(path, "text", "half of a UTF-16 pair")
            return None
        if tag == "str" or getattr(node, "style", None) in {'"', "'", "|", ">"}:
            return text
        return _plain(text)


def _note_at(
    tree: YamlTree, place: tuple[int, int], path: KeyPath, expected: str, found: str
) -> None:
    tree.problems.append(ConfigProblem(tree.file, *place, dotted(path), expected, found))


def _plain(text: str) -> bool | int | float | str | None:
    """An unquoted scalar by YAML 1.2's core schema; infinities stay text: no setting takes them."""
    if text in _NULLS:
        return None
    if text in _BOOLS:
        return _BOOLS[text]
    if _INT.match(text):
        return int(text, 0) if text.startswith(("0o", "0x")) else int(text)
    if _FLOAT.match(text):
        number = float(text)
        return number if math.isfinite(number) else text
    return text
