"""The providers, the ways into each, and where each way stands today."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import AccessSpec, ProviderSpec
from korproxy_addons.providers.registry import Routes, RouteState


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessView:
    """
    One way into a provider.

    Attributes:
        id, name: Of the access.
        dialects: That its upstream speaks.
        base_url: Where requests go.
        credential: `login`, `key`, `tool` (the tool's own login passes through) or `none`.
        needs_consent: Works once its owner has agreed to the provider's terms.
        only_for_tool: The one tool that its terms allow; "": any.
        tells_quota: Its provider tells what is left of an account.
        state, since, reason, source, replacement: The registry's word.
        checked: Day of the last look at it.
        sunset: Day on which it will end, where one was announced; None: none was, or it has come.
        check_again: The last look is so long ago that it should be looked at again.
    """

    id: str
    name: str
    dialects: tuple[str, ...]
    base_url: str
    credential: str
    needs_consent: bool
    only_for_tool: str
    tells_quota: bool
    state: str | None
    since: str | None
    reason: str | None
    source: str | None
    replacement: str | None
    checked: str | None
    sunset: str | None
    check_again: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderView:
    """A provider and its ways in, the default one first."""

    id: str
    name: str
    test_model: str
    accesses: tuple[AccessView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderList:
    """
    All built-in providers.

    Attributes:
        checked: Day of the last look at the whole registry.
        providers: In their order.
    """

    checked: str
    providers: tuple[ProviderView, ...]


def list_providers(home: Path, clock: Callable[[], float] = time.time) -> ProviderList:
    """
    The providers as they stand today.

    Args:
        home: The KorProxy folder, whose `registry.json` wins over the one that is shipped.
        clock: Unix seconds.
    """
    routes = load_routes(home, clock)
    views = tuple(_provider(it, routes) for it in PROVIDERS.values())
    return ProviderList(checked=routes.registry.checked.isoformat(), providers=views)


def _provider(provider: ProviderSpec, routes: Routes) -> ProviderView:
    accesses = tuple(_access(provider.id, it, routes) for it in provider.accesses)
    return ProviderView(
        id=provider.id, name=provider.name, test_model=provider.test_model, accesses=accesses
    )


def _access(provider_id: str, access: AccessSpec, routes: Routes) -> AccessView:
    route = routes.of(provider_id, access.id)
    coming = route.sunset if route and route.state is not RouteState.RETIRED else None
    return AccessView(
        id=access.id,
        name=access.name,
        dialects=access.dialects,
        base_url=access.base_url,
        credential=_credential(access),
        needs_consent=access.needs_consent,
        only_for_tool=access.only_for_tool,
        tells_quota=access.quota.tells,
        state=route.state.value if route else None,
        since=route.since.isoformat() if route else None,
        reason=route.reason if route else None,
        source=route.source if route else None,
        replacement=route.replacement if route else None,
        checked=routes.checked(route).isoformat() if route else None,
        sunset=coming.isoformat() if coming else None,
        check_again=routes.is_stale(route) if route else False,
    )


def _credential(access: AccessSpec) -> str:
    if access.own_login:
        return "tool"
    if access.login is not None:
        return "login"
    return "none" if access.credential == "none" else "key"
