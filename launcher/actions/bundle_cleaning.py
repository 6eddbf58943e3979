"""What goes out of a bundle: secrets, by a redactor that knows all of this folder's; names that persons chose, by pseudonyms."""

import contextlib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from korproxy_addons.config.schema import Config
from korproxy_addons.config.secret_ref import Place, SecretRef
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.secrets import load_secret
from korproxy_addons.io.vault_entries import secrets_of
from korproxy_addons.io.vault_keys import SystemKeys
from korproxy_addons.io.vault_opening import open_vault
from korproxy_addons.recording.pseudonyms import Pseudonyms
from korproxy_addons.recording.redact import MASK, Redactor
from korproxy_addons.recording.secret_names import names_a_secret
from launcher.actions.bundle_names import (
    kept_names,
    name_config,
    name_raw,
    raw_config,
    raw_entries,
    raw_kept,
)
from launcher.actions.self_test_config import FoundConfig
from launcher.single_instance import load_reach

_SECRET_NAME = re.compile(
    r"(?i)(api[-_]?keys?|apikey|secrets?|tokens?|password|passwd|passphrase|authorization|bearer|credentials?|cookie"
    r"|sha256)$"
)
"""Names of settings whose values are not shown; how many tokens something may have is told by a number, which is shown."""
_REF = re.compile(r"(env|file|vault|cli):[^\s]+\Z")
_RANDOM = re.compile(r"(?=[A-Za-z0-9_+=-]*[0-9])(?=[A-Za-z0-9_+=-]*[A-Za-z])[A-Za-z0-9_+=-]{24,}")
"""What nobody would write as a word: letters and digits, long, in one piece."""
_ENV_SECRET = re.compile(r"(?i)(key|token|secret|password|passwd|credential)")
SHORT = 2
"""A user called `me`, or a machine called `pi`, is nobody in particular."""
_FREE_TEXT_KEYS = frozenset({"headers", "query"})


class Cleaner:
    """
    Cleans everything that goes into one bundle.

    Args:
        redactor: Knows the secrets that are in use.
        pseudonyms: Stands in for names.
        home: The KorProxy folder.
        user_home: The user's folder; shown as `~`.
    """

    def __init__(
        self, redactor: Redactor, pseudonyms: Pseudonyms, home: Path, user_home: Path
    ) -> None:
        self.redactor = redactor
        self.pseudonyms = pseudonyms
        self._folders = [(str(home), "<korproxy>"), (str(user_home), "~")]

    def text(self, text: str) -> str:
        """A text without secrets, names of persons and folders of theirs."""
        text = self._shortened(text)
        # Secrets first: with a name replaced inside it, one would no longer be known.
        return self.pseudonyms.text(self.redactor.text(text))

    def name(self, kind: str, *names: str) -> None:
        """Give further names a pseudonym, in the spelling that is left once folders are shortened."""
        self.pseudonyms.add(
            kind, *(self._shortened(it) for it in names if it), *filter(None, names)
        )

    def _shortened(self, text: str) -> str:
        for folder, shown in self._folders:
            text = text.replace(folder, shown) if len(folder) > 1 else text
        return text

    def value(self, value: Any, key: str = "") -> Any:
        """
        A value of JSON, cleaned; texts below the name of a secret are masked whole, in lists and deeper as well.

        Args:
            value: What it is.
            key: The name it stands under.
        """
        match value:
            case str():
                secret = _SECRET_NAME.search(key) or names_a_secret(key, value)
                if secret and not _REF.match(value):
                    return MASK
                return self.text(value)
            case dict():
                return {
                    self.pseudonyms.value(self.redactor.text(str(name))): self._member(
                        str(name), it, key
                    )
                    for name, it in value.items()
                }
            case list() | tuple():
                return [self.value(it, key) for it in value]
            case _:
                return value

    def setting(self, value: Any, key: str = "") -> Any:
        """A setting of the configuration: as `value`, and nothing long and random, whatever it is called."""
        match value:
            case str():
                cleaned = self.value(value, key)
                return cleaned if _REF.match(value) else _RANDOM.sub(MASK, cleaned)
            case dict():
                free = key in _FREE_TEXT_KEYS
                return {
                    self.pseudonyms.value(str(name)): MASK
                    if free and isinstance(it, str)
                    else self.setting(it, str(name))
                    for name, it in value.items()
                }
            case list() | tuple():
                return [self.setting(it, key) for it in value]
            case _:
                return value

    def _member(self, name: str, value: Any, outer: str) -> Any:
        # Below the name of a secret everything is one: `secrets: {a: …}`, `api-keys: [{value: …}]`.
        below = outer if _SECRET_NAME.search(outer) and not _SECRET_NAME.search(name) else name
        return self.value(value, below)


def cleaner_of(
    home: Path,
    found: FoundConfig,
    keys: SystemKeys | None,
    environ: Mapping[str, str],
    names: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Cleaner:
    """
    A cleaner that knows this folder's secrets, as far as they can be read, and its names.

    Args:
        home: The KorProxy folder.
        found: The configuration.
        keys: Opens the vault; None: it does not open.
        environ: Environment variables.
        names: Further names by what they name, such as the user's and the machine's.
    """
    redactor = Redactor()
    config = found.config
    raw = {} if found.spec is None else raw_config(home)
    learn_secrets(redactor, home, (*_refs(config), *_raw_refs(raw)), keys, environ)
    pseudonyms = Pseudonyms(kept_names(config) | raw_kept(raw))
    name_config(pseudonyms, config)
    name_raw(pseudonyms, raw)
    for kind, spellings in names.items():
        pseudonyms.add(kind, *(it for it in spellings if len(it) > SHORT))
    return Cleaner(redactor, pseudonyms, home, Path.home())


def learn_secrets(
    redactor: Redactor,
    home: Path,
    refs: Iterable[SecretRef],
    keys: SystemKeys | None,
    environ: Mapping[str, str],
) -> None:
    """Teach the redactor every secret that can be read here; what cannot be read is left to the patterns."""
    # That it does not open, the bundle says elsewhere.
    with contextlib.suppress(KorProxyError):
        if keys is not None:
            open_vault(home, keys=keys, learn=redactor.learn)
    clis = CliLogins()
    for ref in refs:
        try:
            if ref.place is Place.CLI:
                redactor.learn(secrets_of(clis.look(ref.name).tokens))
            elif ref.place is not Place.VAULT:
                redactor.learn((load_secret(ref, home, environ),))
        except KorProxyError:
            continue
    reach = load_reach(home)
    if reach is not None:
        redactor.learn((SecretStr(reach.key),))
    for name, value in environ.items():
        if _ENV_SECRET.search(name) and not name.upper().endswith(("_FILE", "_PATH")):
            redactor.learn((SecretStr(value),))
        elif name.lower().endswith("_proxy"):
            password = _password(value)
            if password:
                redactor.learn((SecretStr(password),))


def _refs(config: Config) -> Iterable[SecretRef]:
    for account in config.accounts:
        if account.secret is not None:
            yield account.secret
    for key in config.local_keys.keys:
        if key.secret is not None:
            yield key.secret
    for provider in config.providers.values():
        for entry in (provider, *provider.accesses.values()):
            if entry.login.client_secret is not None:
                yield entry.login.client_secret


def _raw_refs(raw: Mapping[str, Any]) -> Iterator[SecretRef]:
    for _, entry in raw_entries(raw):
        with contextlib.suppress(ValueError):
            yield SecretRef.parse(entry.get("secret"))


def _password(address: str) -> str:
    try:
        return urlsplit(address if "://" in address else f"//{address}").password or ""
    except ValueError:
        return ""
