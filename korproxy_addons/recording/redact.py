"""
The second net under everything that is written down: what looks like a secret, or is one we know, goes out of a text.

The first net is that log events are constant words with named fields and hold no free text. This one catches what slips in
with an exception or a foreign library's message.
"""

import re
from collections.abc import Iterable

from pydantic import SecretStr

MASK = "[redacted]"
# A shorter value would match ordinary words.
SHORTEST_SECRET = 8

_LOOKS_SECRET = re.compile(
    r"""
      sk-[A-Za-z0-9_-]{8,}                          # OpenAI, Anthropic, Qwen, iFlow keys and tokens
    | ya29\.[A-Za-z0-9._-]{8,}                      # Google access token
    | 1//[A-Za-z0-9._-]{8,}                         # Google refresh token
    | AIza[A-Za-z0-9_-]{8,} | AQ\.[A-Za-z0-9._-]{8,}  # Google API keys
    | rt_[A-Za-z0-9._-]{8,}                         # OpenAI refresh token
    | gh[pousr]_[A-Za-z0-9]{8,}
    | kp-local-[A-Za-z0-9_-]{8,}
    | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?   # JWT
    | -----BEGIN[ A-Z]*PRIVATE[ ]KEY-----.*?(?:-----END[ A-Z]*PRIVATE[ ]KEY-----|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_QUERY_KEY = re.compile(r"(?i)([?&](?:key|access_token|api_key|token|code)=)[^&\s\"']+")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")


class Redactor:
    """Takes secrets out of texts; learns those that are in use."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def learn(self, secrets: Iterable[SecretStr]) -> None:
        """Never let these through again, whatever they look like."""
        for secret in secrets:
            value = _value(secret)
            if len(value) >= SHORTEST_SECRET:
                self._known.add(value)

    def text(self, text: str) -> str:
        """`text` without what is, or looks like, a secret or an e-mail address."""
        for value in self._known:
            if value in text:
                text = text.replace(value, MASK)
        text = _LOOKS_SECRET.sub(MASK, text)
        text = _BEARER.sub(rf"\1 {MASK}", text)
        text = _QUERY_KEY.sub(rf"\1{MASK}", text)
        return _EMAIL.sub("[e-mail]", text)


def _value(secret: SecretStr) -> str:
    # The comparison must see the value; it leaves this object only as a mask.
    return secret.get_secret_value()
