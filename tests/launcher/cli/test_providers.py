import json

import pytest

from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.registry import REGISTRY, RouteState
from launcher.cli import run


def test_for_scripts_every_way_in_with_its_state(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["providers", "--json"]) == 0
    value = json.loads(capsys.readouterr().out)
    assert value["checked"] == REGISTRY.checked.isoformat()
    listed = {
        provider["id"]: [access["id"] for access in provider["accesses"]]
        for provider in value["providers"]
    }
    assert listed == {
        provider.id: [access.id for access in provider.accesses] for provider in PROVIDERS.values()
    }
    states = {
        (provider["id"], access["id"]): access["state"]
        for provider in value["providers"]
        for access in provider["accesses"]
    }
    assert states == {
        (route.provider, route.access): route.state.value for route in REGISTRY.routes
    }


def test_for_people_what_is_retired_says_why_and_what_instead(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(["providers"]) == 0
    shown = capsys.readouterr().out
    retired = [route for route in REGISTRY.routes if route.state is RouteState.RETIRED]
    assert retired
    for route in retired:
        assert route.reason in shown
        if route.replacement:
            assert f"Instead: access {route.replacement}." in shown
    assert all(f"(provider: {provider_id})" in shown for provider_id in PROVIDERS)
