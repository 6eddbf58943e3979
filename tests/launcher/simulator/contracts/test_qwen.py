"""Qwen's hosts: a key is good at one of them alone."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import Received, generate, send

PAYGO, CODING, TOKEN = ("qwen", "api-key"), ("qwen", "coding-plan"), ("qwen", "token-plan")
KEYS = {PAYGO: "sk-sim-qwen-1", CODING: "sk-sp-sim-coding-1", TOKEN: "sk-sp-sim-token-1"}


@pytest.mark.parametrize("way_in", KEYS, ids="-".join)
@pytest.mark.parametrize("owner", KEYS, ids="-".join)
def test_a_key_of_another_host_is_a_wrong_key(
    sim: SimulatorThread, way_in: tuple[str, str], owner: tuple[str, str]
) -> None:
    reply = generate(sim.urls(), way_in, secret=KEYS[owner])
    assert reply.status == (200 if way_in == owner else 401)
    if way_in != owner:
        assert reply.json()["error"]["code"] == "invalid_api_key"
        plan = "invalid access token or token expired"
        assert (reply.message == plan) == (way_in != PAYGO)
        assert reply.json()["request_id"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"messages": [{"role": "developer", "content": "x"}]}, "developer is not one of"),
        ({"messages": []}, "[] is too short - 'messages'"),
        ({"tools": [], "tool_choice": "auto"}, "[] is too short - 'tools'"),
        ({"messages": [{"role": "user", "content": "[[sim inspected]]"}]}, "inappropriate content"),
    ],
)
def test_bodies_it_refuses(sim: SimulatorThread, fields: dict[str, Any], words: str) -> None:
    reply = generate(sim.urls(), PAYGO, **fields)
    assert (reply.status, words in reply.message) == (400, True), reply.text


def test_models_by_host(sim: SimulatorThread) -> None:
    assert generate(sim.urls(), CODING, model="kimi-k2.5").status == 200
    assert (
        generate(sim.urls(), PAYGO, model="kimi-k2.5").json()["error"]["code"] == "model_not_found"
    )
    unknown = generate(sim.urls(), CODING, model="qwen-old")
    assert (unknown.status, unknown.message) == (400, "model 'qwen-old' is not supported")
    headers = {"authorization": "Bearer sk-sim-qwen-1"}
    listed = send("GET", f"{sim.base_url}/qwen/compatible-mode/v1/models", headers=headers)
    assert "qwen3.8-max" in {model["id"] for model in listed.json()["data"]}
    plan = {"authorization": "Bearer sk-sp-sim-coding-1"}
    assert send("GET", f"{sim.base_url}/qwen-coding/v1/models", headers=plan).status == 404


def test_accounts_in_trouble(sim: SimulatorThread) -> None:
    broke = generate(sim.urls(), PAYGO, secret="sk-sim-qwen-broke")
    assert (broke.status, broke.json()["error"]["code"]) == (403, "Arrearage")
    spent = generate(sim.urls(), CODING, secret="sk-sp-sim-coding-exhausted")
    assert (spent.status, spent.json()["error"]["code"]) == (429, "insufficient_quota")
    ended = generate(sim.urls(), ("qwen", "oauth"))
    assert (ended.status, ended.message) == (401, "invalid access token or token expired")


def test_reasoning_is_shown(sim: SimulatorThread) -> None:
    reply = generate(
        sim.urls(), PAYGO, "Hi", enable_thinking=True, stream_options={"include_usage": True}
    )
    deltas = [c["delta"] for chunk in reply.payloads() for c in chunk["choices"]]
    assert any("reasoning_content" in delta for delta in deltas)
    usage = reply.payloads()[-1]["usage"]
    assert usage["completion_tokens_details"]["reasoning_tokens"] > 0


def messages(sim: SimulatorThread, headers: dict[str, str], **fields: Any) -> Received:
    turns = [{"role": "user", "content": "Hi"}]
    body = {"model": "qwen3.8-max", "max_tokens": 9, "messages": turns, **fields}
    return send("POST", f"{sim.base_url}/qwen/apps/anthropic/v1/messages", body, headers)


def test_the_anthropic_dialect_beside_it(sim: SimulatorThread) -> None:
    assert messages(sim, {"x-api-key": "sk-sim-qwen-1"}).json()["type"] == "message"
    assert messages(sim, {"authorization": "Bearer sk-sim-qwen-1"}).status == 200
    assert "Extra inputs" in messages(sim, {"x-api-key": "sk-sim-qwen-1"}, nonsense=1).message
    assert messages(sim, {"x-api-key": "sk-sp-sim-coding-1"}).status == 401


def test_other_paths_and_no_json(sim: SimulatorThread) -> None:
    headers = {"authorization": "Bearer sk-sim-qwen-1"}
    assert send("POST", f"{sim.base_url}/qwen/v1/chat/completions", {}, headers).status == 404
    url = f"{sim.base_url}/qwen/compatible-mode/v1/chat/completions"
    assert send("POST", url, b"{", headers).status == 400
    assert send("POST", url, b"[]", headers).status == 400
