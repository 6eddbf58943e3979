"""
What must hold between settings, looked at in the plain values of a file.

The values come before pydantic has judged them, so that one reading shows every problem: whatever
has a wrong type is passed over here.
"""

import ipaddress
import re
from typing import Any

from korproxy_addons.config.builtin import (
    BUILTIN_ACCESSES,
    COMPATIBLE_ACCESSES,
    REGIONS,
    SECRETLESS_ACCESSES,
)
from korproxy_addons.config.fields import split_url
from korproxy_addons.config.habits import OPENAI_CHAT, Habits, with_settings
from korproxy_addons.config.limit_checks import check_limits
from korproxy_addons.config.problems import KeyPath
from korproxy_addons.config.profile_checks import check_profiles
from korproxy_addons.config.secret_ref import EXPECTED as SECRET_PLACES
from korproxy_addons.config.values import items, mapping, near, shown
from korproxy_addons.config.yaml_tree import YamlTree

HABIT_NAMES = tuple(name for name in Habits.__struct_fields__ if name != "dialect")
"""Habits that a provider's entry may set."""

_LONELY_KEYS = ("dialect", "auth", "list_models")
"""Settings that a built-in provider does not take."""
_RESERVED_HEADERS = frozenset(
    {
        "authorization", "proxy-authorization", "x-api-key", "x-goog-api-key", "api-key", "cookie",
        "host", "content-length", "content-type", "content-encoding", "transfer-encoding",
        "connection", "expect", "upgrade", "te", "trailer", "keep-alive",
    }
)  # fmt: skip
_SECRET_QUERY = frozenset({"key", "api_key", "apikey", "api-key", "access_token", "token"})


def check_relations(tree: YamlTree) -> None:
    """Adds to the problems of a tree, whose data are a mapping, what contradicts in it."""
    root: dict[str, Any] = tree.data
    providers = mapping(root.get("providers"))
    accounts = [it for it in items(root.get("accounts")) if isinstance(it[1], dict)]
    for provider_id, provider in providers.items():
        if isinstance(provider, dict):
            _check_provider(tree, provider_id, provider)
    _check_accounts(tree, accounts, providers)
    _check_local_keys(tree, root)
    check_profiles(tree)
    check_limits(tree)
    if root.get("allow_plain_secrets") is not True:
        _check_plain_secrets(tree, root, accounts)


def _check_provider(tree: YamlTree, provider_id: str, provider: dict[str, Any]) -> None:
    path: KeyPath = ("providers", provider_id)
    builtin = BUILTIN_ACCESSES.get(provider_id)
    if builtin is None:
        for key in ("dialect", "base_url"):
            if provider.get(key) is None and not (
                key == "base_url" and mapping(provider.get("urls")).get("base")
            ):
                hint = near(provider_id, BUILTIN_ACCESSES)
                expected = f"{key}, which a user-added provider needs{hint}"
                tree.complain(path, expected, "no such key", key=True)
        if provider.get("accesses"):
            expected = "accesses at built-in providers only"
            tree.complain((*path, "accesses"), expected, "a user-added provider", key=True)
    else:
        for key in _LONELY_KEYS:
            if key in provider:
                expected = f"no {key}: '{provider_id}' is built in"
                tree.complain((*path, key), expected, "the key", key=True)
        for access in mapping(provider.get("accesses")):
            if access not in builtin:
                expected = f"one of {', '.join(builtin)}{near(access, builtin)}"
                tree.complain((*path, "accesses", access), expected, shown(access), key=True)
    local = provider.get("local") is True
    _check_urls(tree, path, provider, local=local)
    _check_habits(tree, path, provider)
    for access, override in mapping(provider.get("accesses")).items():
        _check_urls(tree, (*path, "accesses", access), mapping(override), local=local)
        _check_habits(tree, (*path, "accesses", access), mapping(override))
    for name in mapping(provider.get("headers")):
        if name.lower() in _RESERVED_HEADERS:
            expected = "a header that is neither a credential nor part of the connection"
            tree.complain((*path, "headers", name), expected, "that header", key=True)
    for name in mapping(provider.get("query")):
        if name.lower() in _SECRET_QUERY:
            expected = "a query parameter that is no credential"
            tree.complain((*path, "query", name), expected, "that parameter", key=True)


def _check_urls(tree: YamlTree, path: KeyPath, owner: dict[str, Any], *, local: bool) -> None:
    """Plain http is for local providers; base_url or urls.base, not both."""
    urls = mapping(owner.get("urls"))
    if owner.get("base_url") is not None and urls.get("base") is not None:
        tree.complain((*path, "urls", "base"), "base_url or urls.base", "both", key=True)
    places: list[tuple[KeyPath, Any]] = [((*path, "base_url"), owner.get("base_url"))]
    places += [((*path, "urls", name), url) for name, url in urls.items()]
    for place, url in places:
        if not isinstance(url, str) or local:
            continue
        try:
            scheme = split_url(url).scheme
        except ValueError:
            continue  # pydantic names it
        if scheme != "https":
            expected = "https://, or local: true on the provider"
            tree.complain(place, expected, "http://")


def _check_habits(tree: YamlTree, path: KeyPath, owner: dict[str, Any]) -> None:
    for name, value in mapping(owner.get("habits")).items():
        place = (*path, "habits", name)
        if name not in HABIT_NAMES:
            expected = f"one of {', '.join(HABIT_NAMES)}{near(name, HABIT_NAMES)}"
            tree.complain(place, expected, f"the unknown key {shown(name)}", key=True)
            continue
        try:
            with_settings(OPENAI_CHAT, {name: value})
        except ValueError as error:
            kind = re.search(r"Expected `([^`]+)`", str(error))
            expected = kind[1] if kind else "one of the words this habit knows"
            tree.complain(place, expected, shown(value))


def _check_accounts(
    tree: YamlTree, accounts: list[tuple[int, Any]], providers: dict[str, Any]
) -> None:
    known = {**BUILTIN_ACCESSES, **dict.fromkeys(providers, COMPATIBLE_ACCESSES)}
    known.update(BUILTIN_ACCESSES)
    seen: dict[str, int] = {}
    for index, account in accounts:
        path: KeyPath = ("accounts", index)
        account_id, provider_id = account.get("id"), account.get("provider")
        if isinstance(account_id, str):
            if account_id in seen:
                line = tree.place(("accounts", seen[account_id], "id"))[0]
                found = f"{shown(account_id)} again (first in line {line})"
                tree.complain((*path, "id"), "an id that no other account has", found)
            seen.setdefault(account_id, index)
        if not isinstance(provider_id, str):
            continue
        if provider_id not in known:
            expected = f"a provider: {', '.join(known)}{near(provider_id, known)}"
            tree.complain((*path, "provider"), expected, shown(provider_id))
            continue
        _check_access(tree, path, account, known[provider_id], mapping(providers.get(provider_id)))


def _check_access(
    tree: YamlTree,
    path: KeyPath,
    account: dict[str, Any],
    accesses: tuple[str, ...],
    provider: dict[str, Any],
) -> None:
    default = "none" if provider.get("auth") == "none" else accesses[0]
    access = account.get("access") or default
    if not isinstance(access, str):
        return
    if access not in accesses:
        expected = f"one of {', '.join(accesses)}{near(access, accesses)}"
        tree.complain((*path, "access"), expected, shown(access))
    elif access in SECRETLESS_ACCESSES:
        if account.get("secret") is not None:
            expected = f"no secret with access {access}"
            tree.complain((*path, "secret"), expected, "a secret", key=True)
    elif account.get("secret") is None and account.get("disabled") is not True:
        expected = f"secret: {SECRET_PLACES}"
        tree.complain(path, expected, "no secret", key=True)
    region = account.get("region")
    if isinstance(region, str):
        regions = REGIONS.get((str(account.get("provider")), access), ())
        if region not in regions:
            expected = f"one of {', '.join(regions)}" if regions else "no region for this access"
            tree.complain((*path, "region"), expected, shown(region))
    _check_urls(tree, path, account, local=provider.get("local") is True)


def _check_local_keys(tree: YamlTree, root: dict[str, Any]) -> None:
    local_keys = mapping(root.get("local_keys"))
    required = local_keys.get("required") is True
    keys = [it for it in items(local_keys.get("keys")) if isinstance(it[1], dict)]
    if required and not keys:
        path: KeyPath = ("local_keys", "required")
        expected = (
            "false until there is a key: `korproxy key add NAME --require` makes the first one"
        )
        tree.complain(path, expected, "no key under local_keys.keys", key=True)
    seen: set[object] = set()
    for index, key in keys:
        key_id = key.get("id")
        if isinstance(key_id, str) and key_id in seen:
            path = ("local_keys", "keys", index, "id")
            tree.complain(path, "an id that no other key has", f"{shown(key_id)} again")
        seen.add(key_id if isinstance(key_id, str) else None)
    for index, host in items(mapping(root.get("listen")).get("hosts")):
        if not isinstance(host, str):
            continue
        path = ("listen", "hosts", index)
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            tree.complain(path, "an IP address such as 127.0.0.1", shown(host))
            continue
        if not address.is_loopback and not required:
            expected = "a loopback address, or local_keys.required: true"
            tree.complain(path, expected, f"'{address}'")


def _check_plain_secrets(
    tree: YamlTree, root: dict[str, Any], accounts: list[tuple[int, Any]]
) -> None:
    owners: list[tuple[KeyPath, dict[str, Any]]] = [
        (("accounts", index), account) for index, account in accounts
    ]
    keys = items(mapping(root.get("local_keys")).get("keys"))
    owners += [(("local_keys", "keys", index), mapping(key)) for index, key in keys]
    for provider_id, provider in mapping(root.get("providers")).items():
        path: KeyPath = ("providers", provider_id)
        entry = mapping(provider)
        owners.append(((*path, "login"), mapping(entry.get("login"))))
        for access, override in mapping(entry.get("accesses")).items():
            login = mapping(mapping(override).get("login"))
            owners.append(((*path, "accesses", access, "login"), login))
    for path, owner in owners:
        for name in ("secret", "client_secret"):
            secret = owner.get(name)
            if isinstance(secret, str) and secret.startswith("plain:"):
                expected = f"{SECRET_PLACES} (or allow_plain_secrets: true)"
                tree.complain((*path, name), expected, "a secret in plain text")
