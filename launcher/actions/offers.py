"""What can be connected, and what a person should know before they do."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from korproxy_addons.config.builtin import REGIONS
from korproxy_addons.config.schema import AccountConfig, Config
from korproxy_addons.errors.catalogue import LOGIN_NOT_OFFERED, ROUTE_RETIRED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.registry_file import load_routes
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.base import Tier
from korproxy_addons.providers.registry import Route, Routes, RouteState
from korproxy_addons.providers.resolve import ResolvedAccount, provider_of, resolve_account
from launcher.login.watch import Method


class Kind(StrEnum):
    """What an account of a way in holds."""

    LOGIN = "login"
    KEY = "key"
    TOOL = "tool"
    """Nothing: the tool's own login passes through."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Offer:
    """
    One way into one provider.

    Attributes:
        way: It, resolved as an account that is not there yet.
        kind: What its account holds.
        methods: How a person signs in; the first one unless they say otherwise.
        looked: Day of the registry's last look at it; None: it has no word on it.
        stale: That is too long ago.
    """

    way: ResolvedAccount
    kind: Kind
    methods: tuple[Method, ...]
    looked: date | None = None
    stale: bool = False

    @property
    def retired(self) -> bool:
        """It is over, unless the configuration sends it elsewhere."""
        route = self.way.route
        return route is not None and route.state is RouteState.RETIRED and not self.way.moved

    @property
    def regions(self) -> tuple[str, ...]:
        """Regions that a key can belong to, the default one first."""
        return REGIONS.get((self.way.provider.id, self.way.access.id), ())

    def terms(self) -> tuple[str, ...]:
        """What a person should know first, in plain words; empty where there is nothing."""
        way, route = self.way, self.way.route
        said: list[str] = []
        plain = way.access.tier is Tier.SUPPORTED
        if route is not None and not (plain and route.state is RouteState.WORKS):
            said.append(route.reason)
        if way.access.only_for_tool and self.kind is not Kind.TOOL:
            said.append(
                f"KorProxy uses this login for {way.access.only_for_tool} only; other tools are"
                " told so, and need an API key."
            )
        if route is not None and route.instead and not self.retired:
            said.append(f"Better where it serves you: {_added(route)}")
        if way.access.needs_consent:
            said.append("KorProxy does not pretend to be the provider's own tool.")
        if route is not None and route.sunset is not None and not self.retired:
            said.append(f"Its provider ends it on {route.sunset.isoformat()}.")
        if self.looked is not None and self.stale:
            said.append(
                f"Last looked at on {self.looked.isoformat()}: check again whether it holds."
            )
        if said and route is not None and self.looked is not None:
            said.append(f"Source, read on {self.looked.isoformat()}: {route.source}")
        return tuple(said)

    def check_offered(self) -> None:
        """
        Hold that this way in still exists.

        Raises:
            KorProxyError: ROUTE_RETIRED, with the day it ended and what to use instead.
        """
        if not self.retired:
            return
        route = self.way.route
        assert route is not None
        who = f"{self.way.provider.name}, {self.way.access.name}"
        reason = route.reason.replace("; ", ", ")  # "; " parts the lines of a detail
        detail = f"{who}: over since {route.since.isoformat()}; {reason}"
        if route.instead:
            detail += f"; use instead: {_added(route)}"
        raise KorProxyError(ROUTE_RETIRED, detail)


def offers(
    config: Config, provider_id: str, home: Path, clock: Callable[[], float] = time.time
) -> tuple[Offer, ...]:
    """
    The ways into a provider as they stand today, the default one first.

    Args:
        config: The configuration.
        provider_id: The provider.
        home: The KorProxy folder.
        clock: Unix seconds.
    Raises:
        KorProxyError: LOGIN_NOT_OFFERED: nobody knows such a provider.
    """
    if provider_id not in PROVIDERS and provider_id not in config.providers:
        known = ", ".join((*PROVIDERS, *(it for it in config.providers if it not in PROVIDERS)))
        raise KorProxyError(
            LOGIN_NOT_OFFERED, f"there is no provider {provider_id}; there are: {known}"
        )
    provider = provider_of(config, provider_id)
    routes = load_routes(home, clock)
    return tuple(_offer(config, provider_id, it.id, home, routes) for it in provider.accesses)


def find_offer(
    config: Config,
    provider_id: str,
    access: str | None,
    home: Path,
    clock: Callable[[], float] = time.time,
) -> Offer:
    """
    One way into a provider; the default one for None.

    Args:
        config: The configuration.
        provider_id: The provider.
        access: Id of the way in.
        home: The KorProxy folder.
        clock: Unix seconds.
    Raises:
        KorProxyError: LOGIN_NOT_OFFERED: there is none of this name.
    """
    found = offers(config, provider_id, home, clock)
    if access is None:
        return found[0]
    for offer in found:
        if offer.way.access.id == access:
            return offer
    names = ", ".join(it.way.access.id for it in found)
    raise KorProxyError(
        LOGIN_NOT_OFFERED, f"{provider_id} has no access {access}; there are: {names}"
    )


def _added(route: Route) -> str:
    """The command that connects what is to be used instead."""
    assert route.instead is not None
    provider, access = route.instead
    return f"korproxy account add {provider} --access {access}"


def _offer(config: Config, provider_id: str, access_id: str, home: Path, routes: Routes) -> Offer:
    entry = AccountConfig(id="new", provider=provider_id, access=access_id)
    way = resolve_account(config, entry, home, routes)
    looked = None if way.route is None else routes.checked(way.route)
    stale = way.route is not None and routes.is_stale(way.route)
    if way.login is not None:
        browser = (Method.BROWSER, Method.PASTE) if way.login.auth_url else ()
        device = (Method.DEVICE,) if way.login.device_url else ()
        return Offer(way, Kind.LOGIN, (*browser, *device), looked, stale)
    if way.access.own_login:
        return Offer(way, Kind.TOOL, (), looked, stale)
    kind = Kind.NONE if way.access.credential == "none" else Kind.KEY
    return Offer(way, kind, (), looked, stale)
