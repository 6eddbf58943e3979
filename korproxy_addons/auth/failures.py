"""What an authorization server's refusal means."""

import re

from korproxy_addons.auth.states import (
    LoginError,
    cancelled,
    rejected,
    scope_denied,
    unavailable,
)
from korproxy_addons.providers.calls import Reply
from korproxy_addons.providers.error_words import Words, read_words
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.waits import retry_after_s

_CODE = re.compile(r"[a-z]{1,24}(_[a-z]{1,24}){0,5}\Z")
# Servers repeat what they refuse; whatever is long enough to be a token is left out.
_LIKE_A_SECRET = re.compile(r"[A-Za-z0-9_.~+/=%#-]{16,}")
_TEXT_LIMIT = 200
_RETRY_STATUSES = frozenset({408, 425, 429})
_DENIED = frozenset({"access_denied", "user_denied", "consent_denied"})
_SCOPE = frozenset({"invalid_scope", "insufficient_scope"})
_DOWN = frozenset({"server_error", "temporarily_unavailable"})


def exchange_failure(reply: Reply, now: float) -> LoginError:
    """Why a code, or a device's code, was not exchanged for tokens."""
    words = read_words(reply.body, reply.headers.get("content-type", ""))
    if _unanswered(reply, words):
        return unavailable(_detail(reply, words), retry_after_s(reply.headers, now))
    return by_code(_code(words), _detail(reply, words))


def refresh_failure(login: LoginSpec, reply: Reply, now: float) -> LoginError:
    """Why a login was not renewed: it is over, or the server had no answer and it stays."""
    words = read_words(reply.body, reply.headers.get("content-type", ""))
    detail = _detail(reply, words)
    if _unanswered(reply, words):
        return unavailable(detail, retry_after_s(reply.headers, now))
    if reply.status in login.dead_statuses or login.dead_codes.intersection(words.codes):
        return rejected(detail)
    return unavailable(detail)


def by_code(code: str, detail: str) -> LoginError:
    """An error code of OAuth (RFC 6749, sections 4.1.2.1 and 5.2) as one of the six states."""
    if code in _DENIED:
        return cancelled(detail)
    if code in _SCOPE:
        return scope_denied(detail)
    return unavailable(detail) if code in _DOWN else rejected(detail)


def printable(text: str) -> str:
    """A server's words as they may be shown: one short line, nothing in it that could be a token."""
    line = " ".join(text.split())
    line = _LIKE_A_SECRET.sub("…", "".join(it for it in line if it.isprintable()))
    return line if len(line) <= _TEXT_LIMIT else line[:_TEXT_LIMIT] + "…"


def _unanswered(reply: Reply, words: Words) -> bool:
    """Whether this is no word about the login: overload, an outage, a web page of some edge."""
    return reply.status >= 500 or reply.status in _RETRY_STATUSES or words.html


def _code(words: Words) -> str:
    return words.codes[0] if words.codes else ""


def _detail(reply: Reply, words: Words) -> str:
    codes = [it for it in words.codes if _CODE.match(it)]
    message = printable(words.message)
    text = ", ".join(dict.fromkeys([*codes[:1], *([message] if message else [])]))
    return f"HTTP {reply.status}" + (f": {text}" if text else "")
