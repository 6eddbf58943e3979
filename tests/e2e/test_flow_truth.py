"""What stock mitmdump shows and saves: the request as it really went upstream, and no credential in any of it."""

from pathlib import Path

import pytest
from mitmproxy import http
from mitmproxy.io import FlowReader

from launcher.demo.settings import DemoAccount, demo_accounts
from launcher.simulator.server import Simulator
from support.asking import CLIENT_KEY, Question, ask, question, send
from support.gateway import SimulatedGateway, StockMitmdump
from support.raw_http import asked as raw_asked

pytestmark = pytest.mark.e2e

ACCOUNTS = [it for it in demo_accounts(Simulator().urls()) if it.serves_any_tool]
ANSWER = "the-answer-in-the-flow"
# One for each place where a tool may put its key.
CLIENT_KEYS = {
    "authorization": "canary-client-bearer-77aa",
    "x-api-key": "canary-client-x-api-key-77bb",
    "x-goog-api-key": "canary-client-goog-77cc",
    "x-korproxy-key": "canary-client-own-77dd",
    "proxy-authorization": "canary-client-proxy-77ee",
    "cookie": "canary-client-cookie-77ff",
}
QUERY_KEY = "canary-client-query-7700"


def with_keys(asked: Question) -> Question:
    """The same question, with a client key in every place but the one that means a login of the tool's own."""
    keys = {name: value for name, value in CLIENT_KEYS.items() if name != "x-korproxy-key"}
    keys["authorization"] = f"Bearer {keys['authorization']}"
    joint = "&" if "?" in asked.path else "?"
    return Question(f"{asked.path}{joint}key={QUERY_KEY}", asked.body, {**asked.headers, **keys})


class Saved:
    """What mitmdump has left behind: the flows by request id, the file's bytes, its terminal."""

    def __init__(self, home: Path) -> None:
        file = home / "saved.flows"
        self.ids: dict[str, str] = {}
        with SimulatedGateway(home, start=lambda it: mitmdump(it, file)) as running:
            self._ask(running)
            entries = running.sim.ledger.entries
            self.sent = {
                it.header("x-trace") or "": it for it in entries if it.operation != "models"
            }
            self.received = [it for it in entries if it.operation != "models"]
            self.base_port = running.sim.simulator.port
            self.urls = running.sim.urls()
            running.gateway.stop()
            assert isinstance(running.gateway, StockMitmdump)
            self.terminal = running.gateway.output + running.gateway.errors
        self.bytes = file.read_bytes()
        with file.open("rb") as stored:
            flows = [it for it in FlowReader(stored).stream() if isinstance(it, http.HTTPFlow)]
        self.flows = {
            it.response.headers["x-korproxy-request-id"]: it
            for it in flows
            if it.response is not None
        }

    def flow(self, name: str) -> http.HTTPFlow:
        """The flow of the request that was sent under this name."""
        return self.flows[self.ids[name]]

    def _ask(self, running: SimulatedGateway) -> None:
        for account in ACCOUNTS:
            for stream in (True, False):
                prompt = f"[[sim text={ANSWER}]]"
                asked = question(account.dialect, account.pinned_model, prompt, stream=stream)
                reply = ask(running.url, with_keys(asked))
                assert reply.status == 200, reply.body
                self.ids[f"{account.id}-{stream}"] = reply.headers["x-korproxy-request-id"]
        crossing = with_keys(question("gemini", "claude-sonnet-5-5", stream=True))
        running.sim.script("429", provider="claude", count=9, message="busy")
        keys = with_keys(crossing).headers
        listed = with_keys(Question("/v1/models", {}))
        hostile = {**keys, "origin": "http://evil.example"}
        replies = {
            "failed": ask(running.url, crossing),
            "models": send(running.url, "GET", listed.path, None, keys),
            "unknown": ask(running.url, with_keys(Question("/v1/nothing", {}))),
            "own key": ask(running.url, Question("/v1/messages", {"model": "m"}, CLIENT_KEYS)),
            "refused": ask(running.url, Question("/v1/messages", {}, hostile)),
        }
        for name, reply in replies.items():
            self.ids[name] = reply.headers["x-korproxy-request-id"]
        own = [("Host", f"127.0.0.1:{running.gateway.port}"), *with_keys(crossing).headers.items()]
        for odd in ([*own, ("x bad", "y")], [*own, *own]):
            assert raw_asked(running.gateway.port, f"POST {crossing.path}", odd).status >= 400


def mitmdump(home: Path, file: Path) -> StockMitmdump:
    """Stock mitmdump, as talkative as it can be, writing every flow to a file."""
    return StockMitmdump(home, ("-w", str(file), "--set", "flow_detail=3", "-v"))


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    return Saved(tmp_path_factory.mktemp("home"))


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda it: it.id)
def test_the_flow_shows_where_the_request_really_went(
    saved: Saved, account: DemoAccount, stream: bool
) -> None:
    """Host, path, method and body are those that the provider received; the connection is the real one."""
    flow = saved.flow(f"{account.id}-{stream}")
    request = flow.request
    received = [
        it
        for it in saved.received
        if f"/{it.host}{it.path}" == request.path.partition("?")[0] and it.body == request.text
    ]
    assert received, f"no provider received {request.method} {request.path} {request.text}"
    assert received[0].query == request.path.partition("?")[2]
    assert received[0].method == request.method
    assert (request.scheme, request.host, request.port) == ("http", "127.0.0.1", saved.base_port)
    assert flow.server_conn.address == ("127.0.0.1", saved.base_port)
    assert flow.server_conn.peername == ("127.0.0.1", saved.base_port)
    assert flow.server_conn.sockname is not None
    assert "korproxy.invalid" not in str([request.get_state(), flow.server_conn.get_state()])


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda it: it.id)
def test_the_flow_shows_each_header_and_the_credentials_mask(
    saved: Saved, account: DemoAccount
) -> None:
    """All headers are there as they went; the one that held the credential says that it is not shown."""
    request = saved.flow(f"{account.id}-True").request
    received = next(
        it
        for it in saved.received
        if f"/{it.host}{it.path}" == request.path.partition("?")[0] and it.body == request.text
    )
    masked = [name.lower() for name, value in request.headers.items() if "not shown" in value]
    assert len(masked) == 1
    assert masked[0] in ("authorization", "x-api-key", "x-goog-api-key")
    shown = {name.lower(): value for name, value in request.headers.items()}
    for name, value in received.headers:
        if name.lower() not in (masked[0], "content-length"):
            assert shown[name.lower()] == value


def test_no_credential_is_in_the_file_or_in_the_terminal(saved: Saved) -> None:
    """Neither an account's secret nor what a client showed, in whatever place: answered, failed, or refused."""
    secrets = [way["secret"] for way in saved.urls.values()]
    secrets += [*CLIENT_KEYS.values(), QUERY_KEY, CLIENT_KEY]
    assert len(set(secrets)) > 10
    assert [it for it in secrets if it.encode() in saved.bytes] == []
    assert [it for it in secrets if it in saved.terminal] == []


def test_what_is_looked_through_is_really_there(saved: Saved) -> None:
    """Every exchange was saved and shown: a file or a terminal with nothing in it would hold no secret either."""
    assert set(saved.ids.values()) <= set(saved.flows)
    assert saved.terminal.count("x-korproxy-request-id") >= len(saved.ids)
    for name, status in (("failed", 429), ("models", 200), ("unknown", 404), ("refused", 403)):
        response = saved.flow(name).response
        assert response is not None
        assert response.status_code == status
    assert saved.flow("failed").request.host == "127.0.0.1"
    assert "/claude" in saved.flow("failed").request.path
