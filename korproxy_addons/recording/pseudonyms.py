"""
Names that a person chose, replaced by others, the same ones everywhere: what belongs together can still be seen to.

Names that say nothing of anybody (a provider's, a word that KorProxy made up itself) are not given here, and stay.
"""

import re
from collections.abc import Iterable
from typing import Any

SHORTEST = 2
"""A shorter name would match in the middle of anything."""


class Pseudonyms:
    """
    Gives pseudonyms in the order in which names are added: the same names give the same pseudonyms.

    Args:
        kept: Names that stay as they are, whoever adds them.
    """

    def __init__(self, kept: Iterable[str] = ()) -> None:
        self._kept = frozenset(kept)
        self._by_name: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None

    def add(self, kind: str, *names: str) -> str:
        """
        Replace these names, which mean one thing, by one pseudonym.

        Args:
            kind: What it is, such as `account`; the pseudonym is `account-1`.
            names: Its spellings; those that are kept, too short or known already change nothing. Where one of them is
                kept, the others become that one.
        Returns:
            The pseudonym; the first name where none is needed.
        """
        known = next((self._by_name[it] for it in names if it in self._by_name), None)
        known = known or next((it for it in names if it in self._kept), None)
        new = [
            it
            for it in dict.fromkeys(names)
            if len(it) >= SHORTEST and it not in self._kept and it not in self._by_name
        ]
        if known is None and not new:
            return names[0] if names else ""
        if known is None:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            known = f"{kind}-{self._counts[kind]}"
        self._by_name |= dict.fromkeys(new, known)
        self._pattern = None
        return known

    def text(self, text: str) -> str:
        """`text` with every name in it replaced; a name is not found inside a longer word."""
        if not self._by_name:
            return text
        if self._pattern is None:
            # The longest first: of two names that begin alike, the whole one counts.
            names = sorted(self._by_name, key=lambda it: (-len(it), it))
            either = "|".join(map(re.escape, names))
            self._pattern = re.compile(rf"(?<![^\W_])(?:{either})(?![^\W_])")
        return self._pattern.sub(lambda found: self._by_name[found[0]], text)

    def value(self, value: Any) -> Any:
        """A value of JSON with the names in all of its texts and keys replaced."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self._key(key): self.value(it) for key, it in value.items()}
            case list() | tuple():
                return [self.value(it) for it in value]
            case _:
                return value

    def table(self) -> tuple[tuple[str, str], ...]:
        """Each pseudonym with the names it stands for, in the order in which they were given."""
        names: dict[str, list[str]] = {}
        for name, pseudonym in self._by_name.items():
            names.setdefault(pseudonym, []).append(name)
        return tuple((pseudonym, ", ".join(found)) for pseudonym, found in names.items())

    def _key(self, key: Any) -> Any:
        # A key that is a name as a whole, such as an alias; a field's own name stays what it is.
        return self._by_name.get(key, key) if isinstance(key, str) else key
