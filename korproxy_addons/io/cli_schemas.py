"""
How the official tools spell their logins: text in, tokens out, nothing read here.

As of November 2026: read in the programs of Claude Code 2.1, Codex CLI 0.15x and Gemini CLI 0.5x; Qwen Code's and iFlow's
from their sources. Fields that we do not know are passed over.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from pydantic import SecretStr

from korproxy_addons.auth.claims import claims_of, expiry_of, facts_of
from korproxy_addons.auth.tokens import TokenSet

API_KEY_MODE = "api-key"
"""Fact `mode` of a login that is an API key."""


class NoLoginError(Exception):
    """The text holds no login that could be used; the message says what it is instead, and quotes nothing."""


def read_claude(text: str, profile: str | None = None) -> TokenSet:
    """
    Claude Code's `.credentials.json`, or its keychain item.

    Args:
        text: The credentials.
        profile: Claude Code's `.claude.json`, which knows who signed in.
    Raises:
        NoLoginError: It holds logins of MCP servers only, or none.
    """
    login = _object(_parsed(text).get("claudeAiOauth"))
    facts = {"plan": _word(login, "subscriptionType"), "tier": _word(login, "rateLimitTier")}
    if profile is not None:
        account = _object(_parsed(profile).get("oauthAccount"))
        facts |= {
            "email": _word(account, "emailAddress"),
            "account_id": _word(account, "accountUuid"),
            "organization": _word(account, "organizationName"),
            "organization_id": _word(account, "organizationUuid"),
        }
    return TokenSet(
        access_token=_needed(login, "accessToken"),
        refresh_token=_secret(login, "refreshToken"),
        expires_at=_from_ms(login.get("expiresAt")),
        refresh_expires_at=_from_ms(login.get("refreshTokenExpiresAt")),
        scopes=_words(login.get("scopes")),
        facts=_told(facts),
    )


def read_codex(text: str) -> TokenSet:
    """
    Codex's `auth.json`, or its keyring item: a ChatGPT login, else an API key (fact `mode` is `api-key`).

    Raises:
        NoLoginError: neither.
    """
    content = _parsed(text)
    key = _secret(content, "OPENAI_API_KEY")
    tokens = _object(content.get("tokens"))
    if key is not None and (content.get("auth_mode") == "apikey" or not tokens):
        return TokenSet(access_token=key, facts={"mode": API_KEY_MODE})
    access_token = _needed(tokens, "access_token")
    id_token = _secret(tokens, "id_token")
    facts = {} if id_token is None else facts_of(claims_of(_text(tokens, "id_token")))
    if account_id := _word(tokens, "account_id"):
        facts["account_id"] = account_id
    return TokenSet(
        access_token=access_token,
        refresh_token=_secret(tokens, "refresh_token"),
        id_token=id_token,
        # Codex goes by the token's own claim, too: its file has no other.
        expires_at=expiry_of(_text(tokens, "access_token")),
        facts=_told(facts),
    )


def read_gemini(text: str, accounts: str | None = None) -> TokenSet:
    """
    Gemini CLI's `oauth_creds.json`.

    Args:
        text: The credentials.
        accounts: Its `google_accounts.json`, which names the active e-mail address.
    Raises:
        NoLoginError: There is none in it.
    """
    content = _parsed(text)
    id_token = _text(content, "id_token")
    facts = facts_of(claims_of(id_token)) if id_token else {}
    if accounts is not None and (active := _word(_parsed(accounts), "active")):
        facts["email"] = active
    return TokenSet(
        access_token=_needed(content, "access_token"),
        refresh_token=_secret(content, "refresh_token"),
        id_token=_secret(content, "id_token"),
        expires_at=_from_ms(content.get("expiry_date")),
        scopes=_words(content.get("scope")),
        facts=_told(facts),
    )


def read_gemini_item(text: str) -> TokenSet:
    """
    Gemini CLI's keychain item.

    Raises:
        NoLoginError: There is none in it.
    """
    token = _object(_parsed(text).get("token"))
    return TokenSet(
        access_token=_needed(token, "accessToken"),
        refresh_token=_secret(token, "refreshToken"),
        expires_at=_from_ms(token.get("expiresAt")),
        scopes=_words(token.get("scope")),
    )


def read_qwen(text: str) -> TokenSet:
    """
    Qwen Code's `oauth_creds.json`; fact `resource_url` is where its token is taken.

    Raises:
        NoLoginError: There is none in it.
    """
    content = _parsed(text)
    return TokenSet(
        access_token=_needed(content, "access_token"),
        refresh_token=_secret(content, "refresh_token"),
        expires_at=_from_ms(content.get("expiry_date")),
        facts=_told({"resource_url": _word(content, "resource_url")}),
    )


def read_iflow(text: str, accounts: str | None = None, settings: str | None = None) -> TokenSet:
    """
    The `oauth_creds.json` of iFlow CLI; what its requests carried was a key of its own.

    Args:
        text: The credentials.
        accounts: Its `iflow_accounts.json`, which holds the key.
        settings: Its `settings.json`, which may hold one.
    Raises:
        NoLoginError: There is none in it.
    """
    content = _parsed(text)
    key = _secret(content, "apiKey")
    if key is None and accounts is not None:
        key = _secret(_parsed(accounts), "iflowApiKey")
    if key is None and settings is not None:
        key = _secret(_parsed(settings), "apiKey")
    return TokenSet(
        access_token=_needed(content, "access_token"),
        refresh_token=_secret(content, "refresh_token"),
        api_key=key,
        expires_at=_from_ms(content.get("expiry_date")),
    )


def _parsed(text: str) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        content = None
    if content is None:
        # Outside: the exception's frames hold the text.
        raise NoLoginError("what lies there is not a JSON object")
    return content


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    return value if isinstance(value, str) else ""


def _word(content: Mapping[str, Any], name: str) -> str:
    return _text(content, name).strip()


def _words(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return tuple(value.split())
    return tuple(it for it in value if isinstance(it, str)) if isinstance(value, list) else ()


def _secret(content: Mapping[str, Any], name: str) -> SecretStr | None:
    value = _word(content, name)
    # A header could not carry anything else, so it is no token.
    sound = value and value.isascii() and value.isprintable() and " " not in value
    return SecretStr(value) if sound else None


def _needed(content: Mapping[str, Any], name: str) -> SecretStr:
    secret = _secret(content, name)
    if secret is None:
        raise NoLoginError(f"what lies there has no {name}")
    return secret


def _from_ms(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e17:
        return None
    return value / 1000


def _told(facts: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}
