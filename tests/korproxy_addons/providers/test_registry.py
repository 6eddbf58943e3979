"""The dated states cover every way in."""

from datetime import date

from korproxy_addons.errors.catalogue import ROUTE_RETIRED
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.registry import (
    BUILT_IN,
    REGISTRY,
    Registry,
    Route,
    Routes,
    RouteState,
    route_of,
)
from korproxy_addons.providers.resolve import resolve_account
from support.flows import config_with


def test_every_way_in_has_one_entry_and_no_entry_is_without() -> None:
    assert sorted((it.provider, it.access) for it in REGISTRY.routes) == sorted(
        (provider.id, access.id) for provider in PROVIDERS.values() for access in provider.accesses
    )


def test_entries_tell_a_person_why_and_since_when() -> None:
    for route in REGISTRY.routes:
        assert route.reason.endswith(".")
        assert route.source.startswith("https://")
        assert date(2026, 1, 1) <= route.since <= REGISTRY.checked
        if route.instead is not None:
            provider, access = route.instead
            assert PROVIDERS[provider].access(access).id == access
            other = BUILT_IN.of(provider, access)
            assert other is not None
            assert other.state is not RouteState.RETIRED


def test_what_is_at_risk_or_retired_has_a_replacement_where_one_exists() -> None:
    for route in REGISTRY.routes:
        if route.state in {RouteState.AT_RISK, RouteState.RETIRED}:
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


# --- the clock


def route(**words: object) -> Route:
    known = {
        "provider": "claude",
        "access": "api-key",
        "state": RouteState.WORKS,
        "since": date(2026, 11, 1),
        "reason": "It works.",
        "source": "https://example.com",
        "replacement": "own-login",
    }
    return Route(**{**known, **words})  # type: ignore[arg-type]


SUNSET = route(sunset=date(2027, 2, 1), sunset_reason="It was switched off.")


def test_a_sunset_that_has_come_is_an_end() -> None:
    before, after = SUNSET.on(date(2027, 1, 31)), SUNSET.on(date(2027, 2, 1))
    assert before is SUNSET
    assert (after.state, after.since) == (RouteState.RETIRED, date(2027, 2, 1))
    assert after.reason == "It was switched off."
    assert route(sunset=date(2027, 2, 1)).on(date(2028, 1, 1)).reason == "It works."


def test_an_end_is_explained_with_its_date_and_what_to_use() -> None:
    text = SUNSET.on(date(2027, 2, 2)).explained()
    assert text == (
        "It was switched off. Over since 2027-02-01. Use the access own-login of claude instead."
    )
    assert route().explained() == "It works."
    elsewhere = route(state=RouteState.RETIRED, since=date(2026, 1, 1), replacement="qwen/api-key")
    assert elsewhere.explained().endswith("Use the access api-key of qwen instead.")
    assert route(replacement=None).instead is None
    dated = route(state=RouteState.RETIRED, reason="Over on 2026-11-01.", replacement=None)
    assert dated.explained() == "Over on 2026-11-01."


def test_the_word_of_a_registry_runs_out() -> None:
    registry = Registry(date(2026, 11, 20), (route(),), valid_days=30)
    fresh, old = registry.on(date(2026, 12, 20)), registry.on(date(2026, 12, 21))
    entry = old.of("claude", "api-key")
    assert entry is not None
    assert not fresh.is_stale(entry)
    assert old.is_stale(entry)
    assert not Routes(registry).is_stale(entry), "without a date nothing is too old"
    over = route(state=RouteState.RETIRED)
    assert not old.is_stale(over), "what has ended stays so"
    looked = route(checked=date(2026, 12, 15))
    assert not old.is_stale(looked)


def test_an_account_of_a_way_in_that_ended_meanwhile_is_refused() -> None:
    account = {"id": "a", "provider": "claude", "secret": "env:A"}
    config = config_with(accounts=[account])
    registry = Registry(REGISTRY.checked, (SUNSET,))

    def refusal(day: date) -> KorProxyError | None:
        return resolve_account(config, config.accounts[0], None, registry.on(day)).refusal("")

    assert refusal(date(2027, 1, 31)) is None
    refused = refusal(date(2027, 2, 1))
    assert refused is not None
    assert refused.spec is ROUTE_RETIRED
    assert "2027-02-01" in refused.detail
    assert "own-login" in refused.detail
