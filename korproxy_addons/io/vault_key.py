"""The vault's key: 32 bytes, a name that does not tell them, and the kind of place that they are kept in."""

import base64
import binascii
import hashlib
import hmac
import os
from enum import IntEnum

from pydantic import SecretStr

KEY_BYTES = 32
ID_BYTES = 8
SALT_BYTES = 16
NO_SALT = bytes(SALT_BYTES)

# 128 MiB and about half a second: what a guess costs too.
_SCRYPT_N = 2**17
_SCRYPT_R = 8
_SCRYPT_P = 1
_SCRYPT_MEMORY_BYTES = 256 * 1024 * 1024
_ID_LABEL = b"KorProxy vault key id 1"


class KeyKind(IntEnum):
    """Where a key is kept; the number stands in the vault's file."""

    KEYRING = 1
    FILE = 2
    PASSPHRASE = 3

    @property
    def is_weak(self) -> bool:
        """Whether the key is no safer than the file system, or than a person's memory."""
        return self is not KeyKind.KEYRING


class VaultKey:
    """
    A key, which never shows itself.

    Args:
        value: The 32 bytes.
        kind: Where they are kept.
        salt: What a passphrase was mixed with; NO_SALT for a random key.
    Raises:
        ValueError: not 32 bytes.
    """

    __slots__ = ("_value", "id", "kind", "salt")

    def __init__(self, value: bytes, kind: KeyKind, salt: bytes = NO_SALT) -> None:
        if len(value) != KEY_BYTES or len(salt) != SALT_BYTES:
            raise ValueError(f"a key of {KEY_BYTES} bytes and a salt of {SALT_BYTES}")
        self._value = value
        self.kind = kind
        self.salt = salt
        # Tells keys apart without telling them.
        self.id = hmac.digest(value, _ID_LABEL, "sha256")[:ID_BYTES]

    @classmethod
    def new(cls, kind: KeyKind = KeyKind.KEYRING) -> "VaultKey":
        """A random key."""
        return cls(os.urandom(KEY_BYTES), kind)

    @classmethod
    def from_text(cls, text: SecretStr, kind: KeyKind) -> "VaultKey":
        """
        The key that base64 (44 characters) or hexadecimal digits (64) spell.

        Raises:
            ValueError: They spell none; the message does not hold the text.
        """
        spelled = "".join(text.get_secret_value().split())
        try:
            if len(spelled) == 2 * KEY_BYTES:
                return cls(bytes.fromhex(spelled), kind)
            # validated: characters that are none of base64's are not passed over
            return cls(base64.b64decode(spelled, validate=True), kind)
        except (ValueError, binascii.Error):
            pass
        # Outside: a chained exception could carry the text.
        raise ValueError("neither 44 characters of base64 nor 64 hexadecimal digits")

    @classmethod
    def from_passphrase(cls, passphrase: SecretStr, salt: bytes | None = None) -> "VaultKey":
        """
        The key that a passphrase and a salt make; takes half a second on purpose.

        Args:
            passphrase: What a person types; white space around it does not count.
            salt: That of the vault's file; None: a new one.
        """
        salted = os.urandom(SALT_BYTES) if salt is None else salt
        value = hashlib.scrypt(
            passphrase.get_secret_value().strip().encode(),
            salt=salted,
            n=_SCRYPT_N,
            r=_SCRYPT_R,
            p=_SCRYPT_P,
            maxmem=_SCRYPT_MEMORY_BYTES,
            dklen=KEY_BYTES,
        )
        return cls(value, KeyKind.PASSPHRASE, salted)

    def text(self) -> SecretStr:
        """The key as 44 characters of base64."""
        return SecretStr(base64.b64encode(self._value).decode())

    def value(self) -> bytes:
        """The 32 bytes; for the cipher alone."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VaultKey) and hmac.compare_digest(self._value, other._value)

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"VaultKey(id={self.id.hex()}, kind={self.kind.name.lower()})"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a vault key is not copied into anything")
