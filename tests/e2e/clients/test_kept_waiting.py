"""Real coding tools with a provider that takes its time: what they are sent meanwhile, they pass over."""

import json
from collections.abc import Callable, Iterator

import pytest

from korproxy_addons.dialects import dialect
from launcher.simulator import Entry
from support.coding_tool import Ran, Workplace
from support.gateway import SimulatedGateway
from support.live_reply import a_slow_answer
from support.needs import needs_coding_tool
from support.relay import Relay

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

ANSWER = "It came late, and whole."
SAY = f'Say it. [[sim text="{ANSWER}"]]'
CODEX = """
model = "gpt-6.1-sol"
model_provider = "korproxy"
[model_providers.korproxy]
name = "KorProxy"
base_url = "{url}/v1"
env_key = "KORPROXY_KEY"
wire_api = "responses"
"""
GEMINI = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
}


def claude(workplace: Workplace, url: str, prompt: str) -> Ran:
    environment = {
        "ANTHROPIC_BASE_URL": url,
        "ANTHROPIC_API_KEY": "korproxy",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }
    tool = needs_coding_tool("claude")
    return workplace.run(tool, ["-p", "--model", "claude-sonnet-5-5"], prompt, environment)


def codex(workplace: Workplace, url: str, prompt: str) -> Ran:
    workplace.write(".codex/config.toml", CODEX.format(url=url))
    tool = needs_coding_tool("codex")
    arguments = ["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "-"]
    return workplace.run(tool, arguments, prompt, {"KORPROXY_KEY": "korproxy"})


def gemini(workplace: Workplace, url: str, prompt: str) -> Ran:
    workplace.write(".gemini/settings.json", json.dumps(GEMINI))
    environment = {
        "GEMINI_API_KEY": "korproxy",
        "GOOGLE_GEMINI_BASE_URL": url,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    tool = needs_coding_tool("gemini")
    arguments = ["-m", "gemini-3.8-flash", "--approval-mode", "yolo"]
    return workplace.run(tool, arguments, prompt, environment)


type Tool = Callable[[Workplace, str, str], Ran]
TOOLS: dict[str, tuple[Tool, str]] = {
    "claude": (claude, "anthropic-messages"),
    "codex": (codex, "openai-responses"),
    "gemini": (gemini, "gemini"),
}


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that holds a head for a third of a second of five minutes' patience: less than `a_slow_answer` takes."""
    waits = {"hold_share": 0.001, "keep_alive_s": 0.2}
    with SimulatedGateway(tmp_path_factory.mktemp("patient"), {"timeouts": waits}) as running:
        yield running


@pytest.fixture
def way(patient: SimulatedGateway) -> Iterator[Relay]:
    """The way to it, which shows what was sent."""
    patient.sim.reset()
    with Relay(patient.url) as running:
        yield running


def generated(running: SimulatedGateway) -> list[Entry]:
    """What came of the tool's turns; the neighbour asks Qwen."""
    entries = running.sim.ledger.entries
    return [it for it in entries if it.operation == "generate" and it.provider != "qwen"]


@pytest.mark.parametrize("name", TOOLS)
def test_a_slow_answer_is_shown_as_any_other(
    patient: SimulatedGateway, way: Relay, workplace: Workplace, name: str
) -> None:
    """One request, one answer; keep-alives before it but for Gemini."""
    run, spoken = TOOLS[name]
    with a_slow_answer(patient):
        ran = run(workplace, way.url, SAY)
    assert (ran.exit_code, ran.out.strip()) == (0, ANSWER), ran.err
    assert [it.verdict for it in generated(patient)] == ["held"]
    (seen,) = (it for it in way.seen if it.method == "POST")
    kept = bool(dialect(spoken).keep_alive())
    assert ("undecided" in seen.reply_headers["x-korproxy-why"]) is kept
    assert kept is (name != "gemini")


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_another_attempt_behind_keep_alives_goes_unnoticed(
    patient: SimulatedGateway, way: Relay, workplace: Workplace, name: str
) -> None:
    run, _ = TOOLS[name]
    with a_slow_answer(patient, status=503):
        ran = run(workplace, way.url, SAY)
    assert (ran.exit_code, ran.out.strip()) == (0, ANSWER), ran.err
    assert [it.verdict for it in generated(patient)] == ["held", "answered"]
    assert len([it for it in way.seen if it.method == "POST"]) == 1
