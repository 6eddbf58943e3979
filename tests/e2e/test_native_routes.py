"""Every way in, asked in its own dialect: the bytes pass, the credential is ours, nothing of the client's goes up."""

import json

import pytest

from launcher.demo.settings import DemoAccount, demo_accounts
from launcher.simulator.server import Simulator
from support.asking import CLIENT_KEY, ask, payloads, question, said
from support.gateway import SimulatedGateway

pytestmark = pytest.mark.e2e

ACCOUNTS = demo_accounts(Simulator().urls())
ASKED = [it for it in ACCOUNTS if it.serves_any_tool]


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@pytest.mark.parametrize("account", ASKED, ids=lambda it: it.id)
def test_an_answer_comes_back_in_the_same_dialect(
    either: SimulatedGateway, account: DemoAccount, stream: bool
) -> None:
    """Each account of each provider answers in its own dialect, streamed and whole."""
    asked = question(account.dialect, account.pinned_model, "[[sim text=Aye]]", stream=stream)
    reply = ask(either.url, asked)
    assert (reply.status, said(account.dialect, reply, stream=stream)) == (200, "Aye"), reply.body
    kind = "text/event-stream" if stream else "application/json"
    assert reply.headers["content-type"].partition(";")[0] == kind
    assert reply.headers["x-korproxy-account"] == f"simulated {account.id}"
    assert reply.headers["x-korproxy-why"] == "pinned"
    assert reply.headers["x-korproxy-request-id"]
    assert "x-korproxy-error" not in reply.headers
    sent = either.sim.wait(lambda entries: bool(entries) and entries[-1].finished)[-1]
    assert sent.verdict == "answered"
    upstream = json.dumps([sent.headers, sent.query, sent.body])
    assert CLIENT_KEY not in upstream
    assert "x-korproxy" not in upstream.lower()


@pytest.mark.parametrize(
    "dialect", ["openai-chat", "anthropic-messages", "gemini", "openai-responses"]
)
def test_unknown_fields_reach_a_compatible_upstream_as_they_were(
    engine: SimulatedGateway, dialect: str
) -> None:
    """A field nobody here knows, and a number no float can hold, arrive upstream letter by letter."""
    account = next(
        it for it in ACCOUNTS if it.provider.startswith("sim-") and it.dialect == dialect
    )
    asked = question(dialect, account.pinned_model, "hi")
    asked.body["x_future"] = {"deep": [1, {"n": 12345678901234567890, "s": "é\u2028"}]}
    ask(engine.url, asked)
    entry = engine.sim.wait(lambda entries: bool(entries) and entries[-1].ended_at is not None)[-1]
    assert json.loads(entry.body or "")["x_future"] == asked.body["x_future"]
    assert "12345678901234567890" in (entry.body or "")


def test_a_stream_arrives_event_by_event(engine: SimulatedGateway) -> None:
    """The simulator's frames reach the client as they were, in their order."""
    prompt = "[[sim tokens=60 piece=4]]"
    reply = ask(
        engine.url, question("anthropic-messages", "claude-sonnet-5-5", prompt, stream=True)
    )
    kinds = [event["type"] for event in payloads(reply.body)]
    assert kinds[0] == "message_start"
    assert kinds[-1] == "message_stop"
    assert kinds.count("content_block_delta") > 10
