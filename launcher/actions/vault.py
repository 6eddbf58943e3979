"""The vault of a KorProxy folder: how it stands, another key for it, its backup, a new beginning."""

from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.vault import FILE_NAME, Vault
from korproxy_addons.io.vault_key import KeyKind
from korproxy_addons.io.vault_keys import Ask, SystemKeys, ask_nobody
from korproxy_addons.io.vault_recovery import (
    ORPHAN_SUFFIX,
    Target,
    put_aside,
    restore_backup,
    rotate_vault,
)

KEY_PLACES = {
    KeyKind.KEYRING: "keyring",
    KeyKind.FILE: "key-file",
    KeyKind.PASSPHRASE: "passphrase",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultView:
    """
    The vault as people and scripts see it; no secret is in it.

    Attributes:
        path: Its file.
        state: `none` (nothing was stored yet), `open`, or `failed`.
        key_place: `keyring`, `key-file` or `passphrase`; None: not known.
        weak: The key is no safer than the file system, or than a person's memory.
        entries: Names of its entries.
        backup: Whether the save before the last one is there.
        orphans: Files that were put aside.
        code, title, detail: Why it does not open; None if it does.
        remedy: What to do then.
    """

    path: str
    state: str
    key_place: str | None = None
    weak: bool = False
    entries: tuple[str, ...] = ()
    backup: bool = False
    orphans: tuple[str, ...] = ()
    code: str | None = None
    title: str | None = None
    detail: str | None = None
    remedy: tuple[str, ...] = ()


def vault_status(home: Path, ask: Ask = ask_nobody, keys: SystemKeys | None = None) -> VaultView:
    """
    How the vault stands; opens it, so the keyring may ask its owner.

    Args:
        home: The KorProxy folder.
        ask: Asks for the passphrase.
        keys: Where keys are kept; None: this machine's places.
    """
    vault = Vault(home, keys or SystemKeys(ask=ask))
    orphans = tuple(sorted(it.name for it in home.glob(f"{FILE_NAME}*{ORPHAN_SUFFIX}*")))
    backup = vault.backup.exists()
    path = str(vault.path)
    try:
        entries = vault.names()
    except KorProxyError as error:
        return VaultView(
            path=path,
            state="failed",
            backup=backup,
            orphans=orphans,
            code=error.spec.code,
            title=error.spec.title,
            detail=error.detail,
            remedy=error.spec.remedy,
        )
    if vault.key is None:
        return VaultView(path=path, state="none", backup=backup, orphans=orphans)
    return VaultView(
        path=path,
        state="open",
        key_place=KEY_PLACES[vault.key.kind],
        weak=vault.key.kind.is_weak,
        entries=entries,
        backup=backup,
        orphans=orphans,
    )


def rotate_key(
    home: Path,
    target: Target | None = None,
    key_file: Path | None = None,
    ask: Ask = ask_nobody,
    keys: SystemKeys | None = None,
) -> str:
    """
    Seal the vault with a new key.

    Args:
        home: The KorProxy folder.
        target: Where the new key is to be kept; None: where the old one is.
        key_file: The new key's file.
        ask: Asks for passphrases.
        keys: Where keys are kept; None: this machine's places.
    Returns:
        Where the new key is kept.
    Raises:
        KorProxyError: The vault does not open, or the new key cannot be kept.
    """
    places = keys or SystemKeys(ask=ask)
    key = rotate_vault(Vault(home, places), places, target, key_file)
    return KEY_PLACES[key.kind]


def restore(home: Path, ask: Ask = ask_nobody, keys: SystemKeys | None = None) -> Path | None:
    """
    Go back to the save before the last one; where the damaged file is now.

    Raises:
        KorProxyError: The vault is not damaged, or its backup is no better.
    """
    return restore_backup(Vault(home, keys or SystemKeys(ask=ask)))


def reset(
    home: Path, *, force: bool = False, ask: Ask = ask_nobody, keys: SystemKeys | None = None
) -> tuple[Path, ...]:
    """
    Put a vault aside that does not open (with `force` any); where its files are now.

    Raises:
        KorProxyError: It opens, or its files cannot be renamed.
    """
    return put_aside(Vault(home, keys or SystemKeys(ask=ask)), even_if_it_opens=force)
