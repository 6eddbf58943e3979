"""Whether an id_token was signed by the provider that it names (OpenID Connect Core, 3.1.3.7), by RS256 alone."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from korproxy_addons.auth.states import rejected, unavailable
from korproxy_addons.providers.logins import LoginSpec

_MOST_KEYS = 64
_LONGEST = 64 * 1024
_BITS = range(2048, 16_385)
CLOCK_SKEW_S = 600.0
"""This machine's clock may be wrong by so much."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """
    A public key of an authorization server.

    Attributes:
        id: `kid`; "": it has none.
        modulus, exponent: Of RSA.
    """

    id: str
    modulus: int
    exponent: int


type SigningKeys = tuple[SigningKey, ...]


def keys_url(login: LoginSpec, discovery: Mapping[str, Any]) -> str:
    """
    Where the keys lie, by the provider's own description of itself.

    Raises:
        LoginError: PROVIDER_ERROR: it describes somebody else, or keys on another server.
    """
    url = discovery.get("jwks_uri")
    if discovery.get("issuer") != login.issuer or not isinstance(url, str):
        raise unavailable("the provider's description of itself is not that of this sign-in")
    if _server(url) != _server(login.discovery_url):
        raise unavailable("the provider's keys are said to lie on another server")
    return url


def read_keys(body: Mapping[str, Any]) -> SigningKeys:
    """
    The RSA keys for signatures in a key set (RFC 7517); others are passed over.

    Raises:
        LoginError: PROVIDER_ERROR: there is none.
    """
    listed = body.get("keys")
    found = tuple(_keys(listed[:_MOST_KEYS] if isinstance(listed, list) else []))
    if not found:
        raise unavailable("the provider shows no key to check its signatures by")
    return found


def check_signature(token: str, keys: SigningKeys) -> None:
    """
    Hold that one of the keys has signed a token.

    Raises:
        LoginError: INVALID_GRANT: none has, or not by RS256.
    """
    head, _, rest = token.partition(".")
    payload, _, signature = rest.partition(".")
    header = _object(head) if len(token) <= _LONGEST else {}
    if header.get("alg") != "RS256":
        raise rejected("the id_token is not signed as it should be")
    named = header.get("kid")
    fits = [it for it in keys if not isinstance(named, str) or it.id in {"", named}]
    signed = f"{head}.{payload}".encode("ascii", "replace")
    if not any(_has_signed(it, signed, _bytes(signature)) for it in fits):
        raise rejected("the id_token was not signed by the provider")


def is_over(claims: Mapping[str, Any], now: float) -> bool:
    """Whether a token's own end has passed by more than a clock may be wrong."""
    end = claims.get("exp")
    if isinstance(end, bool) or not isinstance(end, (int, float)):
        return False
    return end + CLOCK_SKEW_S < now


def _server(url: str) -> tuple[str, str]:
    """Scheme and host of an address; nothing for what is none."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "", ""
    return parts.scheme, parts.netloc


def _keys(listed: list[Any]) -> Iterator[SigningKey]:
    for key in listed:
        if not isinstance(key, dict) or key.get("kty") != "RSA":
            continue
        if key.get("use", "sig") != "sig" or key.get("alg", "RS256") != "RS256":
            continue
        modulus, exponent = _number(key.get("n")), _number(key.get("e"))
        if modulus.bit_length() in _BITS and exponent >= 3:
            name = key.get("kid")
            yield SigningKey(name if isinstance(name, str) else "", modulus, exponent)


def _has_signed(key: SigningKey, signed: bytes, signature: bytes) -> bool:
    # Loaded at a sign-in only: the gateway starts without it.
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    try:
        public = rsa.RSAPublicNumbers(key.exponent, key.modulus).public_key()
        public.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _object(part: str) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(_bytes(part))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(part: Any) -> int:
    return int.from_bytes(_bytes(part)) if isinstance(part, str) and len(part) <= _LONGEST else 0


def _bytes(part: str) -> bytes:
    """What base64url stands for; nothing for what is none."""
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
