"""Secrets in use: read from where the config says they lie, and remembered until something says otherwise."""

from collections.abc import Callable, Iterable
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.io.secrets import load_secret


class SecretStore:
    """
    Reads each secret once.

    Args:
        home: The KorProxy folder, which relative paths start from.
        learn: Told every secret that was read, so that logs can never show it.
        mask: Takes every secret that was read out of some bytes.
    """

    def __init__(
        self,
        home: Path,
        learn: Callable[[Iterable[SecretStr]], None],
        mask: Callable[[bytes], bytes] = bytes,
    ) -> None:
        self.home = home
        self.mask = mask
        self._learn = learn
        self._read: dict[SecretRef, SecretStr] = {}

    def load(self, ref: SecretRef) -> SecretStr:
        """
        The secret at `ref`.

        Raises:
            KorProxyError: SECRET_UNAVAILABLE, naming the place and never the value.
        """
        secret = self._read.get(ref)
        if secret is None:
            secret = load_secret(ref, self.home)
            self._learn((secret,))
            self._read[ref] = secret
        return secret

    def forget(self, ref: SecretRef | None = None) -> None:
        """Read `ref`, or every secret, anew at the next use: its owner may have changed it."""
        if ref is None:
            self._read.clear()
        else:
            self._read.pop(ref, None)
