"""Finds the end of a JSON object that comes in pieces, without reading any of it twice."""

import re
from typing import Final

# Outside a string: a bracket or the start of a string. Inside: whatever may end it or hides a quote.
_OUTSIDE: Final = re.compile(r'[{}\[\]"]')
_INSIDE: Final = re.compile(r'["\\]')


class JsonEnd:
    """
    Follows the brackets of one JSON value.

    Attributes:
        started: A bracket was opened.
        complete: It was closed again: whatever follows can only be white space.
    """

    __slots__ = ("_depth", "_escaped", "_quoted", "complete", "started")

    def __init__(self) -> None:
        self._depth = 0
        self._quoted = False
        self._escaped = False
        self.started = False
        self.complete = False

    def feed(self, text: str) -> int:
        """Follow `text`; how many of its characters belong to the value."""
        if self.complete:
            return 0
        place = 0
        if self._escaped and text:
            self._escaped = False
            place = 1
        while True:
            found = (_INSIDE if self._quoted else _OUTSIDE).search(text, place)
            if found is None:
                return len(text)
            place = found.end()
            sign = found[0]
            if sign == '"':
                self._quoted = not self._quoted
            elif sign == "\\":
                if place == len(text):
                    self._escaped = True
                    return place
                place += 1
            elif sign in "{[":
                self._depth += 1
                self.started = True
            else:
                self._depth -= 1
                if self._depth <= 0 and self.started:
                    self.complete = True
                    return place
