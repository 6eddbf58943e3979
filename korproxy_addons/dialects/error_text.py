"""
An upstream's error text as a client may see it (T169).

Upstreams repeat what they were sent: the key, the account's e-mail address, the address that was asked. Those are the
gateway's own, not the client's. Links to the providers' documentation help the reader and stay.
"""

import re
from typing import Final

MESSAGE_LIMIT: Final = 2000

# What looks like a key has a digit or a mask in it: "key-value" is a word.
_SECRETS: Final = (
    (re.compile(r"\beyJ[\w-]{6,}(?:\.[\w-]*){1,4}"), "[token]"),
    (re.compile(r"(?i)\b(bearer|basic)\s+(?!auth|token|scheme)[\w.~+/=*-]{6,}"), r"\1 [token]"),
    (re.compile(r"(?i)([?&](?:key|api_key|token|access_token)=)[^\s&\"']+"), r"\1[key]"),
    (re.compile(r"\b(?:sk|pk|rk|rt|key|tok|gsk|xai|sess|oaiapp)[-_](?=[\w.*-]*[\d*])[\w.*-]{6,}\b\*{0,64}"), "[key]"),
    (re.compile(r"\b(?:AIza|ya29\.|AQ\.|1//)[\w.*-]{6,}"), "[key]"),
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+"), "[e-mail]"),
)  # fmt: skip
_LINK: Final = re.compile(r"\b(?:https?|wss?)://[^\s\"'<>)\]]*[^\s\"'<>)\].,;:!?]", re.IGNORECASE)
_DOCUMENTATION: Final = re.compile(
    r"https://(?:"
    r"platform\.openai\.com|help\.openai\.com|developers\.openai\.com|chatgpt\.com/(?:settings|#pricing|explore)"
    r"|(?:docs|support|console|platform)\.(?:anthropic|claude)\.com|claude\.ai/settings"
    r"|ai\.google\.dev|ai\.dev|cloud\.google\.com|aistudio\.google\.com|support\.google\.com|g\.co"
    r"|help\.aliyun\.com|www\.alibabacloud\.com/help|openrouter\.ai/(?:docs|settings)"
    r")(?:[/#][^?@]*)?\Z",
    re.IGNORECASE,
)


def shown_text(text: str) -> str:
    """The text without credentials, e-mail addresses and addresses of upstreams, within `MESSAGE_LIMIT`."""
    text = text[: 4 * MESSAGE_LIMIT].encode("utf-8", "replace").decode()
    text = _LINK.sub(_link, text)
    for pattern, stand_in in _SECRETS:
        text = pattern.sub(stand_in, text)
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1] + "…"


def _link(found: re.Match[str]) -> str:
    return found[0] if _DOCUMENTATION.match(found[0]) else "[link]"
