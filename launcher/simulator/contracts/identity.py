"""What OpenAI's authorization server says of itself, and the identities that it signs (providers.md 3a, mode A)."""

import base64
import functools
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from launcher.simulator.call import Call, Reply
from launcher.simulator.contracts.base import json_reply
from launcher.simulator.keys import Credential

ISSUER = "https://auth.openai.com"
LIFE_S = 3600
_DISCOVERY = ("openai-auth", "/.well-known/openid-configuration")
_KEYS = ("openai-auth", "/.well-known/jwks.json")
_KEY_ID = "sim-key"


def takes(call: Call) -> bool:
    """Whether this is one of the two pages."""
    return call.method == "GET" and (call.host, call.path) in {_DISCOVERY, _KEYS}


def answer(call: Call) -> Reply:
    """The description, or the keys."""
    call.gate("identity")
    if (call.host, call.path) == _KEYS:
        numbers = _key(_KEY_ID).public_key().public_numbers()
        key = {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": _KEY_ID}
        return json_reply(
            {"keys": [{**key, "n": _text(_number(numbers.n)), "e": _text(_number(numbers.e))}]}
        )
    base = f"{call.world.base_url}/openai-auth"
    return json_reply(
        {
            "issuer": ISSUER,
            "authorization_endpoint": f"{base}/api/accounts/authorize",
            "token_endpoint": f"{base}/api/accounts/oauth/token",
            "jwks_uri": f"{base}/.well-known/jwks.json",
            "id_token_signing_alg_values_supported": ["RS256"],
        }
    )


def id_token(credential: Credential, now: float, *, foreign: bool = False, **claims: str) -> str:
    """
    Who signed in, signed.

    Args:
        credential: Who.
        now: Unix seconds.
        foreign: Signed by somebody else.
        claims: What else is said.
    """
    who: dict[str, Any] = {"sub": credential.account_id, "email": credential.email}
    who |= {"iat": int(now), "exp": int(now) + LIFE_S, **claims}
    head = {"alg": "RS256", "typ": "JWT", "kid": _KEY_ID}
    signed = ".".join(_text(json.dumps(it).encode()) for it in (head, who))
    key = _key("somebody-else" if foreign else _KEY_ID)
    return f"{signed}.{_text(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@functools.cache
def _key(name: str) -> rsa.RSAPrivateKey:
    """A key of this process; made when it is first wanted, as that takes a while."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _number(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
