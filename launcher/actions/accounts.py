"""The accounts of a KorProxy folder: list, show, rename, switch off and on, remove."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from korproxy_addons.auth.tokens import TokenSet, ends_soon, is_expired
from korproxy_addons.config.document import Document
from korproxy_addons.config.edit import edit_config
from korproxy_addons.config.schema import AccountConfig, Config
from korproxy_addons.config.secret_ref import Place
from korproxy_addons.config.store import FILE_NAME as CONFIG_FILE_NAME
from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import ACCOUNT_UNKNOWN
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.cli_logins import CliLogins
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.io.vault import FILE_NAME as VAULT_FILE_NAME
from korproxy_addons.io.vault import Vault
from korproxy_addons.io.vault_entries import VaultEntry
from korproxy_addons.providers.registry import RouteState
from korproxy_addons.providers.resolve import ResolvedAccount, resolve_account
from launcher.actions.account_health import troubles
from launcher.actions.cli_logins import FoundLogin, find_login

type OpenVault = Callable[[], Vault]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """
    An account as people and scripts see it; no secret is in it.

    Attributes:
        id, provider, access: As the configuration has them.
        provider_name, access_name, label: For people.
        kind: `login`, `key`, `cli` (the login of an official CLI), `tool` (the tool's own), `none`.
        state: `ready`, `disabled`, `consent-needed`, `retired`, `session-ended` (of an official CLI's login: that tool must be
            run once), `ends-soon`, or `no-secret`, or `vault-closed` where the vault that holds its secret cannot be opened;
            `needs-login`, `rate-limited` or `erroring` where a gateway met that.
        hint: What to do, where something is to be done; else "".
        secret: Where its secret lies.
        email, plan, organization: Who signed in, as far as is known.
        expires_at: End of the access token, ISO 8601; None: unknown, or a key.
        login_ends_at: End of the whole login, which no renewal moves; None: unknown.
        renews: The login is renewed by itself.
        route_state, route_since, route_reason: The provider registry's word on this way in.
        models: The only models that it is used for; None: all.
    """

    id: str
    provider: str
    access: str
    provider_name: str
    access_name: str
    label: str
    kind: str
    state: str
    hint: str
    secret: str | None
    email: str
    plan: str
    organization: str
    expires_at: str | None
    login_ends_at: str | None
    renews: bool
    route_state: str | None
    route_since: str | None
    route_reason: str | None
    models: tuple[str, ...] | None


def list_accounts(
    home: Path,
    vault: OpenVault,
    clock: Callable[[], float] = time.time,
    cli_logins: CliLogins | None = None,
) -> tuple[AccountView, ...]:
    """
    All accounts, in the configuration's order.

    Args:
        home: The KorProxy folder.
        vault: Opens the vault; asked only if an account's secret lies in it.
        clock: Unix seconds.
        cli_logins: The official tools' logins, read only if an account uses one; None: those of this user.
    Raises:
        ConfigProblems: The configuration cannot be used.
    """
    config = ConfigStore(home).load()
    views = _Views(home, config, vault, clock, cli_logins)
    return tuple(views.of(it) for it in config.accounts)


def show_account(
    home: Path,
    account_id: str,
    vault: OpenVault,
    clock: Callable[[], float] = time.time,
    cli_logins: CliLogins | None = None,
) -> AccountView:
    """
    One account.

    Raises:
        KorProxyError: ACCOUNT_UNKNOWN, and what `list_accounts` raises.
    """
    config = ConfigStore(home).load()
    return _Views(home, config, vault, clock, cli_logins).of(_known(config, account_id))


def rename_account(home: Path, account_id: str, label: str) -> None:
    """
    Give an account another name for people; its id stays.

    Raises:
        KorProxyError: ACCOUNT_UNKNOWN; what `edit_config` raises.
    """
    _change(home, account_id, "label", label)


def set_enabled(home: Path, account_id: str, *, enabled: bool) -> None:
    """
    Use an account again, or keep it without using it.

    Raises:
        KorProxyError: ACCOUNT_UNKNOWN; what `edit_config` raises.
    """
    _change(home, account_id, "disabled", None if enabled else True)


def remove_account(home: Path, account_id: str, vault: OpenVault) -> bool:
    """
    Take an account out of the configuration, and its secret out of the vault if nobody else uses it.

    Returns:
        Whether a secret was deleted; files, variables and logins of official tools are left alone.
    Raises:
        KorProxyError: ACCOUNT_UNKNOWN; what `edit_config` and the vault raise.
    """
    config = ConfigStore(home).load()
    ref = _known(config, account_id).secret

    def change(document: Document) -> None:
        document.remove(("accounts", _place(document, account_id)))

    after = edit_config(home, change)
    if ref is None or ref.place is not Place.VAULT or ref in _refs(after):
        return False
    return vault().remove(ref.name)


def account_entry(document: Document, account_id: str) -> tuple[str | int, ...]:
    """
    The path of an account's entry.

    Raises:
        KorProxyError: ACCOUNT_UNKNOWN.
    """
    return ("accounts", _place(document, account_id))


def _change(home: Path, account_id: str, key: str, value: Any) -> None:
    """Set one setting of an account, or take it out for None."""

    def change(document: Document) -> None:
        path = (*account_entry(document, account_id), key)
        if value is not None:
            document.set(path, value)
        elif document.value(path) is not None:
            document.remove(path)

    edit_config(home, change)


def _place(document: Document, account_id: str) -> int:
    place = document.find(("accounts",), "id", account_id)
    if place is None:
        raise KorProxyError(ACCOUNT_UNKNOWN, account_id)
    return place


def _known(config: Config, account_id: str) -> AccountConfig:
    account = config.account(account_id)
    if account is None:
        raise KorProxyError(ACCOUNT_UNKNOWN, account_id)
    return account


def _refs(config: Config) -> set[object]:
    keys = {it.secret for it in config.local_keys.keys}
    return {it.secret for it in config.accounts} | keys


class _Entries:
    """The vault's entries, opened when the first one is wanted."""

    def __init__(self, vault: OpenVault) -> None:
        self._open = vault
        self._vault: Vault | None = None

    def load(self, name: str) -> VaultEntry | None:
        """An entry; None if there is none of this name."""
        if self._vault is None:
            self._vault = self._open()
        return self._vault.load(name) if name in self._vault.names() else None


class _Views:
    """Accounts to views."""

    def __init__(
        self,
        home: Path,
        config: Config,
        vault: OpenVault,
        clock: Callable[[], float],
        cli_logins: CliLogins | None,
    ) -> None:
        self._home = home
        self._clock = clock
        self._cli_logins = cli_logins
        self._config = config
        self._entries = _Entries(vault)
        self._routes = load_routes(home, clock)
        self._now = clock()
        self._troubles = troubles(home, self._now)

    def of(self, account: AccountConfig) -> AccountView:
        """One account."""
        way = resolve_account(self._config, account, self._home, self._routes)
        ref = account.secret
        in_vault = ref is not None and ref.place is Place.VAULT
        entry, closed = None, None
        try:
            entry = self._entries.load(ref.name) if ref is not None and in_vault else None
        except KorProxyError as error:
            closed = error
        tokens = entry if isinstance(entry, TokenSet) else None
        of_cli = None
        if ref is not None and ref.place is Place.CLI:
            of_cli = find_login(ref.name, self._cli_logins, self._clock)
        facts = _facts(tokens, of_cli)
        state, hint = _state(way, tokens, self._now, lacking=in_vault and entry is None)
        if of_cli is not None and of_cli.problem and state == "ready":
            state = "session-ended" if of_cli.state == "expired" else "no-secret"
            hint = of_cli.problem
        if closed is not None and state == "no-secret":
            state, hint = "vault-closed", closed.message()
        trouble = self._troubles.get(account.id)
        if (
            trouble is not None
            and state in {"ready", "ends-soon"}
            and not (trouble.waits_for_owner() and self._owner_came(way, tokens) > trouble.met_at)
        ):
            again = f" {_again(way)}" if trouble.waits_for_owner() else ""
            state, hint = trouble.state, f"{trouble.told()}{again}"
        return AccountView(
            id=account.id,
            provider=account.provider,
            access=way.access.id,
            provider_name=way.provider.name,
            access_name=way.access.name,
            label=account.shown_as,
            kind=_kind(way, tokens),
            state=state,
            hint=hint,
            secret=None if ref is None else str(ref),
            email=facts.get("email", ""),
            plan=facts.get("plan", ""),
            organization=facts.get("organization", ""),
            expires_at=_ends(tokens, of_cli),
            login_ends_at=_moment(tokens.refresh_expires_at if tokens else None),
            renews=tokens is not None and tokens.refresh_token is not None,
            route_state=way.route.state.value if way.route else None,
            route_since=way.route.since.isoformat() if way.route else None,
            route_reason=way.route.reason if way.route else None,
            models=account.models,
        )

    def _owner_came(self, way: ResolvedAccount, tokens: TokenSet | None) -> float:
        """Unix seconds at which its owner may last have mended it: a gateway tries it again from then on."""
        ref = way.config.secret
        files = [self._home / CONFIG_FILE_NAME]
        if tokens is None and ref is not None and ref.place is Place.VAULT:
            files.append(self._home / VAULT_FILE_NAME)
        signed_in_at = tokens.obtained_at if tokens is not None else 0.0
        return max([signed_in_at, *(it.stat().st_mtime for it in files if it.exists())])


def _again(way: ResolvedAccount) -> str:
    return f"Reconnect it: korproxy account add {way.provider.id} --replace {way.id}"


def _facts(tokens: TokenSet | None, of_cli: FoundLogin | None) -> Mapping[str, str]:
    """Who signed in, as far as is known."""
    if tokens is not None:
        return tokens.facts
    if of_cli is None:
        return {}
    return {"email": of_cli.email, "plan": of_cli.plan, "organization": of_cli.organization}


def _ends(tokens: TokenSet | None, of_cli: FoundLogin | None) -> str | None:
    """When the access token ends, ISO 8601; None if that is not known."""
    if of_cli is not None:
        return of_cli.expires_at
    return None if tokens is None else _moment(tokens.expires_at)


def _kind(way: ResolvedAccount, tokens: TokenSet | None) -> str:
    ref = way.config.secret
    if way.access.own_login:
        return "tool"
    if ref is None:
        return "none"
    if ref.place is Place.CLI:
        return "cli"
    return "login" if tokens is not None else "key"


def _state(
    way: ResolvedAccount, tokens: TokenSet | None, now: float, *, lacking: bool
) -> tuple[str, str]:
    again = _again(way)
    if way.config.disabled:
        return "disabled", f"Use it again: korproxy account enable {way.id}"
    if way.route is not None and way.route.state is RouteState.RETIRED and not way.moved:
        return "retired", f"{way.route.explained()} Remove it: korproxy account remove {way.id}"
    if way.access.needs_consent and not way.config.consent:
        return "consent-needed", f"Read the terms and agree: {again.partition(': ')[2]}"
    if lacking:
        return "no-secret", again
    if tokens is not None:
        over = tokens.refresh_expires_at is not None and tokens.refresh_expires_at <= now
        if over or (tokens.refresh_token is None and is_expired(tokens, now)):
            return "session-ended", again
        if ends_soon(tokens, now):
            return "ends-soon", f"The provider ends the login soon. {again}"
    return "ready", ""


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
