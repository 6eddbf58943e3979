"""The dated states cover every way in."""

from datetime import date

from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.registry import REGISTRY, RouteState, route_of


def test_every_way_in_has_one_entry_and_no_entry_is_without() -> None:
    assert sorted((it.provider, it.access) for it in REGISTRY.routes) == sorted(
        (provider.id, access.id) for provider in PROVIDERS.values() for access in provider.accesses
    )


def test_entries_tell_a_person_why_and_since_when() -> None:
    for route in REGISTRY.routes:
        assert route.reason.endswith(".")
        assert route.source.startswith("https://")
        assert date(2026, 1, 1) <= route.since <= REGISTRY.checked
        if route.replacement is not None:
            assert PROVIDERS[route.provider].access(route.replacement).id == route.replacement


def test_what_is_at_risk_or_retired_has_a_replacement_where_one_exists() -> None:
    for route in REGISTRY.routes:
        if route.state in {RouteState.AT_RISK, RouteState.RETIRED} and route.provider != "iflow":
            assert route.replacement


def test_states_of_the_day() -> None:
    states = {(it.provider, it.access): it.state for it in REGISTRY.routes}
    assert states["claude", "subscription"] is RouteState.AT_RISK
    assert states["qwen", "oauth"] is RouteState.RETIRED
    assert states["iflow", "api-key"] is RouteState.RETIRED
    assert states["gemini", "code-assist"] is RouteState.PAID_ONLY


def test_user_added_providers_have_none() -> None:
    assert route_of("openrouter", "api-key") is None
    assert route_of("claude", "api-key") is not None
