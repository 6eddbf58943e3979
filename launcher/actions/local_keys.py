"""The local keys of a KorProxy folder: list, make, change, remove. A key itself is shown once and kept nowhere."""

import hashlib
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.schema import Config, LocalKey
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import entries
from launcher.actions.entries import Changes
from launcher.actions.profiles import known_profile

KEYS: KeyPath = ("local_keys", "keys")
PREFIX = "kp-local-"
_RANDOM_BYTES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalKeyView:
    """
    A local key as people and scripts see it.

    Attributes:
        id, profile: As the configuration has them.
        kept: Where the key lies: `env:NAME`, `file:PATH`, `vault:NAME`, or `sha256`: only its digest is known.
        limits: What requests with it may do, by field.
        required: The gateway refuses requests without a key.
    """

    id: str
    profile: str | None
    kept: str
    limits: dict[str, Any]
    required: bool


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made: its entry, and the key itself, which is to be shown once."""

    view: LocalKeyView
    text: str = field(repr=False)


def list_keys(home: Path) -> tuple[LocalKeyView, ...]:
    """
    All local keys.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    config = ConfigStore(home).load()
    return tuple(_view(config, it) for it in config.local_keys.keys)


def add_key(home: Path, key_id: str, given: Changes, *, require: bool = False) -> NewKey:
    """
    Make a key; the configuration keeps its SHA-256.

    Args:
        home: The KorProxy folder.
        key_id: Its id.
        given: Its other fields: profile, limits.
        require: From now on, refuse requests without a key.
    Raises:
        KorProxyError: NAME_TAKEN, PROFILE_UNKNOWN; what `edit_config` raises.
    """
    given = _with_profile_id(home, given)
    key, digest = _made()

    def change(document: Document) -> None:
        entries.must_be_free(document, KEYS, [key_id])
        document.insert(KEYS, {"id": key_id, "sha256": digest, **entries.named(given)})
        if require:
            document.set(("local_keys", "required"), True)

    return NewKey(_shown(edit_config(home, change), key_id), key)


def edit_key(home: Path, key_id: str, given: Changes, limits: Changes) -> LocalKeyView:
    """
    Change what a key stands for; the key itself stays.

    Args:
        home: The KorProxy folder.
        key_id: Its id.
        given: Fields of the key's entry.
        limits: What requests with it may do.
    Raises:
        KorProxyError: LOCAL_KEY_UNKNOWN, PROFILE_UNKNOWN; what `edit_config` raises.
    """
    given = _with_profile_id(home, given)

    def change(document: Document) -> None:
        place = entries.found(document, KEYS, key_id, catalogue.LOCAL_KEY_UNKNOWN)
        entries.change(document, place, given)
        entries.change(document, (*place, "limits"), limits)

    return _shown(edit_config(home, change), key_id)


def renew_key(home: Path, key_id: str) -> NewKey:
    """
    Put a new key in the place of the old one, which no longer fits.

    Raises:
        KorProxyError: LOCAL_KEY_UNKNOWN; what `edit_config` raises.
    """
    key, digest = _made()

    def change(document: Document) -> None:
        place = entries.found(document, KEYS, key_id, catalogue.LOCAL_KEY_UNKNOWN)
        entries.change(document, place, {"sha256": digest, "secret": None})

    return NewKey(_shown(edit_config(home, change), key_id), key)


def remove_key(home: Path, key_id: str) -> None:
    """
    Take a key out; from then on it fits nowhere.

    Raises:
        KorProxyError: LOCAL_KEY_UNKNOWN; STILL_NEEDED: keys are required and it is the last; what `edit_config` raises.
    """
    config = ConfigStore(home).load()
    if config.local_keys.required and [it.id for it in config.local_keys.keys] == [key_id]:
        detail = f"keys are required, and {key_id} is the only one; add another one first"
        raise KorProxyError(catalogue.STILL_NEEDED, detail)

    def change(document: Document) -> None:
        document.remove(entries.found(document, KEYS, key_id, catalogue.LOCAL_KEY_UNKNOWN))

    edit_config(home, change)


def _made() -> tuple[str, str]:
    text = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return text, hashlib.sha256(text.encode()).hexdigest()


def _with_profile_id(home: Path, given: Changes) -> dict[str, Any]:
    profile = given.get("profile")
    if profile is None:
        return dict(given)
    return {**given, "profile": known_profile(ConfigStore(home).load(), profile).id}


def _shown(config: Config, key_id: str) -> LocalKeyView:
    wanted = key_id.lower()
    return next(_view(config, it) for it in config.local_keys.keys if it.id.lower() == wanted)


def _view(config: Config, key: LocalKey) -> LocalKeyView:
    written = key.model_dump(mode="json", exclude_defaults=True)
    return LocalKeyView(
        id=key.id,
        profile=key.profile,
        kept="sha256" if key.secret is None else str(key.secret),
        limits=written.get("limits", {}),
        required=config.local_keys.required,
    )
