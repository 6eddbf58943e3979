"""Differences for people: a line for each that is short, two for one that is not."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from korproxy_addons.recording.changes import Change

MOST_SHOWN = 25
# So much of what is the same is shown in front of the first difference of two long texts.
_LEAD = 16
_STYLES = {"-": "red", "+": "green", "~": "yellow"}
_MARKS = {"removed": "-", "added": "+", "changed": "~"}
type Line = tuple[str, int, str]
"""Mark, depth of indentation below the change's own, text."""


def print_changes(
    console: "Console",
    changes: "tuple[Change, ...]",
    *,
    indent: int,
    full: bool = False,
    plain: bool = False,
) -> None:
    """
    Print differences, and how many more there are.

    Args:
        console: Where.
        changes: All of them.
        indent: Columns in front.
        full: All of them, and all of their values.
        plain: Texts without quotation marks, as in a head.
    """
    from rich.text import Text

    few = changes if full else changes[:MOST_SHOWN]
    width = max(20, console.width - indent - 2)
    for change in few:
        for mark, deeper, text in lines_of(change, None if full else width, plain=plain):
            line = Text(" " * (indent + deeper))
            line.append(f"{mark} {text}", style=_STYLES[mark])
            console.print(line, soft_wrap=full, no_wrap=not full, overflow="ellipsis")
    left = len(changes) - len(few)
    if left:
        console.print(f"{' ' * indent}… {left:,} more; --full shows all", style="dim")


def lines_of(change: "Change", width: int | None, *, plain: bool = False) -> Iterator[Line]:
    """
    The lines of one difference.

    Args:
        change: It.
        width: Columns that a line may take; None: as many as it needs.
        plain: Texts without quotation marks.
    """
    mark = _MARKS[change.kind]
    path = change.path or "(all of it)"
    before, after = (one_line(it, plain=plain) for it in (change.before, change.after))
    if mark != "~":
        value = before if mark == "-" else after
        room = len(value) if width is None else max(20, width - len(path) - 2)
        yield mark, 0, f"{path}: {shortened(value, room, len(value))}"
        return
    if before == after:
        yield mark, 0, f"{path}: not shown on either side"
        return
    line = f"{path}: {before} → {after}"
    if width is None or len(line) <= width:
        yield mark, 0, line
        return
    yield mark, 0, path
    fits = max(len(before), len(after)) <= width - 2
    start = 0 if fits else max(0, _alike(before, after) - _LEAD)
    for sign, text in (("-", before), ("+", after)):
        cut = "…" if start else ""
        yield sign, 2, shortened(f"{cut}{text[start:]}", width - 2, len(text))


def one_line(value: Any, *, plain: bool = False) -> str:
    """A value on one line, without control characters: as JSON, but for texts that are `plain`."""
    text = json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return text[1:-1] if plain and isinstance(value, str) else text


def shortened(text: str, width: int, length: int) -> str:
    """A text of so many columns; how long it was stands behind it if it was longer."""
    if len(text) <= width:
        return text
    tail = f"… ({length:,} characters)"
    return text[: max(1, width - len(tail))] + tail


def _alike(one: str, other: str) -> int:
    """How many characters two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))
