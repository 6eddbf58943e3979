"""
Logins as generators: a request out, its reply in, tokens at the end.

Secrets are opened in this file and nowhere else in the folder. A driver that could not have a reply
throws its KorProxyError into the generator, which makes a LoginError of it.
"""

import base64
from collections.abc import Generator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from pydantic import SecretStr

from korproxy_addons.auth.authorize import Callback, Ticket, authorize_url
from korproxy_addons.auth.failures import exchange_failure, refresh_failure
from korproxy_addons.auth.id_tokens import SigningKeys, keys_url, read_keys
from korproxy_addons.auth.replies import (
    first_tokens,
    read_api_key,
    read_object,
    read_profile,
    renewed_tokens,
    with_facts,
)
from korproxy_addons.auth.states import (
    AuthState,
    LoginError,
    expired,
    network_error,
    unavailable,
)
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors.catalogue import CLIENT_SECRET_MISSING
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.logins import BodyStyle, LoginSpec

__all__ = ["authorize_url", "exchange_code", "finish", "needs_finish", "post", "refresh"]

type Fields = Mapping[str, str | SecretStr]
type TokenFlow = Generator[Request, Reply, TokenSet]

_ACCEPT = (("accept", "application/json"), ("user-agent", "korproxy"))


def exchange_code(
    login: LoginSpec,
    callback: Callback,
    ticket: Ticket,
    now: float,
    *,
    client_secret: SecretStr | None = None,
) -> TokenFlow:
    """
    Exchange the code that a login's callback brought.

    Args:
        login: How the provider does it.
        callback: What the callback brought.
        ticket: What the login began with.
        now: Unix seconds.
        client_secret: Where the login needs one.
    Raises:
        LoginError: Any of the six states, when the generator is driven.
    """
    # First of all, so that a code is spent only on tokens that can be checked.
    keys = (yield from _signing_keys(login)) if login.discovery_url else None
    client_id = callback.client_id or ticket.client_id or login.client_id
    fields: dict[str, str | SecretStr] = {
        "grant_type": "authorization_code",
        "code": callback.code,
        "redirect_uri": ticket.redirect_uri,
        "client_id": client_id,
    }
    if login.pkce:
        fields["code_verifier"] = ticket.verifier
    if login.sends_state:
        fields["state"] = ticket.state
    fields.update(login.token_params)
    reply = yield from _ask(post(login, fields, login.exchange_body, client_secret))
    if reply.status != 200:
        raise exchange_failure(reply, now)
    body = read_object(reply)
    return first_tokens(login, body, now, client_id=client_id, nonce=ticket.nonce, keys=keys)


def refresh(
    login: LoginSpec,
    tokens: TokenSet,
    now: float,
    *,
    client_secret: SecretStr | None = None,
) -> TokenFlow:
    """
    New tokens for a login; `finish` comes after they are stored.

    Args:
        login: How the provider does it.
        tokens: The tokens at hand.
        now: Unix seconds.
        client_secret: Where the login needs one.
    Raises:
        LoginError: TOKEN_EXPIRED where there is nothing to renew by, INVALID_GRANT where the
            provider says that the login is over; after PROVIDER_ERROR and NETWORK_ERROR the tokens
            at hand are as good as before.
    """
    if tokens.refresh_token is None:
        raise expired("this login cannot be renewed")
    if tokens.refresh_expires_at is not None and tokens.refresh_expires_at <= now:
        raise expired("the whole login has ended; the provider limits how long one lasts")
    fields: dict[str, str | SecretStr] = {
        "grant_type": "refresh_token",
        "refresh_token": tokens.refresh_token,
        "client_id": tokens.facts.get("client_id") or login.client_id,
        **dict(login.token_params),
    }
    reply = yield from _ask(post(login, fields, login.refresh_body, client_secret))
    if reply.status != 200:
        raise refresh_failure(login, reply, now)
    return renewed_tokens(login, tokens, read_object(reply), now)


def needs_finish(login: LoginSpec, tokens: TokenSet) -> bool:
    """Whether requests can carry nothing yet: `finish` must succeed first."""
    return login.api_key and tokens.api_key is None


def finish(login: LoginSpec, tokens: TokenSet) -> TokenFlow:
    """
    The tokens with what only a second question tells: who signed in, and the key for inference.

    Run it after the tokens are stored, and store its result too. Where nothing is to be asked it
    gives the tokens back at once; an answer that is only nice to have may fail.

    Raises:
        LoginError: Inference needs the key, there is none yet, and it could not be had.
    """
    if not login.profile_url or not (login.api_key or "email" not in tokens.facts):
        return tokens
    try:
        reply = yield from _ask(_profile_request(login, tokens))
        if reply.status != 200:
            raise exchange_failure(reply, 0.0)
        body = read_object(reply)
        if login.api_key:
            key = read_api_key(body)
            if key is None:
                raise unavailable("the profile holds no key")
            tokens = replace(tokens, api_key=key)
        return with_facts(tokens, read_profile(body))
    except LoginError:
        if needs_finish(login, tokens):
            raise
        return tokens


def post(
    login: LoginSpec,
    fields: Fields,
    style: BodyStyle = BodyStyle.FORM,
    client_secret: SecretStr | None = None,
    *,
    url: str = "",
) -> Request:
    """
    A request to an authorization server.

    Args:
        login: How the provider does it.
        fields: The body's fields.
        style: Form or JSON.
        client_secret: Where the login needs one.
        url: In place of the token endpoint.
    Raises:
        LoginError: CLIENT_SECRET_MISSING.
    """
    opened = {
        name: it.get_secret_value() if isinstance(it, SecretStr) else it
        for name, it in fields.items()
    }
    headers: tuple[tuple[str, str], ...] = _ACCEPT
    if login.needs_client_secret and not url:
        if client_secret is None:
            raise LoginError(AuthState.PROVIDER_ERROR, CLIENT_SECRET_MISSING)
        opened["client_secret"] = client_secret.get_secret_value()
        if login.basic_auth:
            pair = f"{quote(opened['client_id'])}:{quote(opened['client_secret'])}"
            basic = base64.b64encode(pair.encode()).decode()
            headers = (*headers, ("authorization", f"Basic {basic}"))
    if style is BodyStyle.JSON:
        kind, body = "application/json", msgspec.json.encode(opened)
    else:
        kind, body = "application/x-www-form-urlencoded", urlencode(opened).encode()
    return Request("POST", url or login.token_url, (("content-type", kind), *headers), body)


def _signing_keys(login: LoginSpec) -> Generator[Request, Reply, SigningKeys]:
    url = keys_url(login, (yield from _page(login.discovery_url)))
    return read_keys((yield from _page(url)))


def _page(url: str) -> Generator[Request, Reply, dict[str, Any]]:
    """The JSON at an address that anybody may read."""
    reply = yield from _ask(Request("GET", url, _ACCEPT))
    if reply.status != 200:
        raise unavailable(f"HTTP {reply.status}: what the provider says of itself")
    return read_object(reply)


def _profile_request(login: LoginSpec, tokens: TokenSet) -> Request:
    token = tokens.access_token.get_secret_value()
    if login.api_key:  # iFlow wants it in the query
        return Request("GET", f"{login.profile_url}?{urlencode({'accessToken': token})}", _ACCEPT)
    bearer = ("authorization", f"Bearer {token}")
    return Request("GET", login.profile_url, (*_ACCEPT, bearer))


def _ask(request: Request) -> Generator[Request, Reply, Reply]:
    try:
        return (yield request)
    except KorProxyError as error:
        raise network_error(error) from error
