"""
The vault: logins and keys of a KorProxy folder, sealed in one file.

Reading costs a `stat` while nothing has changed. Writing happens under a lock that all processes share, on what is on the disk
at that moment, and replaces the file as a whole.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from pydantic import SecretStr

from korproxy_addons.errors.catalogue import (
    SECRET_UNAVAILABLE,
    VAULT_DAMAGED,
    VAULT_KEY_REFUSED,
    VAULT_UNUSABLE,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.private_file import (
    BACKUP_SUFFIX,
    Signature,
    Step,
    make_private_folder,
    read_private,
    replace_private,
    signature,
)
from korproxy_addons.io.vault_entries import ContentError, Entries, VaultEntry, secrets_of
from korproxy_addons.io.vault_format import (
    NONCE_BYTES,
    DamagedError,
    Head,
    OtherKeyError,
    read_head,
    seal,
    unseal,
)
from korproxy_addons.io.vault_key import VaultKey

FILE_NAME = "vault.bin"
LOCK_NAME = "vault.lock"
LOCK_PATIENCE_S = 10.0


class Keys(Protocol):
    """Where keys come from."""

    def find(self, head: Head) -> VaultKey:
        """
        The key that a file wants.

        Raises:
            KorProxyError: VAULT_LOCKED, VAULT_KEY_MISSING, VAULT_KEY_REFUSED.
        """

    def make(self) -> VaultKey:
        """
        A key for a new vault, already kept where it will be found again.

        Raises:
            KorProxyError: VAULT_LOCKED, VAULT_NO_KEY_STORE.
        """


class GivenKey:
    """The one key that somebody handed over."""

    def __init__(self, key: VaultKey) -> None:
        self._key = key

    def find(self, head: Head) -> VaultKey:
        if head.key_id != self._key.id:
            raise KorProxyError(VAULT_KEY_REFUSED, "the vault was written with another key")
        return self._key

    def make(self) -> VaultKey:
        return self._key


def _untaught(_secrets: Iterable[SecretStr]) -> None:
    """Nobody filters what is logged."""


def _unwatched(_step: str) -> None:
    """Nobody wants to know."""


class Vault:
    """
    The vault of one folder. Safe to use from any thread; every method may touch the disk.

    Args:
        home: The KorProxy folder; made private when something is written.
        key: The key, or where to look for it when the file is first read, and again after another process has changed it.
        learn: Told every secret that is read or saved, before anybody can use it, so that logs can never show it.
        step: Told each step of a write before it is taken; for tests that end the process there.
    """

    def __init__(
        self,
        home: Path,
        key: VaultKey | Keys,
        *,
        learn: Callable[[Iterable[SecretStr]], None] = _untaught,
        step: Step = _unwatched,
    ) -> None:
        self.path = home / FILE_NAME
        self._keys: Keys = GivenKey(key) if isinstance(key, VaultKey) else key
        self._learn = learn
        self._step = step
        self._mutex = threading.RLock()
        self._key: VaultKey | None = None
        self._entries = Entries()
        self._seen: Signature | None = None
        self._was_read = False
        self._lock_depth = 0

    @property
    def key(self) -> VaultKey | None:
        """The key in use; None before the file was read or written."""
        return self._key

    @property
    def backup(self) -> Path:
        """The save before the last one."""
        return self.path.with_name(self.path.name + BACKUP_SUFFIX)

    def names(self) -> tuple[str, ...]:
        """
        The entries' names, in order of the alphabet.

        Raises:
            KorProxyError: The vault cannot be read: VAULT_LOCKED, _KEY_MISSING, _KEY_REFUSED, _DAMAGED, _UNUSABLE.
        """
        return self._fresh().names()

    def load(self, name: str) -> VaultEntry:
        """
        An entry, as the disk has it now.

        Raises:
            KorProxyError: SECRET_UNAVAILABLE: there is no such entry; or as `names`.
        """
        try:
            entry = self._fresh().get(name)
        except ContentError as error:
            raise KorProxyError(SECRET_UNAVAILABLE, str(error)) from None
        if entry is None:
            raise KorProxyError(SECRET_UNAVAILABLE, f"the vault holds no entry {name}")
        return entry

    def save(self, name: str, entry: VaultEntry) -> None:
        """
        Write an entry, durably, in the place of one of the same name; every other one stays as the disk has it.

        Raises:
            KorProxyError: As `names`, or VAULT_NO_KEY_STORE; the old file is as it was.
        """
        self._learn(tuple(secrets_of(entry)))
        with self.locked():
            self._write(self._fresh().put(name, entry))

    def remove(self, name: str) -> bool:
        """
        Take an entry out; whether there was one.

        Raises:
            KorProxyError: As `save`.
        """
        with self.locked():
            entries = self._fresh()
            if name not in entries.names():
                return False
            self._write(entries.without(name))
            return True

    def rotate(self, new_key: VaultKey) -> None:
        """
        Seal everything anew with another key, the backup too: the old key then opens nothing here any more.

        Raises:
            KorProxyError: As `save`.
        """
        with self.locked():
            entries = self._fresh()
            self._write(entries, new_key)
            with self._told(self.backup):
                replace_private(self.backup, _sealed(entries, new_key), keeps_backup=False)

    def opened(self, data: bytes, path: Path) -> Entries:
        """
        What is sealed in a file's bytes.

        Raises:
            KorProxyError: As `names`; `path` is what the error names.
        """
        with self._told(path):
            return self._unsealed(data)

    def changed(self) -> bool:
        """Whether the file is another one than at the last reading; one `stat`."""
        return not self._was_read or signature(self.path) != self._seen

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """
        Nobody else, in this process or another, writes the vault meanwhile; may be nested.

        Raises:
            KorProxyError: VAULT_UNUSABLE: somebody else held the lock for ten seconds, or it cannot be made.
        """
        with self._mutex:
            lock = None if self._lock_depth else self._lock()
            self._lock_depth += 1
            try:
                yield
            finally:
                self._lock_depth -= 1
                if lock is not None:
                    lock.release()

    def __repr__(self) -> str:
        return f"Vault({str(self.path)!r}, {len(self._entries.names())} entries)"

    def _lock(self) -> FileLock:
        with self._told(self.path):
            make_private_folder(self.path.parent)
            lock = FileLock(self.path.with_name(LOCK_NAME), mode=0o600, thread_local=False)
            try:
                lock.acquire(timeout=LOCK_PATIENCE_S)
            except Timeout:
                detail = f"another process holds {LOCK_NAME} in {self.path.parent}"
                raise KorProxyError(VAULT_UNUSABLE, detail) from None
            return lock

    def _fresh(self) -> Entries:
        """The entries as the disk has them now."""
        with self._mutex:
            if self.changed():
                with self._told(self.path):
                    found = read_private(self.path)
                    entries = Entries() if found is None else self._unsealed(found[0])
                self._learn(tuple(entries.secrets()))
                self._entries, self._seen = entries, found and found[1]
                self._was_read = True
            return self._entries

    def _unsealed(self, data: bytes) -> Entries:
        head = read_head(data)
        if self._key is None or self._key.id != head.key_id:
            self._key = self._keys.find(head)
        return Entries.decode(unseal(data, self._key))

    def _write(self, entries: Entries, new_key: VaultKey | None = None) -> None:
        key = new_key or self._key or self._keys.make()
        self._learn((key.text(),))
        with self._told(self.path):
            seen = replace_private(self.path, _sealed(entries, key), step=self._step)
        self._key, self._entries, self._seen, self._was_read = key, entries, seen, True

    @contextlib.contextmanager
    def _told(self, path: Path) -> Iterator[None]:
        """Errors in the words of the catalogue."""
        try:
            yield
        except DamagedError as error:
            hint = "; the save before is whole in vault.bin.bak" if self._has_backup() else ""
            raise KorProxyError(VAULT_DAMAGED, f"{path}: {error}{hint}") from None
        except OtherKeyError:
            detail = f"{path} was written with another key"
            raise KorProxyError(VAULT_KEY_REFUSED, detail) from None
        except ContentError as error:
            raise KorProxyError(VAULT_UNUSABLE, f"{path}: {error}") from None
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            raise KorProxyError(VAULT_UNUSABLE, f"{path}: {reason}") from None

    def _has_backup(self) -> bool:
        try:
            found = read_private(self.backup)
            return found is not None and bool(read_head(found[0]))
        except (OSError, DamagedError):
            return False


def _sealed(entries: Entries, key: VaultKey) -> bytes:
    return seal(entries.encode(), key, os.urandom(NONCE_BYTES))
