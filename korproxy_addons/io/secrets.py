"""Secrets out of the plain places that the configuration names: environment, files, the configuration itself."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from korproxy_addons.config.secret_ref import Place, SecretRef
from korproxy_addons.errors.catalogue import SECRET_UNAVAILABLE
from korproxy_addons.errors.exceptions import KorProxyError

_LIMIT_BYTES = 64 * 1024


def load_secret(ref: SecretRef, home: Path, environ: Mapping[str, str] | None = None) -> SecretStr:
    """
    The secret that lies at a place.

    Args:
        ref: The place.
        home: The KorProxy folder, to which a file's path is relative.
        environ: Environment variables; None: the process's own.
    Returns:
        The secret without surrounding white space, never empty.
    Raises:
        KorProxyError: SECRET_UNAVAILABLE; it names the place, never its content.
    """
    match ref.place:
        case Place.ENV:
            value = (os.environ if environ is None else environ).get(ref.name)
            if value is None:
                raise KorProxyError(
                    SECRET_UNAVAILABLE, f"the environment variable {ref.name} is not set"
                )
            return _secret(value, f"the environment variable {ref.name}")
        case Place.FILE:
            return _secret(_read(home / Path(ref.name).expanduser()), f"the file {ref.name}")
        case Place.PLAIN if ref.plain is not None:
            return ref.plain
        case _:
            # The vault and the official tools' logins change while we run: SecretStore asks them.
            raise KorProxyError(SECRET_UNAVAILABLE, f"{ref} is not read here")


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LIMIT_BYTES + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise KorProxyError(SECRET_UNAVAILABLE, f"the file {path}: {reason}") from None
    if len(content) > _LIMIT_BYTES:
        raise KorProxyError(SECRET_UNAVAILABLE, f"the file {path} is too large for a key")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        # Not chained: the exception would carry the file's bytes.
        raise KorProxyError(SECRET_UNAVAILABLE, f"the file {path} is not text") from None


def _secret(value: str, place: str) -> SecretStr:
    stripped = value.strip()
    if not stripped:
        raise KorProxyError(SECRET_UNAVAILABLE, f"{place} is empty")
    if not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise KorProxyError(SECRET_UNAVAILABLE, f"{place} holds more than one key or token")
    return SecretStr(stripped)
