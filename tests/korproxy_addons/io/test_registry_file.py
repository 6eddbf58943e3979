"""The registry of the day, with the user's own words on top."""

import json
import logging
from datetime import date
from pathlib import Path

import pytest

from korproxy_addons.io.registry_file import FILE_NAME, day_of, load_routes
from korproxy_addons.providers.registry import REGISTRY, RouteState

NOW = 1_800_000_000.0  # 2027-01-15
OVER = {
    "provider": "claude",
    "access": "api-key",
    "state": "at-risk",
    "since": "2027-01-01",
    "reason": "Mine.",
    "source": "https://example.com",
    "replacement": None,
}


def write(home: Path, value: object) -> None:
    (home / FILE_NAME).write_text(json.dumps(value))


def test_without_a_file_the_shipped_one_holds(tmp_path: Path) -> None:
    routes = load_routes(tmp_path, lambda: NOW)
    assert routes.registry is REGISTRY
    assert routes.today == date(2027, 1, 15)


def test_the_users_words_win_for_the_ways_in_they_name(tmp_path: Path) -> None:
    write(tmp_path, {"checked": "2027-01-10", "routes": [OVER]})
    routes = load_routes(tmp_path, lambda: NOW)
    mine = routes.of("claude", "api-key")
    assert mine is not None
    assert (mine.state, mine.reason) == (RouteState.AT_RISK, "Mine.")
    assert routes.checked(mine) == date(2027, 1, 10)
    other = routes.of("codex", "api-key")
    assert other is not None
    assert routes.checked(other) == REGISTRY.checked


def test_an_end_that_was_announced_comes_by_the_clock(tmp_path: Path) -> None:
    write(tmp_path, {"checked": "2027-01-10", "routes": [{**OVER, "sunset": "2027-01-15"}]})
    before = load_routes(tmp_path, lambda: NOW - 86_400).of("claude", "api-key")
    after = load_routes(tmp_path, lambda: NOW).of("claude", "api-key")
    assert before is not None
    assert after is not None
    assert (before.state, after.state) == (RouteState.AT_RISK, RouteState.RETIRED)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"checked": "soon", "routes": []}', '{"checked": 1}', "[" * 5000]
)
def test_a_file_that_is_none_is_said_and_locks_nobody_out(
    tmp_path: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).write_text(content)
    caplog.set_level(logging.WARNING, "korproxy.registry")
    assert load_routes(tmp_path, lambda: NOW).registry is REGISTRY
    assert "registry file not used" in caplog.text


def test_a_folder_in_its_place_is_said_too(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / FILE_NAME).mkdir()
    assert load_routes(tmp_path, lambda: NOW).registry is REGISTRY
    assert "registry file not used" in caplog.text


def test_days_are_utc() -> None:
    assert day_of(1_798_761_599.0) == date(2026, 12, 31)
