"""Where the vault's key is kept: keyring, key file, passphrase, in this order; and what is said when it is not there."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.vault_format import Head
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_keyring import NoKeyringError
from korproxy_addons.io.vault_keys import ask_nobody
from support.keyrings import MemoryBackend, secret_service
from support.vaults import Machine, api_key

KEY_FILE = "KORPROXY_VAULT_KEY_FILE"
PASSPHRASE_FILE = "KORPROXY_VAULT_PASSPHRASE_FILE"


def head_of(key: VaultKey) -> Head:
    return Head(key.kind, key.id, key.salt)


def refused(work: object, spec: ErrorSpec) -> str:
    assert callable(work)
    with pytest.raises(KorProxyError) as caught:
        work()
    assert caught.value.spec is spec
    return caught.value.detail


def key_file(folder: Path, *keys: VaultKey) -> Path:
    file = folder / "key"
    file.write_text("".join(f"{key.text().get_secret_value()}\n" for key in keys))
    file.chmod(0o600)
    return file


def test_the_keyring_comes_first() -> None:
    machine = Machine(environ={KEY_FILE: "/nonexistent"}, typed="a long passphrase")
    key = machine.keys().make()
    assert key.kind is KeyKind.KEYRING
    assert machine.keyring is not None
    assert machine.keyring.items == {
        ("KorProxy", f"vault-key-{key.id.hex()}"): key.text().get_secret_value()
    }
    assert machine.keys().find(head_of(key)) == key
    assert machine.asked == []


def test_each_vault_has_its_own_item() -> None:
    machine = Machine()
    keys = [machine.keys().make() for _ in range(3)]
    assert [machine.keys().find(head_of(key)) for key in keys] == keys
    assert machine.keys().discard(keys[1].id)
    detail = refused(lambda: machine.keys().find(head_of(keys[1])), catalogue.VAULT_KEY_MISSING)
    assert keys[1].id.hex() in detail
    assert machine.keys().find(head_of(keys[2])) == keys[2]


@pytest.mark.parametrize("stored", ["canary", VaultKey.new().text().get_secret_value()])
def test_an_item_that_is_another_key_is_none(stored: str) -> None:
    machine = Machine()
    key = machine.keys().make()
    assert machine.keyring is not None
    machine.keyring.items = dict.fromkeys(machine.keyring.items, stored)
    detail = refused(lambda: machine.keys().find(head_of(key)), catalogue.VAULT_KEY_MISSING)
    assert "canary" not in detail


def test_a_keyring_that_does_not_open_is_not_one_that_lacks_the_key() -> None:
    """The one is unlocked, the other means to sign in again."""
    machine = Machine()
    key = machine.keys().make()
    assert machine.keyring is not None
    machine.keyring.failure = RuntimeError("locked")
    assert "keyring" in refused(lambda: machine.keys().find(head_of(key)), catalogue.VAULT_LOCKED)
    refused(machine.keys().make, catalogue.VAULT_LOCKED)
    assert machine.keys().discard(key.id) is False
    machine.keyring = None
    detail = refused(lambda: machine.keys().find(head_of(key)), catalogue.VAULT_LOCKED)
    assert "this session has none" in detail
    assert machine.keys().discard(key.id) is False


def test_a_locked_keyring_is_no_reason_for_a_weaker_place(tmp_path: Path) -> None:
    machine = Machine(
        MemoryBackend(failure=RuntimeError()), {KEY_FILE: str(tmp_path / "key")}, "x" * 20
    )
    refused(machine.keys().make, catalogue.VAULT_LOCKED)
    assert list(tmp_path.iterdir()) == []
    assert machine.asked == []


def test_without_a_keyring_the_key_file_is_written(tmp_path: Path) -> None:
    machine = Machine(None, {KEY_FILE: str(tmp_path / "key")}, "a long passphrase")
    key = machine.keys().make()
    assert (key.kind, key.kind.is_weak) == (KeyKind.FILE, True)
    assert machine.keys().find(head_of(key)) == key
    assert machine.keys().make() == key, "a file that is there is used as it is"
    assert machine.asked == []
    if os.name == "posix":
        assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_a_key_file_may_hold_the_next_key_too(tmp_path: Path) -> None:
    keys = [VaultKey.new(KeyKind.FILE) for _ in range(2)]
    machine = Machine(None, {KEY_FILE: str(key_file(tmp_path, *keys))})
    assert [machine.keys().find(head_of(key)) for key in keys] == keys
    assert machine.keys().make() == keys[0]
    other = VaultKey.new(KeyKind.FILE)
    detail = refused(lambda: machine.keys().find(head_of(other)), catalogue.VAULT_KEY_REFUSED)
    assert str(tmp_path / "key") in detail


def test_systemd_hands_the_key_over(tmp_path: Path) -> None:
    """`LoadCredential=`: the folder has modes of its own, which are systemd's business."""
    key = VaultKey.new(KeyKind.FILE)
    key_file(tmp_path, key).rename(tmp_path / "korproxy-vault-key")
    (tmp_path / "korproxy-vault-key").chmod(0o440)
    machine = Machine(None, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert machine.keys().make() == machine.keys().find(head_of(key)) == key
    (tmp_path / "korproxy-vault-key").unlink()
    refused(lambda: machine.keys().find(head_of(key)), catalogue.VAULT_KEY_MISSING)
    refused(machine.keys().make, catalogue.VAULT_NO_KEY_STORE)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "each line is a key"),
        (b"canary", "each line is a key"),
        (VaultKey.new().text().get_secret_value().encode() + b"\ncanary", "each line is a key"),
        (b"canary\xff", "is not text"),
        (None, "there is no file"),
    ],
)
def test_a_key_file_that_is_none_is_told_without_showing_it(
    tmp_path: Path, content: bytes | None, says: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)
    keys = Machine(None, {KEY_FILE: str(file)}).keys()
    head = head_of(VaultKey.new(KeyKind.FILE))
    detail = refused(lambda: keys.find(head), catalogue.VAULT_UNUSABLE)
    assert says in detail
    assert str(file) in detail
    assert "canary" not in detail


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620])
def test_a_key_that_others_can_read_is_none(tmp_path: Path, mode: int) -> None:
    key = VaultKey.new(KeyKind.FILE)
    key_file(tmp_path, key).chmod(mode)
    keys = Machine(None, {KEY_FILE: str(tmp_path / "key")}).keys()
    assert "chmod 600" in refused(lambda: keys.find(head_of(key)), catalogue.VAULT_UNUSABLE)


def test_a_key_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    keys = Machine(None, {KEY_FILE: str(tmp_path / "no-such-folder" / "key")}).keys()
    assert "No such file" in refused(keys.make, catalogue.VAULT_UNUSABLE)


def test_at_last_a_person_is_asked_for_a_passphrase() -> None:
    machine = Machine(None, typed="correct horse")
    key = machine.keys().make()
    assert (key.kind, key.kind.is_weak) == (KeyKind.PASSPHRASE, True)
    assert machine.keys().find(head_of(key)) == key
    assert machine.asked == [True, False]
    machine.typed = "wrong horse"
    detail = refused(lambda: machine.keys().find(head_of(key)), catalogue.VAULT_KEY_REFUSED)
    assert "horse" not in detail


def test_a_passphrase_may_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "passphrase"
    file.write_text("correct horse\n")
    file.chmod(0o600)
    machine = Machine(None, {PASSPHRASE_FILE: str(file)}, typed="something else")
    key = machine.keys().make()
    assert machine.keys().find(head_of(key)) == key
    assert key == VaultKey.from_passphrase(SecretStr("correct horse"), key.salt)
    assert machine.asked == []


@pytest.mark.parametrize("typed", ["", "1234567", "   1234567   "])
def test_a_short_passphrase_is_refused(typed: str) -> None:
    keys = Machine(None, typed=typed).keys()
    assert "at least 8" in refused(keys.make, catalogue.VAULT_UNUSABLE)


@pytest.mark.parametrize("environ", [{}, {"CREDENTIALS_DIRECTORY": "/nonexistent"}])
def test_with_none_of_them_nothing_is_written_in_the_clear(
    tmp_path: Path, environ: Mapping[str, str]
) -> None:
    machine = Machine(None, environ)
    refused(machine.keys().make, catalogue.VAULT_NO_KEY_STORE)
    vault = machine.vault(tmp_path)
    refused(lambda: vault.save("a", api_key("canary")), catalogue.VAULT_NO_KEY_STORE)
    assert [it.name for it in tmp_path.iterdir()] in (["vault.lock"], [])
    refused(machine.keys().make_in_file, catalogue.VAULT_NO_KEY_STORE)
    with pytest.raises(NoKeyringError):
        machine.keys().make_in_keyring()


def test_a_vault_whose_key_lies_elsewhere_says_where() -> None:
    machine = Machine(None)
    in_file = Head(KeyKind.FILE, bytes(8), bytes(16))
    assert KEY_FILE in refused(lambda: machine.keys().find(in_file), catalogue.VAULT_KEY_MISSING)
    typed = Head(KeyKind.PASSPHRASE, bytes(8), bytes(16))
    assert PASSPHRASE_FILE in refused(lambda: machine.keys().find(typed), catalogue.VAULT_LOCKED)
    assert ask_nobody(new=True) is None


def test_with_the_real_keyring_of_a_linux_desktop(tmp_path: Path) -> None:
    """The vault of one process is the vault of the next: gnome-keyring over D-Bus keeps its key."""
    from korproxy_addons.io.vault_opening import open_vault

    (tmp_path / "desktop").mkdir()
    home = tmp_path / "home"
    with secret_service(tmp_path / "desktop"):
        open_vault(home).save("a", api_key("one"))
        vault = open_vault(home)
        assert vault.load("a") == api_key("one")
        assert vault.key is not None
        assert vault.key.kind is KeyKind.KEYRING
