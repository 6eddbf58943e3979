"""An account of the configuration, with everything that a request to it needs to know."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath

import msgspec

from korproxy_addons.config.habits import Habits, ModelFacts, with_settings
from korproxy_addons.config.schema import (
    AccessOverride,
    AccountConfig,
    Config,
    ModelEntry,
    ProviderConfig,
    Urls,
)
from korproxy_addons.config.secret_ref import SecretRef
from korproxy_addons.errors.catalogue import CONSENT_NEEDED, LOGIN_FOR_OTHER_TOOL, ROUTE_RETIRED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import AccessSpec, AccountFacts, ProviderSpec, origin_of
from korproxy_addons.providers.compatible import compatible_provider
from korproxy_addons.providers.logins import LoginSpec
from korproxy_addons.providers.registry import BUILT_IN, Route, Routes, RouteState

__all__ = ["ResolvedAccount", "provider_of", "resolve_account", "resolve_accounts"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, weakref_slot=True)
class ResolvedAccount:
    """
    An account, resolved.

    Attributes:
        config: Its entry.
        provider: Its provider.
        access: Its way in.
        facts: What the access's methods are given.
        habits: What the upstream accepts, by dialect.
        models: What it serves as far as is known without asking.
        only_models: The configuration's narrower list; None: no such list.
        token_url, auth_url, quota_url: The other addresses, overrides applied; "" if none.
        login: How its owner signs in, at the addresses in force; None: it has a key, or nothing.
        client_secret: Where the client secret of that sign-in lies; None: the settings name none.
        local: The provider may live at a private address and speak plain HTTP.
        ca_file: PEM file with more certificates to trust; None: none.
        proxy: HTTP proxy on the way; None: as the environment says.
        moved: The base URL is not the provider's own.
        route: The registry's entry; None for a user-added provider.
    """

    config: AccountConfig
    provider: ProviderSpec
    access: AccessSpec
    facts: AccountFacts
    habits: Mapping[str, Habits]
    models: tuple[ModelFacts, ...]
    only_models: frozenset[str] | None
    token_url: str
    auth_url: str
    quota_url: str
    login: LoginSpec | None
    client_secret: SecretRef | None
    local: bool
    ca_file: str | None
    proxy: str | None
    moved: bool
    route: Route | None

    @property
    def id(self) -> str:
        """The account's id."""
        return self.config.id

    @property
    def label(self) -> str:
        """The account's name for people."""
        return self.config.shown_as

    @property
    def origin(self) -> tuple[str, int]:
        """Host and port of its base URL."""
        _, host, port = self.facts.origin
        return host, port

    def facts_of_login(self, known: Mapping[str, str]) -> AccountFacts:
        """
        The account's facts with what its login knows besides; what the configuration says wins.

        Args:
            known: `TokenSet.facts` of its login; empty for keys.
        """
        facts = self.facts
        if known.get("account_id") and not facts.account_id:
            facts = replace(facts, account_id=known["account_id"])
        host = known.get("resource_url", "")
        domains = self.login.resource_hosts if self.login is not None else ()
        if host and not self.moved and any(host == it or host.endswith(f".{it}") for it in domains):
            facts = replace(facts, base_url=f"https://{host}/v1")
        return facts

    def may_serve(self, model: str) -> bool:
        """Whether the configuration lets the account be used for a model."""
        return self.only_models is None or model in self.only_models

    def refusal(self, tool: str) -> KorProxyError | None:
        """
        Why this account must not be used for a tool's request; None if it may.

        Args:
            tool: Preset id of the tool, such as `claude-code`; "": not known.
        """
        if self.route is not None and self.route.state is RouteState.RETIRED and not self.moved:
            return KorProxyError(ROUTE_RETIRED, f"{self.label}: {self.route.explained()}")
        if self.access.needs_consent and not self.config.consent:
            reason = f": {self.route.explained()}" if self.route else ""
            return KorProxyError(CONSENT_NEEDED, f"{self.label}{reason}")
        if self.access.only_for_tool and tool != self.access.only_for_tool:
            return KorProxyError(LOGIN_FOR_OTHER_TOOL, self.label)
        return None


def resolve_accounts(
    config: Config, home: PurePath | None = None, routes: Routes = BUILT_IN
) -> tuple[ResolvedAccount, ...]:
    """
    Every account that may be used, in the configuration's order.

    A user-added provider with `auth: none` needs no entry under accounts: it is an account itself.

    Args:
        config: The configuration.
        home: The KorProxy folder, to which `ca_file` is relative.
        routes: The registry as it stands today.
    """
    accounts = list(config.enabled_accounts())
    used = {it.provider for it in config.accounts}
    names = {it.id for it in config.accounts}
    accounts += [
        AccountConfig(id=provider_id, provider=provider_id)
        for provider_id, entry in config.providers.items()
        if entry.auth == "none" and provider_id not in used and provider_id not in names
    ]
    return tuple(resolve_account(config, it, home, routes) for it in accounts)


def provider_of(config: Config, provider_id: str) -> ProviderSpec:
    """
    The provider with this id, built in or user-added.

    Raises:
        KeyError: The configuration knows none; its checks let no account name such a one.
    """
    builtin = PROVIDERS.get(provider_id)
    if builtin is not None:
        return builtin
    return compatible_provider(provider_id, config.providers[provider_id])


def resolve_account(
    config: Config,
    account: AccountConfig,
    home: PurePath | None = None,
    routes: Routes = BUILT_IN,
) -> ResolvedAccount:
    """
    The account with its provider, access, addresses, models and habits.

    What the account says wins over the provider's entry for its access, that over the entry
    itself, and that over the built-in facts.

    Raises:
        KeyError: The configuration's checks were left out, and provider or access do not exist.
    """
    provider = provider_of(config, account.provider)
    access = provider.access(account.access)
    entry = config.provider(account.provider)
    layers: tuple[AccountConfig | AccessOverride, ...] = (account, entry)
    override = entry.accesses.get(access.id)
    if override is not None:
        layers = (account, override, entry)
    own_base = access.regions.get(account.region or "", access.base_url)
    moved_base = _first(it.base_url or it.urls.base for it in layers)
    habits = {it.dialect: _habits(it, entry, override) for it in access.habits}
    facts = AccountFacts(
        id=account.id,
        label=account.shown_as,
        base_url=moved_base or own_base,
        project=account.project or "",
        account_id=account.account_id or "",
        organization=account.organization or "",
        openai_project=account.openai_project or "",
        headers=tuple(entry.headers.items()),
        query=tuple(entry.query.items()),
    )
    route = routes.of(provider.id, access.id) if provider.id in PROVIDERS else None
    return ResolvedAccount(
        config=account,
        provider=provider,
        access=access,
        facts=facts,
        habits=habits,
        models=_models(access, override, entry),
        only_models=None if account.models is None else frozenset(account.models),
        token_url=_first(it.urls.token for it in layers) or access.token_url,
        auth_url=_first(it.urls.auth for it in layers) or access.auth_url,
        quota_url=_first(it.urls.quota for it in layers) or access.quota_url,
        login=None if access.login is None else access.login.at(_urls(layers)),
        client_secret=(override or entry).login.client_secret or entry.login.client_secret,
        local=entry.local,
        ca_file=_path(entry.ca_file, home),
        proxy=entry.proxy,
        moved=moved_base is not None and origin_of(moved_base) != origin_of(own_base),
        route=route,
    )


def _first(values: Iterable[str | None]) -> str | None:
    return next((it for it in values if it), None)


def _urls(layers: tuple[AccountConfig | AccessOverride, ...]) -> Urls:
    """Each address from the first layer that names it."""
    names = Urls.model_fields
    return Urls(**{name: _first(getattr(it.urls, name) for it in layers) for name in names})


def _path(name: str | None, home: PurePath | None) -> str | None:
    return name if name is None or home is None else str(home / name)


def _habits(preset: Habits, entry: ProviderConfig, override: AccessOverride | None) -> Habits:
    settings = {**entry.habits, **(override.habits if override else {})}
    return with_settings(preset, settings) if settings else preset


def _models(
    access: AccessSpec, override: AccessOverride | None, entry: ProviderConfig
) -> tuple[ModelFacts, ...]:
    listed = override.models if override and override.models is not None else entry.models
    if listed is None:
        return access.models
    known = {it.id: it for it in access.models}
    return tuple(_model(it, known.get(it.id)) for it in listed)


def _model(entry: ModelEntry, known: ModelFacts | None) -> ModelFacts:
    changes = entry.model_dump(exclude_defaults=True, exclude_none=True)
    return msgspec.structs.replace(known or ModelFacts(id=entry.id), **changes)
