"""Gemini CLI from npm, run as a person would, against the gateway on the simulated providers."""

import json

import pytest

from launcher.simulator import Entry
from support.coding_tool import LOCAL_KEY, Ran, Workplace
from support.gateway import SimulatedGateway
from support.needs import needs_coding_tool
from support.relay import Relay, Seen
from support.upstream_view import asked

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

MODEL = "gemini-3.8-flash"
SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "general": {"enableAutoUpdate": False, "enableAutoUpdateNotification": False},
}
# Gemini CLI's own: no ripgrep beside it, and a slip in the timing of its start.
ITS_OWN = ("Ripgrep is not available", "[STARTUP]")
ANSWER = "The simulator speaks, and Gemini CLI shows it."
SAY = f'Say it. [[sim text="{ANSWER}" piece=4 delay_ms=20]]'
READ = 'Read it. [[sim tool=run_shell_command args={"command":"cat note.txt"}]]'


def run(workplace: Workplace, relay: Relay, prompt: str) -> Ran:
    tool = needs_coding_tool("gemini")
    workplace.write(".gemini/settings.json", json.dumps(SETTINGS))
    environment = {
        "GEMINI_API_KEY": LOCAL_KEY,
        "GOOGLE_GEMINI_BASE_URL": relay.url,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return workplace.run(tool, ["-m", MODEL, "--approval-mode", "yolo"], prompt, environment)


def turns(running: SimulatedGateway, relay: Relay) -> list[tuple[Seen, Entry]]:
    """Each request of the tool with what came of it upstream; there is nothing else on either side."""
    return list(zip(relay.seen, asked(running.sim.ledger.entries), strict=True))


def assert_passed_on(seen: Seen, entry: Entry) -> None:
    """The body arrived as it was, with the account's key in place of the tool's; the answer streamed."""
    path = f"/v1beta/models/{MODEL}:streamGenerateContent"
    assert seen.target == f"{path}?alt=sse"
    assert (entry.method, entry.path, entry.query) == ("POST", path, "alt=sse")
    assert (entry.verdict, entry.status, entry.stream) == ("answered", 200, True)
    assert (entry.body or "").encode() == seen.body
    assert seen.header("x-goog-api-key") == LOCAL_KEY
    assert entry.header("x-goog-api-key") == "AQ.sim-1"
    assert LOCAL_KEY not in json.dumps([entry.headers, entry.query])
    for name in ("user-agent", "x-goog-api-client"):
        assert entry.header(name) == seen.header(name) is not None
    assert seen.status == 200
    assert seen.reply_headers["content-type"].startswith("text/event-stream")


def test_a_prompt_is_answered_in_a_stream(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    ran = run(workplace, relay, SAY)
    assert (ran.exit_code, ran.out) == (0, ANSWER + "\n"), ran.err
    assert ran.complaints(*ITS_OWN) == []
    ((seen, entry),) = turns(every, relay)
    assert_passed_on(seen, entry)
    assert seen.pieces > 3


def test_a_tool_runs_and_its_result_is_answered(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    note = (workplace.project / "note.txt").read_text().strip()
    ran = run(workplace, relay, READ)
    assert ran.exit_code == 0, ran.err
    assert ran.out.startswith("The tool answered: ")
    assert note in ran.out
    assert ran.complaints(*ITS_OWN) == []
    (begun, answered) = turns(every, relay)
    for seen, entry in (begun, answered):
        assert_passed_on(seen, entry)
    assert note not in (begun[1].body or "")
    call, result = json.loads(answered[1].body or "")["contents"][-2:]
    called = call["parts"][-1]["functionCall"]
    (given,) = (part["functionResponse"] for part in result["parts"])
    assert (called["name"], called["args"]["command"]) == ("run_shell_command", "cat note.txt")
    assert (given["name"], given["id"]) == ("run_shell_command", called["id"])
    assert note in given["response"]["output"]
