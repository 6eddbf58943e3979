"""Vaults for tests: a key that is simply there, and places for keys that are all in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import ApiKey
from korproxy_addons.io.vault_key import KeyKind, VaultKey
from korproxy_addons.io.vault_keys import Ask, SystemKeys, ask_nobody
from support.keyrings import MemoryBackend, keyring_of

KEY = VaultKey(bytes(range(32)), KeyKind.KEYRING)
OTHER_KEY = VaultKey(bytes(range(1, 33)), KeyKind.KEYRING)


def vault_in(home: Path) -> Vault:
    """A vault with a fixed key."""
    return Vault(home, KEY)


def api_key(secret: str) -> ApiKey:
    """An entry that is a key."""
    return ApiKey(SecretStr(secret))


def login(access: str, refresh: str | None = None) -> TokenSet:
    """An entry that is a login."""
    return TokenSet(
        access_token=SecretStr(access),
        refresh_token=None if refresh is None else SecretStr(refresh),
        facts={"email": "mina@example.com"},
    )


@dataclass
class Machine:
    """
    A machine's places for keys.

    Attributes:
        keyring: The one backend; None: there is no keyring.
        environ: Environment variables.
        typed: What a person types when asked for the passphrase; None: there is no terminal.
        asked: Each question: whether for a new passphrase.
    """

    keyring: MemoryBackend | None = field(default_factory=MemoryBackend)
    environ: Mapping[str, str] = field(default_factory=dict)
    typed: str | None = None
    asked: list[bool] = field(default_factory=list)

    def keys(self) -> SystemKeys:
        """The places."""
        backends = () if self.keyring is None else (self.keyring,)
        return SystemKeys(keyring_of(*backends), self.environ, self.ask())

    def ask(self) -> Ask:
        """Its terminal."""
        if self.typed is None:
            return ask_nobody

        def ask(*, new: bool) -> SecretStr | None:
            self.asked.append(new)
            return SecretStr(self.typed or "")

        return ask

    def vault(self, home: Path) -> Vault:
        """The vault of a folder, with this machine's keys."""
        return Vault(home, self.keys())
