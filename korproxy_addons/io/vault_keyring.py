"""
The operating system's keyring: the backends that we name and no other, in a thread, with a time limit.

`keyring` itself would take whatever is installed, and with `keyrings.alt` that is a plain file. So its choice is not asked:
the backends are made here, by name, and the user's configuration of `keyring` counts only where it turns the keyring off.
"""

import importlib
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import SecretStr

PATIENCE_S = 60.0
"""How long a person may take over the keyring's own question."""
LONGEST_CHARS = 1280
"""Windows takes 2,560 bytes and stores two for each character."""

_OFF = {"keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"}
# Loaded by name, and so is secretstorage: a frozen build does not find them by itself and must be told (hidden imports).
_LINUX_DESKTOP = "keyring.backends.SecretService.Keyring"
_ALLOWED = {
    "darwin": ("keyring.backends.macOS.Keyring",),
    "win32": ("keyring.backends.Windows.WinVaultKeyring",),
    "linux": (
        _LINUX_DESKTOP,
        "keyring.backends.kwallet.DBusKeyring",
    ),
}


class Backend(Protocol):
    """What we use of a keyring's backend."""

    def get_password(self, service: str, username: str) -> str | None:
        """The item's secret, None if there is no such item."""

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write an item."""

    def delete_password(self, service: str, username: str) -> None:
        """Remove an item."""


class NoKeyringError(Exception):
    """This session has no keyring that we trust."""


class KeyringLockedError(Exception):
    """The keyring did not open: it stayed locked, refused us, or took too long; the message says which."""


def allowed_backends(
    platform: str = sys.platform, environ: Mapping[str, str] | None = None
) -> tuple[Backend, ...]:
    """
    The backends we trust that work in this session, the preferred one first.

    Args:
        platform: As `sys.platform` has it.
        environ: Environment variables; None: the process's own.
    """
    named = (os.environ if environ is None else environ).get("PYTHON_KEYRING_BACKEND")
    if named in _OFF:
        return ()
    found: list[tuple[float, Any]] = []
    for path in _ALLOWED.get(platform, ()):
        module, _, name = path.rpartition(".")
        try:
            kind = getattr(importlib.import_module(module), name)
            priority = float(kind.priority)
            if path == _LINUX_DESKTOP:
                kind = type(name, (kind,), {"get_preferred_collection": _open_collection})
            found.append((priority, kind))
        except Exception:  # noqa: BLE001, S112 - a backend that fails in any way is one we do not have
            continue
    return tuple(kind() for _, kind in sorted(found, key=lambda it: -it[0]))


def _open_collection(_backend: object) -> Any:
    """The user's collection, unlocked: `keyring`'s own way leaves the connection open where it stays locked."""
    secretstorage = importlib.import_module("secretstorage")
    connection = secretstorage.dbus_init()
    try:
        collection = secretstorage.get_default_collection(connection)
        if collection.is_locked():
            collection.unlock()
        if collection.is_locked():
            raise KeyringLockedError("it stayed locked")
    except BaseException:
        connection.close()
        raise
    return collection


@dataclass(frozen=True, slots=True)
class OsKeyring:
    """
    The keyring of this session.

    Args:
        backends: Gives the backends that may be used; asked in the thread, as even that talks to the keyring.
        patience_s: How long one call may take, with whatever the keyring asks its owner.
    """

    backends: Callable[[], tuple[Backend, ...]] = allowed_backends
    patience_s: float = PATIENCE_S

    def read(self, service: str, account: str) -> SecretStr | None:
        """
        An item; None if no backend has it.

        Raises:
            NoKeyringError: there is no keyring.
            KeyringLockedError: the keyring did not open.
        """
        text = self.read_text(service, account)
        return None if text is None else SecretStr(text)

    def read_text(self, service: str, account: str) -> str | None:
        """An item that holds more than one secret, to be taken apart at once; otherwise as `read`."""
        return self._in_time(lambda: _read(self._some(), service, account))

    def store(self, service: str, account: str, secret: SecretStr) -> None:
        """
        Write an item, and read it again: a key that is lost is a vault that is lost.

        Raises:
            NoKeyringError: there is no keyring.
            KeyringLockedError: the keyring did not open, or did not keep the item.
            ValueError: The secret is longer than every keyring can hold.
        """
        value = secret.get_secret_value()
        if len(value) > LONGEST_CHARS:
            raise ValueError(f"longer than {LONGEST_CHARS} characters")

        def work() -> None:
            backend = self._some()[0]
            backend.set_password(service, account, value)
            if backend.get_password(service, account) != value:
                raise KeyringLockedError("it did not keep what was stored")

        self._in_time(work)

    def remove(self, service: str, account: str) -> None:
        """
        Take an item out of every backend that has it.

        Raises:
            NoKeyringError: there is no keyring.
            KeyringLockedError: the keyring did not open.
        """

        def work() -> None:
            for backend in self._some():
                if backend.get_password(service, account) is not None:
                    backend.delete_password(service, account)

        self._in_time(work)

    def _some(self) -> tuple[Backend, ...]:
        backends = self.backends()
        if not backends:
            raise NoKeyringError
        return backends

    def _in_time[Result](self, work: Callable[[], Result]) -> Result:
        """What `work` gives; run in a thread of its own, which is left behind if it takes too long."""
        results: list[Result] = []
        failures: list[Exception] = []

        def run() -> None:
            try:
                results.append(work())
            except Exception as error:  # noqa: BLE001 - every backend has exceptions of its own
                failures.append(error.with_traceback(None))

        # Not a pool's thread: the process must be able to end while the keyring still asks its owner.
        thread = threading.Thread(target=run, name="keyring", daemon=True)
        thread.start()
        thread.join(self.patience_s)
        if results:
            return results[0]
        if not failures:
            raise KeyringLockedError(f"it did not answer within {self.patience_s:g} s")
        if isinstance(failures[0], NoKeyringError | KeyringLockedError):
            raise failures[0]
        # By its name only: what a backend says could quote what it was given.
        raise KeyringLockedError(f"it refused ({type(failures[0]).__name__})") from None


def _read(backends: tuple[Backend, ...], service: str, account: str) -> str | None:
    failed: Exception | None = None
    for backend in backends:
        try:
            value = backend.get_password(service, account)
        except Exception as error:  # noqa: BLE001 - the next one may have it
            failed = failed or error
            continue
        if value is not None:
            return value
    if failed is not None:
        raise failed
    return None
