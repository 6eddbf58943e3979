"""What an id_token says of who signed in."""

import base64
import binascii
from collections.abc import Mapping
from typing import Any

import msgspec

_LIMIT_BYTES = 64 * 1024
_OPENAI_AUTH = "https://api.openai.com/auth"
_OPENAI_PROFILE = "https://api.openai.com/profile"


def claims_of(token: str) -> dict[str, Any]:
    """
    The claims in a JWT; empty for anything that is none.

    The signature is not looked at here: the token came from the token endpoint itself, over TLS
    (OpenID Connect Core, 3.1.3.7, item 6), and what is read decides nothing but names and labels. Where a provider asks
    its clients to check it, `id_tokens` does.
    """
    parts = token.split(".")
    if len(parts) != 3 or len(token) > _LIMIT_BYTES:
        return {}
    try:
        payload = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        claims = msgspec.json.decode(payload)
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}


def expiry_of(token: str) -> float | None:
    """`exp` of a JWT, Unix seconds; None if it says none."""
    value = claims_of(token).get("exp")
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return float(value) if 0 < value < 1e11 else None


def facts_of(claims: Mapping[str, Any]) -> dict[str, str]:
    """What claims say of the login: email, subject, and of a ChatGPT account its id and plan."""
    facts = {"email": _text(claims.get("email")), "subject": _text(claims.get("sub"))}
    profile = _mapping(claims.get(_OPENAI_PROFILE))
    facts["email"] = facts["email"] or _text(profile.get("email"))
    openai = _mapping(claims.get(_OPENAI_AUTH))
    facts["account_id"] = _text(openai.get("chatgpt_account_id"))
    facts["plan"] = _text(openai.get("chatgpt_plan_type"))
    facts["plan_until"] = _text(openai.get("chatgpt_subscription_active_until"))
    organizations = openai.get("organizations")
    for organization in organizations if isinstance(organizations, list) else ():
        entry = _mapping(organization)
        if entry.get("is_default") is True:
            facts["organization"] = _text(entry.get("title"))
            facts["organization_id"] = _text(entry.get("id"))
    return {name: value for name, value in facts.items() if value}


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    """A short printable text; anything else is nothing."""
    return value if isinstance(value, str) and len(value) <= 320 and value.isprintable() else ""
