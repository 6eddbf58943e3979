import json
from pathlib import Path

import pytest

from korproxy_addons.providers import PROVIDERS
from korproxy_addons.providers.registry import REGISTRY, RouteState
from launcher.cli import run


def text_of(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, in one line: the terminal's width breaks sentences."""
    return " ".join(capsys.readouterr().out.split())


def test_for_scripts_every_way_in_with_its_state(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["providers", "--json", "--home", str(tmp_path)]) == 0
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
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["providers", "--home", str(tmp_path)]) == 0
    shown = text_of(capsys)
    retired = [route for route in REGISTRY.routes if route.state is RouteState.RETIRED]
    assert retired
    for route in retired:
        assert route.reason in shown
        assert f"retired since {route.since.isoformat()}" in shown
        assert route.instead is not None
        provider, access = route.instead
        of = "" if provider == route.provider else f" of {provider}"
        assert f"Instead: access {access}{of}." in shown
    assert all(f"{it.name} {it.id}" in shown for it in PROVIDERS.values())
    assert "Used for claude-code only, as its terms say." in shown
    assert "Off until you consent" in shown
    assert "https://" not in shown


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_no_line_is_wider_than_the_terminal(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    columns: int,
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert run(["providers", "--home", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= max(columns, 70)
    dialects = "openai-chat, anthropic-messages"
    assert shown.count(dialects) == 3
    assert (f"API key  {dialects}" in shown) is (columns == 200)


def test_sources_are_shown_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["providers", "--sources", "--home", str(tmp_path)]) == 0
    shown = text_of(capsys)
    assert all(route.source in shown for route in REGISTRY.routes)


def test_what_was_checked_long_ago_and_what_will_end_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    route = {
        "provider": "claude", "access": "api-key", "state": "works", "since": "2020-01-01",
        "reason": "Mine.", "source": "https://mine.example", "replacement": None,
        "checked": "2020-01-01", "sunset": "2999-01-01",
    }  # fmt: skip
    override = {"checked": "2020-01-01", "routes": [route]}
    (tmp_path / "registry.json").write_text(json.dumps(override))
    assert run(["providers", "--home", str(tmp_path)]) == 0
    shown = text_of(capsys)
    assert "Last checked on 2020-01-01: check again: https://mine.example" in shown
    assert "Ends on 2999-01-01." in shown
