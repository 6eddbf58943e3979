"""The ids that the configuration knows are those of the providers."""

from korproxy_addons.config.builtin import (
    BUILTIN_ACCESSES,
    COMPATIBLE_ACCESSES,
    DIALECTS,
    REGIONS,
    SECRETLESS_ACCESSES,
)
from korproxy_addons.config.habits import COMPATIBLE
from korproxy_addons.config.schema import ProviderConfig
from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.compatible import compatible_provider


def test_accesses_are_those_of_the_providers_in_their_order() -> None:
    assert {
        provider.id: tuple(it.id for it in provider.accesses) for provider in PROVIDERS.values()
    } == dict(BUILTIN_ACCESSES)


def test_user_added_providers_have_the_accesses_named() -> None:
    provider = compatible_provider("x", ProviderConfig(dialect="openai-chat"))
    assert tuple(it.id for it in provider.accesses) == COMPATIBLE_ACCESSES


def test_regions_are_those_of_the_providers() -> None:
    assert {
        (provider.id, access.id): tuple(access.regions)
        for provider in PROVIDERS.values()
        for access in provider.accesses
        if access.regions
    } == dict(REGIONS)


def test_the_first_region_is_the_default() -> None:
    for (provider, access_id), regions in REGIONS.items():
        access = PROVIDERS[provider].access(access_id)
        assert access.regions[regions[0]] == access.base_url


def test_accesses_without_a_secret_send_none_of_ours() -> None:
    for provider in PROVIDERS.values():
        for access in provider.accesses:
            assert (access.id in SECRETLESS_ACCESSES) == (access.credential == "none")


def test_dialects_are_those_with_habits() -> None:
    assert set(DIALECTS) == set(COMPATIBLE)
