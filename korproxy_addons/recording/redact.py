"""
The second net under everything that is written down: what looks like a secret, or is one we know, goes out of a text.

The first net is that log events are constant words with named fields and hold no free text. This one catches what slips
in with a foreign library's message, or in a field that should not have held it.
"""

import json
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from pydantic import SecretStr

MASK = "[redacted]"
# A shorter value would match ordinary words.
SHORTEST_SECRET = 8

# Not inside a word (`disk-usage`), but right behind an escaped line break, as in JSON.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_LOOKS_SECRET = re.compile(
    rf"""
    {_START} (?:
        sk-[A-Za-z0-9_-]{{8,}}                          # OpenAI, Anthropic, Qwen, iFlow keys and tokens
      | ya29\.[A-Za-z0-9._-]{{8,}}                      # Google access token
      | 1//[A-Za-z0-9._-]{{8,}}                         # Google refresh token
      | AIza[A-Za-z0-9_-]{{8,}} | AQ\.[A-Za-z0-9._-]{{8,}}  # Google API keys
      | rt_[A-Za-z0-9._-]{{8,}}                         # OpenAI refresh token
      | gh[pousr]_[A-Za-z0-9]{{8,}}
      | kp-local-[A-Za-z0-9_-]{{8,}}
      | eyJ[A-Za-z0-9_-]{{8,}}\.[A-Za-z0-9_-]{{8,}}(?:\.[A-Za-z0-9_-]*)?   # JWT
    )
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_QUERY_KEY = re.compile(r"(?i)([?&](?:key|access_token|api_key|token|code)=)[^&\s\"']+")
# The look-behind keeps a long word without an @ from being searched from each of its letters.
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}"
)


# What every pattern above has in it somewhere: a text without any of these needs no closer look.
_SUSPICIOUS = re.compile(
    r"sk-|ya29|1//|AIza|AQ\.|rt_|gh[pousr]_|kp-local|eyJ|PRIVATE|[Bb][Ee][Aa][Rr]|[Bb][Aa][Ss][Ii][Cc]|[?&@]"
)


class Redactor:
    """Takes secrets out of texts; learns those that are in use. Safe to use from any thread."""

    def __init__(self) -> None:
        # Replaced as a whole: the log's thread may be walking it.
        self._known: frozenset[str] = frozenset()

    def learn(self, secrets: Iterable[SecretStr]) -> None:
        """Never let these through again, whatever they look like, nor as JSON or a URL spells them."""
        values = (_value(secret) for secret in secrets)
        self._known |= {
            spelling
            for value in values
            if len(value) >= SHORTEST_SECRET
            for spelling in (value, json.dumps(value)[1:-1], quote(value, safe=""))
        }

    def clean(self, text: str) -> bool:
        """Whether nothing in `text` is, or looks like, a secret or an e-mail address; one pass, for the usual case."""
        return not (_SUSPICIOUS.search(text) or any(value in text for value in self._known))

    def text(self, text: str) -> str:
        """`text` without what is, or looks like, a secret or an e-mail address."""
        spans = [span for value in self._known if value in text for span in _spans(value, text)]
        if spans:
            text = _masked(text, spans)
        text = _LOOKS_SECRET.sub(MASK, text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        text = _QUERY_KEY.sub(rf"\1{MASK}", text)
        return _EMAIL.sub("[e-mail]", text)

    def without_known(self, data: bytes) -> bytes:
        """`data` without the secrets in use; everything else stays byte for byte."""
        text = data.decode("latin-1")
        spans = [span for value in self._known if value in text for span in _spans(value, text)]
        return _masked(text, spans).encode("latin-1") if spans else data


def _spans(value: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(value)
    while start >= 0:
        yield start, start + len(value)
        start = text.find(value, start + 1)


def _masked(text: str, spans: list[tuple[int, int]]) -> str:
    """`text` with one mask for every run of spans that touch: of two secrets that overlap, no end is left."""
    parts: list[str] = []
    kept_from = 0
    masked_to = -1
    for start, end in sorted(spans):
        if start > masked_to:
            parts += [text[kept_from:start], MASK]
        masked_to = kept_from = max(masked_to, end)
    return "".join((*parts, text[kept_from:]))


def _value(secret: SecretStr) -> str:
    # Only the value can be looked for; it leaves this object as a mask.
    return secret.get_secret_value()
