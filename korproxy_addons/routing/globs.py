"""Patterns of the configuration: `*` for any text, `?` for one sign, whatever the case."""

import re
from collections.abc import Callable, Iterable
from fnmatch import translate

_WILD = frozenset("*?")


def matcher(patterns: Iterable[str]) -> Callable[[str], bool]:
    """A test whether a text fits one of the patterns as a whole; its time does not explode with the text's length."""
    patterns = [it.lower() for it in patterns]
    plain = frozenset(it for it in patterns if not _WILD & set(it))
    # fnmatch knows `[...]` too, which is no pattern here: models are called such things as `opus[1m]`.
    wild = [translate(it.replace("[", "[[]")) for it in patterns if it not in plain]
    if not wild:
        return lambda text: text.lower() in plain
    found = re.compile("|".join(wild), re.IGNORECASE).match
    if not plain:
        return lambda text: found(text) is not None
    return lambda text: text.lower() in plain or found(text) is not None
