"""
Secrets in bodies: in fields that are called so, in strings of JSON however deep, in pieces that a stream was cut into.

What is found are places in the body as it came, so that taking them out changes nothing else in it.
"""

from collections.abc import Iterable, Iterator
from typing import Protocol
from urllib.parse import unquote_plus

from korproxy_addons.recording.json_strings import Leaf, Path, leaves, raw_places
from korproxy_addons.recording.secret_names import (
    names_a_secret,
    names_a_secret_of_a_login,
    names_a_secret_of_a_query,
)
from korproxy_addons.recording.spans import Span, joined

DEEPEST_NESTING = 4
"""JSON in a string of JSON is looked into so many times."""
_LOGIN_MARKS = ('"grant_type"', '"code_verifier"', '"redirect_uri"')
# What tells streams within a stream apart: an event of one may come between two of another.
_TELLS_APART = frozenset(("index", "output_index", "content_index", "summary_index", "item_id"))
_DATA = "data:"
_SHORT = 64
_MOST_REMEMBERED = 10_000


class Finder(Protocol):
    """Finds secrets in a text that is nothing but a text."""

    def finds(self, text: str) -> Iterable[Span]:
        """Places of what is, or looks like, a secret."""

    def known(self, text: str) -> Iterable[Span]:
        """Places of secrets in use alone."""

    def begun(self, text: str) -> Iterable[Span]:
        """The place of a secret in use that the text breaks off in."""


class _Remembering:
    """A finder that looks only once at what every event says again."""

    def __init__(self, finder: Finder) -> None:
        self._clean: set[str] = set()
        self._finder = finder
        self.known = finder.known
        self.begun = finder.begun

    def finds(self, text: str) -> Iterable[Span]:
        if text in self._clean:
            return ()
        found = tuple(self._finder.finds(text))
        if not found and len(text) <= _SHORT and len(self._clean) < _MOST_REMEMBERED:
            self._clean.add(text)
        return found


def text_spans(finder: Finder, text: str, depth: int = 0) -> Iterator[Span]:
    """Secrets in a text which may be JSON, as a tool's arguments are."""
    yield from finder.finds(text)
    if depth < DEEPEST_NESTING and text.lstrip()[:1] in ("{", "[") and '"' in text:
        yield from json_spans(finder, text, depth + 1)


def json_spans(finder: Finder, text: str, depth: int = 0) -> Iterator[Span]:
    """Secrets in the strings, names and numbers of a JSON text, which may be cut off."""
    tracks = _Tracks()
    is_login = any(mark in text for mark in _LOGIN_MARKS)
    streams = text.lstrip()[:1] == "["
    for leaf in leaves(text):
        yield from _leaf_spans(finder, leaf, text, depth, is_login=is_login)
        if leaf.kind == "string":
            tracks.add(leaf, leaf.path[:1] if streams else ())
    # Parts of an array that are read one after the other: an array of whole replies is a stream.
    yield from tracks.spans(finder, text, depth, thoroughly=streams and depth == 0)


def event_spans(finder: Finder, text: str) -> Iterator[Span]:
    """Secrets in a stream of server-sent events, also those that no event holds alone."""
    tracks = _Tracks()
    finder = _Remembering(finder)
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if text.startswith(_DATA, start, end):
            found = list(leaves(text, start + len(_DATA), end))
            apart = tuple((it.key, it.text) for it in found if it.key in _TELLS_APART)
            for leaf in found:
                yield from _leaf_spans(finder, leaf, text, 0, is_login=False)
                if leaf.kind == "string":
                    tracks.add(leaf, apart)
            if not any(it.kind != "bare" for it in found):
                yield from _moved(finder.finds(text[start:end]), start)
        else:
            yield from _moved(finder.finds(text[start:end]), start)
        start = end + 1
    yield from tracks.spans(finder, text, 0, thoroughly=True)


def form_spans(finder: Finder, text: str) -> Iterator[Span]:
    """Secrets in a form as a URL spells it, `a=b&c=d`."""
    start = 0
    for pair in text.split("&"):
        name, _, value = pair.partition("=")
        at = start + len(name) + 1
        plain_name, plain = unquote_plus(name), unquote_plus(value)
        secret = names_a_secret_of_a_query(plain_name) or names_a_secret(plain_name, plain)
        if value and (secret or any(finder.finds(plain))):
            yield Span(at, at + len(value))
        start += len(pair) + 1


def _leaf_spans(
    finder: Finder, leaf: Leaf, text: str, depth: int, *, is_login: bool
) -> Iterator[Span]:
    if leaf.kind == "bare":
        if leaf.key and leaf.text[:1] in "-0123456789" and names_a_secret(leaf.key, leaf.text):
            yield Span(leaf.start, leaf.end, "0")
        return
    if leaf.kind == "string" and (
        names_a_secret(leaf.key, leaf.text) or (is_login and names_a_secret_of_a_login(leaf.key))
    ):
        yield Span(leaf.start, leaf.end)
        return
    found = list(text_spans(finder, leaf.text, depth))
    if found:
        yield from _in_raw(leaf, text, found)


def _in_raw(leaf: Leaf, text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Places in a string's text as places in the JSON around it."""
    if not leaf.escaped:
        yield from _moved(spans, leaf.start)
        return
    places = raw_places(text[leaf.start : leaf.end])
    last = len(places) - 1
    for span in spans:
        start, end = places[min(span.start, last)], places[min(span.end, last)]
        yield Span(leaf.start + start, leaf.start + end, span.instead)


def _moved(spans: Iterable[Span], by: int) -> Iterator[Span]:
    return (Span(it.start + by, it.end + by, it.instead) for it in spans)


class _Track:
    """Strings that stand at the same place of one event after the other."""

    __slots__ = ("leaves",)

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []

    def spans(self, finder: Finder, text: str, depth: int, *, thoroughly: bool) -> Iterator[Span]:
        """Secrets that begin in one of the strings and end in another; one that was never ended."""
        whole = "".join(it.text for it in self.leaves)
        if thoroughly:
            found = [*text_spans(finder, whole, depth), *finder.begun(whole)]
        else:
            found = [*finder.known(whole), *finder.begun(whole)]
        if found:
            yield from self._in_pieces(joined(found), text)

    def _in_pieces(self, spans: list[Span], text: str) -> Iterator[Span]:
        start = at = 0
        for leaf in self.leaves:
            end = start + len(leaf.text)
            here = []
            while at < len(spans) and spans[at].start < end:
                span = spans[at]
                # The mask stands where the secret begins.
                instead = span.instead if span.start >= start else ""
                here.append(
                    Span(max(span.start, start) - start, min(span.end, end) - start, instead)
                )
                if span.end > end:
                    break
                at += 1
            yield from _in_raw(leaf, text, here)
            start = end


class _Tracks:
    """The tracks of one body, each by what tells it apart and together with all others of its place."""

    def __init__(self) -> None:
        self._apart: dict[Path, dict[tuple[object, ...], _Track]] = {}
        self._together: dict[Path, _Track] = {}

    def add(self, leaf: Leaf, apart: tuple[object, ...]) -> None:
        names = leaf.names
        places = tuple(it for it in leaf.path if isinstance(it, int))
        together = self._together.get(names)
        if together is None:
            together = self._together[names] = _Track()
            self._apart[names] = {}
        together.leaves.append(leaf)
        self._apart[names].setdefault((apart, places), _Track()).leaves.append(leaf)

    def spans(self, finder: Finder, text: str, depth: int, *, thoroughly: bool) -> Iterator[Span]:
        for names, together in self._together.items():
            if len(together.leaves) == 1 and not thoroughly:
                yield from together.spans(finder, text, depth, thoroughly=False)
                continue
            yield from together.spans(finder, text, depth, thoroughly=thoroughly)
            apart = self._apart[names]
            if thoroughly and 1 < len(apart) < len(together.leaves):
                for track in apart.values():
                    yield from track.spans(finder, text, depth, thoroughly=True)
