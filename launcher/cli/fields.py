"""Options that several commands have, and what they say of an entry's fields."""

from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any

import typer

Clear = Annotated[
    list[str] | None,
    typer.Option(
        help="Field to take back to its default; may be given several times.", metavar="FIELD"
    ),
]


def given_fields(
    clear: Iterable[str] | None, known: Sequence[str], **fields: Any
) -> dict[str, Any]:
    """
    The fields that a command line says something about.

    Args:
        clear: Names of fields to take out; with hyphens or underscores.
        known: Names that may be cleared.
        fields: Values; None and empty lists say nothing.
    Returns:
        Field to value; None for those that are taken out.
    """
    found = {name: value for name, value in fields.items() if value is not None and value != []}
    for name in clear or ():
        field = name.replace("-", "_")
        if field not in known:
            raise typer.BadParameter(f"--clear: one of {', '.join(known)}, not {name}")
        found[field] = None
    return found


def pairs(option: str, given: Iterable[str] | None) -> dict[str, str]:
    """`NAME=VALUE` texts as a mapping."""
    found = {}
    for text in given or ():
        name, sign, value = text.partition("=")
        if not sign or not name.strip() or not value.strip():
            raise typer.BadParameter(f"{option}: NAME=VALUE, not {text}")
        found[name.strip()] = value.strip()
    return found


def numbers(option: str, given: Iterable[str] | None) -> dict[str, float]:
    """`NAME=NUMBER` texts as a mapping."""
    return {name: number(option, value) for name, value in pairs(option, given).items()}


def number(option: str, text: str) -> float:
    """A number; a whole one as int."""
    try:
        found = float(text)
    except ValueError:
        raise typer.BadParameter(f"{option}: a number, not {text}") from None
    return int(found) if found.is_integer() else found


def one_or_more(values: Sequence[str] | None) -> str | list[str] | None:
    """What the configuration holds for one text or several; None for nothing."""
    if not values:
        return None
    return values[0] if len(values) == 1 else list(values)


def told(value: Any, show: Callable[[Any], str] = str) -> str:
    """A cell's text; a dash for nothing."""
    return "–" if value is None or value in ("", (), [], {}) else show(value)


def listed(values: Iterable[Any]) -> str:
    """Values with commas; a dash for none."""
    return ", ".join(map(str, values)) or "–"
