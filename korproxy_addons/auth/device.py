"""Logins by a code that the person types on another device."""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from korproxy_addons.auth.authorize import Callback, Ticket
from korproxy_addons.auth.failures import exchange_failure
from korproxy_addons.auth.flows import exchange_code, post
from korproxy_addons.auth.replies import first_tokens, read_object
from korproxy_addons.auth.states import LoginError, cancelled, network_error, unavailable
from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Pause, Reply, Request
from korproxy_addons.providers.error_words import read_words
from korproxy_addons.providers.logins import BodyStyle, DeviceStyle, LoginSpec

__all__ = ["DeviceCode", "device_begin", "device_poll"]

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LIFE_S = 900.0
"""How long a code lasts where the provider does not say."""
INTERVAL_S = 5.0
SLOWEST_S = 10.0
"""Longest wait between two polls that `slow_down` leads to."""
SLOWER = 1.5
_ENDPOINTS = "/api/accounts/deviceauth"

type Steps = Generator[Request | Pause, Reply | None, TokenSet]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceCode:
    """
    What the person needs, and what the polls need.

    Attributes:
        user_code: To type.
        url: Where to type it.
        url_complete: The same with the code in it; "": there is none.
        device_code: Names this login to the provider.
        interval_s: Seconds between two polls.
        expires_at: End of the code, Unix seconds.
    """

    user_code: str
    url: str
    url_complete: str = ""
    device_code: SecretStr = field(repr=False)
    interval_s: float = INTERVAL_S
    expires_at: float


def device_begin(
    login: LoginSpec, ticket: Ticket, now: float
) -> Generator[Request | Pause, Reply | None, DeviceCode]:
    """
    Ask for a code.

    Raises:
        LoginError: The provider gave none, when the generator is driven.
    """
    if login.device_style is DeviceStyle.CHATGPT:
        url = f"{login.device_url}/usercode"
        request = post(login, {"client_id": login.client_id}, BodyStyle.JSON, url=url)
    else:
        fields = {
            "client_id": login.client_id,
            "scope": " ".join(login.scopes),
            "code_challenge": ticket.challenge,
            "code_challenge_method": "S256",
        }
        request = post(login, fields, url=login.device_url)
    reply = yield from _ask(request)
    if reply.status == 404:
        raise KorProxyError(LOGIN_NOT_OFFERED, "the provider has device logins switched off")
    if reply.status != 200:
        raise exchange_failure(reply, now)
    return _code_in(login, read_object(reply), now)


def device_poll(
    login: LoginSpec,
    ticket: Ticket,
    code: DeviceCode,
    clock: Callable[[], float],
    *,
    client_secret: SecretStr | None = None,
) -> Steps:
    """
    Ask until the person has allowed it.

    Args:
        login: How the provider does it.
        ticket: What the login began with.
        code: What `device_begin` gave.
        clock: Unix seconds.
        client_secret: Where the login needs one.
    Raises:
        LoginError: AUTH_CANCELLED where the person said no or the code's time ran out; all others
            too. A poll that gets no answer is not the end.
    """
    wait_s = code.interval_s
    while True:
        if clock() >= code.expires_at:
            raise cancelled("nobody typed the code in time")
        yield Pause(min(wait_s, max(code.expires_at - clock(), 0.0)))
        try:
            reply = yield from _ask(_poll(login, ticket, code))
        except LoginError:
            wait_s = min(wait_s * SLOWER, SLOWEST_S)
            continue
        if reply.status == 200:
            break
        pending = _pending(login, reply, clock())
        if pending == _SLOW:
            wait_s = min(wait_s * SLOWER, max(SLOWEST_S, code.interval_s))
    body = read_object(reply)
    if login.device_style is DeviceStyle.STANDARD:
        return first_tokens(login, body, clock(), client_id=login.client_id)
    exchange = _chatgpt_exchange(login, ticket, body)
    return (yield from exchange_code(login, *exchange, clock(), client_secret=client_secret))


_SLOW = "slow_down"
_PENDING = "authorization_pending"


def _poll(login: LoginSpec, ticket: Ticket, code: DeviceCode) -> Request:
    if login.device_style is DeviceStyle.CHATGPT:
        fields: dict[str, str | SecretStr] = {
            "device_auth_id": code.device_code,
            "user_code": code.user_code,
        }
        return post(login, fields, BodyStyle.JSON, url=f"{login.device_url}/token")
    return post(
        login,
        {
            "grant_type": DEVICE_GRANT,
            "client_id": login.client_id,
            "device_code": code.device_code,
            "code_verifier": ticket.verifier,
        },
    )


def _pending(login: LoginSpec, reply: Reply, now: float) -> str:
    """
    `authorization_pending` or `slow_down`.

    Raises:
        LoginError: The login is over.
    """
    if login.device_style is DeviceStyle.CHATGPT and reply.status in {403, 404}:
        return _PENDING
    codes = read_words(reply.body, reply.headers.get("content-type", "")).codes
    if _PENDING in codes:
        return _PENDING
    if _SLOW in codes or reply.status in {408, 429} or reply.status >= 500:
        return _SLOW
    if "expired_token" in codes:
        raise cancelled("nobody typed the code in time")
    raise exchange_failure(reply, now)


def _code_in(login: LoginSpec, body: Mapping[str, Any], now: float) -> DeviceCode:
    chatgpt = login.device_style is DeviceStyle.CHATGPT
    device_code = body.get("device_auth_id" if chatgpt else "device_code")
    user_code = body.get("user_code") or body.get("usercode")
    url = body.get("verification_uri")
    if chatgpt:
        url = f"{login.device_url.removesuffix(_ENDPOINTS)}/codex/device"
    if not (_short(device_code) and _short(user_code) and _is_page(url)):
        raise unavailable("the reply holds no code")
    complete = body.get("verification_uri_complete")
    life_s = _number(body.get("expires_in"), LIFE_S)
    return DeviceCode(
        user_code=str(user_code),
        url=str(url),
        url_complete=str(complete) if _is_page(complete) else "",
        device_code=SecretStr(str(device_code)),
        interval_s=_number(body.get("interval"), INTERVAL_S),
        expires_at=now + min(life_s, LIFE_S),
    )


def _chatgpt_exchange(
    login: LoginSpec, ticket: Ticket, body: Mapping[str, Any]
) -> tuple[Callback, Ticket]:
    code, verifier = body.get("authorization_code"), body.get("code_verifier")
    if not isinstance(code, str) or not isinstance(verifier, str) or not code:
        raise unavailable("the reply holds no code to exchange")
    redirect = f"{login.device_url.removesuffix(_ENDPOINTS)}/deviceauth/callback"
    exchange = Ticket(
        state=ticket.state, verifier=verifier, nonce=ticket.nonce, redirect_uri=redirect
    )
    return Callback(SecretStr(code)), exchange


def _short(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 2000 and value.isprintable()


def _is_page(value: Any) -> bool:
    return _short(value) and str(value).startswith(("https://", "http://"))


def _number(value: Any, otherwise: float) -> float:
    """A number, also one written as text; some providers do."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 7:
        value = int(value)
    usable = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if usable and 0 < value <= 86_400 else otherwise


def _ask(request: Request) -> Generator[Request | Pause, Reply | None, Reply]:
    try:
        reply = yield request
    except KorProxyError as error:
        raise network_error(error) from error
    assert reply is not None  # only a pause has none
    return reply
