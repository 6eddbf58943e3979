"""
What differs between two JSON values, by path.

Lists are laid beside each other as a person would: an item that was put in front does not make all that follow it look
changed. Text that holds JSON, as the arguments of a tool call do, is compared as what it holds.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from enum import StrEnum
from itertools import zip_longest
from typing import Any

# Laying lists beside each other takes up to their product in steps; longer ones are compared item by item.
MOST_STEPS = 1_000_000
# Deeper values are compared as wholes: whoever wrote them is not read any further.
DEEPEST = 120
# What tells one item of a list from its neighbours, in the order in which it is asked.
_NAMES = ("id", "tool_call_id", "tool_use_id", "call_id", "name", "type", "role")


class Kind(StrEnum):
    """What became of a value."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """
    One difference.

    Attributes:
        path: Where: `messages[2].content`; an item of a list is named by its place on the left, one that was added by its
            place on the right; `(json)` steps into text that holds JSON. "" is the whole value.
        kind: What became of it.
        before: The value on the left; None if there was none.
        after: The value on the right; None if there is none.
    """

    path: str
    kind: Kind
    before: Any = None
    after: Any = None


def changes_between(before: Any, after: Any) -> tuple[Change, ...]:
    """
    The differences of two JSON values, in the order of the left one.

    Args:
        before: The left one, as `json.loads` gives it.
        after: The right one. Numbers are equal if they are written alike; the order of keys is not
            looked at.
    """
    return tuple(_walk("", before, after, 0))


def encoded(value: Any) -> str:
    """The one spelling of a value, by which values are told apart (1, 1.0 and True are three)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _walk(path: str, before: Any, after: Any, depth: int) -> Iterator[Change]:
    if depth >= DEEPEST:
        if before != after:
            yield Change(path, Kind.CHANGED, before, after)
    elif isinstance(before, dict) and isinstance(after, dict):
        yield from _objects(path, before, after, depth)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(path, before, after, depth)
    elif type(before) is not type(after):
        yield Change(path, Kind.CHANGED, before, after)
    elif before != after:
        inner = _held(before), _held(after)
        if None in inner:
            yield Change(path, Kind.CHANGED, before, after)
        else:
            yield from _walk(f"{path}.(json)", *inner, depth + 1)


def _objects(
    path: str, before: dict[str, Any], after: dict[str, Any], depth: int
) -> Iterator[Change]:
    for key, value in before.items():
        where = _below(path, key)
        if key in after:
            yield from _walk(where, value, after[key], depth + 1)
        else:
            yield Change(where, Kind.REMOVED, before=value)
    for key, value in after.items():
        if key not in before:
            yield Change(_below(path, key), Kind.ADDED, after=value)


def _lists(path: str, before: list[Any], after: list[Any], depth: int) -> Iterator[Change]:
    for left, right in _beside(before, after):
        if right is None:
            assert left is not None
            yield Change(f"{path}[{left}]", Kind.REMOVED, before=before[left])
        elif left is None:
            yield Change(f"{path}[{right}]", Kind.ADDED, after=after[right])
        else:
            yield from _walk(f"{path}[{left}]", before[left], after[right], depth + 1)


def _beside(before: Sequence[Any], after: Sequence[Any]) -> Iterator[tuple[int | None, int | None]]:
    """Which item of the left list stands beside which of the right one; equal pairs are left out."""
    for lefts, rights in _gaps([encoded(it) for it in before], [encoded(it) for it in after]):
        names = [_name(before[it]) for it in lefts], [_name(after[it]) for it in rights]
        # Those of one name belong together; the others are taken as they stand.
        for _, i1, i2, j1, j2 in _laid(*names):
            yield from zip_longest(lefts[i1:i2], rights[j1:j2])


def _gaps(left: list[str], right: list[str]) -> Iterator[tuple[range, range]]:
    """The stretches in which two lists differ; what lies between them is equal."""
    start = 0
    shorter = min(len(left), len(right))
    while start < shorter and left[start] == right[start]:
        start += 1
    end = 0
    while end < shorter - start and left[-1 - end] == right[-1 - end]:
        end += 1
    rest_left, rest_right = left[start : len(left) - end], right[start : len(right) - end]
    if len(rest_left) * len(rest_right) > MOST_STEPS:
        yield from _item_by_item(rest_left, rest_right, start)
        return
    for tag, i1, i2, j1, j2 in _laid(rest_left, rest_right):
        if tag != "equal":
            yield range(start + i1, start + i2), range(start + j1, start + j2)


def _laid(left: list[str], right: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    return SequenceMatcher(None, left, right, autojunk=False).get_opcodes()


def _item_by_item(left: list[str], right: list[str], start: int) -> Iterator[tuple[range, range]]:
    both = min(len(left), len(right))
    for place in range(both):
        if left[place] != right[place]:
            yield range(start + place, start + place + 1), range(start + place, start + place + 1)
    if len(left) != len(right):
        yield range(start + both, start + len(left)), range(start + both, start + len(right))


def _name(item: Any) -> str:
    """What an item is called among its neighbours."""
    if not isinstance(item, dict):
        return type(item).__name__
    inner = item.get("function")
    named = {**inner, **item} if isinstance(inner, dict) else item
    return next((f"{key}={named[key]}" for key in _NAMES if isinstance(named.get(key), str)), "")


def _held(text: Any) -> Any:
    """The object or list that a text holds; None for any other value."""
    if not isinstance(text, str) or text[:1] not in ("{", "["):
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _below(path: str, key: str) -> str:
    if key.replace("-", "_").replace("$", "_").isidentifier():
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key, ensure_ascii=False)}]"
