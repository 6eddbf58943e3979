"""OpenAI's own description, its keys, and identities that these have signed."""

import base64
import json
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from launcher.simulator import SimulatorThread
from launcher.simulator.contracts.identity import LIFE_S, id_token
from launcher.simulator.keys import CREDENTIALS
from support.simulator_client import send

NOW = 1_795_000_000.0
SOMEBODY = next(it for it in CREDENTIALS if it.access == "siwc")


def page(sim: SimulatorThread, url: str) -> Any:
    reply = send("GET", url)
    assert reply.status == 200
    return reply.json()


def key(sim: SimulatorThread) -> rsa.RSAPublicKey:
    described = page(sim, sim.urls()["openai", "siwc"]["discovery"])
    assert described["issuer"] == "https://auth.openai.com"
    (found,) = page(sim, described["jwks_uri"])["keys"]
    assert (found["kty"], found["alg"]) == ("RSA", "RS256")
    modulus, exponent = (int.from_bytes(data(found[name])) for name in ("n", "e"))
    return rsa.RSAPublicNumbers(exponent, modulus).public_key()


def data(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def verify(public: rsa.RSAPublicKey, token: str) -> Any:
    signed, _, signature = token.rpartition(".")
    public.verify(data(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return json.loads(data(signed.partition(".")[2]))


def test_an_identity_is_signed_by_the_key_that_is_shown(sim: SimulatorThread) -> None:
    claims = verify(key(sim), id_token(SOMEBODY, NOW, aud="me"))
    assert (claims["sub"], claims["aud"]) == (SOMEBODY.account_id, "me")
    assert claims["exp"] == NOW + LIFE_S


def test_a_foreign_one_is_not(sim: SimulatorThread) -> None:
    with pytest.raises(InvalidSignature):
        verify(key(sim), id_token(SOMEBODY, NOW, foreign=True))


def test_the_pages_can_fail_as_everything_else(sim: SimulatorThread) -> None:
    sim.script("503", operation="identity")
    assert send("GET", sim.urls()["openai", "siwc"]["discovery"]).status == 503
