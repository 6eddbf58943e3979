"""A question for a count, in every dialect that has one, at every way in: the upstream's own answer, or a marked estimate."""

from typing import Any

import pytest

from launcher.demo.settings import DemoAccount, demo_accounts
from launcher.simulator.server import Simulator
from support.asking import Question, ask, question
from support.gateway import SimulatedGateway

pytestmark = pytest.mark.e2e

ASKED = [it for it in demo_accounts(Simulator().urls()) if it.serves_any_tool]
COUNTS = {"claude-api-key", "gemini-api-key", "codex-api-key"}
PROMPT = (
    "The quick brown fox jumps over the lazy dog. " * 30
)  # about 300 tokens in every vocabulary
KEYS = {
    "anthropic-messages": "input_tokens",
    "openai-responses": "input_tokens",
    "gemini": "totalTokens",
}


def counting(dialect: str, model: str) -> Question:
    """The dialect's question for a count."""
    asked = question(dialect, model, PROMPT)
    match dialect:
        case "anthropic-messages":
            body: dict[str, Any] = {key: asked.body[key] for key in ("model", "messages")}
            return Question("/v1/messages/count_tokens?beta=true", body, asked.headers)
        case "openai-responses":
            return Question("/v1/responses/input_tokens", asked.body, asked.headers)
    return Question(
        asked.path.replace(":generateContent", ":countTokens"), asked.body, asked.headers
    )


@pytest.mark.parametrize("dialect", KEYS)
@pytest.mark.parametrize("account", ASKED, ids=lambda it: it.id)
def test_t171_every_way_in_answers_a_count(
    engine: SimulatedGateway, account: DemoAccount, dialect: str
) -> None:
    reply = ask(engine.url, counting(dialect, account.pinned_model))
    assert reply.status == 200, reply.body
    tokens = reply.json[KEYS[dialect]]
    estimated = reply.headers.get("x-korproxy-estimate") == "true"
    asked = [it.path for it in engine.sim.ledger.entries]
    assert estimated == ("estimated" in reply.headers["x-korproxy-why"].split(", "))
    if account.id in COUNTS:
        assert not estimated
        assert asked
    if estimated:
        assert 250 < tokens < 400
        assert not [path for path in asked if "generate" in path or path.endswith("messages")]
    else:
        assert tokens > 0
