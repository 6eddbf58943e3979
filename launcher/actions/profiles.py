"""The profiles of a KorProxy folder: list, add, edit, remove, and which one is in force."""

import re
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.profiles import DEFAULT_ID, DEFAULT_PROFILE, Profile
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import entries
from launcher.actions.entries import Changes

PROFILES: KeyPath = ("profiles",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileView:
    """
    A profile as people and scripts see it.

    Attributes:
        id, name, color, icon: As the configuration has them.
        active: It is in force for requests that name none.
        groups: Groups for what no rule sends elsewhere, in the order to ask them.
        projects: Folders whose tools use it.
        rules: Names of its rules, in their order; those that are switched off too.
        keys: Ids of the local keys that name it.
    """

    id: str
    name: str
    color: str
    icon: str | None
    active: bool
    groups: tuple[str, ...]
    projects: tuple[str, ...]
    rules: tuple[str, ...]
    keys: tuple[str, ...]


def list_profiles(home: Path) -> tuple[ProfileView, ...]:
    """
    All profiles; the one that is always there first, if the file does not name it.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    config = ConfigStore(home).load()
    named = {it.id for it in config.profiles}
    implied = () if DEFAULT_ID in named else (DEFAULT_PROFILE,)
    return tuple(_view(config, it) for it in (*implied, *config.profiles))


def add_profile(home: Path, profile_id: str, given: Changes, *, use: bool = False) -> ProfileView:
    """
    Add a profile.

    Args:
        home: The KorProxy folder.
        profile_id: Its id.
        given: Its other fields.
        use: Put it in force at once.
    Raises:
        KorProxyError: NAME_TAKEN; what `edit_config` raises.
    """

    def change(document: Document) -> None:
        names = [profile_id, *([given["name"]] if given.get("name") else [])]
        entries.must_be_free(document, PROFILES, names)
        document.insert(PROFILES, {"id": profile_id, **entries.named(given)})
        if use:
            document.set(("active_profile",), profile_id)

    return _shown(edit_config(home, change), profile_id)


def create_profile(
    home: Path, name: str, *, color: str | None = None, copy_from: str | None = None
) -> ProfileView:
    """
    Add a profile by its name; its id is made of it.

    Args:
        home: The KorProxy folder.
        name: For people.
        color: As #RRGGBB.
        copy_from: Id or name of a profile with whose settings and rules it begins.
    Raises:
        KorProxyError: PROFILE_UNKNOWN, NAME_TAKEN; what `edit_config` raises.
    """
    given: dict[str, object] = {}
    if copy_from is not None:
        config = ConfigStore(home).load()
        known = known_profile(config, copy_from)
        given = known.model_dump(mode="json", exclude_unset=True, exclude={"id", "name"})
    profile_id = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "profile"
    fields = given | {"name": name} | ({"color": color} if color else {})
    return add_profile(home, profile_id, fields)


def edit_profile(home: Path, word: str, given: Changes) -> ProfileView:
    """
    Change a profile; its id stays.

    Raises:
        KorProxyError: PROFILE_UNKNOWN; what `edit_config` raises.
    """
    profile_id = known_profile(ConfigStore(home).load(), word).id

    def change(document: Document) -> None:
        entries.change(document, profile_entry(document, profile_id), given)

    return _shown(edit_config(home, change), profile_id)


def remove_profile(home: Path, word: str) -> str:
    """
    Take a profile out.

    Returns:
        Its id.
    Raises:
        KorProxyError: PROFILE_UNKNOWN; STILL_NEEDED: it is the default one, in force, or named by a local key; what
            `edit_config` raises.
    """
    config = ConfigStore(home).load()
    profile = known_profile(config, word)
    if profile.id == DEFAULT_ID:
        raise KorProxyError(catalogue.STILL_NEEDED, "the profile default is always there")
    if profile.id == config.active_profile:
        detail = f"{profile.id} is in force; use another one first"
        raise KorProxyError(catalogue.STILL_NEEDED, detail)
    keys = _keys(config, profile.id)
    if keys:
        detail = f"local keys name {profile.id}: {', '.join(keys)}"
        raise KorProxyError(catalogue.STILL_NEEDED, detail)

    def change(document: Document) -> None:
        document.remove(profile_entry(document, profile.id))

    edit_config(home, change)
    return profile.id


def use_profile(home: Path, word: str) -> ProfileView:
    """
    Put a profile in force; a running gateway takes it over within a second.

    Raises:
        KorProxyError: PROFILE_UNKNOWN; what `edit_config` raises.
    """
    profile_id = known_profile(ConfigStore(home).load(), word).id
    config = edit_config(home, lambda it: it.set(("active_profile",), profile_id))
    return _shown(config, profile_id)


def known_profile(config: Config, word: str) -> Profile:
    """
    The profile with this id or name, whatever its case; "" is the one in force.

    Raises:
        KorProxyError: PROFILE_UNKNOWN, with those there are.
    """
    wanted = (word.strip() or config.active_profile).lower()
    ids = dict.fromkeys((*(it.id for it in config.profiles), DEFAULT_ID))
    profiles = [it for it in map(config.profile, ids) if it is not None]
    for profile in profiles:
        if wanted in (profile.id.lower(), profile.shown_as.lower()):
            return profile
    raise KorProxyError(catalogue.PROFILE_UNKNOWN, f"{word}; there are {', '.join(ids)}")


def profile_entry(document: Document, profile_id: str) -> KeyPath:
    """The path of a profile's entry; the default one is written into the file if it is not there yet."""
    place = entries.find(document, PROFILES, profile_id)
    if place is None:
        document.insert(PROFILES, {"id": profile_id, "name": DEFAULT_PROFILE.shown_as})
        place = entries.found(document, PROFILES, profile_id, catalogue.PROFILE_UNKNOWN)
    return place


def _keys(config: Config, profile_id: str) -> tuple[str, ...]:
    return tuple(it.id for it in config.local_keys.keys if it.profile == profile_id)


def _shown(config: Config, profile_id: str) -> ProfileView:
    return _view(config, known_profile(config, profile_id))


def _view(config: Config, profile: Profile) -> ProfileView:
    return ProfileView(
        id=profile.id,
        name=profile.shown_as,
        color=profile.color,
        icon=profile.icon,
        active=profile.id == config.active_profile,
        groups=profile.group or (DEFAULT_ID,),
        projects=profile.projects,
        rules=tuple(it.name for it in profile.rules),
        keys=_keys(config, profile.id),
    )
