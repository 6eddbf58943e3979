"""How the vault is opened: at once in a command, aside and as often as it takes in the gateway."""

import threading
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.errors.catalogue import (
    VAULT_DAMAGED,
    VAULT_KEY_MISSING,
    VAULT_KEY_REFUSED,
    VAULT_LOCKED,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from korproxy_addons.io.private_file import Signature, signature
from korproxy_addons.io.vault import GivenKey, Keys, Vault
from korproxy_addons.io.vault_format import Head
from korproxy_addons.io.vault_key import VaultKey
from korproxy_addons.io.vault_keys import Ask, SystemKeys, ask_nobody

START_PATIENCE_S = 1.5
"""How long a start waits for the keyring; with what takes longer, the gateway serves without the vault meanwhile."""
OPENING_S = 5.0
"""How long an opening may last until even those who can wait for it no longer do: a person may be away."""
GRACE_S = 0.3
"""How long a request waits, once, for a vault that has just appeared: as long as a keyring that is open takes."""
NEXT_TRY_S = 5.0
"""How long a failure holds before the keyring is asked again."""

type Learn = Callable[[Iterable[SecretStr]], None]


def open_vault(
    home: Path, *, ask: Ask = ask_nobody, keys: Keys | None = None, learn: Learn | None = None
) -> Vault:
    """
    The vault of a folder, opened: its key was found and fits.

    Where there is no file yet, there is nothing to open; the key is made with the first entry.

    Args:
        home: The KorProxy folder.
        ask: Asks a person for the passphrase, where the vault has one.
        keys: Where keys come from; None: this machine's places.
        learn: Told every secret that is read or saved.
    Raises:
        KorProxyError: VAULT_LOCKED, VAULT_KEY_MISSING, VAULT_KEY_REFUSED, VAULT_DAMAGED, VAULT_UNUSABLE.
    """
    vault = Vault(home, keys or SystemKeys(ask=ask), learn=learn or _untaught)
    vault.names()
    return vault


class DoorState(StrEnum):
    """How far the gateway got with the vault, for the health page."""

    NONE = "none"
    """There is no vault."""
    OPENING = "opening"
    OPEN = "open"
    LOCKED = "locked"
    KEY_MISSING = "key-missing"
    DAMAGED = "damaged"
    UNUSABLE = "unusable"


_STATES: dict[ErrorSpec, DoorState] = {
    VAULT_LOCKED: DoorState.LOCKED,
    VAULT_KEY_MISSING: DoorState.KEY_MISSING,
    VAULT_KEY_REFUSED: DoorState.KEY_MISSING,
    VAULT_DAMAGED: DoorState.DAMAGED,
}


class VaultDoor:
    """
    The gateway's way to the vault: never waits for a keyring while requests are served.

    Args:
        home: The KorProxy folder.
        keys: Where keys come from, or the key that a launcher handed over.
        learn: Told every secret that is read or saved.
        clock: Seconds that only go forward.
    """

    def __init__(
        self,
        home: Path,
        keys: Keys | VaultKey,
        learn: Learn,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learn = learn
        self._home = home
        self._clock = clock
        self._mutex = threading.Lock()
        self._keys = GivenKey(keys) if isinstance(keys, VaultKey) else keys
        self._vault = self._behind(self._keys)
        self._is_open = False
        self._opening: threading.Thread | None = None
        self._failure: KorProxyError | None = None
        self._failed_on: Signature | None = None
        self._failed_at = 0.0
        self._has_waited = False
        self._began_at = 0.0

    def begin(self) -> None:
        """Begin to open the vault, aside, if there is one and it is not open; never raises."""
        if not self._is_ready() and not self._is_still_failing():
            self._begin()

    def wait(self, patience_s: float = START_PATIENCE_S) -> None:
        """Wait so long for what `begin` began, then go on without it."""
        if self._opening is not None:
            self._opening.join(patience_s)

    def wait_for_first(self) -> None:
        """Wait while the vault is opened for the first time, as long as that should take; never in an event loop."""
        if self._failure is None and not self._is_ready():
            opening = self._begin()
            opening.join(max(0.0, self._began_at + OPENING_S - self._clock()))

    def hand_over(self, key: VaultKey) -> None:
        """Take a key from the launcher; where it does not fit (any more), the other places are asked."""
        with self._mutex:
            self._vault = self._behind(_First(key, self._keys))
            self._is_open = False
            self._failure = None
            self._opening = None

    def vault(self) -> Vault:
        """
        The vault, ready to be read without waiting.

        Raises:
            KorProxyError: Why it cannot be opened; VAULT_LOCKED while it is being opened.
        """
        if self._is_ready():
            return self._vault
        if self._is_still_failing():
            assert self._failure is not None
            raise _again(self._failure)
        opening, is_new = self._begin(), self._failure is None
        opening.join(GRACE_S if is_new and not self._has_waited else 0)
        self._has_waited = True
        if self._is_ready():
            return self._vault
        raise _again(
            self._failure
            or KorProxyError(VAULT_LOCKED, "it is just being opened", retry_after_s=1.0)
        )

    def stamp(self) -> Signature | None:
        """What changes with the vault's file; None if there is none."""
        return signature(self._vault.path)

    @property
    def state(self) -> DoorState:
        """How far it got."""
        if self._is_open:
            return DoorState.OPEN
        if signature(self._vault.path) is None:
            return DoorState.NONE
        if self._failure is None:
            return DoorState.OPENING
        return _STATES.get(self._failure.spec, DoorState.UNUSABLE)

    def _behind(self, keys: Keys) -> Vault:
        return Vault(self._home, _CalmKeys(keys, self._clock), learn=self._learn)

    def _is_ready(self) -> bool:
        return self._is_open or signature(self._vault.path) is None

    def _is_still_failing(self) -> bool:
        if self._failure is None:
            return False
        if signature(self._vault.path) != self._failed_on:
            return False
        return self._clock() - self._failed_at < NEXT_TRY_S

    def _begin(self) -> threading.Thread:
        with self._mutex:
            if self._opening is None or not self._opening.is_alive():
                vault = self._vault
                self._began_at = self._clock()
                self._opening = threading.Thread(
                    target=lambda: self._try(vault), name="vault", daemon=True
                )
                self._opening.start()
            return self._opening

    def _try(self, vault: Vault) -> None:
        seen = signature(vault.path)
        failure: KorProxyError | None = None
        try:
            vault.names()
        except KorProxyError as error:
            failure = error
        with self._mutex:
            if vault is self._vault:
                self._is_open = failure is None
                self._failure, self._failed_on, self._failed_at = failure, seen, self._clock()


class _First:
    """One key, and other places for what it does not open."""

    def __init__(self, key: VaultKey, rest: Keys) -> None:
        self._key = key
        self._rest = rest

    def find(self, head: Head) -> VaultKey:
        return self._key if self._key.id == head.key_id else self._rest.find(head)

    def make(self) -> VaultKey:
        return self._key


class _CalmKeys:
    """Asks for the same key again only after a while: an open vault whose key was changed is read by every request."""

    def __init__(self, keys: Keys, clock: Callable[[], float]) -> None:
        self._keys = keys
        self._clock = clock
        self._failed: tuple[bytes, float, KorProxyError] | None = None

    def find(self, head: Head) -> VaultKey:
        if self._failed is not None:
            key_id, at, error = self._failed
            if key_id == head.key_id and self._clock() - at < NEXT_TRY_S:
                raise _again(error)
        try:
            return self._keys.find(head)
        except KorProxyError as error:
            self._failed = (head.key_id, self._clock(), error)
            raise

    def make(self) -> VaultKey:
        return self._keys.make()


def _again(error: KorProxyError) -> KorProxyError:
    """The same failure, to be raised anew: one object would gather the frames of everybody who met it."""
    return KorProxyError(error.spec, error.detail)


def _untaught(_secrets: Iterable[SecretStr]) -> None:
    """Nobody filters what is logged."""
