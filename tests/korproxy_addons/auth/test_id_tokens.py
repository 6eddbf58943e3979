"""Signatures of id_tokens: by the provider's own keys, by RS256, and by nothing else."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.auth.id_tokens import (
    CLOCK_SKEW_S,
    SigningKey,
    check_signature,
    is_over,
    keys_url,
    read_keys,
)
from korproxy_addons.auth.states import AuthState, LoginError
from korproxy_addons.providers.codex import SIWC_LOGIN
from support.signed_tokens import public_key, signed_token, text

NOW = 1_800_000_000.0
HERE = "https://auth.openai.com/keys"


def refused(given: str, *keys: dict[str, Any]) -> bool:
    try:
        check_signature(given, read_keys({"keys": keys or [public_key()]}))
    except LoginError as error:
        return error.state is AuthState.INVALID_GRANT
    return False


def test_the_provider_s_own_signature_holds() -> None:
    assert not refused(signed_token())
    assert not refused(signed_token(), public_key("other"), public_key())
    assert not refused(signed_token(kid=None), public_key("other"), public_key())
    assert not refused(signed_token(), {**public_key(), "kid": None})


def test_nobody_else_s_does() -> None:
    assert refused(signed_token("other"))
    assert refused(signed_token("other", kid="mine"))
    assert refused(signed_token(kid="gone"))


@pytest.mark.parametrize("part", [0, 1, 2])
def test_a_token_that_was_changed_does_not(part: int) -> None:
    parts = signed_token().split(".")
    swapped = "B" if parts[part][8] != "B" else "C"
    parts[part] = parts[part][:8] + swapped + parts[part][9:]
    assert refused(".".join(parts))


def test_no_other_way_of_signing_is_taken() -> None:
    """Such as none at all, or a shared secret that everybody knows: the public key."""
    signed = ".".join(text(json.dumps(it).encode()) for it in ({"alg": "HS256"}, {"sub": "x"}))
    modulus = public_key()["n"].encode()
    shared = text(hmac.new(modulus, signed.encode(), hashlib.sha256).digest())
    assert refused(f"{signed}.{shared}")
    assert refused(signed_token(alg="none"))
    assert refused(signed_token(alg="RS512"))
    bare = text(b'{"alg":"none"}') + "." + text(b'{"sub":"x"}') + "."
    assert refused(bare)


@given(st.text(max_size=40) | st.binary(max_size=40).map(lambda it: f"{text(it)}.{text(it)}.eA"))
def test_whatever_is_no_token_is_refused(given_text: str) -> None:
    assert refused(given_text)


@pytest.mark.parametrize(
    "key",
    [
        {"kty": "EC", "crv": "P-256"},
        public_key(use="enc"),
        public_key(alg="RS512"),
        public_key(n=text(b"\x01" * 64)),
        public_key(n=7),
        public_key(e=text(b"\x01")),
        "nonsense",
    ],
)
def test_what_is_no_key_for_signatures_is_none(key: Any) -> None:
    with pytest.raises(LoginError) as said:
        read_keys({"keys": [key]})
    assert said.value.state is AuthState.PROVIDER_ERROR


def test_a_key_set_that_is_none_is_the_provider_s_fault() -> None:
    bodies: tuple[dict[str, Any], ...] = ({}, {"keys": None}, {"keys": []})
    for body in bodies:
        with pytest.raises(LoginError) as said:
            read_keys(body)
        assert said.value.state is AuthState.PROVIDER_ERROR


def test_a_key_that_cannot_be_one_signs_nothing() -> None:
    (good,) = read_keys({"keys": [public_key()]})
    even = SigningKey(good.id, good.modulus + 1, good.exponent)
    with pytest.raises(LoginError):
        check_signature(signed_token(), (even,))


@pytest.mark.parametrize(
    ("described", "found"),
    [
        ({"issuer": "https://auth.openai.com", "jwks_uri": HERE}, HERE),
        ({"issuer": "https://evil.example", "jwks_uri": HERE}, None),
        ({"issuer": "https://auth.openai.com"}, None),
        ({"issuer": "https://auth.openai.com", "jwks_uri": "https://evil.example/keys"}, None),
        ({"issuer": "https://auth.openai.com", "jwks_uri": "http://auth.openai.com/keys"}, None),
        ({"issuer": "https://auth.openai.com", "jwks_uri": "https://[::1"}, None),
        ({"jwks_uri": HERE}, None),
    ],
)
def test_keys_come_from_the_provider_s_own_server(
    described: dict[str, str], found: str | None
) -> None:
    if found is not None:
        assert keys_url(SIWC_LOGIN, described) == found
        return
    with pytest.raises(LoginError) as said:
        keys_url(SIWC_LOGIN, described)
    assert said.value.state is AuthState.PROVIDER_ERROR


def test_the_description_is_the_issuer_s() -> None:
    assert SIWC_LOGIN.discovery_url.startswith(SIWC_LOGIN.issuer + "/")
    moved = replace(SIWC_LOGIN, discovery_url="https://mirror.example/here")
    with pytest.raises(LoginError):
        keys_url(moved, {"issuer": SIWC_LOGIN.issuer, "jwks_uri": HERE})


@pytest.mark.parametrize(
    ("end", "over"),
    [
        (NOW, False),
        (NOW - CLOCK_SKEW_S, False),
        (NOW - CLOCK_SKEW_S - 1, True),
        (None, False),
        (True, False),
    ],
)
def test_an_old_token_is_over_but_for_a_clock_that_is_wrong(end: Any, over: bool) -> None:
    assert is_over({"exp": end}, NOW) is over
