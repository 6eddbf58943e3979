"""Claude Code from npm, run as a person would, against the gateway on the simulated providers."""

import json

import pytest

from launcher.simulator import Entry
from support.coding_tool import LOCAL_KEY, PROXIES, Ran, Workplace
from support.gateway import SimulatedGateway
from support.needs import needs_coding_tool
from support.relay import Relay, Seen
from support.upstream_view import asked

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

MODEL = "claude-sonnet-5-5"
OWN_LOGIN = "sk-ant-oat01-sim-2"
QUIET = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
BY_KEY = {"ANTHROPIC_API_KEY": LOCAL_KEY, **QUIET}
BY_BEARER = {"ANTHROPIC_AUTH_TOKEN": LOCAL_KEY, **QUIET}
BY_LOGIN = {
    "CLAUDE_CODE_OAUTH_TOKEN": OWN_LOGIN,
    "ANTHROPIC_CUSTOM_HEADERS": f"X-KorProxy-Key: {LOCAL_KEY}",
    **QUIET,
}
# Signed in, neither quiet nor behind a proxy, it knocks at the server before the first turn. What it sends
# elsewhere goes the way of ALL_PROXY, which is none.
KNOCKING = {
    **BY_LOGIN,
    **dict.fromkeys((*QUIET, *PROXIES), ""),
    "DISABLE_TELEMETRY": "1",
    "DISABLE_ERROR_REPORTING": "1",
    "DISABLE_AUTOUPDATER": "1",
}
ANSWER = "The simulator speaks, and Claude Code shows it."
SAY = f'Say it. [[sim text="{ANSWER}" piece=4 delay_ms=20]]'
READ = 'Read it. [[sim tool=Bash args={"command":"cat note.txt","description":"Read the note"}]]'
# Between two hops each side says its own.
PER_HOP = {"host", "connection", "accept-encoding", "content-length"}


def run(workplace: Workplace, relay: Relay, prompt: str, environment: dict[str, str]) -> Ran:
    tool = needs_coding_tool("claude")
    arguments = ["-p", "--model", MODEL, "--allowedTools", "Bash"]
    return workplace.run(tool, arguments, prompt, {"ANTHROPIC_BASE_URL": relay.url, **environment})


def turns(relay: Relay) -> list[Seen]:
    """What Claude Code sent as turns of the conversation."""
    return [it for it in relay.seen if it.method == "POST"]


def generated(running: SimulatedGateway) -> list[Entry]:
    """What came upstream; nothing else may."""
    entries = asked(running.sim.ledger.entries)
    assert [it.operation for it in entries] == ["generate"] * len(entries)
    return entries


def assert_relayed(seen: Seen, entry: Entry) -> None:
    """The request arrived as Claude Code made it, streamed its answer, and brought no key of ours."""
    assert (entry.path, entry.query) == ("/v1/messages", "beta=true")
    assert (entry.verdict, entry.status, entry.stream) == ("answered", 200, True)
    assert (entry.body or "").encode() == seen.body
    for name in ("anthropic-beta", "anthropic-version", "x-claude-code-session-id", "x-app"):
        assert entry.header(name) == seen.header(name) is not None
    assert LOCAL_KEY not in json.dumps(entry.headers)
    assert seen.status == 200
    assert seen.reply_headers["content-type"].startswith("text/event-stream")


@pytest.mark.parametrize("environment", [BY_KEY, BY_BEARER], ids=["x-api-key", "bearer"])
def test_a_prompt_is_answered_in_a_stream(
    every: SimulatedGateway, relay: Relay, workplace: Workplace, environment: dict[str, str]
) -> None:
    ran = run(workplace, relay, SAY, environment)
    assert (ran.exit_code, ran.out, ran.err) == (0, ANSWER + "\n", "")
    (seen,) = turns(relay)
    (entry,) = generated(every)
    assert_relayed(seen, entry)
    assert seen.pieces > 3
    assert entry.header("x-api-key") == "sk-ant-api03-sim-1"
    assert entry.header("authorization") is None


def test_a_tool_runs_and_its_result_is_answered(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    note = (workplace.project / "note.txt").read_text()
    ran = run(workplace, relay, READ, BY_KEY)
    assert (ran.exit_code, ran.out, ran.err) == (0, f"The tool answered: {note}", "")
    begun, answered = generated(every)
    for seen, entry in zip(turns(relay), (begun, answered), strict=True):
        assert_relayed(seen, entry)
        assert entry.header("x-api-key") == "sk-ant-api03-sim-1"
    assert note.strip() not in (begun.body or "")
    (result,) = json.loads(answered.body or "")["messages"][-1]["content"]
    assert (result["type"], result["content"], result["is_error"]) == (
        "tool_result",
        note.strip(),
        False,
    )
    sessions = {it.header("x-claude-code-session-id") for it in (begun, answered)}
    assert len(sessions) == 1


def test_its_own_login_passes_through(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    """Every header and every byte of the body arrive, but for the key to this gateway."""
    note = (workplace.project / "note.txt").read_text()
    ran = run(workplace, relay, READ, BY_LOGIN)
    assert (ran.exit_code, ran.out, ran.err) == (0, f"The tool answered: {note}", "")
    entries = generated(every)
    assert len(entries) == 2
    for seen, entry in zip(turns(relay), entries, strict=True):
        assert_relayed(seen, entry)
        assert seen.header("x-korproxy-key") == LOCAL_KEY
        assert entry.header("authorization") == f"Bearer {OWN_LOGIN}"
        sent = {name.lower(): value for name, value in seen.headers}
        arrived = {name.lower(): value for name, value in entry.headers}
        del sent["x-korproxy-key"]
        for name in PER_HOP:
            sent.pop(name, None)
            arrived.pop(name, None)
        assert arrived == sent


def test_its_knock_at_the_server_is_answered_here(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    ran = run(workplace, relay, SAY, KNOCKING)
    assert (ran.exit_code, ran.out, ran.err) == (0, ANSWER + "\n", "")
    knocks = [it for it in relay.seen if it.method != "POST"]
    assert [(it.method, it.target) for it in knocks] == [("HEAD", "/api/hello")]
    assert knocks[0].status in {401, 404}
    assert len(generated(every)) == 1
