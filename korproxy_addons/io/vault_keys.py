"""
Where this machine keeps the vault's key: the system's keyring, else a key file, else a passphrase; never in plain sight by itself.

Each key lies in the keyring under its own id, which the vault's file names: several folders do not disturb each other, and a
new key is kept before the file is sealed with it, so that no crash parts the two.
"""

import contextlib
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from pydantic import SecretStr

from korproxy_addons.errors.catalogue import (
    VAULT_KEY_MISSING,
    VAULT_KEY_REFUSED,
    VAULT_LOCKED,
    VAULT_NO_KEY_STORE,
    VAULT_UNUSABLE,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import read_private, replace_private
from korproxy_addons.io.vault_format import Head
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_keyring import KeyringLockedError, NoKeyringError, OsKeyring

SERVICE = "KorProxy"
KEY_FILE_VARIABLE = "KORPROXY_VAULT_KEY_FILE"
PASSPHRASE_FILE_VARIABLE = "KORPROXY_VAULT_PASSPHRASE_FILE"  # noqa: S105 - a name
CREDENTIALS_VARIABLE = "CREDENTIALS_DIRECTORY"
"""Where systemd puts what `LoadCredential=` names."""
KEY_CREDENTIAL = "korproxy-vault-key"
PASSPHRASE_CREDENTIAL = "korproxy-vault-passphrase"  # noqa: S105 - a name
SHORTEST_PASSPHRASE = 8


class Ask(Protocol):
    """Asks a person for the passphrase."""

    def __call__(self, *, new: bool) -> SecretStr | None:
        """
        What was typed; None if nobody can be asked.

        Args:
            new: It is to be chosen, not remembered.
        """


def ask_nobody(*, new: bool) -> SecretStr | None:
    """There is no terminal."""
    del new
    return None


class SystemKeys:
    """
    The places for keys of this machine.

    Args:
        keyring: The system's keyring.
        environ: Environment variables; None: the process's own.
        ask: Asks a person for the passphrase.
    """

    def __init__(
        self,
        keyring: OsKeyring | None = None,
        environ: Mapping[str, str] | None = None,
        ask: Ask = ask_nobody,
    ) -> None:
        self._keyring = keyring or OsKeyring()
        self._environ = os.environ if environ is None else environ
        self._ask = ask

    def find(self, head: Head) -> VaultKey:
        """
        The key that a vault's file wants.

        Raises:
            KorProxyError: VAULT_LOCKED, VAULT_KEY_MISSING, VAULT_KEY_REFUSED, or VAULT_UNUSABLE for a key file.
        """
        match head.kind:
            case KeyKind.KEYRING:
                return self._from_keyring(head)
            case KeyKind.FILE:
                return self._from_file(head)
            case KeyKind.PASSPHRASE:
                return self._from_passphrase(head)

    def make(self) -> VaultKey:
        """
        A key for a new vault, kept in the best place there is: keyring, key file, passphrase.

        Raises:
            KorProxyError: VAULT_LOCKED, VAULT_NO_KEY_STORE, or VAULT_UNUSABLE for a key file.
        """
        try:
            return self.make_in_keyring()
        except NoKeyringError:
            pass
        if self._named(KEY_FILE_VARIABLE, KEY_CREDENTIAL) is not None:
            return self.make_in_file()
        key = self.make_of_passphrase()
        if key is None:
            raise KorProxyError(VAULT_NO_KEY_STORE)
        return key

    def make_in_keyring(self) -> VaultKey:
        """
        A new key in the keyring.

        Raises:
            NoKeyringError: there is no keyring.
            KorProxyError: VAULT_LOCKED.
        """
        key = VaultKey.new(KeyKind.KEYRING)
        try:
            self._keyring.store(SERVICE, _account(key.id), key.text())
        except KeyringLockedError as error:
            raise KorProxyError(VAULT_LOCKED, f"the keyring: {error}") from None
        return key

    def make_in_file(self, path: Path | None = None) -> VaultKey:
        """
        The first key of a key file; written there if there is no file.

        Args:
            path: The file; None: the one that the environment names.
        Raises:
            KorProxyError: VAULT_UNUSABLE, VAULT_NO_KEY_STORE.
        """
        file = path or self._named(KEY_FILE_VARIABLE, KEY_CREDENTIAL)
        if file is None:
            raise KorProxyError(VAULT_NO_KEY_STORE, f"{KEY_FILE_VARIABLE} is not set")
        if file.exists():
            return self._keys_in(file)[0]
        return _written(file, [VaultKey.new(KeyKind.FILE)])

    def add_to_file(self, path: Path | None = None) -> VaultKey:
        """
        A new key, as the first one of a key file; the others stay until `keep_in_file`.

        Args:
            path: The file; None: the one that the environment names.
        Raises:
            KorProxyError: VAULT_UNUSABLE, VAULT_NO_KEY_STORE.
        """
        file = path or self._named(KEY_FILE_VARIABLE, KEY_CREDENTIAL)
        if file is None:
            raise KorProxyError(VAULT_NO_KEY_STORE, f"{KEY_FILE_VARIABLE} is not set")
        others = self._keys_in(file) if file.exists() else []
        return _written(file, [VaultKey.new(KeyKind.FILE), *others])

    def keep_in_file(self, key: VaultKey, path: Path | None = None) -> None:
        """Take every other key out of a key file; where that fails they stay, and open nothing."""
        file = path or self._named(KEY_FILE_VARIABLE, KEY_CREDENTIAL)
        if file is not None:
            with contextlib.suppress(KorProxyError):
                _written(file, [key])

    def make_of_passphrase(self) -> VaultKey | None:
        """
        A key of a passphrase that a person chooses, or that a file holds; None if there is neither.

        Raises:
            KorProxyError: VAULT_UNUSABLE: too short, or the file cannot be read.
        """
        passphrase = self._passphrase(new=True)
        if passphrase is None:
            return None
        if len(passphrase.get_secret_value().strip()) < SHORTEST_PASSPHRASE:
            detail = f"a passphrase has at least {SHORTEST_PASSPHRASE} characters"
            raise KorProxyError(VAULT_UNUSABLE, detail)
        return VaultKey.from_passphrase(passphrase)

    def discard(self, key_id: bytes) -> bool:
        """Take a key that opens nothing any more out of the keyring; whether that could be done."""
        try:
            self._keyring.remove(SERVICE, _account(key_id))
        except (NoKeyringError, KeyringLockedError):
            return False
        return True

    def _from_keyring(self, head: Head) -> VaultKey:
        try:
            text = self._keyring.read(SERVICE, _account(head.key_id))
        except NoKeyringError:
            detail = "its key lies in a keyring, and this session has none (a remote shell, a container, a service)"
            raise KorProxyError(VAULT_LOCKED, detail) from None
        except KeyringLockedError as error:
            raise KorProxyError(VAULT_LOCKED, f"the keyring: {error}") from None
        key = None if text is None else _spelled(text, KeyKind.KEYRING)
        if key is None or key.id != head.key_id:
            detail = f"the keyring holds no key {head.key_id.hex()} for {SERVICE}"
            raise KorProxyError(VAULT_KEY_MISSING, detail)
        return key

    def _from_file(self, head: Head) -> VaultKey:
        file = self._named(KEY_FILE_VARIABLE, KEY_CREDENTIAL)
        if file is None:
            detail = f"its key lies in a file, and {KEY_FILE_VARIABLE} does not name it"
            raise KorProxyError(VAULT_KEY_MISSING, detail)
        for key in self._keys_in(file):
            if key.id == head.key_id:
                return key
        raise KorProxyError(VAULT_KEY_REFUSED, f"the key file {file} holds another key")

    def _from_passphrase(self, head: Head) -> VaultKey:
        passphrase = self._passphrase(new=False)
        if passphrase is None:
            detail = f"its passphrase can be asked for in a terminal, or {PASSPHRASE_FILE_VARIABLE} names its file"
            raise KorProxyError(VAULT_LOCKED, detail)
        key = VaultKey.from_passphrase(passphrase, head.salt)
        if key.id != head.key_id:
            raise KorProxyError(VAULT_KEY_REFUSED, "the passphrase is another one")
        return key

    def _passphrase(self, *, new: bool) -> SecretStr | None:
        file = self._named(PASSPHRASE_FILE_VARIABLE, PASSPHRASE_CREDENTIAL)
        return self._ask(new=new) if file is None else self._read(file)

    def _named(self, variable: str, credential: str) -> Path | None:
        """The file that the environment names, by itself or through systemd."""
        if self._environ.get(variable):
            return Path(self._environ[variable]).expanduser()
        folder = self._environ.get(CREDENTIALS_VARIABLE)
        path = Path(folder, credential) if folder else None
        return path if path is not None and path.exists() else None

    def _keys_in(self, file: Path) -> list[VaultKey]:
        """The keys in a key file, one in each line: a second one can stand there while the key is changed."""
        lines = [it for it in self._read(file).get_secret_value().splitlines() if it.strip()]
        keys = [_spelled(SecretStr(line), KeyKind.FILE) for line in lines]
        found = [key for key in keys if key is not None]
        if not found or len(found) < len(keys):
            detail = f"the key file {file}: each line is a key, 44 characters of base64 or 64 hexadecimal digits"
            raise KorProxyError(VAULT_UNUSABLE, detail)
        return found

    def _read(self, file: Path) -> SecretStr:
        try:
            self._check_mode(file)
            # Resolved: what mounts secrets into a container does it by links.
            read = read_private(file.resolve())
        except OSError as error:
            raise _unusable(file, error) from None
        if read is None:
            raise KorProxyError(VAULT_UNUSABLE, f"there is no file {file}")
        try:
            return SecretStr(read[0].decode())
        except UnicodeDecodeError:
            pass
        # Outside: the exception would carry the content.
        raise KorProxyError(VAULT_UNUSABLE, f"the file {file} is not text")

    def _check_mode(self, file: Path) -> None:
        """What others can read is no secret; systemd gives its own folder the right modes, in its own way."""
        folder = self._environ.get(CREDENTIALS_VARIABLE)
        if os.name != "posix" or not file.exists() or (folder and file.parent == Path(folder)):
            return
        mode = stat.S_IMODE(file.stat().st_mode)
        if mode & 0o077:
            detail = f"others can read the file {file} (mode {mode:04o}): chmod 600"
            raise KorProxyError(VAULT_UNUSABLE, detail)


def _written(file: Path, keys: list[VaultKey]) -> VaultKey:
    """The first of these keys, which are now all that the file holds."""
    content = "".join(f"{key.text().get_secret_value()}\n" for key in keys)
    try:
        replace_private(file, content.encode(), keeps_backup=False)
    except OSError as error:
        raise _unusable(file, error) from None
    return keys[0]


def _account(key_id: bytes) -> str:
    return f"vault-key-{key_id.hex()}"


def _spelled(text: SecretStr, kind: KeyKind) -> VaultKey | None:
    try:
        return VaultKey.from_text(text, kind)
    except ValueError:
        return None


def _unusable(file: Path, error: OSError) -> KorProxyError:
    reason = error.strerror or type(error).__name__
    return KorProxyError(VAULT_UNUSABLE, f"the file {file}: {reason}")
