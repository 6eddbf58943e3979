"""The route of a tool: which model, which account, what of its request is lost."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.config.store import ConfigStore
from korproxy_addons.errors.catalogue import INTERNAL
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.database import open_database
from korproxy_addons.io.tables.exchanges import INSERT_EXCHANGE
from korproxy_addons.presets import PRESETS
from korproxy_addons.providers.registry import BUILT_IN
from korproxy_addons.usage.record import ExchangeRecord
from launcher.actions import tool_route as module
from launcher.actions.tool_route import Seen, seen_lately, tool_route
from launcher.simulator import SimulatorThread
from support.tool_house import MODELS, ToolHouse, settings, write

NOW = 1_800_000_000.0


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolHouse]:
    """A folder whose gateway does not run: its program is asked."""
    home = tmp_path_factory.mktemp("route") / "home"
    with SimulatorThread() as sim:
        write(home, settings(sim, 0))
        yield ToolHouse(home, 0, sim)


def test_in_its_own_api_nothing_is_lost(house: ToolHouse) -> None:
    found = house.route("claude-code")
    assert (found.model, found.model_by) == (
        "claude-sonnet-5-5",
        "which it asks for unless told otherwise",
    )
    assert found.way is not None
    assert (found.way.id, found.upstream_model, found.native) == (
        "my-claude",
        "claude-sonnet-5-5",
        True,
    )
    assert (found.losses, found.error) == ((), "")
    assert found.facts.context_tokens == 1_000_000
    assert found.patience is not None
    assert found.others == ()


@pytest.mark.parametrize("upstream", ["openai-responses", "openai-chat", "gemini"])
def test_in_another_api_its_losses_are_named(house: ToolHouse, upstream: str) -> None:
    found = house.route("claude-code", MODELS[upstream])
    assert (found.native, found.upstream_dialect, found.model_by) == (False, upstream, "as you say")
    assert {"cache_marker", "native_field"} & {it[0] for it in found.losses}
    assert found.others == ("my-claude",)


def test_where_nobody_serves_the_reason_is_told(house: ToolHouse) -> None:
    found = house.route("claude-code", "claude-sonet-5-5")
    assert found.way is None
    assert "No configured account serves this model" in found.error
    assert "claude-sonnet-5-5" in found.error


def test_a_tool_without_a_model_of_its_own_gets_one_that_is_served(house: ToolHouse) -> None:
    found = house.route("opencode")
    assert found.model
    assert found.way is not None
    assert "its settings name none" in found.model_by


@pytest.mark.parametrize(
    ("told", "model"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-opus-5-5[1m]", "claude-opus-5-5"),
        ("opus", "claude-sonnet-5-5"),
        ("sonnet[1m]", "claude-sonnet-5-5"),
        ("openai/glm-5", "glm-5"),
        ("korproxy/glm-5", "glm-5"),
    ],
)
def test_the_model_of_its_settings_counts_unless_it_is_only_a_nickname(
    house: ToolHouse, told: str, model: str
) -> None:
    assert house.route("claude-code", told=told).model == model


def test_the_gateways_own_program_is_asked(house: ToolHouse) -> None:
    config = ConfigStore(house.home).load()
    found = tool_route(house.home, PRESETS["codex-cli"], config, BUILT_IN, time.time())
    assert found.way is not None
    assert (found.way.id, found.native) == ("my-codex", True)


def test_without_accounts_there_is_nothing_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("asked")

    monkeypatch.setattr(module, "explain_route", never)
    home = tmp_path / "home"
    write(home, {"version": 1})
    config = ConfigStore(home).load()
    found = tool_route(home, PRESETS["opencode"], config, BUILT_IN, NOW)
    assert found.error == "No account is in use, so there is no model to ask for."


def test_a_gateway_that_cannot_say_is_told(
    house: ToolHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(*_: object) -> None:
        raise KorProxyError(INTERNAL, "it broke")

    monkeypatch.setattr(module, "explain_route", failed)
    config = ConfigStore(house.home).load()
    found = tool_route(house.home, PRESETS["codex-cli"], config, BUILT_IN, NOW)
    assert (found.way, found.code, "it broke" in found.error) == (None, INTERNAL.code, True)


def test_what_the_tool_did_lately_is_counted(tmp_path: Path) -> None:
    assert seen_lately(tmp_path, "cline", NOW) == Seen()
    database = open_database(tmp_path)
    database.open()
    rows = [
        ("a", "cline", "m", "ok", True, NOW - 100), ("b", "cline", "m", "ok", False, NOW - 100),
        ("c", "cline", "n", "ok", True, NOW - 100), ("d", "cline", "x", "error", True, NOW - 100),
        ("e", "cline", "x", "error", True, NOW - 100), ("f", "cline", "x", "error", True, NOW - 8 * 86400),
        ("g", "other", "m", "ok", True, NOW - 100),
    ]  # fmt: skip
    for name, tool, model, outcome, streamed, at in rows:
        record = ExchangeRecord(
            id=name, request_id=name, started_at=at, client_dialect="openai-chat", operation="generate",
            outcome=outcome, total_ms=1.0, tool=tool, requested_model=model, streamed=streamed,
        )  # fmt: skip
        database.write(INSERT_EXCHANGE, [record.row()])
    database.close()
    assert seen_lately(tmp_path, "cline", NOW) == Seen(requests=5, streamed=2, failed=2, model="m")
