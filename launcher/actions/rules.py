"""The rules of a profile: list, add, edit, move, remove."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.profiles import Rule
from korproxy_addons.config.schema import Config
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from launcher.actions import entries
from launcher.actions.entries import Changes
from launcher.actions.profiles import known_profile, profile_entry

LAST = "last"
"""Where a rule is put that is to be asked after all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleView:
    """
    A rule as people and scripts see it.

    Attributes:
        profile: Id of its profile.
        position: Its place in the order, from 1.
        name, model, disabled: As the configuration has them.
        when: Its conditions by field.
        groups: Groups it sends to, in the order to ask them; none: the profile's.
        parameters: What it sets.
    """

    profile: str
    position: int
    name: str
    when: dict[str, Any]
    groups: tuple[str, ...]
    model: str | None
    parameters: dict[str, Any]
    disabled: bool


def list_rules(home: Path, profile: str = "") -> tuple[RuleView, ...]:
    """
    The rules of a profile, in the order in which they are asked.

    Args:
        home: The KorProxy folder.
        profile: Its id or name; "": the one in force.
    Raises:
        ConfigProblems: The configuration cannot be used.
        KorProxyError: PROFILE_UNKNOWN.
    """
    return _views(ConfigStore(home).load(), profile)


def add_rule(
    home: Path, profile: str, name: str, given: Changes, *, before: str = LAST
) -> RuleView:
    """
    Add a rule.

    Args:
        home: The KorProxy folder.
        profile: Id or name of the profile; "": the one in force.
        name: Its name.
        given: Its other fields.
        before: Name of the rule to ask it before.
    Raises:
        KorProxyError: PROFILE_UNKNOWN, RULE_UNKNOWN, NAME_TAKEN; what `edit_config` raises.
    """
    profile_id = known_profile(ConfigStore(home).load(), profile).id

    def change(document: Document) -> None:
        rules = (*profile_entry(document, profile_id), "rules")
        entries.must_be_free(document, rules, [name], "name")
        written = {"name": name, **entries.named(given)}
        document.insert(rules, written, _index(document, rules, before))

    return _shown(edit_config(home, change), profile_id, name)


def edit_rule(
    home: Path,
    profile: str,
    name: str,
    given: Changes,
    *,
    when: Changes | None = None,
    parameters: Changes | None = None,
    before: str = "",
) -> RuleView:
    """
    Change a rule, or move it.

    Args:
        home: The KorProxy folder.
        profile: Id or name of the profile; "": the one in force.
        name: The rule's name.
        given: Fields of the rule itself.
        when: Conditions.
        parameters: What it sets.
        before: Name of the rule to ask it before, or `last`; "": it stays where it is.
    Raises:
        KorProxyError: PROFILE_UNKNOWN, RULE_UNKNOWN; what `edit_config` raises.
    """
    profile_id = known_profile(ConfigStore(home).load(), profile).id

    def change(document: Document) -> None:
        rules = (*profile_entry(document, profile_id), "rules")
        place = entries.found(document, rules, name, catalogue.RULE_UNKNOWN, "name")
        entries.change(document, place, given)
        for field, changes in (("when", when or {}), ("parameters", parameters or {})):
            entries.change(document, (*place, field), changes)
        if before:
            whole = document.value(place)
            document.remove(place)
            document.insert(rules, whole, _index(document, rules, before))

    return _shown(edit_config(home, change), profile_id, str(given.get("name") or name))


def remove_rule(home: Path, profile: str, name: str) -> None:
    """
    Take a rule out.

    Raises:
        KorProxyError: PROFILE_UNKNOWN, RULE_UNKNOWN; what `edit_config` raises.
    """
    profile_id = known_profile(ConfigStore(home).load(), profile).id

    def change(document: Document) -> None:
        rules = (*profile_entry(document, profile_id), "rules")
        document.remove(entries.found(document, rules, name, catalogue.RULE_UNKNOWN, "name"))

    edit_config(home, change)


def _index(document: Document, rules: KeyPath, before: str) -> int | None:
    if before == LAST:
        return None
    index = entries.found(document, rules, before, catalogue.RULE_UNKNOWN, "name")[-1]
    assert isinstance(index, int)
    return index


def _shown(config: Config, profile_id: str, name: str) -> RuleView:
    found = next((it for it in _views(config, profile_id) if it.name == name), None)
    if found is None:
        raise KorProxyError(catalogue.RULE_UNKNOWN, name)
    return found


def _views(config: Config, profile: str) -> tuple[RuleView, ...]:
    found = known_profile(config, profile)
    return tuple(_view(found.id, position, it) for position, it in enumerate(found.rules, start=1))


def _view(profile_id: str, position: int, rule: Rule) -> RuleView:
    when = rule.when.model_dump(mode="json", exclude_defaults=True)
    return RuleView(
        profile=profile_id,
        position=position,
        name=rule.name,
        when=when,
        groups=rule.group,
        model=rule.model,
        parameters=rule.parameters.model_dump(mode="json", exclude_none=True),
        disabled=rule.disabled,
    )
