"""What is known of a tool's needs without asking anybody."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from korproxy_addons.config.habits import ModelFacts
from korproxy_addons.config.schema import Config, Timeouts
from korproxy_addons.presets import PRESETS
from korproxy_addons.presets.base import Need, Role, variable
from launcher.actions.tool_needs import Verdict, declared, own_api
from launcher.actions.tool_route import ToolRoute
from launcher.simulator import SimulatorThread
from launcher.tools.told import Reading, Told
from support.tool_house import MODELS, ToolHouse, settings, write

ROUTES: dict[str, ToolRoute] = {}


@pytest.fixture(scope="module", autouse=True)
def _routes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Claude Code on each kind of upstream, Codex on two; asked of the one-shot program, once."""
    home = tmp_path_factory.mktemp("needs") / "home"
    with SimulatorThread() as sim:
        write(home, settings(sim, 0))
        house = ToolHouse(home, 0, sim)
        for name in ("anthropic-messages", "openai-chat"):
            ROUTES[f"claude {name}"] = house.route("claude-code", MODELS[name])
        for name in ("openai-responses", "openai-chat", "anthropic-messages"):
            ROUTES[f"codex {name}"] = house.route("codex-cli", MODELS[name])
    yield
    ROUTES.clear()


def verdicts(route: ToolRoute, *told: Told) -> dict[Need, Verdict]:
    found = declared(route, Reading(preset=route.preset, told=told))
    assert [it.need for it in found] == list(route.preset.needs)
    assert {it.by for it in found} == {"declared"}
    for it in found:
        assert bool(it.fix) == (it.keeping != "kept"), it
        assert it.vital == (it.need in route.preset.vital)
    return {it.need: it for it in found}


def keeping(found: dict[Need, Verdict]) -> dict[str, str]:
    return {need.value: it.keeping for need, it in found.items() if it.keeping != "kept"}


def test_claude_code_in_its_own_api_keeps_all_but_what_it_turns_off_itself() -> None:
    found = verdicts(ROUTES["claude anthropic-messages"])
    assert keeping(found) == {"tool search": "degraded"}
    assert "ENABLE_TOOL_SEARCH=true" in found[Need.TOOL_SEARCH].fix[0]
    assert "1 000 000" in found[Need.LONG_CONTEXT].detail


@pytest.mark.parametrize(
    ("value", "kept"), [("true", True), ("auto:5", True), ("false", False), ("0", False)]
)
def test_tool_search_that_is_switched_on(value: str, *, kept: bool) -> None:
    told = Told(variable(Role.OPTION, "ENABLE_TOOL_SEARCH"), value, "ENABLE_TOOL_SEARCH")
    found = verdicts(ROUTES["claude anthropic-messages"], told)
    assert (found[Need.TOOL_SEARCH].keeping == "kept") is kept


def test_tool_search_that_is_switched_on_for_a_model_that_has_none_makes_requests_fail() -> None:
    told = Told(variable(Role.OPTION, "ENABLE_TOOL_SEARCH"), "true", "ENABLE_TOOL_SEARCH")
    found = verdicts(ROUTES["claude openai-chat"], told)[Need.TOOL_SEARCH]
    assert found.keeping == "lost"
    assert found.fix[0].startswith("Take ENABLE_TOOL_SEARCH out")
    assert not verdicts(ROUTES["claude openai-chat"])[Need.TOOL_SEARCH].fix[0].startswith("Take")


def test_claude_code_in_another_api_loses_what_only_its_own_has() -> None:
    found = verdicts(ROUTES["claude openai-chat"])
    lost = {need for need, it in keeping(found).items() if it == "lost"}
    assert {"tool search", "beta features"} <= lost
    assert found[Need.COUNT_TOKENS].keeping == "degraded"
    assert "KorProxy estimates" in found[Need.COUNT_TOKENS].detail
    assert found[Need.STREAMING].keeping == found[Need.TOOLS].keeping == "kept"
    assert found[Need.REQUEST].keeping == "degraded"
    assert "marks for the prompt cache" in found[Need.REQUEST].detail
    assert "my-claude" in found[Need.REQUEST].fix[0]


def test_codex_in_another_api() -> None:
    native, crossing = (
        verdicts(ROUTES["codex openai-responses"]),
        verdicts(ROUTES["codex openai-chat"]),
    )
    assert keeping(native) == {}
    assert crossing[Need.TOOL_SEARCH].keeping == "lost"
    assert crossing[Need.REQUEST].keeping == "degraded"
    assert "web_search" in crossing[Need.REQUEST].detail
    assert "tool_search" not in crossing[Need.REQUEST].detail
    assert crossing[Need.TOOLS].keeping == "degraded"
    assert "grammars of its tools" in crossing[Need.TOOLS].detail
    # Anthropic searches the web by itself, and needs no key for its cache.
    elsewhere = verdicts(ROUTES["codex anthropic-messages"])[Need.REQUEST]
    assert (elsewhere.keeping, "not missed: the key of the prompt cache" in elsewhere.detail) == (
        "kept",
        True,
    )
    assert "posts" in crossing[Need.WEBSOCKET].detail


@pytest.mark.parametrize(
    ("size", "expected", "words"),
    [
        (None, "degraded", "Nobody says"),
        (200_000, "degraded", "200 000 tokens"),
        (1_048_576, "kept", "1 048 576"),
    ],
)
def test_how_much_the_model_reads(size: int | None, expected: str, words: str) -> None:
    route = replace(
        ROUTES["claude anthropic-messages"], facts=ModelFacts(id="m", context_tokens=size)
    )
    found = verdicts(route)[Need.LONG_CONTEXT]
    assert found.keeping == expected
    assert words in found.detail


def test_a_sign_of_life_that_comes_too_late() -> None:
    route = ROUTES["claude anthropic-messages"]
    slow = replace(route, config=Config(timeouts=Timeouts(keep_alive_s=400.0)))
    found = verdicts(slow)[Need.KEEP_ALIVES]
    assert found.keeping == "degraded"
    assert found.fix == ("Set timeouts.keep_alive_s below 300.",)
    # Codex does not count them: a silent provider is given up in time instead.
    codex = verdicts(ROUTES["codex openai-responses"])[Need.KEEP_ALIVES]
    assert (codex.keeping, "after 240 s" in codex.detail) == ("kept", True)
    assert verdicts(replace(route, patience=None))[Need.KEEP_ALIVES].detail.startswith(
        "A sign of life every 15 s"
    )


def test_what_cannot_be_sent_at_all_and_what_is_serious() -> None:
    route = ROUTES["claude openai-chat"]
    refused = verdicts(replace(route, error="It cannot be said there."))[Need.REQUEST]
    assert (refused.keeping, refused.detail) == ("lost", "It cannot be said there.")
    assert any("allow_degradation" in it for it in refused.fix)
    serious = verdicts(replace(route, losses=(("tool_choice", "named", True), ("image", "", True))))
    assert serious[Need.TOOLS].keeping == serious[Need.REQUEST].keeping == "lost"
    assert "tool choice (named)" in serious[Need.TOOLS].detail
    assert "image" in serious[Need.REQUEST].detail


def test_betas_that_a_copy_of_the_api_is_not_sent() -> None:
    route = ROUTES["claude anthropic-messages"]
    assert route.way is not None
    plain = replace(route.way, access=replace(route.way.access, forward_prefixes=()))
    found = verdicts(replace(route, way=plain))[Need.BETAS]
    assert (found.keeping, "is not sent to Claude" in found.detail) == ("lost", True)


def test_without_another_account_the_fix_is_to_connect_one() -> None:
    route = ROUTES["claude openai-chat"]
    assert own_api(replace(route, others=())) == (
        "Connect an account whose provider speaks Anthropic's Messages."
    )


def test_every_tools_every_need_is_judged() -> None:
    for preset in PRESETS.values():
        if preset.dialect:
            route = replace(ROUTES["claude openai-chat"], preset=preset, patience=None)
            assert len(declared(route, Reading(preset=preset))) == len(preset.needs)
