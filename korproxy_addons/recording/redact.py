"""
The one place that takes secrets out of what is written down: logs, recordings, archives, bundles, crash reports.

Three nets, one behind the other. What may be shown is listed (headers, parameters of a URL; log events hold named fields and
no free text). Every secret that is in use is known and goes out wherever it stands, however JSON or a URL spells it, whole or in
the pieces of a stream. Then goes what looks like a secret, whoever it belongs to.
"""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote_plus, urlsplit

from pydantic import SecretStr

from korproxy_addons.recording.body_redaction import event_spans, form_spans, json_spans, text_spans
from korproxy_addons.recording.patterns import is_plain, looks_secret
from korproxy_addons.recording.secret_names import (
    CREDENTIAL_HEADERS,
    HARMLESS_PARAMETERS,
    READABLE_HEADERS,
    READABLE_PREFIXES,
    names_a_secret,
)
from korproxy_addons.recording.spans import MASK, Span, joined, without

__all__ = ("MASK", "SHORTEST_SECRET", "Redactor", "is_event_stream", "short_hash")

# A shorter value would match ordinary words.
SHORTEST_SECRET = 8
# So much of a secret's beginning, at the end of a text, is taken for that secret.
SHORTEST_BEGINNING = 6
# A long text is searched in windows, so that nobody else has to wait for one long search; nothing that is looked for by
# what it looks like is longer than where two of them overlap.
_WINDOW = 64 * 1024
_OVERLAP = 16 * 1024
# One look at all of a text that is as short as most are is cheaper than one for each kind.
_SHORT = 400
_SHOWN_IN_JSON = re.compile(r"[\"\\/<>&'\x00-\x1f\x7f-\uffff]")


class Redactor:
    """
    Takes secrets out; learns those that are in use. Safe to use from any thread.

    Args:
        folder: The user's own folder, whose name goes out too: it becomes `~`. "": no folder does.
    """

    def __init__(self, folder: str = "") -> None:
        self._folder = folder.rstrip("/\\")
        # Replaced as a whole: the log's thread may be walking it.
        self._known: frozenset[str] = frozenset()
        self._learning = threading.Lock()

    def learn(self, secrets: Iterable[SecretStr]) -> None:
        """Never let these through again, whatever they look like, nor as JSON or a URL spells them."""
        spelled = _spelled(_value(secret) for secret in secrets)
        # Two threads that learn at once: neither may overwrite what the other has learned.
        with self._learning:
            self._known |= spelled

    def with_secrets(self, secrets: Iterable[str]) -> "Redactor":
        """One that knows these too, for what was said with them; this one stays as it is."""
        other = Redactor(self._folder)
        other._known = self._known | _spelled(secrets)
        return other

    # Texts

    def clean(self, text: str) -> bool:
        """Whether nothing in `text` is, or looks like, a secret or an e-mail address; one pass, for the usual case."""
        if self._folder and self._folder in text:
            return False
        return is_plain(text) and not any(value in text for value in self._known)

    def text(self, text: str) -> str:
        """`text` without what is, or looks like, a secret or an e-mail address."""
        return without(text, self.finds(text))

    def without_known(self, data: bytes) -> bytes:
        """`data` without the secrets in use; everything else stays byte for byte."""
        text = data.decode("latin-1")
        clean = without(text, self.known(text))
        return data if clean is text else clean.encode("latin-1")

    # Messages

    def headers(self, fields: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
        """
        The fields of a head: those that are known to be harmless as they are, the others' values as their hash.

        A credential's value is not even shown as that.
        """
        return tuple((self.text(name), self._header_value(name, value)) for name, value in fields)

    def url(self, url: str) -> str:
        """A URL, or its path and query, without who and without the values of its parameters, but for harmless ones."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return MASK
        netloc = parts.netloc.rpartition("@")[2]
        query = "&".join(map(self._parameter, parts.query.split("&"))) if parts.query else ""
        shown = parts._replace(netloc=netloc, query=query, fragment="").geturl()
        return self.text(shown)

    def json(self, value: Any) -> Any:
        """A JSON value (objects, lists, texts, numbers) without its secrets; a copy."""
        return json.loads(self._json_text(json.dumps(value)))

    def body(self, text: str, content_type: str = "") -> str:
        """
        A body's text without its secrets; all else in it stays as it is.

        Args:
            text: The body; it may have been cut off.
            content_type: As its message's head has it; where it says nothing, the body is looked at.
        """
        return self.body_masked(text, content_type)[0]

    def body_masked(self, text: str, content_type: str = "") -> tuple[str, int]:
        """As `body`, and how many pieces were taken out."""
        spans = joined([*self._body_spans(text, content_type), *self.begun(text)])
        clean = without(text, spans)
        # The last net: a spelling that none of the readings above has met.
        clean = without(clean, self.known(clean))
        return clean, sum(1 for it in spans if it.instead)

    # What the readings of a body ask for (`body_redaction.Finder`)

    def finds(self, text: str) -> Iterator[Span]:
        yield from self.known(text)
        if len(text) <= _WINDOW + _OVERLAP:
            if len(text) > _SHORT or not is_plain(text):
                yield from looks_secret(text)
        else:
            for start in range(0, len(text), _WINDOW):
                window = text[start : start + _WINDOW + _OVERLAP]
                for found in looks_secret(window):
                    yield Span(found.start + start, found.end + start, found.instead)
        if self._folder:
            for span in _spans(self._folder, text, "~"):
                if not text[span.end : span.end + 1].isalnum():
                    yield span

    def known(self, text: str) -> Iterator[Span]:
        if len(text) < SHORTEST_SECRET:
            return
        for value in self._known:
            if value in text:
                yield from _spans(value, text)

    def begun(self, text: str) -> Iterator[Span]:
        for value in self._known:
            first = value[:SHORTEST_BEGINNING]
            start = text.find(first, max(0, len(text) - len(value) + 1))
            while start >= 0:
                if value.startswith(text[start:]):
                    yield Span(start, len(text))
                    break
                start = text.find(first, start + 1)

    def _body_spans(self, text: str, content_type: str) -> Iterator[Span]:
        kind = content_type.partition(";")[0].strip().lower()
        if is_event_stream(text, kind):
            return event_spans(self, text)
        if kind == "application/x-www-form-urlencoded":
            return form_spans(self, text)
        if text.lstrip()[:1] in ("{", "["):
            return json_spans(self, text)
        return text_spans(self, text)

    def _json_text(self, text: str) -> str:
        return without(text, json_spans(self, text))

    def _header_value(self, name: str, value: str) -> str:
        lower = name.lower()
        if lower in CREDENTIAL_HEADERS:
            return MASK
        if lower == "http-referer":
            return self.url(value)
        if lower in READABLE_HEADERS or lower.startswith(READABLE_PREFIXES):
            return self.text(value)
        return f"sha256:{short_hash(value.encode('utf-8', 'surrogateescape'))}" if value else ""

    def _parameter(self, pair: str) -> str:
        name, equals, value = pair.partition("=")
        plain = unquote_plus(name)
        if not value or (
            plain.lower() in HARMLESS_PARAMETERS and not names_a_secret(plain, unquote_plus(value))
        ):
            return pair
        return f"{name}{equals}{MASK}"


def is_event_stream(text: str, content_type: str = "") -> bool:
    """Whether a body is a stream of server-sent events, as its type says or as it begins."""
    if content_type.partition(";")[0].strip().lower() == "text/event-stream":
        return True
    return text.startswith(("data:", "event:", ": "))


def short_hash(data: bytes) -> str:
    """Eight digits by which two values that are the same are seen to be so."""
    return hashlib.sha256(data).hexdigest()[:8]


def _spelled(values: Iterable[str]) -> frozenset[str]:
    """Values that are long enough, in every spelling that they may turn up in."""
    return frozenset(
        spelling
        for value in values
        if len(value) >= SHORTEST_SECRET
        for spelling in _spellings(value)
    )


def _spellings(value: str) -> tuple[str, ...]:
    escaped = json.dumps(value)[1:-1]
    # Whole groups of three bytes: what follows changes the last one.
    data = value.encode("utf-8", "surrogatepass")
    packed = base64.b64encode(data[: len(data) // 3 * 3]).decode()
    if _SHOWN_IN_JSON.search(value) is None:
        return (value, quote(value, safe=""), packed)
    by_others = "".join(_escaped_by_others(letter) for letter in value)
    return (
        value, escaped, json.dumps(value, ensure_ascii=False)[1:-1], escaped.replace("/", "\\/"), by_others,
        json.dumps(escaped)[1:-1], packed, quote(value, safe=""), quote(value), quote(value, safe="~"),
    )  # fmt: skip


def _escaped_by_others(letter: str) -> str:
    """As encoders write a letter that are careful of HTML."""
    return _HTML.get(letter) or json.dumps(letter)[1:-1]


_HTML: Mapping[str, str] = {it: f"\\u{ord(it):04x}" for it in "<>&'"}


def _spans(value: str, text: str, instead: str = MASK) -> Iterator[Span]:
    start = text.find(value)
    while start >= 0:
        yield Span(start, start + len(value), instead)
        start = text.find(value, start + 1)


def _value(secret: SecretStr) -> str:
    # Only the value can be looked for; it leaves this object as a mask.
    return secret.get_secret_value()
