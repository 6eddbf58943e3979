"""What a person may do about a vault: give it another key, go back to its backup, put it aside."""

from enum import StrEnum
from pathlib import Path

from korproxy_addons.errors.catalogue import (
    VAULT_DAMAGED,
    VAULT_NO_KEY_STORE,
    VAULT_UNUSABLE,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import read_private, replace_private, set_aside
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_format import DamagedError, read_head
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_keyring import NoKeyringError
from korproxy_addons.io.vault_keys import SystemKeys

ORPHAN_SUFFIX = ".orphan"
DAMAGED_SUFFIX = ".damaged"


class Target(StrEnum):
    """Where a new key is to be kept."""

    KEYRING = "keyring"
    KEY_FILE = "key-file"
    PASSPHRASE = "passphrase"  # noqa: S105 - a word


_TARGETS = {
    KeyKind.KEYRING: Target.KEYRING,
    KeyKind.FILE: Target.KEY_FILE,
    KeyKind.PASSPHRASE: Target.PASSPHRASE,
}


def rotate_vault(
    vault: Vault, keys: SystemKeys, target: Target | None = None, key_file: Path | None = None
) -> VaultKey:
    """
    Seal the vault with a new key; the old one then opens nothing and is thrown away.

    The new key is kept before anything is sealed with it, the old one goes after everything was: a crash in between
    leaves a vault that opens.

    Args:
        vault: The vault.
        keys: Where keys are kept.
        target: Where the new key is to be kept; None: where the old one is.
        key_file: The new key's file; None: the one that the environment names.
    Returns:
        The new key.
    Raises:
        KorProxyError: The vault does not open, there is none, or the new key cannot be kept; nothing has changed.
    """
    with vault.locked():
        vault.names()
        old = vault.key
        if old is None:
            raise KorProxyError(VAULT_UNUSABLE, f"there is no {vault.path} yet")
        forgotten = {old.id, _key_id(vault.backup)} - {None}
        new = _new_key(keys, target or _TARGETS[old.kind], key_file)
        vault.rotate(new)
        if new.kind is KeyKind.FILE:
            keys.keep_in_file(new, key_file)
        for key_id in forgotten:
            # A key in a file or in somebody's head is not ours to destroy.
            if key_id is not None and old.kind is KeyKind.KEYRING:
                keys.discard(key_id)
        return new


def restore_backup(vault: Vault) -> Path | None:
    """
    Put the save before the last one in the place of a file that is damaged or gone.

    Returns:
        Where the damaged file is now; None if there was none.
    Raises:
        KorProxyError: The vault is not damaged, or its backup is no better; nothing has changed.
    """
    with vault.locked():
        if vault.path.exists():
            try:
                vault.names()
            except KorProxyError as error:
                if error.spec is not VAULT_DAMAGED:
                    raise
            else:
                raise KorProxyError(VAULT_UNUSABLE, "the vault opens: there is nothing to restore")
        found = read_private(vault.backup)
        if found is None:
            raise KorProxyError(VAULT_DAMAGED, f"there is no {vault.backup} either")
        vault.opened(found[0], vault.backup)
        try:
            damaged = set_aside(vault.path, DAMAGED_SUFFIX)
            replace_private(vault.path, found[0], keeps_backup=False)
        except OSError as error:
            raise _unusable(vault, error) from None
        return damaged


def put_aside(vault: Vault, *, even_if_it_opens: bool = False) -> tuple[Path, ...]:
    """
    Give a vault up that does not open: the files stay, as `.orphan`, and the next login begins a new one.

    Args:
        vault: The vault.
        even_if_it_opens: All logins in it are to be given up.
    Returns:
        Where the files are now.
    Raises:
        KorProxyError: It opens, or cannot be renamed.
    """
    with vault.locked():
        if not even_if_it_opens and vault.path.exists() and _opens(vault):
            detail = "the vault opens: putting it aside gives up every login in it (--force)"
            raise KorProxyError(VAULT_UNUSABLE, detail)
        try:
            moved = [set_aside(it, ORPHAN_SUFFIX) for it in (vault.path, vault.backup)]
        except OSError as error:
            raise _unusable(vault, error) from None
        return tuple(it for it in moved if it is not None)


def _new_key(keys: SystemKeys, target: Target, key_file: Path | None) -> VaultKey:
    match target:
        case Target.KEYRING:
            try:
                return keys.make_in_keyring()
            except NoKeyringError:
                detail = "this session has no keyring that KorProxy trusts"
                raise KorProxyError(VAULT_NO_KEY_STORE, detail) from None
        case Target.KEY_FILE:
            return keys.add_to_file(key_file)
        case Target.PASSPHRASE:
            key = keys.make_of_passphrase()
            if key is None:
                raise KorProxyError(
                    VAULT_NO_KEY_STORE, "no passphrase was given, or two that differ"
                )
            return key


def _key_id(file: Path) -> bytes | None:
    try:
        found = read_private(file)
        return None if found is None else read_head(found[0]).key_id
    except (OSError, DamagedError):
        return None


def _opens(vault: Vault) -> bool:
    try:
        vault.names()
    except KorProxyError:
        return False
    return True


def _unusable(vault: Vault, error: OSError) -> KorProxyError:
    return KorProxyError(VAULT_UNUSABLE, f"{vault.path}: {error.strerror or type(error).__name__}")
