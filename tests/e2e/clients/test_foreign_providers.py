"""Each coding tool from npm on every provider that is not its own: one session of two turns, at the strict simulator."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from launcher.simulator import Entry
from support.coding_tool import LOCAL_KEY, Ran, Workplace
from support.gateway import SimulatedGateway
from support.relay import Relay
from support.tool_session import AGAIN, THOUGHT, TOOLS, picture_bytes, run_session
from support.upstream_view import View, asked, view

pytestmark = [pytest.mark.e2e, pytest.mark.clients]


@dataclass(frozen=True)
class Way:
    """
    One account upstream.

    Attributes:
        account: Its id.
        model: What it is asked for.
        paths: Where a turn arrives, by the tool; "" for any other.
        reasons: What asks it to reason hard, among whatever else; by the tool, "" for any other.
    """

    account: str
    model: str
    paths: dict[str, str]
    reasons: dict[str, dict[str, object]]

    @property
    def pinned(self) -> str:
        """The model's name that asks for this account."""
        return f"{self.account.partition('-')[0]}@{self.account}/{self.model}"


ADAPTIVE: dict[str, object] = {"type": "adaptive", "effort": "high"}
WAYS = {
    "claude": Way(
        "claude-api-key",
        "claude-sonnet-5-5",
        {"": "/v1/messages"},
        {"": ADAPTIVE, "gemini": {"type": "adaptive"}, "gemini-login": {"type": "adaptive"}},
    ),
    "codex-key": Way(
        "codex-api-key",
        "gpt-6.1-sol",
        {"": "/v1/responses"},
        {"": {"effort": "high"}, "gemini": {"summary": "auto"}},
    ),
    "codex-plan": Way(
        "codex-chatgpt",
        "gpt-6.1-sol",
        {"": "/backend-api/codex/responses"},
        {"": {"effort": "high"}, "gemini": {"summary": "auto"}},
    ),
    "gemini-key": Way(
        "gemini-api-key",
        "gemini-3.8-flash",
        {"": "/v1beta/models/gemini-3.8-flash:streamGenerateContent"},
        {"": {"thinkingLevel": "high"}},
    ),
    "qwen": Way(
        "qwen-api-key",
        "qwen3.8-max",
        {"": "/compatible-mode/v1/chat/completions", "claude": "/apps/anthropic/v1/messages"},
        {"": {"enable_thinking": True}, "claude": ADAPTIVE},
    ),
    "iflow": Way("iflow-api-key", "glm-5", {"": "/v1/chat/completions"}, {"": {}}),
}
PAIRS = (
    *(("claude", way) for way in WAYS if way != "claude"),
    *(("codex", way) for way in WAYS if not way.startswith("codex")),
    *(("codex-socket", way) for way in ("claude", "gemini-key", "qwen")),
    *(("gemini", way) for way in ("claude", "codex-key", "codex-plan", "qwen")),
    ("gemini-login", "claude"),
)
# What a model has sealed comes back to it by those tools that keep what they do not understand.
KEEP_SEALS = {"claude", "codex", "codex-socket"}


@pytest.mark.parametrize(("tool", "to"), PAIRS, ids=["-on-".join(it) for it in PAIRS])
def test_a_session_with_parallel_tools_a_picture_an_error_and_thinking(
    every: SimulatedGateway, relay: Relay, workplace: Workplace, tool: str, to: str
) -> None:
    way, note = WAYS[to], (workplace.project / "note.txt").read_text().strip()
    first, second = run_session(tool, workplace, way.pinned, relay.url)
    for ran in (first, second):
        assert ran.exit_code == 0, ran.err
        assert ran.complaints(*TOOLS[tool].its_own) == []
    assert note in first.out
    assert "absent.txt: No such file or directory" in first.out
    assert second.out.strip() == AGAIN
    if tool.startswith("codex"):
        assert_thoughts_are_shown(first, way)
    turns = assert_served(every, relay, tool, way)
    views = [view(it) for it in turns]
    for it in views:
        assert way.reasons.get(tool, way.reasons[""]).items() <= it.reasons.items()
    assert_tools_came_back(views[0], views[1:], tool, note)
    assert_state_came_back(views, tool, way)


def assert_thoughts_are_shown(ran: Ran, way: Way) -> None:
    """Codex prints what the model thinks, where that is told in words."""
    if way.account != "iflow-api-key":
        assert THOUGHT in ran.err


def assert_served(every: SimulatedGateway, relay: Relay, tool: str, way: Way) -> Sequence[Entry]:
    """Three turns, all of them answered by that account at the first try; nothing anywhere was refused."""
    assert {it.status for it in relay.seen} <= {101, 200}
    entries = asked(every.sim.ledger.entries)
    assert [(it.status, it.verdict) for it in entries] == [(200, "answered")] * len(entries)
    # Gemini CLI counts the tokens of what it is about to send back.
    assert {it.operation for it in entries} <= {"generate", "count_tokens"}
    turns = [it for it in entries if it.operation == "generate"]
    assert [it.path for it in turns] == [way.paths.get(tool, way.paths[""])] * 3
    assert {it.stream for it in turns} == {True}
    for entry in entries:
        assert LOCAL_KEY not in json.dumps([entry.headers, entry.query])
    return turns


def assert_tools_came_back(begun: View, later: Sequence[View], tool: str, note: str) -> None:
    """The three calls of one answer, each with its own result, and the picture; then all of it once more."""
    shell, command, look, path = TOOLS[tool].calls
    assert (begun.calls, begun.results) == ([], [])
    for it in later:
        assert [name for _, name, _ in it.calls] == [shell, shell, look]
        assert [args.get(command) for _, _, args in it.calls[:2]] == [
            "cat note.txt", "cat absent.txt",
        ]  # fmt: skip
        assert str(it.calls[2][2][path]).endswith("picture.png")
        ids = [call_id for call_id, _, _ in it.calls]
        assert len(set(ids)) == 3
        results = {call_id: (text, failed) for call_id, text, failed in it.results}
        assert sorted(results) == sorted(ids)
        assert note in results[ids[0]][0]
        assert "absent.txt: No such file or directory" in results[ids[1]][0]
        # Only Claude Code says in so many words that a call has failed; the others leave it to the text.
        assert results[ids[1]][1] is (tool == "claude")
        assert not results[ids[0]][1]
        assert base64.b64encode(picture_bytes()).decode() in it.pictures


def assert_state_came_back(views: Sequence[View], tool: str, way: Way) -> None:
    """What the model has sealed, or said in thinking, is there again when the results are, and the turn after."""
    if tool not in KEEP_SEALS or way.account == "iflow-api-key":
        return
    assert views[0].sealed == views[0].thoughts == []
    # From a session taken up again Claude Code leaves out by itself the signed thinking that it was shown no words of.
    wordless = (tool, way.account) == ("claude", "qwen-api-key")
    for it in views[1:2] if wordless else views[1:]:
        assert it.sealed or it.thoughts
