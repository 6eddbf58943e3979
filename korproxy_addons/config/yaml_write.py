"""Plain values as YAML 1.2 text, the way people write it."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from korproxy_addons.config.yaml_tree import read_yaml

_PLAIN = re.compile(r"[A-Za-z0-9_./~*][A-Za-z0-9_./@+:*()', -]*\Z")
_UNSAFE = re.compile(r": |:\Z| #| \Z|\A[*'~]")
_CONTROL = re.compile("[\x7f-\x9f\u2028\u2029\ufeff]")
STEP = 2
"""Columns by which a level is set in."""


def block_lines(value: Any, column: int) -> list[str]:
    """
    The lines of a mapping or list that is not empty, each set in to `column`.

    Raises:
        TypeError: A value that a configuration cannot hold.
    """
    pad = " " * column
    lines: list[str] = []
    if isinstance(value, Mapping):
        for key, child in value.items():
            block = _is_block(child)
            lines.append(f"{pad}{scalar(str(key))}:" + ("" if block else f" {flow(child)}"))
            lines += block_lines(child, column + STEP) if block else []
        return lines
    for child in value:
        if _is_block(child):
            inner = block_lines(child, column + STEP)
            lines.append(f"{pad}- {inner[0][column + STEP :]}")
            lines += inner[1:]
        else:
            lines.append(f"{pad}- {flow(child)}")
    return lines


def flow(value: Any) -> str:
    """
    A value on one line: `[a, b]`, `{a: 1}`, or the scalar itself.

    Raises:
        TypeError: A value that a configuration cannot hold.
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_quoted(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if _is_list(value):
        return "[" + ", ".join(_inside(it) for it in value) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """
    A text, number, truth or nothing; a text is quoted where it would be read as anything else.

    Raises:
        TypeError: It is none of these.
    """
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if not isinstance(value, str):
        raise TypeError(f"a {type(value).__name__} cannot stand in the configuration")
    if _PLAIN.match(value) and not _UNSAFE.search(value) and _reads_back(value):
        return value
    return _quoted(value)


def _is_block(value: Any) -> bool:
    """Whether a value gets lines of its own; short lists of words stay on one line."""
    if isinstance(value, Mapping):
        return bool(value)
    return _is_list(value) and any(isinstance(it, Mapping) or _is_list(it) for it in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _inside(value: Any) -> str:
    """A value inside brackets, where a comma in a bare text would end it."""
    text = flow(value)
    return _quoted(value) if isinstance(value, str) and text == value and "," in value else text


def _quoted(value: str) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(lambda it: f"\\u{ord(it[0]):04x}", text)


def _reads_back(value: str) -> bool:
    return bool(read_yaml(f"- {value}\n".encode(), "").data == [value])
