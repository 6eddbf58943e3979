"""What must hold between the user's limits and the rest of a file, looked at in its plain values."""

from typing import Any

from korproxy_addons.config.profiles import DEFAULT_ID
from korproxy_addons.config.values import items, mapping, near, shown
from korproxy_addons.config.yaml_tree import YamlTree

_OF_UPSTREAM = ("account", "group")


def check_limits(tree: YamlTree) -> None:
    """Adds to the problems of a tree, whose data are a mapping, what is wrong with its limits."""
    root: dict[str, Any] = tree.data
    providers = mapping(root.get("providers"))
    keyless = [name for name, it in providers.items() if mapping(it).get("auth") == "none"]
    known = {
        "account": [*_ids(root.get("accounts")), *keyless],
        "group": [*_ids(root.get("groups")), DEFAULT_ID],
        "profile": [*_ids(root.get("profiles")), DEFAULT_ID],
        "key": _ids(mapping(root.get("local_keys")).get("keys")),
    }
    seen: set[str] = set()
    for index, rule in items(root.get("quota_rules")):
        if isinstance(rule, dict):
            _check_rule(tree, index, rule, known)
            name = rule.get("name")
            if isinstance(name, str) and name in seen:
                place = ("quota_rules", index, "name")
                tree.complain(place, "a name that no other rule has", f"{shown(name)} again")
            seen.add(str(name))


def _check_rule(
    tree: YamlTree, index: int, rule: dict[str, Any], known: dict[str, list[str]]
) -> None:
    path = ("quota_rules", index)
    for field, ids in (*known.items(), ("to", known["group"])):
        value = rule.get(field)
        if isinstance(value, str) and value not in ids and (value != "*" or field == "to"):
            what = "group" if field == "to" else field
            expected = f"the id of a {what}{'' if field == 'to' else ', or *'}{near(value, ids)}"
            tree.complain((*path, field), expected, shown(value))
    reroutes = rule.get("action") == "reroute"
    to = rule.get("to")
    if to is not None and not reroutes:
        tree.complain((*path, "to"), "to only with action: reroute", "the key", key=True)
    if reroutes and to is not None and to == rule.get("group"):
        tree.complain((*path, "to"), "another group than the one that has nothing left", shown(to))
    if reroutes and to is None and not any(rule.get(it) for it in _OF_UPSTREAM):
        tree.complain(path, "to: the id of the group that serves instead", "no such key", key=True)


def _ids(value: Any) -> list[str]:
    return [
        it["id"] for _, it in items(value) if isinstance(it, dict) and isinstance(it.get("id"), str)
    ]
