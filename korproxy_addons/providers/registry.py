"""The dated states of the ways in: which work, which ended, what to use in their place."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from importlib import resources
from types import MappingProxyType

from msgspec import Struct, json


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
        replacement: Access of the same provider to use instead; None if there is none or no need.
    """

    provider: str
    access: str
    state: RouteState
    since: date
    reason: str
    source: str
    replacement: str | None


class Registry(Struct, frozen=True):
    """
    The file.

    Attributes:
        checked: Day of the last look at all of them.
        routes: The ways in.
    """

    checked: date
    routes: tuple[Route, ...]


REGISTRY: Registry = json.decode(
    (resources.files(__package__) / "registry.json").read_bytes(), type=Registry
)
_ROUTES: Mapping[tuple[str, str], Route] = MappingProxyType(
    {(it.provider, it.access): it for it in REGISTRY.routes}
)


def route_of(provider: str, access: str) -> Route | None:
    """The registry's entry for a way in; None for user-added providers."""
    return _ROUTES.get((provider, access))
