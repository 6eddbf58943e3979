"""Settings files of tools, read: JSON with comments, TOML, YAML, lines of `NAME=value`. Never written here."""

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.presets.base import Format
from launcher.tools.machine import LARGEST_BYTES

# A string, or what is no part of JSON: two kinds of comment, and then a comma before the end.
_COMMENTS = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_COMMAS = re.compile(r'"(?:[^"\\\n]|\\.)*"|,(?=\s*[}\]])')
_LINE = re.compile(r"^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)\s*=\s*(.*?)\s*$")


class UnreadableError(Exception):
    """A settings file that its tool cannot read either; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """
    A value in a file.

    Attributes:
        path: Keys that lead to it.
        value: The value.
    """

    path: tuple[str, ...]
    value: Any


def read_settings(path: Path, written: Format) -> Any:
    """
    What a settings file says; None if there is no such file.

    Raises:
        UnreadableError: It is no such file, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise UnreadableError(error.strerror or type(error).__name__) from None
    if len(content) > LARGEST_BYTES:
        raise UnreadableError(f"more than {LARGEST_BYTES // 1024 // 1024} MB")
    try:
        return _parsed(content.decode("utf-8-sig"), written)
    except UnicodeDecodeError:
        raise UnreadableError("it is no UTF-8 text") from None


def _parsed(text: str, written: Format) -> Any:
    match written:
        case Format.JSON:
            return _json(text)
        case Format.TOML:
            try:
                return tomllib.loads(text)
            except tomllib.TOMLDecodeError as error:
                raise UnreadableError(f"not TOML: {error}") from None
        case Format.YAML:
            return _yaml(text)
        case Format.ENV:
            found = (_LINE.match(line) for line in text.splitlines())
            return {it[1]: _unquoted(it[2]) for it in found if it is not None}


def _json(text: str) -> Any:
    plain = text
    for extras in (_COMMENTS, _COMMAS):
        plain = extras.sub(lambda it: it[0] if it[0].startswith('"') else " ", plain)
    if not plain.strip():
        return {}
    try:
        return json.loads(plain)
    except (ValueError, RecursionError) as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else ""
        )
        raise UnreadableError(f"not JSON: {where or 'nested too deeply'}") from None


def _yaml(text: str) -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415 - takes its time to load
    from ruamel.yaml.error import MarkedYAMLError, YAMLError  # noqa: PLC0415

    try:
        return YAML(typ="safe", pure=True).load(text)
    except (YAMLError, RecursionError, ValueError) as error:
        mark = error.problem_mark if isinstance(error, MarkedYAMLError) else None
        where = f"line {mark.line + 1}" if mark is not None else type(error).__name__
        raise UnreadableError(f"not YAML: {where}") from None


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1]
    return value.partition(" #")[0].rstrip()


def found_in(value: Any, path: tuple[str, ...]) -> Iterator[Found]:
    """
    Every value at a path of `Setting.path`.

    Args:
        value: The whole file.
        path: Keys; `*`, `**` and `=NAME` as said there.
    """
    yield from _walk(value, path, (), value)


def _walk(
    value: Any, path: tuple[str, ...], so_far: tuple[str, ...], whole: Any
) -> Iterator[Found]:
    if not path:
        yield Found(so_far, value)
        return
    step, rest = path[0], path[1:]
    if step.startswith("="):
        named = whole.get(step[1:]) if isinstance(whole, dict) else None
        step = named if isinstance(named, str) else ""
    if step in ("*", "**"):
        for key, each in _items(value):
            yield from _walk(each, path if step == "**" else rest, (*so_far, key), whole)
        if step == "**":
            yield from _walk(value, rest, so_far, whole)
    elif isinstance(value, dict) and step in value:
        yield from _walk(value[step], rest, (*so_far, step), whole)


def _items(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), it) for key, it in value.items()]
    return [(str(number), it) for number, it in enumerate(value)] if isinstance(value, list) else []
