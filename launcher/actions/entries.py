"""Entries of the configuration's lists (profiles, groups, rules, keys): found by id or name, changed field by field."""

from collections.abc import Iterable, Mapping
from typing import Any

from korproxy_addons.config.document import Document
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec

type Changes = Mapping[str, Any]
"""Field to its new value; None takes the field out, so that its default holds."""


def entries(document: Document, path: KeyPath) -> list[tuple[int, dict[str, Any]]]:
    """The mappings of a list with their places; nothing where there is no list."""
    found = document.value(path)
    whole = enumerate(found) if isinstance(found, list) else ()
    return [(index, it) for index, it in whole if isinstance(it, dict)]


def find(document: Document, path: KeyPath, word: str, field: str = "id") -> KeyPath | None:
    """The path of the entry with this id (or name), whatever its case; None if there is none."""
    wanted = word.strip().lower()
    for key in dict.fromkeys((field, "name")):
        for index, entry in entries(document, path):
            if str(entry.get(key, "")).lower() == wanted:
                return (*path, index)
    return None


def found(
    document: Document, path: KeyPath, word: str, unknown: ErrorSpec, field: str = "id"
) -> KeyPath:
    """
    As `find`.

    Raises:
        KorProxyError: `unknown`, with those there are.
    """
    place = find(document, path, word, field)
    if place is None:
        names = ", ".join(str(it.get(field)) for _, it in entries(document, path))
        raise KorProxyError(unknown, f"{word}; there are {names or 'none'}")
    return place


def must_be_free(
    document: Document, path: KeyPath, words: Iterable[str], field: str = "id"
) -> None:
    """
    Let an entry be added under these names.

    Raises:
        KorProxyError: NAME_TAKEN.
    """
    for word in words:
        if find(document, path, word, field) is not None:
            raise KorProxyError(catalogue.NAME_TAKEN, word)


def change(document: Document, path: KeyPath, changes: Changes) -> None:
    """
    Change an entry's fields.

    Raises:
        ConfigProblems: The place is written in a way that cannot be edited safely.
    """
    for field, value in changes.items():
        if value is not None:
            document.set((*path, field), value)
        elif document.value((*path, field)) is not None:
            document.remove((*path, field))


def named(given: Changes) -> dict[str, Any]:
    """The fields that say something."""
    return {field: value for field, value in given.items() if value is not None}
