"""`api.anthropic.com`: what it takes, what it refuses, in its envelope."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import credential_headers, generate, send

KEY, TOKEN = ("claude", "api-key"), ("claude", "subscription")


def envelope(body: Any) -> tuple[str, str]:
    assert list(body) == ["type", "error", "request_id"]
    assert list(body["error"]) == ["type", "message"]
    return body["error"]["type"], body["error"]["message"]


@pytest.mark.parametrize(
    ("headers", "status", "kind", "words"),
    [
        ({}, 401, "authentication_error", "x-api-key header is required"),
        ({"x-api-key": "sk-ant-nobody"}, 401, "authentication_error", "invalid x-api-key"),
        ({"authorization": "Bearer nobody"}, 401, "authentication_error", "Invalid bearer token"),
        ({"x-api-key": "sk-ant-oat01-sim-1"}, 401, "authentication_error", "invalid x-api-key"),
        ({"x-api-key": "sk-proj-sim-1"}, 401, "authentication_error", "invalid x-api-key"),
        (
            {"x-api-key": "sk-ant-api03-sim-blocked"},
            401,
            "authentication_error",
            "invalid x-api-key",
        ),
        (
            {"x-api-key": "sk-ant-api03-sim-1", "authorization": "Bearer sk-ant-oat01-sim-1"},
            401,
            "authentication_error",
            "Invalid authentication credentials",
        ),
        (
            {"authorization": "Bearer sk-ant-oat01-sim-1"},
            401,
            "authentication_error",
            "OAuth authentication is currently not supported.",
        ),
        (
            {
                "authorization": "Bearer sk-ant-oat01-sim-expired",
                "anthropic-beta": "a,oauth-2025-04-20",
            },
            401,
            "authentication_error",
            "OAuth token has expired.",
        ),
    ],
)
def test_credentials_it_refuses(
    sim: SimulatorThread, headers: dict[str, str], status: int, kind: str, words: str
) -> None:
    reply = send(
        "POST",
        f"{sim.base_url}/claude/v1/messages",
        {},
        {"anthropic-version": "2023-06-01", **headers},
    )
    assert reply.status == status
    assert envelope(reply.json())[0] == kind
    assert words in envelope(reply.json())[1]
    assert reply.headers["request-id"].startswith("req_011")


def test_an_api_key_may_come_as_bearer(sim: SimulatorThread) -> None:
    headers = {"authorization": "Bearer sk-ant-api03-sim-1", "anthropic-version": "2026-10-21"}
    assert send("GET", f"{sim.base_url}/claude/v1/models", headers=headers).status == 200


@pytest.mark.parametrize(
    ("fields", "headers", "status", "words"),
    [
        ({}, {"anthropic-version": "1999-01-01"}, 400, "is not a valid version"),
        ({"reasoning_effort": "low"}, {}, 400, "reasoning_effort: Extra inputs are not permitted"),
        ({"model": "claude-opus-4-1"}, {}, 404, "model: claude-opus-4-1"),
        ({"max_tokens": 128_001}, {}, 400, "max_tokens: 128001 > 128000"),
        (
            {"thinking": {"type": "enabled", "budget_tokens": 2000}},
            {},
            400,
            "thinking.type.adaptive",
        ),
        (
            {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]},
            {},
            400,
            "does not support assistant message prefill",
        ),
        (
            {"messages": [{"role": "user", "content": "x" * 4_100_000}]},
            {},
            400,
            "prompt is too long: 102500",
        ),
    ],
)
def test_bodies_it_refuses(
    sim: SimulatorThread, fields: dict[str, Any], headers: dict[str, str], status: int, words: str
) -> None:
    reply = generate(sim.urls(), KEY, headers=headers, **fields)
    assert (reply.status, words in reply.message) == (status, True), reply.text
    assert sim.ledger.entries[0].verdict == "refused"


def test_the_version_is_required(sim: SimulatorThread) -> None:
    reply = send(
        "POST", f"{sim.base_url}/claude/v1/messages", {}, {"x-api-key": "sk-ant-api03-sim-1"}
    )
    assert (reply.status, reply.message) == (400, "anthropic-version: header is required")


def test_a_body_that_is_no_json_or_too_large(sim: SimulatorThread) -> None:
    headers = credential_headers(sim.urls()[KEY], "api-key")
    url = f"{sim.base_url}/claude/v1/messages"
    assert "not valid JSON" in send("POST", url, b"{", headers).message
    reply = send("POST", url, b" " * (32 * 1024 * 1024 + 1), headers)
    assert (reply.status, envelope(reply.json())[0]) == (413, "request_too_large")


def test_older_models_think_by_budget_and_take_a_prefill(sim: SimulatorThread) -> None:
    budget = {"type": "enabled", "budget_tokens": 1024}
    reply = generate(sim.urls(), KEY, model="claude-haiku-4-5", thinking=budget)
    assert [p["content_block"]["type"] for p in reply.payloads() if "content_block" in p] == [
        "thinking",
        "text",
    ]
    refused = generate(sim.urls(), KEY, model="claude-haiku-4-5", thinking={"type": "adaptive"})
    assert refused.status == 400
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert generate(sim.urls(), KEY, model="claude-haiku-4-5", messages=turns).status == 200


def test_thoughts_nobody_wants_to_see_are_sealed_and_empty(sim: SimulatorThread) -> None:
    thinking = {"type": "adaptive", "display": "omitted"}
    first = generate(sim.urls(), KEY, stream=False, thinking=thinking).json()["content"]
    assert (first[0]["type"], first[0]["thinking"]) == ("thinking", "")
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": first},
        {"role": "user", "content": "b"},
    ]
    assert generate(sim.urls(), KEY, messages=turns, thinking=thinking).status == 200


def test_a_tool_turn_and_its_answer(sim: SimulatorThread) -> None:
    tools = [
        {
            "name": "read",
            "input_schema": {"type": "object", "properties": {"path": {"type": "string"}}},
        }
    ]
    question = {"role": "user", "content": '[[sim thinking tool=read args={"path":"ü.py"}]]'}
    first = generate(sim.urls(), KEY, stream=False, messages=[question], tools=tools).json()
    assert (first["stop_reason"], first["content"][1]["input"]) == ("tool_use", {"path": "ü.py"})
    result = {"type": "tool_result", "tool_use_id": first["content"][1]["id"], "content": "x = 1"}
    turns = [
        question,
        {"role": "assistant", "content": first["content"]},
        {"role": "user", "content": [result]},
    ]
    second = generate(sim.urls(), KEY, stream=False, messages=turns, tools=tools).json()
    assert second["content"] == [{"type": "text", "text": "The tool answered: x = 1"}]


@pytest.mark.parametrize(
    ("secret", "status", "kind"),
    [("exhausted", 429, "rate_limit_error"), ("broke", 402, "billing_error")],
)
def test_keys_with_nothing_left(sim: SimulatorThread, secret: str, status: int, kind: str) -> None:
    reply = generate(sim.urls(), KEY, secret=f"sk-ant-api03-sim-{secret}")
    assert (reply.status, reply.json()["error"]["type"]) == (status, kind)
    assert ("retry-after" in reply.headers) == (status == 429)


def test_a_subscription_has_limit_headers_on_every_reply(sim: SimulatorThread) -> None:
    good = generate(sim.urls(), TOKEN)
    assert good.headers["anthropic-ratelimit-unified-5h-status"] == "allowed"
    bad = generate(sim.urls(), TOKEN, nonsense=1)
    assert (bad.status, bad.headers["anthropic-ratelimit-unified-status"]) == (400, "allowed")
    spent = generate(sim.urls(), TOKEN, secret="sk-ant-oat01-sim-exhausted")
    assert spent.headers["anthropic-ratelimit-unified-5h-status"] == "rejected"


def test_a_subscription_for_claude_code_alone(sim: SimulatorThread) -> None:
    secret = "sk-ant-oat01-sim-third-party"
    reply = generate(sim.urls(), TOKEN, secret=secret)
    assert "only authorized for use with Claude Code" in reply.message
    headers = {"anthropic-beta": "claude-code-20250219,oauth-2025-04-20"}
    system = [{"type": "text", "text": "You are Claude Code."}]
    assert generate(sim.urls(), TOKEN, secret=secret, headers=headers, system=system).status == 200


def test_tokens_are_counted_as_they_are_billed(sim: SimulatorThread) -> None:
    headers = credential_headers(sim.urls()[KEY], "api-key")
    turns = [{"role": "user", "content": "count me"}]
    body = {"model": "claude-sonnet-5-5", "messages": turns, "system": "be exact"}
    counted = send(
        "POST", f"{sim.base_url}/claude/v1/messages/count_tokens?beta=true", body, headers
    )
    billed = generate(sim.urls(), KEY, stream=False, messages=turns, system="be exact")
    assert counted.json() == {"input_tokens": billed.json()["usage"]["input_tokens"]}
    refused = send(
        "POST", f"{sim.base_url}/claude/v1/messages/count_tokens", {**body, "stream": True}, headers
    )
    assert refused.message == "stream: Extra inputs are not permitted"


def test_the_accounts_own_pages_need_their_scope(sim: SimulatorThread) -> None:
    def get(path: str, name: str) -> Any:
        headers = credential_headers(
            {**sim.urls()[TOKEN], "secret": f"sk-ant-oat01-sim-{name}"}, "subscription"
        )
        return send("GET", f"{sim.base_url}/claude/api/oauth/{path}", headers=headers)

    assert get("usage", "1").json()["five_hour"]["utilization"] == 12.5
    assert get("profile", "1").json()["account"] == {"uuid": "51f0-sim-1", "email": "1@example.com"}
    assert get("claude_cli/roles", "1").status == 200
    assert get("usage", "setup").status == 403
    assert get("nonsense", "1").status == 404
    key = {"x-api-key": "sk-ant-api03-sim-1"}
    assert send("GET", f"{sim.base_url}/claude/api/oauth/usage", headers=key).status == 404


def test_models_and_probes(sim: SimulatorThread) -> None:
    headers = credential_headers(sim.urls()[KEY], "api-key")
    one = send("GET", f"{sim.base_url}/claude/v1/models/claude-haiku-4-5", headers=headers).json()
    assert one["id"] == "claude-haiku-4-5-20251001"
    assert send("GET", f"{sim.base_url}/claude/v1/models/claude-2", headers=headers).status == 404
    assert send("HEAD", f"{sim.base_url}/claude/").status == 404
    assert send("GET", f"{sim.base_url}/claude/v1/nonsense", headers=headers).status == 404
