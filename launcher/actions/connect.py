"""Connecting accounts: by key, by sign-in, by the tool's own login, by the login of an official CLI."""

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from korproxy_addons.auth.tokens import TokenSet, identity_of
from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.schema import Config
from korproxy_addons.config.secret_ref import Place, SecretRef
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import (
    ACCOUNT_EXISTS,
    ACCOUNT_UNKNOWN,
    CLI_LOGIN_MISSING,
    CLIENT_SECRET_MISSING,
    CONFIG_BUSY,
    CONSENT_NEEDED,
    KEY_UNUSABLE,
    LOGIN_NOT_OFFERED,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.address_guard import AddressGuard
from korproxy_addons.io.http_driver import HttpSender
from korproxy_addons.io.login_lock import LoginLock, LoginLockTimeoutError
from korproxy_addons.io.secrets import load_secret
from korproxy_addons.io.upstream import UpstreamClient
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import ApiKey, VaultEntry
from korproxy_addons.providers.resolve import provider_of
from launcher.actions.accounts import OpenVault, account_entry
from launcher.actions.cli_logins import FoundLogin
from launcher.actions.offers import Kind, Offer
from launcher.login.browser import open_browser
from launcher.login.sign_in import LIMIT_S, SignIn
from launcher.login.tickets import installation_id
from launcher.login.watch import LoginWatch, Method

_KEY = re.compile(r"[!-~]+\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """
    What a person wants of the new account besides.

    Attributes:
        id: Its id; "": one is made up.
        replace: Id of the account that gets a new secret; "": a new account is added.
        label: Name for people; "": the id.
        region, project, account_id: Settings of the account; "": none.
        consent: The person has read the terms, and wants it.
    """

    id: str = ""
    replace: str = ""
    label: str = ""
    region: str = ""
    project: str = ""
    account_id: str = ""
    consent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Connected:
    """
    The account that came of it.

    Attributes:
        id: Its id.
        reconnected: It was there before, and has a new secret now.
        email, plan: Who signed in, as far as is known.
    """

    id: str
    reconnected: bool = False
    email: str = ""
    plan: str = ""


def check(home: Path, offer: Offer, wishes: Wishes) -> Config:
    """
    Everything that can be known before the person does anything.

    Raises:
        KorProxyError: ROUTE_RETIRED, CONSENT_NEEDED, ACCOUNT_EXISTS, ACCOUNT_UNKNOWN,
            CLIENT_SECRET_MISSING, LOGIN_NOT_OFFERED; ConfigProblems.
    """
    offer.check_offered()
    config = ConfigStore(home).load()
    way = offer.way
    if way.access.needs_consent and not wishes.consent:
        detail = f"{way.provider.name}, {way.access.name}; --accept-terms says that you agree"
        raise KorProxyError(CONSENT_NEEDED, detail)
    if wishes.replace:
        old = config.account(wishes.replace)
        if old is None:
            raise KorProxyError(ACCOUNT_UNKNOWN, wishes.replace)
        if (old.provider, old.access or _default(config, old.provider)) != (
            way.provider.id,
            way.access.id,
        ):
            detail = f"{wishes.replace} is an account of {old.provider}, {old.access or 'default'}"
            raise KorProxyError(LOGIN_NOT_OFFERED, detail)
    elif wishes.id and config.account(wishes.id) is not None:
        raise KorProxyError(ACCOUNT_EXISTS, wishes.id)
    if way.login is not None and way.login.needs_client_secret and way.client_secret is None:
        where = f"providers.{way.provider.id}.accesses.{way.access.id}.login.client_secret"
        raise KorProxyError(CLIENT_SECRET_MISSING, f"{way.provider.name}: set {where}")
    return config


def connect_key(home: Path, offer: Offer, wishes: Wishes, key: str, vault: OpenVault) -> Connected:
    """
    Add an account by key.

    Raises:
        KorProxyError: As `check`; KEY_UNUSABLE; what the vault raises.
    """
    config = check(home, offer, wishes)
    if offer.kind is not Kind.KEY:
        raise KorProxyError(LOGIN_NOT_OFFERED, f"{offer.way.access.name} is not used by key")
    key = key.strip()
    if not _KEY.match(key):
        what = "it is empty" if not key else "a key is one word of plain characters"
        raise KorProxyError(KEY_UNUSABLE, what)
    return _store(home, config, offer, wishes, ApiKey(SecretStr(key)), vault())


def connect_without_secret(home: Path, offer: Offer, wishes: Wishes, ref: str = "") -> Connected:
    """
    Add an account that stores nothing here.

    Args:
        home: The KorProxy folder.
        offer: A way in by the tool's own login or without any credential; or any, with `ref`.
        wishes: What is wanted besides.
        ref: Where the secret lies, such as `cli:codex` or `env:NAME`; "": there is none.
    Raises:
        KorProxyError: As `check`.
    """
    config = check(home, offer, wishes)
    if not ref and offer.kind in {Kind.LOGIN, Kind.KEY}:
        raise KorProxyError(LOGIN_NOT_OFFERED, f"{offer.way.access.name} needs a credential")
    return _write(home, config, offer, wishes, ref)


def check_found(offer: Offer, found: FoundLogin) -> None:
    """
    Hold that there is a login to adopt.

    Raises:
        KorProxyError: ROUTE_RETIRED, CLI_LOGIN_MISSING.
    """
    offer.check_offered()
    if found.state == "missing":
        raise KorProxyError(CLI_LOGIN_MISSING, found.problem)


def adopt_login(home: Path, offer: Offer, wishes: Wishes, found: FoundLogin) -> Connected:
    """
    Add an account that uses the login of an official tool, which is read and never renewed here.

    Args:
        home: The KorProxy folder.
        offer: The way in that the tool's login is for.
        wishes: What is wanted besides.
        found: The login.
    Raises:
        KorProxyError: As `check`; CLI_LOGIN_MISSING.
    """
    check_found(offer, found)
    config = check(home, offer, wishes)
    known = next((it.id for it in config.accounts if str(it.secret) == found.secret), "")
    if not (wishes.id or wishes.replace):
        stem = f"{found.provider}-cli"
        taken = config.account(stem) is not None
        wishes = replace(wishes, replace=known, id="" if known or taken else stem)
    if found.provider == "codex" and found.access == "chatgpt":
        wishes = replace(wishes, account_id=found.account_id)
    connected = _write(home, config, offer, wishes, found.secret)
    return replace(connected, email=found.email, plan=found.plan)


async def connect_login(
    home: Path,
    offer: Offer,
    wishes: Wishes,
    vault: OpenVault,
    watch: LoginWatch,
    *,
    method: Method | None = None,
    limit_s: float = LIMIT_S,
    opener: Callable[[str], bool] = open_browser,
) -> Connected:
    """
    Have a person sign in, and add their account; one who is known already gets a new login instead.

    Args:
        home: The KorProxy folder.
        offer: A way in by login.
        wishes: What is wanted besides.
        vault: Opens the vault.
        watch: Shows the sign-in.
        method: How; None: the first that is offered.
        limit_s: How long the person has.
        opener: Opens a page in the person's browser.
    Raises:
        LoginError: Any of the six states.
        KorProxyError: As `check`; what the vault raises.
    """
    config = check(home, offer, wishes)
    way = offer.way
    if way.login is None or (method is not None and method not in offer.methods):
        raise KorProxyError(
            LOGIN_NOT_OFFERED, f"{way.access.name}: no sign-in by {method or 'login'}"
        )
    opened = await asyncio.to_thread(
        vault
    )  # before the person does anything: a locked vault says so now
    client = UpstreamClient(AddressGuard())
    try:
        sign_in = SignIn(
            login=way.login,
            send=HttpSender(client, ca_file=way.ca_file, proxy=way.proxy, local=way.local),
            watch=watch,
            installation=installation_id(home) if way.login.issues_client_id else "",
            previous=_previous(config, wishes, opened),
            client_secret=_client_secret(home, way.client_secret, vault),
            limit_s=limit_s,
            opener=opener,
        )
        tokens = await sign_in.run(method or offer.methods[0])
    finally:
        await client.close()
    if not wishes.replace and not wishes.id:
        known = _same_person(config, offer, tokens, opened)
        if known:
            wishes = replace(wishes, replace=known)
    name = _entry_name(config, offer, wishes)
    lock = LoginLock(home, name)
    try:
        # A renewal that is under way must not write the old login over this one.
        async with lock.held():
            lock.clear()
            return await asyncio.to_thread(_store, home, config, offer, wishes, tokens, opened)
    except LoginLockTimeoutError as error:
        raise KorProxyError(CONFIG_BUSY, f"the login {name} is being renewed") from error


def _store(
    home: Path, config: Config, offer: Offer, wishes: Wishes, entry: VaultEntry, vault: Vault
) -> Connected:
    """The secret first, then the account that names it: a gateway that looks in between misses nothing."""
    name = _entry_name(config, offer, wishes)
    vault.save(name, entry)
    facts = entry.facts if isinstance(entry, TokenSet) else {}
    return _write(home, config, offer, wishes, f"vault:{name}", facts)


def _write(
    home: Path,
    config: Config,
    offer: Offer,
    wishes: Wishes,
    ref: str,
    facts: Mapping[str, str] | None = None,
) -> Connected:
    account_id = wishes.replace or wishes.id or _new_id(config, offer)
    facts = facts or {}
    settings = {
        "label": wishes.label,
        "secret": ref,
        "consent": wishes.consent and offer.way.access.needs_consent,
        "region": wishes.region,
        "project": wishes.project,
        "account_id": wishes.account_id,
    }

    def change(document: Document) -> None:
        given = {name: value for name, value in settings.items() if value}
        if wishes.replace:
            path = account_entry(document, account_id)
            for name, value in given.items():
                document.set((*path, name), value)
            if document.value((*path, "disabled")):
                document.remove((*path, "disabled"))
            return
        entry: dict[str, Any] = {"id": account_id, "provider": offer.way.provider.id}
        entry["access"] = offer.way.access.id
        document.insert(("accounts",), {**entry, **given})

    edit_config(home, change)
    return Connected(
        id=account_id,
        reconnected=bool(wishes.replace),
        email=facts.get("email", ""),
        plan=facts.get("plan", ""),
    )


def _entry_name(config: Config, offer: Offer, wishes: Wishes) -> str:
    """The vault entry of the account: its own name, or the one that the account has already."""
    old = config.account(wishes.replace) if wishes.replace else None
    if old is not None and old.secret is not None and old.secret.place is Place.VAULT:
        return old.secret.name
    return wishes.replace or wishes.id or _new_id(config, offer)


def _new_id(config: Config, offer: Offer) -> str:
    stem = f"{offer.way.provider.id}-{offer.way.access.id}"
    taken = {it.id for it in config.accounts}
    number = 1
    while (found := stem if number == 1 else f"{stem}-{number}") in taken:
        number += 1
    return found


def _default(config: Config, provider_id: str) -> str:
    return provider_of(config, provider_id).accesses[0].id


def _previous(config: Config, wishes: Wishes, vault: Vault) -> TokenSet | None:
    old = config.account(wishes.replace) if wishes.replace else None
    if old is None or old.secret is None or old.secret.place is not Place.VAULT:
        return None
    if old.secret.name not in vault.names():
        return None
    entry = vault.load(old.secret.name)
    return entry if isinstance(entry, TokenSet) else None


def _same_person(config: Config, offer: Offer, tokens: TokenSet, vault: Vault) -> str:
    """The account by the same way in of the same person in the same organization; "": there is none."""
    identity = identity_of(tokens)
    names = set(vault.names())
    for account in config.accounts:
        ref = account.secret
        if (account.provider, account.access) != (offer.way.provider.id, offer.way.access.id):
            continue
        if ref is None or ref.place is not Place.VAULT or ref.name not in names:
            continue
        entry = vault.load(ref.name)
        if isinstance(entry, TokenSet) and identity and identity_of(entry) == identity:
            return account.id
    return ""


def _client_secret(home: Path, ref: SecretRef | None, vault: OpenVault) -> SecretStr | None:
    if ref is None:
        return None
    if ref.place is not Place.VAULT:
        return load_secret(ref, home)
    entry = vault().load(ref.name)
    return entry.secret if isinstance(entry, ApiKey) else None
