"""Keys of an authorization server that there is not, and id_tokens that they have signed."""

import base64
import functools
import json
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def text(value: bytes) -> str:
    """Base64url, as tokens have it."""
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


@functools.cache
def private_key(name: str = "mine") -> rsa.RSAPrivateKey:
    """The key of this name, the same for the whole run."""
    del name
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_key(name: str = "mine", **words: Any) -> dict[str, Any]:
    """A key as a key set shows it; `words` are said in place of what is true."""
    numbers = private_key(name).public_key().public_numbers()
    n, e = (text(it.to_bytes((it.bit_length() + 7) // 8)) for it in (numbers.n, numbers.e))
    return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": name, "n": n, "e": e, **words}


def signed_token(name: str = "mine", claims: Any = None, **head: Any) -> str:
    """An id_token that a key has signed; `head` is said in place of what is true."""
    header = {"alg": "RS256", "kid": name, **head}
    signed = ".".join(text(json.dumps(it).encode()) for it in (header, claims or {"sub": "user-1"}))
    signature = private_key(name).sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{text(signature)}"
