import base64
import pickle

import pytest
from pydantic import SecretStr

from korproxy_addons.io.vault_key import KEY_BYTES, NO_SALT, KeyKind, VaultKey

VALUE = bytes(range(KEY_BYTES))
BASE64 = base64.b64encode(VALUE).decode()


@pytest.mark.parametrize("spelled", [BASE64, f"  {BASE64}\n", VALUE.hex(), VALUE.hex().upper()])
def test_a_key_is_spelled_in_base64_or_hexadecimal(spelled: str) -> None:
    key = VaultKey.from_text(SecretStr(spelled), KeyKind.FILE)
    assert (key.value(), key.kind, key.salt) == (VALUE, KeyKind.FILE, NO_SALT)
    assert key.text() == SecretStr(BASE64)


@pytest.mark.parametrize(
    "spelled",
    ["", "canary", BASE64[:-4], BASE64[:-1], f"{BASE64}AAAA", "canary" * 11, f"*{BASE64}"],
)
def test_what_spells_none_is_refused_without_showing_it(spelled: str) -> None:
    with pytest.raises(ValueError, match="neither 44 characters") as caught:
        VaultKey.from_text(SecretStr(spelled), KeyKind.FILE)
    assert caught.value.__context__ is None
    assert "canary" not in str(caught.value)


def test_new_keys_differ_and_their_ids_tell_them_apart() -> None:
    keys = {VaultKey.new() for _ in range(100)}
    assert len(keys) == len({key.id for key in keys}) == 100
    assert VaultKey(VALUE, KeyKind.FILE) == VaultKey(VALUE, KeyKind.KEYRING)
    assert VaultKey(VALUE, KeyKind.FILE) != BASE64


def test_a_passphrase_makes_the_same_key_with_its_salt_only() -> None:
    """White space around it is the terminal's or the file's, not the person's."""
    key = VaultKey.from_passphrase(SecretStr("correct horse"))
    again = VaultKey.from_passphrase(SecretStr(" correct horse\n"), key.salt)
    assert (again, again.id, again.kind) == (key, key.id, KeyKind.PASSPHRASE)
    assert VaultKey.from_passphrase(SecretStr("correct horse")) != key
    assert VaultKey.from_passphrase(SecretStr("Correct horse"), key.salt) != key


def test_a_key_shows_nowhere() -> None:
    key = VaultKey(VALUE, KeyKind.FILE)
    shown = f"{key}{key!r}{key.text()}{key.text()!r}"
    for spelling in (BASE64, VALUE.hex(), repr(VALUE)):
        assert spelling not in shown
    assert not hasattr(key, "__dict__")
    with pytest.raises(TypeError, match="not copied"):
        pickle.dumps(key)


def test_only_the_keyrings_key_is_strong() -> None:
    assert [kind for kind in KeyKind if not kind.is_weak] == [KeyKind.KEYRING]


@pytest.mark.parametrize(("value", "salt"), [(VALUE[:-1], NO_SALT), (VALUE, b"")])
def test_a_key_of_another_length_is_none(value: bytes, salt: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        VaultKey(value, KeyKind.FILE, salt)
