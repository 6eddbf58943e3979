"""Plain values of a file: taken apart without trust, and shown without giving a secret away."""

import difflib
import re
from collections.abc import Iterator, Mapping
from typing import Any

_PLAIN_WORD = re.compile(r"[A-Za-z0-9._/-]{1,32}\Z")
_LIKE_A_KEY = re.compile(
    r"(sk|pk|rt|ya29|AIza|AQ|eyJ|gh[pousr]|kp-local)[-._]|AIza|eyJ|[A-Za-z0-9]{20,}"
)


def near(word: str, words: Mapping[str, object] | tuple[str, ...] | list[str]) -> str:
    """` (did you mean 'x'?)` for the word nearest to a mistyped one, else nothing."""
    matches = difflib.get_close_matches(word, list(words), n=1, cutoff=0.7)
    return f" (did you mean '{matches[0]}'?)" if matches else ""


def shown(value: object) -> str:
    """A value as a problem may show it: a plain short word itself, of all else only its kind."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return f"the number {value}" if abs(value) < 1e15 else "a number"
        case str():
            if _PLAIN_WORD.match(value) and not _LIKE_A_KEY.search(value):
                return f"'{value}'"
            return "a text" if value else "an empty text"
        case list():
            return "a list"
        case _:
            return "a mapping"


def mapping(value: Any) -> dict[str, Any]:
    """The value, if it is a mapping; else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> Iterator[tuple[int, Any]]:
    """The values of a list with their indexes; nothing of anything else."""
    return enumerate(value) if isinstance(value, list) else iter(())
