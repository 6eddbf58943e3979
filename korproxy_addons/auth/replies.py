"""Replies of token endpoints, and of the endpoints that say who signed in, as tokens."""

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import msgspec
from pydantic import SecretStr

from korproxy_addons.auth.claims import claims_of, expiry_of, facts_of
from korproxy_addons.auth.id_tokens import SigningKeys, check_signature, is_over
from korproxy_addons.auth.states import rejected, scope_denied, unavailable
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.providers.calls import Reply
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.waits import instant_s

_LONGEST_S = 400 * 86_400


def read_object(reply: Reply) -> dict[str, Any]:
    """
    The JSON object in a reply.

    Raises:
        LoginError: PROVIDER_ERROR, it holds none.
    """
    try:
        value = msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Not chained: the exception would carry the reply, which may hold tokens.
        raise unavailable("the reply is not JSON") from None
    if not isinstance(value, dict):
        raise unavailable("the reply is no object")
    return value


def first_tokens(
    login: LoginSpec,
    body: Mapping[str, Any],
    now: float,
    *,
    client_id: str,
    nonce: str = "",
    keys: SigningKeys | None = None,
) -> TokenSet:
    """
    The tokens of a new login.

    Args:
        login: How the provider does it.
        body: The token endpoint's reply.
        now: Unix seconds when it was asked.
        client_id: The id that asked.
        nonce: What an id_token must repeat, where the login sends one.
        keys: One of these must have signed the id_token; None: nobody asks.
    Raises:
        LoginError: PROVIDER_ERROR for a reply without tokens, SCOPE_DENIED for one with too few
            permissions, INVALID_GRANT for an id_token that was made for, or signed by, somebody else.
    """
    access = _secret(body, "access_token")
    if access is None:
        raise unavailable("the reply holds no access token")
    tokens = _updated(login, TokenSet(access_token=access), body, now)
    if login.issuer:
        _check_identity(login, body, client_id, nonce, now)
        if keys is not None:
            check_signature(str(body.get("id_token", "")), keys)
    if login.issues_client_id:
        tokens = with_facts(tokens, {"client_id": client_id})
    check_scopes(login, tokens)
    return tokens


def renewed_tokens(
    login: LoginSpec, old: TokenSet, body: Mapping[str, Any], now: float
) -> TokenSet:
    """
    The tokens after a refresh; what the reply leaves out stays.

    Raises:
        LoginError: PROVIDER_ERROR for a reply without an access token, where one must be there;
            SCOPE_DENIED.
    """
    if _secret(body, "access_token") is None and not (
        login.partial_refresh and {"refresh_token", "id_token"} & body.keys()
    ):
        raise unavailable("the reply holds no access token")
    tokens = _updated(login, old, body, now)
    check_scopes(login, tokens)
    return tokens


def check_scopes(login: LoginSpec, tokens: TokenSet) -> None:
    """
    Hold that a login may do what it is for; a provider that says nothing of scopes granted all.

    Raises:
        LoginError: SCOPE_DENIED.
    """
    lacking = [it for it in login.required_scopes if it not in tokens.scopes]
    if tokens.scopes and lacking:
        raise scope_denied(f"not granted: {', '.join(lacking)}")


def with_facts(tokens: TokenSet, facts: Mapping[str, str]) -> TokenSet:
    """The tokens with more known of them."""
    known = {**tokens.facts, **{name: value for name, value in facts.items() if value}}
    return replace(tokens, facts=MappingProxyType(known))


def read_profile(body: Mapping[str, Any]) -> dict[str, str]:
    """What a profile endpoint's reply says of the login: email, account and organization."""
    data = _mapping(body.get("data")) or body
    account = _mapping(data.get("account"))
    organization = _mapping(data.get("organization"))
    facts = {
        "email": _text(data, "email")
        or _text(account, "email")
        or _text(account, "email_address")
        or _text(data, "phone"),
        "account_id": _text(account, "uuid"),
        "organization": _text(organization, "name"),
        "organization_id": _text(organization, "uuid"),
        "plan": _text(organization, "organization_type"),
    }
    return {name: value for name, value in facts.items() if value}


def read_api_key(body: Mapping[str, Any]) -> SecretStr | None:
    """The key for inference in a profile's reply; None if there is none."""
    return _secret(_mapping(body.get("data")), "apiKey")


def _updated(login: LoginSpec, old: TokenSet, body: Mapping[str, Any], now: float) -> TokenSet:
    access = _secret(body, "access_token")
    id_token = _secret(body, "id_token")
    new = replace(
        old,
        access_token=access or old.access_token,
        refresh_token=_secret(body, "refresh_token") or old.refresh_token,
        id_token=id_token or old.id_token,
        refresh_expires_at=_deadline(login, old, body, now),
        scopes=tuple(_text(body, "scope").split()) or old.scopes,
        # By the last renewal, as the provider's own tool counts, though that may have left the access token as it was.
        renew_by=None if login.renews_within_s is None else now + login.renews_within_s,
    )
    if access is not None:
        lasts_s = _seconds(body.get("expires_in"))
        ends = now + lasts_s if lasts_s is not None else expiry_of(str(body.get("access_token")))
        new = replace(
            new,
            expires_at=ends,
            obtained_at=now,
            renew_from=_instant(body.get("earliest_refresh_at")),
        )
    facts = facts_of(claims_of(str(body.get("id_token", ""))))
    account = _mapping(body.get("account"))
    if account:
        facts.update(read_profile(body))
    facts["resource_url"] = _host_in(_text(body, "resource_url"), login.resource_hosts)
    return with_facts(new, facts)


def _deadline(login: LoginSpec, old: TokenSet, body: Mapping[str, Any], now: float) -> float | None:
    lasts_s = _seconds(body.get("refresh_token_expires_in"))
    if lasts_s is None or (login.fixed_deadline and old.refresh_expires_at is not None):
        return old.refresh_expires_at
    return now + lasts_s


def _check_identity(
    login: LoginSpec, body: Mapping[str, Any], client_id: str, nonce: str, now: float
) -> None:
    claims = claims_of(str(body.get("id_token", "")))
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    wrong = [
        name
        for name, right in (
            ("iss", claims.get("iss") == login.issuer),
            ("aud", client_id in audiences),
            ("nonce", claims.get("nonce") == nonce),
            ("sub", bool(claims.get("sub"))),
            ("exp", not is_over(claims, now)),
        )
        if not right
    ]
    if wrong:
        raise rejected(f"the id_token is not for this login ({', '.join(wrong)})")


def _host_in(resource: str, domains: tuple[str, ...]) -> str:
    """The host of a `resource_url`, with or without https://; "" unless it lies in one of the domains."""
    try:
        parts = urlsplit(resource if "://" in resource else f"https://{resource}")
        port = parts.port
    except ValueError:
        return ""
    host = (parts.hostname or "").lower()
    clean = parts.scheme == "https" and parts.username is None and port in {None, 443}
    return host if clean and any(host == it or host.endswith(f".{it}") for it in domains) else ""


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(body: Mapping[str, Any], name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) and len(value) <= 2000 and value.isprintable() else ""


def _secret(body: Mapping[str, Any], name: str) -> SecretStr | None:
    value = body.get(name)
    usable = isinstance(value, str) and value and value.isascii() and value.isprintable()
    return SecretStr(str(value)) if usable else None


def _instant(value: Any) -> float | None:
    """Unix seconds of an instant in seconds, in milliseconds or as RFC 3339 has it."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 1e11:
        value /= 1000
    return instant_s(value)


def _seconds(value: Any) -> float | None:
    if isinstance(value, str) and value.isdecimal() and len(value) < 12:
        value = int(value)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and 0 <= value <= _LONGEST_S else None
