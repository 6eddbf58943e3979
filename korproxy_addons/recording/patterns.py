"""
What looks like a secret, whoever it belongs to: places in a text, found in time that grows with its length alone.

Most texts hold none. So each kind is looked for by letters that it must have, which costs next to nothing, and only where
those stand does a regular expression take a closer look.
"""

import re
from collections.abc import Iterator

from korproxy_addons.recording.spans import Span

EMAIL_MASK = "[e-mail]"

# Not inside a word (`disk-usage`), but right behind an escaped line break, as in JSON.
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
_KINDS: tuple[tuple[str, str], ...] = (
    # what such a secret begins with, and all of it
    ("sk-", r"sk-[A-Za-z0-9_-]{8,}"),  # OpenAI, Anthropic, Qwen, iFlow, OpenRouter
    ("ya29.", r"ya29\.[A-Za-z0-9._-]{8,}"),  # Google access token
    ("1//", r"1//[A-Za-z0-9._-]{8,}"),  # Google refresh token
    ("AIza", r"AIza[A-Za-z0-9_-]{8,}"),  # Google API key
    ("AQ.", r"AQ\.[A-Za-z0-9._-]{8,}"),  # Google API key
    ("GOCSPX-", r"GOCSPX-[A-Za-z0-9_-]{8,}"),  # Google client secret
    ("rt_", r"rt_[A-Za-z0-9._-]{8,}"),  # OpenAI refresh token
    ("gh", r"gh[pousr]_[A-Za-z0-9]{8,}"),  # GitHub
    ("github_pat_", r"github_pat_[A-Za-z0-9_]{8,}"),
    ("glpat-", r"glpat-[A-Za-z0-9_-]{8,}"),  # GitLab
    ("xox", r"xox[abeoprs]-[A-Za-z0-9-]{8,}"),  # Slack
    ("AKIA", r"AKIA[A-Z0-9]{12,}"),  # AWS
    ("hf_", r"hf_[A-Za-z0-9]{16,}"),  # Hugging Face
    ("gsk_", r"gsk_[A-Za-z0-9]{16,}"),  # Groq
    ("xai-", r"xai-[A-Za-z0-9]{16,}"),
    ("pplx-", r"pplx-[A-Za-z0-9]{16,}"),
    ("npm_", r"npm_[A-Za-z0-9]{16,}"),
    ("sk_", r"sk_(?:live|test)_[A-Za-z0-9]{8,}"),  # Stripe
    ("kp-local-", r"kp-local-[A-Za-z0-9_-]{8,}"),  # our own
    ("eyJ", r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),  # JWT
)
_BY_START = tuple(
    (begins, re.compile(_START + "(?:" + all_of_it + ")")) for begins, all_of_it in _KINDS
)
_PEM_START = "-----BEGIN"
_PEM = re.compile(
    r"-----BEGIN[ A-Z]*PRIVATE KEY-----.*?(?:-----END[ A-Z]*PRIVATE KEY-----|\Z)", re.DOTALL
)
# What follows these goes, in any case of letters; the word itself stays.
_SCHEME = re.compile(r"\s+([A-Za-z0-9._~+/=-]{6,})")
# "Basic understanding" is prose, unless it stands in a header.
_PROSE = re.compile(r"[A-Za-z]?[a-z]*(?:[-/.][A-Za-z]?[a-z]*)*")
_HEADER_BEFORE_CHARACTERS = 24
_PARAMETER = re.compile(r"([^&\s\"']+)")
# A field that is called so, in JSON or in a program's source that stands in a text; its quotes may be escaped.
_FIELD = re.compile(r"\\?[\"']?\s?[:=]\s?\\?[\"']([^\"'\\\s]{8,})")
_BEHIND: tuple[tuple[str, re.Pattern[str]], ...] = (
    *((word, _SCHEME) for word in ("bearer", "basic")),
    *(
        (f"{joint}{name}=", _PARAMETER)
        for joint in "?&"
        for name in ("key", "access_token", "api_key", "token", "code")
    ),
    *(
        (name, _FIELD)
        for name in (
            "access_token", "accesstoken", "refresh_token", "refreshtoken", "id_token", "idtoken", "auth_token",
            "authtoken", "session_token", "sessiontoken", "client_secret", "clientsecret", "api_key", "apikey",
            "private_key", "privatekey", "secret_key", "secretkey", "access_key", "accesskey", "code_verifier",
            "device_code", "password", "passwd", "passphrase",
        )
    ),
)  # fmt: skip
# A line of an environment file: a name in capitals, no blanks. A value that is only fetched (`$(…)`, `<…>`) is none.
_ENVIRONMENT = re.compile(r"[\"']?((?![$<{(%\[])[^\s\"'&;,)\\]{8,})")
_IN_ENVIRONMENT = tuple(
    f"{name}="
    for name in ("KEY", "SECRET", "TOKEN", "PASSWORD", "PASSWD", "CREDENTIAL", "CREDENTIALS")
)
_BEFORE_AT = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._%+-")
_BEHIND_AT = re.compile(r"@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")

# Nothing shorter than this is a secret of any of these kinds.
_SHORTEST = 10
_SIGNS = (*(begins for begins, _ in _BY_START), _PEM_START, *_IN_ENVIRONMENT, "@")
_SIGNS_IN_ANY_CASE = tuple(word for word, _ in _BEHIND)


def is_plain(text: str) -> bool:
    """Whether a short text cannot hold anything of the kind: the quick look, for the usual case."""
    if len(text) < _SHORTEST and "@" not in text:
        return True
    if any(sign in text for sign in _SIGNS):
        return False
    lower = text.lower()
    return not any(sign in lower for sign in _SIGNS_IN_ANY_CASE)


def looks_secret(text: str) -> Iterator[Span]:
    """Where something looks like a secret, or is an e-mail address; spans may overlap, in no order."""
    for begins, kind in _BY_START:
        yield from _from_starts(text, begins, kind)
    yield from _from_starts(text, _PEM_START, _PEM)
    lower = text.lower()
    if len(lower) != len(text):
        # One of the few letters that grow: places would not be the same.
        lower = text
    for word, value in _BEHIND:
        yield from _behind(text, lower, word, value)
    for name in _IN_ENVIRONMENT:
        yield from _behind(text, text, name, _ENVIRONMENT)
    yield from _emails(text)


def _from_starts(text: str, begins: str, kind: re.Pattern[str]) -> Iterator[Span]:
    at = text.find(begins)
    while at >= 0:
        found = kind.match(text, at)
        if found is not None:
            yield Span(*found.span())
        at = text.find(begins, found.end() if found is not None else at + 1)


def _behind(text: str, searched: str, word: str, value: re.Pattern[str]) -> Iterator[Span]:
    at = searched.find(word)
    while at >= 0:
        end = at + len(word)
        found = value.match(text, end)
        if found is not None and (value is not _SCHEME or _is_scheme(text, at, found[1])):
            yield Span(*found.span(1))
        at = searched.find(word, end)


def _is_scheme(text: str, at: int, value: str) -> bool:
    if at > 0 and (text[at - 1].isalnum() or text[at - 1] == "_"):
        return False
    if _PROSE.fullmatch(value) is None:
        return True
    return "authorization" in text[max(0, at - _HEADER_BEFORE_CHARACTERS) : at].lower()


def _emails(text: str) -> Iterator[Span]:
    at = text.find("@")
    while at >= 0:
        start = at
        while start > 0 and text[start - 1] in _BEFORE_AT:
            start -= 1
        found = _BEHIND_AT.match(text, at) if start < at else None
        if found is not None:
            yield Span(start, found.end(), EMAIL_MASK)
        at = text.find("@", found.end() if found is not None else at + 1)
