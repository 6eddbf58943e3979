"""Real coding tools with a provider that takes its time: what they are sent meanwhile, they pass over."""

import json
from collections.abc import Callable, Iterator

import pytest

from korproxy_addons.dialects import dialect
from support.coding_tool import Ran, Workplace
from support.gateway import SimulatedGateway
from support.needs import needs_coding_tool
from support.relay import Relay

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

ANSWER = "It came late, and whole."
SAY = f'Say it. [[sim text="{ANSWER}"]]'
SLOW_S = 1.5
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
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that holds a head for a third of a second of five minutes' patience."""
    waits = {"hold_share": 0.001, "keep_alive_s": 0.2, "first_byte_s": 3.0}
    with SimulatedGateway(tmp_path_factory.mktemp("hasty"), {"timeouts": waits}) as running:
        yield running


@pytest.fixture
def way(hasty: SimulatedGateway) -> Iterator[Relay]:
    """The way to it, which shows what was sent."""
    hasty.sim.reset()
    with Relay(hasty.url) as running:
        yield running


@pytest.mark.parametrize("name", TOOLS)
def test_a_slow_answer_is_shown_as_any_other(
    hasty: SimulatedGateway, way: Relay, workplace: Workplace, name: str
) -> None:
    """One request, one answer; keep-alives before it but for Gemini."""
    run, spoken = TOOLS[name]
    hasty.sim.script("slow-first-byte", seconds=SLOW_S, operation="generate", count=None)
    ran = run(workplace, way.url, SAY)
    assert (ran.exit_code, ran.out.strip()) == (0, ANSWER), ran.err
    entries = [it for it in hasty.sim.ledger.entries if it.operation == "generate"]
    assert [it.verdict for it in entries] == ["slow-first-byte"]
    (seen,) = (it for it in way.seen if it.method == "POST")
    kept = bool(dialect(spoken).keep_alive())
    assert ("undecided" in seen.reply_headers["x-korproxy-why"]) is kept
    assert kept is (name != "gemini")


@pytest.mark.parametrize("name", ["claude", "codex"])
def test_another_attempt_behind_keep_alives_goes_unnoticed(
    hasty: SimulatedGateway, way: Relay, workplace: Workplace, name: str
) -> None:
    run, _ = TOOLS[name]
    hasty.sim.script("slow-first-byte", seconds=30, operation="generate")
    ran = run(workplace, way.url, SAY)
    assert (ran.exit_code, ran.out.strip()) == (0, ANSWER), ran.err
    entries = [it for it in hasty.sim.ledger.entries if it.operation == "generate"]
    assert len(entries) == 2
    assert len([it for it in way.seen if it.method == "POST"]) == 1
