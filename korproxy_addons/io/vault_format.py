"""
The bytes of `vault.bin`: sealed with AES-256-GCM, its head authenticated with it.

    KPV1 | kind 1 | key id 8 | salt 16 | nonce 12 | sealed | checksum 8

The checksum (SHA-256 of all before it) is no protection: it tells a file that the disk damaged from one that another key
made, because a person must do something else about each.
"""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from korproxy_addons.io.vault_key import ID_BYTES, SALT_BYTES, KeyKind, VaultKey

MAGIC = b"KPV1"
NONCE_BYTES = 12
TAG_BYTES = 16
CHECKSUM_BYTES = 8
HEAD_BYTES = len(MAGIC) + 1 + ID_BYTES + SALT_BYTES + NONCE_BYTES
LEAST_BYTES = HEAD_BYTES + TAG_BYTES + CHECKSUM_BYTES


class DamagedError(Exception):
    """The bytes are not those of a vault, or not all, or not as they were written; the message says which."""


class OtherKeyError(Exception):
    """The bytes are whole, and another key made them."""


@dataclass(frozen=True, slots=True)
class Head:
    """
    What a vault's file says of itself.

    Attributes:
        kind: Where its key is kept.
        key_id: Id of its key.
        salt: What the passphrase was mixed with.
    """

    kind: KeyKind
    key_id: bytes
    salt: bytes


def seal(content: bytes, key: VaultKey, nonce: bytes) -> bytes:
    """
    The file's bytes.

    Args:
        content: What is kept secret.
        key: The key.
        nonce: 12 bytes that were never used with this key.
    """
    head = MAGIC + bytes([key.kind]) + key.id + key.salt + nonce
    sealed = head + AESGCM(key.value()).encrypt(nonce, content, head)
    return sealed + _checksum(sealed)


def read_head(data: bytes) -> Head:
    """
    Which key the file's bytes want.

    Raises:
        DamagedError: They are not those of a whole vault.
    """
    if not data.startswith(MAGIC):
        raise DamagedError("it does not begin as a vault does")
    if len(data) < LEAST_BYTES:
        raise DamagedError(f"it has {len(data)} bytes and breaks off")
    if _checksum(data[:-CHECKSUM_BYTES]) != data[-CHECKSUM_BYTES:]:
        raise DamagedError("its checksum does not fit: cut short, or changed")
    at = len(MAGIC)
    try:
        kind = KeyKind(data[at])
    except ValueError:
        raise DamagedError(f"its key is of a kind ({data[at]}) that this version lacks") from None
    id_at, salt_at, nonce_at = at + 1, at + 1 + ID_BYTES, HEAD_BYTES - NONCE_BYTES
    return Head(kind, data[id_at:salt_at], data[salt_at:nonce_at])


def unseal(data: bytes, key: VaultKey) -> bytes:
    """
    What `seal` was given.

    Raises:
        DamagedError: The bytes are not those of a whole vault.
        OtherKeyError: `key` did not make them.
    """
    if read_head(data).key_id != key.id:
        raise OtherKeyError
    head, sealed = data[:HEAD_BYTES], data[HEAD_BYTES:-CHECKSUM_BYTES]
    try:
        return AESGCM(key.value()).decrypt(head[-NONCE_BYTES:], sealed, head)
    except InvalidTag:
        # The key's id fits and so does the checksum: somebody has written into it who does not have the key.
        raise DamagedError("it was changed by somebody without its key") from None


def _checksum(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:CHECKSUM_BYTES]
