"""What must hold between profiles, rules, groups, aliases and local keys, looked at in the plain values of a file."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from korproxy_addons.config.builtin import BUILTIN_ACCESSES
from korproxy_addons.config.fields import HEADER_NAME
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.profiles import DEFAULT_GROUP, DEFAULT_ID, DEFAULT_PROFILE
from korproxy_addons.config.values import items, mapping, near, shown
from korproxy_addons.config.yaml_tree import YamlTree

CREDENTIAL_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie",
        "x-korproxy-key",
    }
)  # fmt: skip
"""Headers that no rule may look at: their values are secrets."""

TARGET = "provider/model, or provider@account/model with the id of an account"


@dataclass(frozen=True, slots=True)
class _Known:
    """What other settings may point at; each keeps the file's order."""

    accounts: tuple[str, ...]
    groups: tuple[str, ...]
    profiles: tuple[str, ...]
    providers: tuple[str, ...]
    aliases: Mapping[str, Any]
    only_builtin: bool


def check_profiles(tree: YamlTree) -> None:
    """Adds to the problems of a tree, whose data are a mapping, what is wrong with its routing."""
    root: dict[str, Any] = tree.data
    groups, profiles = _entries(root.get("groups")), _entries(root.get("profiles"))
    providers = mapping(root.get("providers"))
    known = _Known(
        accounts=(*_ids(_entries(root.get("accounts"))), *_keyless(providers)),
        groups=_with_default(_ids(groups)),
        profiles=_with_default(_ids(profiles)),
        providers=tuple(dict.fromkeys((*BUILTIN_ACCESSES, *providers))),
        aliases=mapping(root.get("aliases")),
        only_builtin=all(it in BUILTIN_ACCESSES for it in providers),
    )
    _check_aliases(tree, known)
    _check_names(tree, "groups", groups, DEFAULT_GROUP.shown_as)
    _check_names(tree, "profiles", profiles, DEFAULT_PROFILE.shown_as)
    for index, group in groups:
        _check_group(tree, ("groups", index), group, known)
    for index, profile in profiles:
        _check_profile(tree, ("profiles", index), profile, known)
    _refer(tree, ("active_profile",), root.get("active_profile"), known.profiles, "a profile")
    _check_safe_mode(tree, mapping(root.get("safe_mode")), known)
    for index, key in _entries(mapping(root.get("local_keys")).get("keys")):
        _check_key(tree, ("local_keys", "keys", index), key, known)


def _entries(value: Any) -> list[tuple[int, dict[str, Any]]]:
    return [it for it in items(value) if isinstance(it[1], dict)]


def _ids(entries: Iterable[tuple[int, dict[str, Any]]]) -> tuple[str, ...]:
    return tuple(it["id"] for _, it in entries if isinstance(it.get("id"), str))


def _keyless(providers: Mapping[str, Any]) -> tuple[str, ...]:
    """Providers without a credential, which are accounts themselves."""
    return tuple(name for name, it in providers.items() if mapping(it).get("auth") == "none")


def _with_default(ids: tuple[str, ...]) -> tuple[str, ...]:
    return ids if DEFAULT_ID in ids else (*ids, DEFAULT_ID)


def _refer(
    tree: YamlTree,
    path: KeyPath,
    value: Any,
    known: tuple[str, ...],
    what: str,
    *,
    key: bool = False,
) -> None:
    """A text, or each text of a list, must be one of those that are known."""
    for index, name in items(value if isinstance(value, list) else [value]):
        if isinstance(name, str) and name not in known:
            here = (*path, index) if isinstance(value, list) else path
            expected = f"{what}: {', '.join(known) or 'there is none'}{near(name, list(known))}"
            tree.complain(here, expected, shown(name), key=key)


def _check_names(
    tree: YamlTree, section: str, entries: list[tuple[int, dict[str, Any]]], default_name: str
) -> None:
    """Ids and names are unique, whatever their case: either may be typed to mean the whole."""
    taken: dict[str, tuple[int, str]] = {}
    if not any(it.get("id") == DEFAULT_ID for _, it in entries):
        taken = {it.lower(): (-1, DEFAULT_ID) for it in (DEFAULT_ID, default_name)}
    for index, entry in entries:
        for field in ("id", "name"):
            word = entry.get(field)
            if not isinstance(word, str):
                continue
            owner, place = taken.setdefault(word.lower(), (index, field))
            if owner not in (index, -1):
                line = tree.place((section, owner, place))[0]
                found = f"{shown(word)} again (first in line {line})"
            elif owner == -1:
                found = f"{shown(word)}, which the built-in one has"
            else:
                continue
            expected = "an id and a name of its own, whatever their case"
            tree.complain((section, index, field), expected, found)


def _check_group(tree: YamlTree, path: KeyPath, group: dict[str, Any], known: _Known) -> None:
    accounts = group.get("accounts")
    members = known.accounts
    if isinstance(accounts, list):
        _refer(tree, (*path, "accounts"), accounts, known.accounts, "an account")
        members = tuple(it for it in accounts if isinstance(it, str))
        for index, account in enumerate(accounts):
            if account in accounts[:index]:
                place = (*path, "accounts", index)
                tree.complain(place, "each account once", f"{shown(account)} again")
    for field in ("weights", "reserves"):
        for account in mapping(group.get(field)):
            _refer(
                tree, (*path, field, account), account, members, "an account of the group", key=True
            )


def _check_profile(tree: YamlTree, path: KeyPath, profile: dict[str, Any], known: _Known) -> None:
    _refer(tree, (*path, "group"), profile.get("group"), known.groups, "a group")
    seen: dict[str, int] = {}
    for index, rule in _entries(profile.get("rules")):
        place = (*path, "rules", index)
        name = rule.get("name")
        if isinstance(name, str):
            first = seen.setdefault(name, index)
            if first != index:
                line = tree.place((*path, "rules", first, "name"))[0]
                found = f"{shown(name)} again (first in line {line})"
                tree.complain((*place, "name"), "a name that no other rule has", found)
        _check_rule(tree, place, rule, known)


def _check_rule(tree: YamlTree, path: KeyPath, rule: dict[str, Any], known: _Known) -> None:
    parameters = mapping(rule.get("parameters"))
    if not (rule.get("group") or rule.get("model") or parameters):
        tree.complain(path, "group, model or parameters", "none of them: the rule does nothing")
    if parameters.get("effort") is not None and parameters.get("thinking_budget") is not None:
        place = (*path, "parameters", "thinking_budget")
        tree.complain(place, "effort or thinking_budget", "both", key=True)
    _refer(tree, (*path, "group"), rule.get("group"), known.groups, "a group")
    _check_target(tree, (*path, "model"), rule.get("model"), known)
    when = mapping(rule.get("when"))
    least, most = when.get("min_input_tokens"), when.get("max_input_tokens")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        place = (*path, "when", "max_input_tokens")
        tree.complain(place, f"at least min_input_tokens, {least}", shown(most))
    for name in mapping(when.get("header")):
        place = (*path, "when", "header", name)
        if not HEADER_NAME.match(name):
            tree.complain(place, "a header's name", shown(name), key=True)
        elif name.lower() in CREDENTIAL_HEADERS:
            tree.complain(place, "a header that is no credential", "that header", key=True)


def _check_safe_mode(tree: YamlTree, safe_mode: dict[str, Any], known: _Known) -> None:
    _refer(tree, ("safe_mode", "group"), safe_mode.get("group"), known.groups, "a group")
    _check_target(tree, ("safe_mode", "model"), safe_mode.get("model"), known)
    if safe_mode.get("enabled") is True and not (safe_mode.get("model") or safe_mode.get("group")):
        expected = "safe_mode.model or safe_mode.group, where all shall go"
        tree.complain(("safe_mode", "enabled"), expected, "neither", key=True)


def _check_key(tree: YamlTree, path: KeyPath, key: dict[str, Any], known: _Known) -> None:
    if (key.get("secret") is None) == (key.get("sha256") is None):
        found = "neither" if key.get("secret") is None else "both"
        tree.complain(path, "secret or sha256", found, key=True)
    _refer(tree, (*path, "profile"), key.get("profile"), known.profiles, "a profile")


def _check_aliases(tree: YamlTree, known: _Known) -> None:
    for name, target in known.aliases.items():
        path: KeyPath = ("aliases", name)
        trail = [name]
        while isinstance(target, str) and target in known.aliases and target not in trail:
            trail.append(target)
            target = known.aliases[target]  # noqa: PLW2901 - one step along the chain
        if target == name:
            tree.complain(path, "a name that leads to a model", f"a circle: {_circle(trail)}")
        elif len(trail) == 1:
            _check_target(tree, path, target, known)


def _circle(trail: list[str]) -> str:
    return " → ".join((*trail[:5], "…" if len(trail) > 5 else trail[0]))


def _check_target(tree: YamlTree, path: KeyPath, target: Any, known: _Known) -> None:
    """A model that requests are sent to: an alias, a model, or one that is pinned."""
    if not isinstance(target, str) or target in known.aliases:
        return
    first, slash, rest = target.partition("/")
    provider, at, account = first.partition("@")
    if not slash:
        return
    if provider in known.providers:
        if not rest or (at and account not in known.accounts):
            tree.complain(path, TARGET, shown(target))
    # Names such as vendor/model belong to user-added providers; without one, it is a slip.
    elif known.only_builtin or near(first, list(known.providers)):
        hint = near(first, list(known.providers))
        tree.complain(path, f"model or provider/model of a known provider{hint}", shown(target))
