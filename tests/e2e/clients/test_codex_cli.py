"""Codex CLI from npm, run as a person would, against the gateway on the simulated providers."""

import copy
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from launcher.simulator import Entry
from launcher.simulator.keys import chatgpt_account_id, chatgpt_token
from support.coding_tool import LOCAL_KEY, Ran, Workplace
from support.gateway import SimulatedGateway
from support.needs import needs_coding_tool
from support.relay import Relay, Seen
from support.upstream_view import asked

pytestmark = [pytest.mark.e2e, pytest.mark.clients]

MODEL = "gpt-6.1-sol"
OWN_PROVIDER = """
model = "{model}"
model_provider = "korproxy"
[model_providers.korproxy]
name = "KorProxy"
base_url = "{url}/v1"
env_key = "KORPROXY_KEY"
wire_api = "responses"
"""
OWN_LOGIN = """
model = "{model}"
model_provider = "korproxy"
[model_providers.korproxy]
name = "KorProxy"
base_url = "{url}/v1"
requires_openai_auth = true
env_http_headers = {{ "X-KorProxy-Key" = "KORPROXY_KEY" }}
wire_api = "responses"
"""
BUILT_IN = """
model = "{model}"
openai_base_url = "{url}/v1"
"""
PROVIDERS = {
    "own-provider": (OWN_PROVIDER, {"KORPROXY_KEY": LOCAL_KEY}),
    "built-in": (BUILT_IN, {"CODEX_API_KEY": LOCAL_KEY}),
}
LOGIN: dict[str, Any] = {
    "auth_mode": "chatgpt",
    "OPENAI_API_KEY": None,
    "tokens": {
        "id_token": chatgpt_token("sim-2", 2, "pro"),
        "access_token": chatgpt_token("sim-2", 2, "pro"),
        "refresh_token": "rt_sim-2",
        "account_id": chatgpt_account_id(2),
    },
}
# Codex's own: it looks for a sandbox.
ITS_OWN = ("bubblewrap",)
ANSWER = "The simulator speaks, and Codex shows it."
SAY = f'Say it. [[sim text="{ANSWER}" piece=4 delay_ms=20]]'
# One model is offered a script that calls tools, another the tools themselves.
SCRIPT = 'const it = await tools.exec_command({cmd: "cat note.txt"}); text(it.output)'
READ = {
    "gpt-6.1-sol": f"Read it. [[sim tool=exec input={json.dumps(SCRIPT)}]]",
    "gpt-5.5": 'Read it. [[sim tool=exec_command args={"cmd":"cat note.txt"}]]',
}
HEADERS = (
    "user-agent", "session-id", "thread-id", "x-client-request-id", "x-codex-window-id",
    "x-codex-turn-metadata", "x-openai-internal-codex-responses-lite",
)  # fmt: skip


AS_HEADER = "ws_request_header_"


@dataclass(frozen=True)
class Asked:
    """
    One turn as Codex meant it, over whatever transport.

    Attributes:
        headers: Names in lower case.
        pieces: In how many pieces, or messages, the answer came.
    """

    headers: dict[str, str]
    body: dict[str, Any]
    pieces: int


@dataclass(frozen=True)
class Route:
    """
    One way upstream.

    Attributes:
        path: Where turns arrive.
        credential: The account's headers; None: not there.
        verbatim: The body arrives as it was.
    """

    running: SimulatedGateway
    relay: Relay
    path: str
    credential: dict[str, str | None]
    verbatim: bool


@pytest.fixture
def by_key(every: SimulatedGateway, relay: Relay) -> Route:
    credential = {"authorization": "Bearer sk-proj-sim-1", "chatgpt-account-id": None}
    return Route(every, relay, "/v1/responses", credential, verbatim=True)


@pytest.fixture
def by_plan(chatgpt: SimulatedGateway, chatgpt_relay: Relay) -> Route:
    credential: dict[str, str | None] = {
        "authorization": f"Bearer {chatgpt_token('sim-1', 1)}",
        "chatgpt-account-id": chatgpt_account_id(1),
    }
    path = "/backend-api/codex/responses"
    return Route(chatgpt, chatgpt_relay, path, credential, verbatim=False)


@pytest.fixture(params=["by_key", "by_plan"])
def route(request: pytest.FixtureRequest) -> Route:
    found: Route = request.getfixturevalue(request.param)
    return found


def run(workplace: Workplace, route: Route, provider: str, prompt: str, model: str = MODEL) -> Ran:
    text, environment = PROVIDERS[provider]
    workplace.write(".codex/config.toml", text.format(url=route.relay.url, model=model))
    return start(workplace, prompt, environment)


def start(workplace: Workplace, prompt: str, environment: dict[str, str]) -> Ran:
    tool = needs_coding_tool("codex")
    arguments = ["exec", "--skip-git-repo-check", "--sandbox", "danger-full-access", "-"]
    return workplace.run(tool, arguments, prompt, environment)


def turns_of(route: Route, provider: str) -> list[tuple[Asked, Entry]]:
    """Each turn Codex asked for with what came of it upstream; there is nothing else on either side."""
    seen = route.relay.seen
    if provider == "own-provider":
        turns = [posted(it) for it in seen]
    else:
        (socket,) = seen
        turns = said_on(socket)
    return list(zip(turns, asked(route.running.sim.ledger.entries), strict=True))


def posted(seen: Seen) -> Asked:
    """A turn that was POSTed."""
    assert (seen.method, seen.target, seen.status) == ("POST", "/v1/responses", 200)
    assert seen.reply_headers["content-type"].startswith("text/event-stream")
    headers = {name.lower(): value for name, value in seen.headers}
    return Asked(headers, json.loads(seen.body), seen.pieces)


def said_on(seen: Seen) -> list[Asked]:
    """
    The turns on one WebSocket, each with the headers and the whole input that a POST would have had.

    The first message only warms up; each later one names the response before and brings what is new.
    """
    assert (seen.method, seen.target, seen.status) == ("GET", "/v1/responses", 101)
    events = [json.loads(it) for it in seen.answers]
    starts = [at for at, it in enumerate(events) if it["type"] == "response.created"]
    replies = [events[a:b] for a, b in zip(starts, [*starts[1:], len(events)], strict=True)]
    turns, spoken = [], list[Any]()
    for text, reply in zip(seen.messages, replies, strict=True):
        body = json.loads(text)
        assert body.pop("type") == "response.create"
        headers = {name.lower(): value for name, value in seen.headers}
        metadata = body["client_metadata"]
        for name in [it for it in metadata if it.startswith(AS_HEADER)]:
            headers[name.removeprefix(AS_HEADER).replace("_", "-")] = metadata.pop(name)
        del metadata["x-codex-ws-stream-request-start-ms"]
        headers |= {name: metadata[name] for name in HEADERS if name in metadata}
        before = body.pop("previous_response_id", None)
        body["input"] = [*(spoken if before else []), *body["input"]]
        done = [it["item"] for it in reply if it["type"] == "response.output_item.done"]
        spoken = [*body["input"], *done]
        if body.pop("generate", True):
            turns.append(Asked(headers, body, len(reply)))
    assert len(turns) == len(seen.messages) - 1
    return turns


def assert_passed_on(route: Route, turn: Asked, entry: Entry) -> None:
    """The account's credential in place of the tool's, Codex's own headers beside it; the answer streamed."""
    assert (entry.method, entry.path, entry.query) == ("POST", route.path, "")
    assert (entry.verdict, entry.status, entry.stream) == ("answered", 200, True)
    assert {name: entry.header(name) for name in route.credential} == route.credential
    assert turn.headers["authorization"] == f"Bearer {LOCAL_KEY}"
    assert LOCAL_KEY not in json.dumps(entry.headers)
    arrived = json.loads(entry.body or "")
    assert arrived == turn.body or not route.verbatim
    instructions, rest = parted(arrived)
    own_instructions, own_rest = parted(turn.body)
    assert rest == own_rest
    assert instructions == own_instructions or not own_instructions
    for name in HEADERS:
        assert (name, entry.header(name)) == (name, turn.headers.get(name))


def parted(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """
    The instructions of a body, and all else without the ids of items.

    Codex may say them in a developer message that begins the input; a plan's backend wants them in a field of their own, and no
    ids of items that it never stored.
    """
    rest: dict[str, Any] = copy.deepcopy(body)
    instructions: str = rest.pop("instructions", "")
    for item in rest["input"]:
        item.pop("id", None)
    first = rest["input"][0]
    if not instructions and (first["type"], first["role"]) == ("message", "developer"):
        instructions = "\n\n".join(part["text"] for part in first["content"])
        del rest["input"][0]
    return instructions, rest


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_prompt_is_answered_in_a_stream(
    route: Route, workplace: Workplace, provider: str
) -> None:
    ran = run(workplace, route, provider, SAY)
    assert (ran.exit_code, ran.out) == (0, ANSWER + "\n"), ran.err
    assert ran.complaints(*ITS_OWN) == []
    ((turn, entry),) = turns_of(route, provider)
    assert_passed_on(route, turn, entry)
    assert turn.pieces > 3


@pytest.mark.parametrize("model", READ)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_tool_runs_and_its_result_is_answered(
    route: Route, workplace: Workplace, provider: str, model: str
) -> None:
    note = (workplace.project / "note.txt").read_text().strip()
    ran = run(workplace, route, provider, READ[model], model)
    assert ran.exit_code == 0, ran.err
    assert ran.out.startswith("The tool answered: ")
    assert note in ran.out
    assert ran.complaints(*ITS_OWN) == []
    begun, answered = turns_of(route, provider)
    for turn, entry in (begun, answered):
        assert_passed_on(route, turn, entry)
    assert note not in (begun[1].body or "")
    call, result = json.loads(answered[1].body or "")["input"][-2:]
    assert result["type"] == f"{call['type']}_output"
    assert result["call_id"] == call["call_id"]
    assert note in json.dumps(result["output"])


def test_its_own_login_passes_through(
    every: SimulatedGateway, relay: Relay, workplace: Workplace
) -> None:
    """Signed in with ChatGPT, Codex sends its token and its account; both arrive, and the body as it was."""
    text = OWN_LOGIN.format(url=relay.url, model=MODEL)
    workplace.write(".codex/config.toml", text)
    signed_in_at = datetime.now(UTC).isoformat()  # long ago, Codex would renew the token first
    workplace.write(".codex/auth.json", json.dumps({**LOGIN, "last_refresh": signed_in_at}))
    ran = start(workplace, SAY, {"KORPROXY_KEY": LOCAL_KEY})
    assert (ran.exit_code, ran.out) == (0, ANSWER + "\n"), ran.err
    (seen,) = (it for it in relay.seen if it.method == "POST")
    (entry,) = (it for it in every.sim.ledger.entries if it.operation == "generate")
    assert entry.path == "/backend-api/codex/responses"
    assert (entry.body or "").encode() == seen.body
    assert entry.header("authorization") == f"Bearer {LOGIN['tokens']['access_token']}"
    for name in ("chatgpt-account-id", "originator", *HEADERS):
        assert (name, entry.header(name)) == (name, seen.header(name))
    assert entry.header("chatgpt-account-id") == chatgpt_account_id(2)
    assert LOCAL_KEY not in json.dumps([it.headers for it in every.sim.ledger.entries])


def test_a_request_that_nobody_serves_is_tried_as_often_as_by_post_alone(
    tmp_path: Path, workplace: Workplace
) -> None:
    """Two tries on sockets, then the upgrade is refused and the rest are POSTs: six in all, not twelve."""
    with SimulatedGateway(tmp_path / "kp") as running, Relay(running.url) as relay:
        running.sim.script("403", operation="generate", count=None)
        text = BUILT_IN.format(url=relay.url, model="codex@codex-api-key/gpt-6.1-sol")
        workplace.write(".codex/config.toml", text)
        ran = start(workplace, SAY, {"CODEX_API_KEY": LOCAL_KEY})
        seen = relay.seen
        assert (ran.exit_code, ran.out) == (1, "")
        assert "You do not have access to this resource." in ran.err
        assert [it.status for it in seen if it.method == "GET"] == [101, 101, 426]
        assert {it.status for it in seen if it.method == "POST"} == {403}
        assert len(asked(running.sim.ledger.entries)) == 6
