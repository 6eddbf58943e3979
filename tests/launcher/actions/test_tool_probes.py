"""Tools' needs, tried: through the real gateway against simulated providers, and through something that spoils it."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from korproxy_addons.presets.base import Need
from launcher.actions.tool_asking import Asking
from launcher.actions.tool_needs import Verdict, declared
from launcher.actions.tool_probes import (
    free,
    from_the_past,
    long,
    not_to_be_asked,
    small,
    small_plan,
    together,
)
from launcher.actions.tool_route import Seen, ToolRoute
from launcher.gateway_look import Address
from launcher.tools.told import Reading
from support.listener import Answer, Listener
from support.tool_house import MODELS, ToolHouse, tool_house

SPEAKS = {
    "claude-code": "anthropic-messages", "codex-cli": "openai-responses", "gemini-cli": "gemini",
    "opencode": "openai-chat",
}  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ToolHouse]:
    with tool_house(tmp_path_factory.mktemp("probes") / "home") as found:
        yield found


@pytest.fixture
def house(running: ToolHouse) -> ToolHouse:
    running.sim.reset()
    return running


def by_need(found: tuple[Verdict, ...]) -> dict[Need, Verdict]:
    assert {it.by for it in found} <= {"probed"}
    return {it.need: it for it in found}


@pytest.mark.parametrize("tool", SPEAKS)
@pytest.mark.parametrize("upstream", ["own", "another"])
def test_everything_works_on_every_road(house: ToolHouse, tool: str, upstream: str) -> None:
    """Each tool's API, served in it and translated: streams are whole, calls come through, errors have their form."""
    speaks = SPEAKS[tool]
    other = "gemini" if speaks != "gemini" else "openai-chat"
    route = house.route(tool, MODELS[speaks if upstream == "own" else other])
    assert route.native is (upstream == "own")
    for found in (by_need(free(route, house.asking())), by_need(small(route, house.asking()))):
        assert {need: it.detail for need, it in found.items() if it.keeping == "lost"} == {}
    sent = by_need(small(route, house.asking()))
    assert sent[Need.STREAMING].keeping == "kept"
    assert "the model called a tool" in sent[Need.TOOLS].detail.lower()


def test_what_is_free_asks_no_provider(house: ToolHouse) -> None:
    found = by_need(free(house.route("claude-code"), house.asking()))
    assert set(found) == {Need.MODEL_LIST, Need.ERRORS, Need.SIDE_PATHS}
    assert "claude-sonnet-5-5 among them" in found[Need.MODEL_LIST].detail
    asked = [it for it in house.sim.ledger.entries if it.method == "POST"]
    assert asked == []
    codex = by_need(free(house.route("codex-cli"), house.asking()))
    assert "101" in codex[Need.WEBSOCKET].detail


def test_what_is_small_asks_exactly_what_it_says(house: ToolHouse) -> None:
    """Three requests to one account; nothing that was not announced, and nothing large."""
    route = house.route("claude-code")
    plan = small_plan(route)
    small(route, house.asking())
    entries = [it for it in house.sim.ledger.entries if it.method == "POST"]
    assert len(entries) == len(plan) == 3
    assert {it.path for it in entries} == {"/v1/messages", "/v1/messages/count_tokens"}
    assert "claude@my-claude/claude-sonnet-5-5" in plan[0]
    betas = entries[-1].header("anthropic-beta") or ""
    assert betas.startswith("claude-code-20250219,")
    assert all("korproxy-doctor" in (it.header("user-agent") or "") for it in entries)
    assert sum(len(it.body or "") for it in entries) < 4000


FAULTS = {
    "gemini-cli": ("429", "KP-RATE-401"),
    "opencode": ("500", "KP-PROV-"),
    "codex-cli": ("error-mid-stream", "A small request failed"),
    "claude-code": ("cut", "A small request failed"),
}


def test_a_provider_that_fails_is_told_with_its_words(tmp_path: Path) -> None:
    """Each on an account of its own, in a house of its own: a failure is held against an account for a while."""
    with tool_house(tmp_path / "home") as house:
        for tool, (fault, words) in FAULTS.items():
            route = house.route(tool, MODELS[SPEAKS[tool]])
            house.sim.reset()
            house.sim.script(fault, count=None)
            found = by_need(small(route, house.asking()))
            assert found[Need.STREAMING].keeping == "lost", tool
            assert found[Need.STREAMING].vital
            assert words in found[Need.STREAMING].detail, tool
            assert Need.TOOLS not in found


def test_a_key_that_is_refused_names_the_code_and_the_step(tmp_path: Path) -> None:
    """In a house of its own: the account is not asked again until its owner acts."""
    with tool_house(tmp_path / "home") as house:
        route = house.route("gemini-cli")
        house.sim.script("401", provider="gemini", count=None)
        found = by_need(small(route, house.asking()))[Need.STREAMING]
        assert (found.keeping, "KP-AUTH-006" in found.detail) == ("lost", True)
        assert found.fix


def test_a_local_key_that_is_wanted(tmp_path: Path) -> None:
    keys = {"required": True, "keys": [{"id": "k", "secret": "plain:kp-local-of-the-tool"}]}
    with tool_house(tmp_path / "home", local_keys=keys) as house:
        route = house.route("opencode", MODELS["openai-chat"])
        refused = by_need(small(route, house.asking("korproxy")))[Need.STREAMING]
        assert (refused.keeping, "KP-AUTH-001" in refused.detail) == ("lost", True)
        assert "local keys" in refused.fix[0]
        served = by_need(small(route, house.asking("kp-local-of-the-tool")))
        assert served[Need.STREAMING].keeping == "kept"


def test_a_count_that_is_only_an_estimate(house: ToolHouse) -> None:
    found = by_need(small(house.route("claude-code", MODELS["openai-chat"]), house.asking()))
    assert (found[Need.COUNT_TOKENS].keeping, "estimate" in found[Need.COUNT_TOKENS].detail) == (
        "degraded", True,
    )  # fmt: skip
    assert "my-claude" in found[Need.COUNT_TOKENS].fix[0]
    assert Need.BETAS not in found


def test_a_long_prompt(house: ToolHouse) -> None:
    route = house.route("claude-code")
    found = long(route, house.asking(), tokens=20_000)
    assert (found.need, found.keeping, found.by) == (Need.LONG_CONTEXT, "kept", "probed")
    (entry,) = [it for it in house.sim.ledger.entries if it.method == "POST"]
    assert len(entry.body or "") > 90_000
    house.sim.script("413", provider="claude", count=None)
    refused = long(route, house.asking(), tokens=20_000)
    assert refused.keeping == "lost"
    assert "refused" in refused.detail


# --- something between, which spoils it


@pytest.fixture
def between() -> Iterator[Listener]:
    with Listener() as listener:
        yield listener


def through(listener: Listener) -> Asking:
    port = int(listener.url.rpartition(":")[2])
    return Asking(Address(port=port, hosts=("127.0.0.1",), admin_port=1))


WHOLE = b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n'


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            Answer(200, WHOLE + b"data: [DONE]\n\n", (("content-type", "text/plain"),)),
            "it came as text/plain",
        ),
        (Answer(200, WHOLE, (("content-type", "text/event-stream"),)), "its last event is missing"),
        (Answer(200, b"", ()), "it came as nothing"),
        (Answer(502, b"<html>", (("content-type", "text/html"),)), "HTTP 502"),
    ],
)
def test_a_stream_that_something_spoils(
    house: ToolHouse, between: Listener, answer: Answer, words: str
) -> None:
    between.answer = answer
    found = by_need(small(house.route("opencode", MODELS["openai-chat"]), through(between)))
    assert found[Need.STREAMING].keeping == "lost"
    assert words in found[Need.STREAMING].detail


def test_a_model_that_calls_nothing_proves_nothing_and_one_that_calls_nonsense_does(
    house: ToolHouse, between: Listener
) -> None:
    route = house.route("opencode", MODELS["openai-chat"])
    stream = (("content-type", "text/event-stream"),)
    between.answer = Answer(200, WHOLE + b"data: [DONE]\n\n", stream)
    assert set(by_need(small(route, through(between)))) == {Need.STREAMING}
    call = b'data: {"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{oops"}}]}}]}\n\n'
    between.answer = Answer(200, call + b"data: [DONE]\n\n", stream)
    assert by_need(small(route, through(between)))[Need.TOOLS].keeping == "lost"


def test_a_box_that_answers_for_the_gateway(house: ToolHouse, between: Listener) -> None:
    between.answer = Answer(500, b"<html>", ())
    found = by_need(free(house.route("codex-cli"), through(between)))
    assert found[Need.WEBSOCKET].keeping == "lost"
    assert "500" in found[Need.WEBSOCKET].detail
    assert found[Need.ERRORS].keeping == "lost"
    assert found[Need.MODEL_LIST].keeping == "lost"
    between.answer = Answer(200, b'{"data": []}', ())
    assert (
        "empty" in by_need(free(house.route("opencode"), through(between)))[Need.MODEL_LIST].detail
    )
    assert (
        by_need(free(house.route("claude-code"), through(between)))[Need.SIDE_PATHS].keeping
        == "kept"
    )


# --- what may be asked, and what counts


def test_nobody_pretends_to_be_the_tool(house: ToolHouse) -> None:
    route = house.route("claude-code")
    assert not_to_be_asked(route) == ""
    assert route.way is not None
    plan_login = replace(route.way, access=replace(route.way.access, only_for_tool="claude-code"))
    assert "does not pretend to be it" in not_to_be_asked(replace(route, way=plan_login))
    own = replace(route.way, access=replace(route.way.access, own_login=True))
    assert "its own login" in not_to_be_asked(
        replace(route, way=own)
    ) or "own login" in not_to_be_asked(replace(route, way=own))
    assert not_to_be_asked(replace(route, way=None)) == "nobody serves it"


def test_the_tools_own_streams_are_proof_enough(house: ToolHouse) -> None:
    route = house.route("claude-code", seen=Seen(requests=3, streamed=2))
    (found,) = from_the_past(route)
    assert (found.need, found.by, found.keeping) == (Need.STREAMING, "seen", "kept")
    assert from_the_past(house.route("claude-code", seen=Seen(requests=3))) == ()


def _verdict(route: ToolRoute, need: Need, keeping: str, by: str) -> Verdict:
    known = {it.need: it for it in declared(route, Reading(preset=route.preset))}[need]
    return replace(known, keeping=keeping, by=by, detail=f"{by} {keeping}")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("need", "known", "tried", "shown"),
    [
        (Need.STREAMING, "kept", "kept", "probed kept"),
        (Need.STREAMING, "kept", "lost", "probed lost"),
        (Need.TOOLS, "degraded", "kept", "declared degraded"),
        (Need.TOOLS, "degraded", "lost", "probed lost"),
        (Need.LONG_CONTEXT, "degraded", "kept", "probed kept"),
    ],
)
def test_what_was_tried_confirms_or_is_worse(
    house: ToolHouse, need: Need, known: str, tried: str, shown: str
) -> None:
    route = house.route("claude-code")
    (found,) = together(
        [_verdict(route, need, known, "declared")], [_verdict(route, need, tried, "probed")]
    )
    assert (found.detail, found.by) == (shown, "probed")
    alone = together([_verdict(route, need, known, "declared")], [])
    assert alone[0].by == "declared"
