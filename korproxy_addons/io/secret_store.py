"""Secrets in use: read from where the config says they lie, and remembered until something says otherwise."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.config.secret_ref import Place, SecretRef
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.private_file import Signature
from korproxy_addons.io.secrets import load_secret
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import ApiKey, secrets_of
from korproxy_addons.io.vault_keys import SystemKeys
from korproxy_addons.io.vault_opening import VaultDoor


class SecretStore:
    """
    Reads secrets: those of plain places once, those of the vault and of official tools whenever they have changed.

    Args:
        home: The KorProxy folder, which relative paths start from.
        learn: Told every secret that was read, so that logs can never show it.
        mask: Takes every secret that was read out of some bytes.
        door: The way to the vault; None: by the keys of this machine, when it is first asked for.
        cli_logins: The official tools' logins; None: those of this user.
    """

    def __init__(
        self,
        home: Path,
        learn: Callable[[Iterable[SecretStr]], None],
        mask: Callable[[bytes], bytes] = bytes,
        *,
        door: VaultDoor | None = None,
        cli_logins: CliLogins | None = None,
    ) -> None:
        self.home = home
        self.mask = mask
        self._learn = learn
        self._door = door or VaultDoor(home, SystemKeys(), learn)
        self._cli_logins = cli_logins or CliLogins()
        self._read: dict[SecretRef, SecretStr] = {}

    def load(self, ref: SecretRef) -> SecretStr:
        """
        The secret at `ref`; of a login, what requests carry, as it lies there: it may have run out.

        Raises:
            KorProxyError: SECRET_UNAVAILABLE, naming the place and never the value; for `vault:` also VAULT_*, for `cli:`
                CLI_LOGIN_MISSING and CLI_LOGIN_EXPIRED.
        """
        if ref.place is Place.VAULT:
            entry = self.vault().load(ref.name)
            return entry.secret if isinstance(entry, ApiKey) else entry.credential
        if ref.place is Place.CLI:
            tokens = self._cli_logins.load(ref.name)
            self._learn(tuple(secrets_of(tokens)))
            return tokens.credential
        secret = self._read.get(ref)
        if secret is None:
            secret = load_secret(ref, self.home)
            self._learn((secret,))
            self._read[ref] = secret
        return secret

    def vault(self) -> Vault:
        """
        The vault, open.

        Raises:
            KorProxyError: VAULT_*: why it cannot be opened now.
        """
        return self._door.vault()

    def wait_for_vault(self) -> None:
        """Wait for a vault that is just being opened; see `VaultDoor.wait_for_first`."""
        self._door.wait_for_first()

    def vault_stamp(self) -> Signature | None:
        """What changes with the vault's file; one `stat`."""
        return self._door.stamp()

    def forget(self, ref: SecretRef | None = None) -> None:
        """Read `ref`, or every secret, anew at the next use: its owner may have changed it."""
        if ref is None:
            self._read.clear()
            self._cli_logins.forget()
            # The vault's first entry comes with a new config: it shall be open when the first request wants it.
            self._door.begin()
        elif ref.place is Place.CLI:
            self._cli_logins.forget(ref.name)
        else:
            self._read.pop(ref, None)
