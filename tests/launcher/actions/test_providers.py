"""The providers as they stand on a day."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.registry import REGISTRY
from launcher.actions.providers import AccessView, list_providers

CHECKED = datetime.combine(REGISTRY.checked, datetime.min.time(), UTC)


def views(home: Path, days_later: float = 0.0) -> dict[tuple[str, str], AccessView]:
    at = (CHECKED + timedelta(days=days_later)).timestamp()
    found = list_providers(home, lambda: at)
    return {(it.id, access.id): access for it in found.providers for access in it.accesses}


def test_every_way_in_is_there_the_default_one_first(tmp_path: Path) -> None:
    found = list_providers(tmp_path)
    assert [(it.id, [a.id for a in it.accesses]) for it in found.providers] == [
        (it.id, [a.id for a in it.accesses]) for it in PROVIDERS.values()
    ]
    assert found.checked == REGISTRY.checked.isoformat()


def test_what_a_way_in_needs(tmp_path: Path) -> None:
    found = views(tmp_path)
    assert found["claude", "api-key"].credential == "key"
    assert found["claude", "subscription"].credential == "login"
    assert found["claude", "own-login"].credential == "tool"
    assert found["claude", "subscription"].needs_consent
    assert found["claude", "subscription"].only_for_tool == "claude-code"
    assert found["claude", "api-key"].tells_quota
    assert not found["qwen", "api-key"].tells_quota
    assert found["qwen", "oauth"].state == "retired"
    assert found["qwen", "oauth"].replacement == "coding-plan"


def test_an_old_registry_says_check_again_but_not_of_what_has_ended(tmp_path: Path) -> None:
    assert not views(tmp_path, REGISTRY.valid_days)["claude", "api-key"].check_again
    old = views(tmp_path, REGISTRY.valid_days + 1)
    assert old["claude", "api-key"].check_again
    assert not old["qwen", "oauth"].check_again


def test_a_sunset_shows_before_and_after_it_has_come(tmp_path: Path) -> None:
    day = (CHECKED + timedelta(days=10)).date().isoformat()
    route = {
        "provider": "claude", "access": "api-key", "state": "works", "since": "2026-11-20",
        "reason": "Mine.", "source": "https://example.com", "replacement": None, "sunset": day,
    }  # fmt: skip
    override = {"checked": REGISTRY.checked.isoformat(), "routes": [route]}
    (tmp_path / "registry.json").write_text(json.dumps(override))
    before = views(tmp_path, 9.0)["claude", "api-key"]
    after = views(tmp_path, 10.0)["claude", "api-key"]
    assert (before.state, before.sunset) == ("works", day)
    assert (after.state, after.since, after.sunset) == ("retired", day, None)
