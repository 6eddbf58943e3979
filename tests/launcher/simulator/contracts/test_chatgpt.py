"""`chatgpt.com/backend-api`: the rules of the Codex backend."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.contracts.chatgpt import UNSUPPORTED
from launcher.simulator.keys import chatgpt_account_id, chatgpt_token
from support.simulator_client import Received, credential_headers, generate, send

WAY = ("openai", "chatgpt")


def get(sim: SimulatorThread, path: str, **headers: str) -> Received:
    given = credential_headers(sim.urls()[WAY], "chatgpt") | headers
    return send("GET", f"{sim.base_url}/chatgpt/backend-api{path}", headers=given)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stream": False}, "Stream must be set to true"),
        ({"store": True}, "Store must be set to false"),
        ({"store": None}, "Store must be set to false"),
        ({"instructions": None}, "Instructions are required"),
        ({"instructions": ""}, "Instructions are required"),
        ({"input": "text"}, "Input must be a list"),
        ({"input": [{"role": "system", "content": "x"}]}, "System messages are not allowed"),
        (
            {"model": "gpt-4o"},
            "The 'gpt-4o' model is not supported when using Codex with a ChatGPT account.",
        ),
        *(({name: 1}, f"Unsupported parameter: {name}") for name in UNSUPPORTED),
    ],
)
def test_it_refuses_in_one_sentence(
    sim: SimulatorThread, fields: dict[str, Any], words: str
) -> None:
    model = str(fields.pop("model", ""))
    reply = generate(sim.urls(), WAY, model=model, **fields)
    assert (reply.status, reply.json()) == (400, {"detail": words})


@pytest.mark.parametrize(
    ("item", "code", "words"),
    [
        (
            {"type": "reasoning", "id": "rs_1", "summary": []},
            None,
            "Item with id 'rs_1' not found.",
        ),
        (
            {"type": "reasoning", "summary": [], "encrypted_content": "gAAAAABforeign"},
            "invalid_encrypted_content",
            "could not be verified",
        ),
        (
            {"type": "function_call_output", "call_id": "c", "output": "x"},
            None,
            "No tool call found",
        ),
    ],
)
def test_it_refuses_items_in_the_other_envelope(
    sim: SimulatorThread, item: dict[str, Any], code: str | None, words: str
) -> None:
    reply = generate(sim.urls(), WAY, input=[{"role": "user", "content": "x"}, item])
    assert (reply.status, reply.json()["error"]["code"]) == (400, code)
    assert words in reply.message


def test_the_account_must_be_named_and_its_own(sim: SimulatorThread) -> None:
    way = sim.urls()[WAY]
    url, bearer = f"{way['base']}/responses", {"authorization": f"Bearer {way['secret']}"}
    assert "ChatGPT-Account-Id" in send("POST", url, {}, bearer).message
    foreign = {**bearer, "chatgpt-account-id": chatgpt_account_id(2)}
    assert send("POST", url, {}, foreign).status == 403
    assert send("POST", url, {}, {"authorization": "Bearer sk-proj-sim-1"}).status == 401


def test_an_expired_token(sim: SimulatorThread) -> None:
    secret = chatgpt_token("sim-expired", 4, expires_at=1_700_000_000)
    reply = generate(sim.urls(), WAY, secret=secret, account_id=chatgpt_account_id(4))
    assert (reply.status, reply.json()["error"]["code"]) == (401, "token_expired")


def test_a_spent_plan_says_until_when(sim: SimulatorThread) -> None:
    secret = chatgpt_token("sim-exhausted", 5)
    reply = generate(sim.urls(), WAY, secret=secret, account_id=chatgpt_account_id(5))
    error = reply.json()["error"]
    assert (reply.status, error["type"]) == (429, "usage_limit_reached")
    assert str(error["resets_at"]) == reply.headers["x-codex-primary-reset-at"]
    assert reply.headers["x-codex-primary-used-percent"] == "100"
    assert error["resets_in_seconds"] == error["resets_at"] - 1_795_000_000


def test_a_plan_without_codex(sim: SimulatorThread) -> None:
    secret = chatgpt_token("sim-free", 6, "free")
    reply = generate(sim.urls(), WAY, secret=secret, account_id=chatgpt_account_id(6))
    assert reply.json()["error"]["type"] == "usage_not_included"


def test_every_reply_has_the_limits(sim: SimulatorThread) -> None:
    good, bad = generate(sim.urls(), WAY), generate(sim.urls(), WAY, user="x")
    for reply in (good, bad):
        assert reply.headers["x-codex-secondary-window-minutes"] == "10080"
        assert reply.headers["x-codex-plan-type"] == "plus"
        assert reply.headers["x-oai-request-id"]


def test_side_routes(sim: SimulatorThread) -> None:
    usage = get(sim, "/wham/usage").json()
    assert usage["rate_limit"]["primary_window"]["used_percent"] == 18
    assert get(sim, "/wham/rate-limit-reset-credits").json() == {"available_count": 0}
    assert get(sim, "/codex/models").status == 422
    first = get(sim, "/codex/models?client_version=0.169.0")
    assert "gpt-6.1-sol" in {model["slug"] for model in first.json()["models"]}
    etag = first.headers["etag"]
    assert get(sim, "/codex/models?client_version=0.169.0", **{"if-none-match": etag}).status == 304
    assert get(sim, "/codex/responses").json() == {"detail": "Method Not Allowed"}
    assert get(sim, "/nonsense").json() == {"detail": "Not Found"}
    assert send("GET", f"{sim.base_url}/chatgpt/elsewhere").status == 404


def test_compaction_needs_instructions_but_no_stream(sim: SimulatorThread) -> None:
    way = sim.urls()[WAY]
    headers = credential_headers(way, "chatgpt")
    body: dict[str, Any] = {"model": way["model"], "input": [], "instructions": "x"}
    url = f"{way['base']}/responses/compact"
    assert send("POST", url, body, headers).json()["object"] == "response.compaction"
    del body["instructions"]
    assert send("POST", url, body, headers).status == 400
    assert send("POST", url, b"[]", headers).status == 400


def test_an_upgrade_is_refused(sim: SimulatorThread) -> None:
    reply = get(sim, "/codex/responses", upgrade="websocket", connection="upgrade")
    assert (reply.status, reply.json()) == (426, {"detail": "Upgrade Required"})
