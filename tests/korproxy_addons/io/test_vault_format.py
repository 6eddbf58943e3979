"""Whatever happens to the bytes, the answer is a clear error or what was written; never anything else."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.io.vault_format import (
    CHECKSUM_BYTES,
    HEAD_BYTES,
    LEAST_BYTES,
    NONCE_BYTES,
    DamagedError,
    OtherKeyError,
    read_head,
    seal,
    unseal,
)
from korproxy_addons.io.vault_key import KeyKind, VaultKey

KEY = VaultKey(bytes(range(32)), KeyKind.KEYRING)
OTHER = VaultKey(bytes(range(1, 33)), KeyKind.KEYRING)
NONCE = bytes(NONCE_BYTES)
CONTENT = b'{"version":1,"entries":{}}'
FILE = seal(CONTENT, KEY, NONCE)


def with_checksum(data: bytes) -> bytes:
    """What somebody writes who knows the format and lacks the key."""
    return data + hashlib.sha256(data).digest()[:CHECKSUM_BYTES]


@given(content=st.binary(max_size=2000), nonce=st.binary(min_size=12, max_size=12))
def test_what_is_sealed_comes_out(content: bytes, nonce: bytes) -> None:
    data = seal(content, KEY, nonce)
    assert unseal(data, KEY) == content
    assert len(data) == LEAST_BYTES + len(content)


def test_neither_the_content_nor_the_key_shows() -> None:
    data = seal(b"canary" * 100, KEY, NONCE)
    assert b"canary" not in data
    assert KEY.value() not in data


def test_the_head_says_which_key_is_wanted() -> None:
    salted = VaultKey(KEY.value(), KeyKind.PASSPHRASE, bytes(range(16)))
    head = read_head(seal(CONTENT, salted, NONCE))
    assert (head.kind, head.key_id, head.salt) == (KeyKind.PASSPHRASE, KEY.id, bytes(range(16)))


@given(at=st.integers(0, len(FILE) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_is_damage(at: int, bit: int) -> None:
    """Also one in the key's id, which must not be taken for another key: that error's cure would give up the file."""
    changed = bytearray(FILE)
    changed[at] ^= 1 << bit
    with pytest.raises(DamagedError):
        unseal(bytes(changed), KEY)


@given(length=st.integers(0, len(FILE) - 1))
def test_any_truncation_is_damage(length: int) -> None:
    with pytest.raises(DamagedError):
        unseal(FILE[:length], KEY)


@given(more=st.binary(min_size=1, max_size=100))
def test_anything_appended_is_damage(more: bytes) -> None:
    with pytest.raises(DamagedError):
        unseal(FILE + more, KEY)


@given(data=st.binary(max_size=200))
def test_any_bytes_are_damage(data: bytes) -> None:
    for it in (data, FILE[:4] + data, with_checksum(FILE[:4] + data)):
        with pytest.raises((DamagedError, OtherKeyError)):
            unseal(it, KEY)


@given(at=st.integers(0, len(FILE) - CHECKSUM_BYTES - 1), bit=st.integers(0, 7))
def test_a_forger_without_the_key_gets_nowhere(at: int, bit: int) -> None:
    """Kind, key id, salt, nonce and content are all under the seal, so a right checksum does not help."""
    changed = bytearray(FILE[:-CHECKSUM_BYTES])
    changed[at] ^= 1 << bit
    with pytest.raises((DamagedError, OtherKeyError)):
        unseal(with_checksum(bytes(changed)), KEY)


def test_another_key_is_told_from_damage() -> None:
    with pytest.raises(OtherKeyError):
        unseal(FILE, OTHER)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "does not begin as a vault does"),
        (b"KPV2" + FILE[4:], "does not begin as a vault does"),
        (FILE[:HEAD_BYTES], "breaks off"),
        (FILE[:-1], "checksum"),
        (with_checksum(b"KPV1\x09" + FILE[5:-CHECKSUM_BYTES]), "of a kind (9)"),
        (
            with_checksum(FILE[: HEAD_BYTES - 1] + b"x" + FILE[HEAD_BYTES:-CHECKSUM_BYTES]),
            "without",
        ),
    ],
)
def test_the_damage_is_named(data: bytes, says: str) -> None:
    with pytest.raises(DamagedError) as caught:
        unseal(data, KEY)
    assert says in str(caught.value)
