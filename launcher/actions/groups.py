"""The groups of accounts of a KorProxy folder: list, add, edit, remove."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.profiles import DEFAULT_GROUP, DEFAULT_ID, GroupConfig
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import entries
from launcher.actions.entries import Changes

GROUPS: KeyPath = ("groups",)


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """
    A group as people and scripts see it.

    Attributes:
        id, name, strategy, sticky, weights, reserves: As the configuration has them.
        accounts: Ids of its accounts, best first.
        all_accounts: It has all accounts, those that will be added too.
        used_by: What sends requests to it: `profile work`, `rule work/small`, `safe mode`.
    """

    id: str
    name: str
    strategy: str
    sticky: bool
    accounts: tuple[str, ...]
    all_accounts: bool
    weights: dict[str, float]
    reserves: dict[str, float]
    used_by: tuple[str, ...]


def list_groups(home: Path) -> tuple[GroupView, ...]:
    """
    All groups; the one that is always there first, if the file does not name it.

    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    config = ConfigStore(home).load()
    named = {it.id for it in config.groups}
    implied = () if DEFAULT_ID in named else (DEFAULT_GROUP,)
    return tuple(_view(config, it) for it in (*implied, *config.groups))


def add_group(home: Path, group_id: str, given: Changes) -> GroupView:
    """
    Add a group.

    Args:
        home: The KorProxy folder.
        group_id: Its id.
        given: Its other fields.
    Raises:
        KorProxyError: NAME_TAKEN; what `edit_config` raises.
    """

    def change(document: Document) -> None:
        names = [group_id, *([given["name"]] if given.get("name") else [])]
        entries.must_be_free(document, GROUPS, names)
        document.insert(GROUPS, {"id": group_id, **entries.named(given)})

    return _shown(edit_config(home, change), group_id)


def edit_group(home: Path, word: str, given: Changes) -> GroupView:
    """
    Change a group; its id stays.

    Raises:
        KorProxyError: GROUP_UNKNOWN; what `edit_config` raises.
    """
    group_id = known_group(ConfigStore(home).load(), word).id

    def change(document: Document) -> None:
        place = entries.find(document, GROUPS, group_id)
        if place is None:
            document.insert(GROUPS, {"id": group_id, "name": DEFAULT_GROUP.shown_as})
            place = entries.found(document, GROUPS, group_id, catalogue.GROUP_UNKNOWN)
        entries.change(document, place, given)

    return _shown(edit_config(home, change), group_id)


def remove_group(home: Path, word: str, *, force: bool = False) -> tuple[str, ...]:
    """
    Take a group out.

    Args:
        home: The KorProxy folder.
        word: Its id or name.
        force: Where it is used, take it out there too; a rule that then says nothing goes with it.
    Returns:
        What used it.
    Raises:
        KorProxyError: GROUP_UNKNOWN; STILL_NEEDED: it is the default one, or used; what `edit_config` raises.
    """
    config = ConfigStore(home).load()
    group = known_group(config, word)
    used_by = tuple(_users(config, group.id))
    if group.id == DEFAULT_ID:
        raise KorProxyError(catalogue.STILL_NEEDED, "the group default is always there")
    if used_by and not force:
        detail = f"{group.id} is used by {', '.join(used_by)}"
        raise KorProxyError(catalogue.STILL_NEEDED, detail)

    def change(document: Document) -> None:
        for index, profile in entries.entries(document, ("profiles",)):
            _forget(document, ("profiles", index), profile.get("group"), group.id)
            _forget_in_rules(document, ("profiles", index, "rules"), group.id)
        if document.value(("safe_mode", "group")) == group.id:
            document.remove(("safe_mode", "group"))
        document.remove(entries.found(document, GROUPS, group.id, catalogue.GROUP_UNKNOWN))

    edit_config(home, change)
    return used_by


def known_group(config: Config, word: str) -> GroupConfig:
    """
    The group with this id or name, whatever its case.

    Raises:
        KorProxyError: GROUP_UNKNOWN, with those there are.
    """
    ids = dict.fromkeys((*(it.id for it in config.groups), DEFAULT_ID))
    for group in (it for it in map(config.group, ids) if it is not None):
        if word.strip().lower() in (group.id.lower(), group.shown_as.lower()):
            return group
    raise KorProxyError(catalogue.GROUP_UNKNOWN, f"{word}; there are {', '.join(ids)}")


def _forget_in_rules(document: Document, rules: KeyPath, group_id: str) -> None:
    # From the end, so that what is taken out moves nothing that is still to come.
    for index, rule in reversed(entries.entries(document, rules)):
        place = (*rules, index)
        _forget(document, place, rule.get("group"), group_id)
        left = document.value(place)
        if not any(left.get(field) for field in ("group", "model", "parameters")):
            document.remove(place)


def _forget(document: Document, owner: KeyPath, groups: object, group_id: str) -> None:
    """Take a group out of the `group` of a profile or rule."""
    if groups in (group_id, [group_id]):
        document.remove((*owner, "group"))
    elif isinstance(groups, list) and group_id in groups:
        document.set((*owner, "group"), [it for it in groups if it != group_id])


def _users(config: Config, group_id: str) -> Iterator[str]:
    for profile in config.profiles:
        if group_id in profile.group:
            yield f"profile {profile.id}"
        for rule in profile.rules:
            if group_id in rule.group:
                yield f"rule {profile.id}/{rule.name}"
    if config.safe_mode.group == group_id:
        yield "safe mode"


def _shown(config: Config, group_id: str) -> GroupView:
    return _view(config, known_group(config, group_id))


def _view(config: Config, group: GroupConfig) -> GroupView:
    every = tuple(it.id for it in config.enabled_accounts())
    return GroupView(
        id=group.id,
        name=group.shown_as,
        strategy=group.strategy.value,
        sticky=group.sticky,
        accounts=every if group.accounts is None else group.accounts,
        all_accounts=group.accounts is None,
        weights=dict(group.weights),
        reserves=dict(group.reserves),
        used_by=tuple(_users(config, group.id)),
    )
