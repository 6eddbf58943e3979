"""Another key, back to the backup, a new beginning: nothing is ever lost by it."""

from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_recovery import Target, put_aside, restore_backup, rotate_vault
from support.vaults import KEY, Machine, api_key, vault_in

KEY_FILE = "KORPROXY_VAULT_KEY_FILE"


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def vault(machine: Machine, tmp_path: Path) -> Vault:
    """A vault that was saved twice."""
    vault = machine.vault(tmp_path)
    vault.save("a", api_key("one"))
    vault.save("a", api_key("two"))
    return vault


def refused(work: object, spec: ErrorSpec) -> str:
    assert callable(work)
    with pytest.raises(KorProxyError) as caught:
        work()
    assert caught.value.spec is spec
    return caught.value.detail


def test_a_new_key_takes_the_old_ones_place(machine: Machine, vault: Vault, tmp_path: Path) -> None:
    old = vault.key
    new = rotate_vault(vault, machine.keys())
    assert machine.keyring is not None
    assert list(machine.keyring.items) == [("KorProxy", f"vault-key-{new.id.hex()}")]
    assert machine.vault(tmp_path).load("a") == api_key("two")
    assert old is not None
    refused(lambda: Vault(tmp_path, old).names(), catalogue.VAULT_KEY_REFUSED)


@pytest.mark.parametrize("dies_after", ["make", "vault.bin", "vault.bin.bak"])
def test_a_rotation_that_is_cut_off_leaves_a_vault_that_opens(
    machine: Machine, vault: Vault, tmp_path: Path, dies_after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the next rotation clears up what it left in the keyring, the old backup's key too."""

    class Died(BaseException):
        pass

    def die(*_: object) -> None:
        raise Died

    keys = machine.keys()
    if dies_after == "make":
        monkeypatch.setattr(vault, "rotate", die)
    elif dies_after == "vault.bin":
        monkeypatch.setattr("korproxy_addons.io.vault._sealed", _once(die))
    else:
        monkeypatch.setattr(keys, "discard", die)
    with pytest.raises(Died):
        rotate_vault(vault, keys)
    monkeypatch.undo()
    assert machine.vault(tmp_path).load("a") == api_key("two")
    new = rotate_vault(machine.vault(tmp_path), machine.keys())
    assert machine.keyring is not None
    left = {account.removeprefix("vault-key-") for _, account in machine.keyring.items}
    assert new.id.hex() in left
    if dies_after == "vault.bin":
        assert left == {new.id.hex()}
    assert machine.vault(tmp_path).load("a") == api_key("two")


def _once(then: object) -> object:
    """The real sealing the first time, `then` after it."""
    from korproxy_addons.io import vault as module

    original, calls = module._sealed, []

    def sealed(*given: object) -> bytes:
        calls.append(1)
        if len(calls) > 1:
            assert callable(then)
            then()
        return original(*given)  # type: ignore[arg-type]

    return sealed


def test_a_key_may_move_to_another_place(machine: Machine, vault: Vault, tmp_path: Path) -> None:
    """From the keyring to a file, to a passphrase, and back."""
    file = tmp_path / "key"
    machine.environ = {KEY_FILE: str(file)}
    machine.typed = "correct horse"
    for target, kind in (
        (Target.KEY_FILE, KeyKind.FILE),
        (Target.PASSPHRASE, KeyKind.PASSPHRASE),
        (Target.KEYRING, KeyKind.KEYRING),
    ):
        key = rotate_vault(machine.vault(tmp_path), machine.keys(), target)
        opened = machine.vault(tmp_path)
        assert opened.load("a") == api_key("two")
        assert (key.kind, opened.key) == (kind, key)


def test_a_key_file_is_changed_in_its_place(tmp_path: Path) -> None:
    machine = Machine(None, {KEY_FILE: str(tmp_path / "key")})
    vault = machine.vault(tmp_path)
    vault.save("a", api_key("one"))
    before = (tmp_path / "key").read_text()
    rotate_vault(vault, machine.keys())
    after = (tmp_path / "key").read_text()
    assert len(after.split()) == 1
    assert after != before
    assert machine.vault(tmp_path).load("a") == api_key("one")
    other = tmp_path / "other-key"
    rotate_vault(vault, machine.keys(), key_file=other)
    assert (tmp_path / "key").read_text() == after
    machine.environ = {KEY_FILE: str(other)}
    assert machine.vault(tmp_path).load("a") == api_key("one")


def test_a_key_that_cannot_be_kept_changes_nothing(vault: Vault, tmp_path: Path) -> None:
    before = (tmp_path / "vault.bin").read_bytes()
    nowhere = Machine(None).keys()
    for target in Target:
        refused(lambda to=target: rotate_vault(vault, nowhere, to), catalogue.VAULT_NO_KEY_STORE)
    assert (tmp_path / "vault.bin").read_bytes() == before
    detail = refused(
        lambda: rotate_vault(Machine().vault(tmp_path / "empty"), Machine().keys()),
        catalogue.VAULT_UNUSABLE,
    )
    assert "there is no" in detail


def test_a_damaged_vault_goes_back_to_its_backup(
    machine: Machine, vault: Vault, tmp_path: Path
) -> None:
    (tmp_path / "vault.bin").write_bytes(b"damaged")
    assert restore_backup(vault) == tmp_path / "vault.bin.damaged"
    assert (tmp_path / "vault.bin.damaged").read_bytes() == b"damaged"
    assert vault.load("a") == machine.vault(tmp_path).load("a") == api_key("one")
    (tmp_path / "vault.bin").unlink()
    assert restore_backup(vault) is None
    assert vault.load("a") == api_key("one")


def test_a_vault_that_opens_is_not_gone_back_from(vault: Vault) -> None:
    """Its backup holds refresh tokens that are used up: sending one ends the login."""
    assert "nothing to restore" in refused(lambda: restore_backup(vault), catalogue.VAULT_UNUSABLE)
    assert vault.load("a") == api_key("two")


@pytest.mark.parametrize("backup", [None, b"damaged too"])
def test_without_a_sound_backup_everything_stays(
    vault: Vault, tmp_path: Path, backup: bytes | None
) -> None:
    (tmp_path / "vault.bin").write_bytes(b"damaged")
    if backup is None:
        (tmp_path / "vault.bin.bak").unlink()
    else:
        (tmp_path / "vault.bin.bak").write_bytes(backup)
    assert "vault.bin.bak" in refused(lambda: restore_backup(vault), catalogue.VAULT_DAMAGED)
    assert (tmp_path / "vault.bin").read_bytes() == b"damaged"


def test_a_lost_key_is_no_reason_to_go_back(vault: Vault, tmp_path: Path) -> None:
    stranger = Machine().vault(tmp_path)
    refused(lambda: restore_backup(stranger), catalogue.VAULT_KEY_MISSING)


def test_a_vault_whose_key_is_lost_is_put_aside_and_a_new_one_begins(
    vault: Vault, tmp_path: Path
) -> None:
    kept = (tmp_path / "vault.bin").read_bytes()
    elsewhere = Machine()
    stranger = elsewhere.vault(tmp_path)
    refused(stranger.names, catalogue.VAULT_KEY_MISSING)
    moved = put_aside(stranger)
    assert [it.name for it in moved] == ["vault.bin.orphan", "vault.bin.bak.orphan"]
    assert moved[0].read_bytes() == kept
    stranger.save("b", api_key("new"))
    assert elsewhere.vault(tmp_path).names() == ("b",)
    assert put_aside(Machine().vault(tmp_path)) == (tmp_path / "vault.bin.orphan-2",)
    # Whoever finds the key again puts the file back.
    (tmp_path / "vault.bin.orphan").rename(tmp_path / "vault.bin")
    assert vault.load("a") == api_key("two")


def test_a_vault_that_opens_is_put_aside_only_by_force(vault: Vault, tmp_path: Path) -> None:
    assert "--force" in refused(lambda: put_aside(vault), catalogue.VAULT_UNUSABLE)
    assert vault.load("a") == api_key("two")
    assert len(put_aside(vault, even_if_it_opens=True)) == 2
    assert put_aside(vault) == ()
    assert vault.names() == ()


def test_a_folder_that_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_only(self: Path, _target: Path) -> Path:
        raise OSError(30, "Read-only file system")

    vault_in(tmp_path).save("a", api_key("one"))
    vault_in(tmp_path).save("a", api_key("two"))
    stranger = Vault(tmp_path, VaultKey.new())
    monkeypatch.setattr(Path, "replace", read_only)
    assert "Read-only" in refused(lambda: put_aside(stranger), catalogue.VAULT_UNUSABLE)
    (tmp_path / "vault.bin").write_bytes(b"damaged")
    damaged = Vault(tmp_path, KEY)
    assert "Read-only" in refused(lambda: restore_backup(damaged), catalogue.VAULT_UNUSABLE)
