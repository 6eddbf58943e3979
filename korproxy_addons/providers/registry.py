"""The dated states of the ways in: which work, which ended or will end, what to use in their place."""

from collections.abc import Mapping
from datetime import date, timedelta
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

from msgspec import Struct, json
from msgspec.structs import replace


class RouteState(StrEnum):
    """How a way in stands."""

    WORKS = "works"
    PAID_ONLY = "paid-only"
    AT_RISK = "at-risk"
    RETIRED = "retired"


class Route(Struct, frozen=True):
    """
    One way in, as the outside world has it.

    Attributes:
        provider: Provider id.
        access: Access id.
        state: How it stands.
        since: Day on which that was found, or became so.
        reason: Why, in a sentence for people.
        source: Where it says so.
        replacement: Access to use instead, `provider/access` where it is another provider's; None if there is none or no need.
        checked: Day of the last look at it; None: that of the whole registry.
        sunset: Day from which on it is retired, where its provider has announced one.
        sunset_reason: Why, from that day on; "": as `reason`.
    """

    provider: str
    access: str
    state: RouteState
    since: date
    reason: str
    source: str
    replacement: str | None
    checked: date | None = None
    sunset: date | None = None
    sunset_reason: str = ""

    def on(self, today: date) -> "Route":
        """The route as it stands on a day: an announced end that has come is one."""
        if self.sunset is None or today < self.sunset or self.state is RouteState.RETIRED:
            return self
        reason = self.sunset_reason or self.reason
        return replace(self, state=RouteState.RETIRED, since=self.sunset, reason=reason)

    @property
    def instead(self) -> tuple[str, str] | None:
        """Provider and access to use instead; None: there is none, or no need."""
        if not self.replacement:
            return None
        provider, _, access = self.replacement.rpartition("/")
        return provider or self.provider, access

    def explained(self) -> str:
        """Why it stands so, since when, and what to use instead; for a message."""
        text = self.reason
        if self.state is RouteState.RETIRED and self.since.isoformat() not in text:
            text += f" Over since {self.since.isoformat()}."
        if self.instead and self.state in (RouteState.RETIRED, RouteState.AT_RISK):
            provider, access = self.instead
            text += f" Use the access {access} of {provider} instead."
        return text


class Registry(Struct, frozen=True):
    """
    The file.

    Attributes:
        checked: Day of the last look at all of them.
        routes: The ways in.
        valid_days: So long after `checked` it is taken at its word.
    """

    checked: date
    routes: tuple[Route, ...]
    valid_days: int = 120

    def with_overrides(self, other: "Registry") -> "Registry":
        """This registry with another one's words in place of its own, where that one has any."""
        routes = {(it.provider, it.access): it for it in self.routes}
        for it in other.routes:
            routes[it.provider, it.access] = replace(it, checked=it.checked or other.checked)
        return Registry(self.checked, tuple(routes.values()), self.valid_days)

    def on(self, today: date) -> "Routes":
        """What it says on a day."""
        return Routes(self, today)


class Routes:
    """
    The registry as it stands on one day.

    Args:
        registry: The file, overrides applied.
        today: The day; None: nobody knows, so nothing has ended and nothing is too old.
    """

    def __init__(self, registry: Registry, today: date | None = None) -> None:
        self.registry = registry
        self.today = today
        routes = registry.routes if today is None else tuple(it.on(today) for it in registry.routes)
        self._routes = {(it.provider, it.access): it for it in routes}

    def of(self, provider: str, access: str) -> Route | None:
        """The entry for a way in; None for user-added providers."""
        return self._routes.get((provider, access))

    def checked(self, route: Route) -> date:
        """Day of the last look at a way in."""
        return route.checked or self.registry.checked

    def is_stale(self, route: Route) -> bool:
        """Whether the last look is so long ago that a person should look again; an end stays an end."""
        if self.today is None or route.state is RouteState.RETIRED:
            return False
        return self.today - self.checked(route) > timedelta(days=self.registry.valid_days)


def decode_registry(data: bytes) -> Registry:
    """
    A registry's file.

    Raises:
        ValueError: It is none; the message says where.
    """
    return json.decode(data, type=Registry)


REGISTRY: Registry = decode_registry((resources.files(__package__) / "registry.json").read_bytes())
BUILT_IN = Routes(REGISTRY)
"""The registry that is shipped, without a date."""
_ROUTES: Mapping[tuple[str, str], Route] = MappingProxyType(
    {(it.provider, it.access): it for it in REGISTRY.routes}
)


def route_of(provider: str, access: str) -> Route | None:
    """The shipped registry's entry for a way in; None for user-added providers."""
    return _ROUTES.get((provider, access))
