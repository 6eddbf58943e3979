"""`api.openai.com`: what it takes, what it refuses, for API keys and for shared plans."""

import base64
import json
import struct
from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.contracts.openai import SIWC_DROPPED
from support.simulator_client import Received, generate, send

CHAT, RESPONSES, SIWC = ("openai", "api-key-chat"), ("openai", "api-key"), ("openai", "siwc")
BEARER = {"authorization": "Bearer sk-proj-sim-1"}


def post(
    sim: SimulatorThread, path: str, body: Any, headers: dict[str, str] | None = None
) -> Received:
    return send("POST", f"{sim.base_url}/openai{path}", body, headers or BEARER)


@pytest.mark.parametrize(
    "token", ["", "Bearer sk-nobody", "Bearer sk-ant-api03-sim-1", "Bearer sk-proj-sim-blocked"]
)
def test_credentials_it_refuses(sim: SimulatorThread, token: str) -> None:
    reply = post(sim, "/v1/responses", {}, {"authorization": token} if token else {"x": "y"})
    assert reply.status == 401
    assert list(reply.json()["error"]) == ["message", "type", "param", "code"]
    assert reply.json()["error"]["code"] == "invalid_api_key"


def test_an_unknown_field_is_named(sim: SimulatorThread) -> None:
    for way in (CHAT, RESPONSES):
        error = generate(sim.urls(), way, nonsense=1).json()["error"]
        assert (error["code"], error["param"]) == ("unknown_parameter", "nonsense")


def test_models_it_does_not_know(sim: SimulatorThread) -> None:
    chat = generate(sim.urls(), CHAT, model="gpt-9")
    assert (chat.status, chat.json()["error"]["code"]) == (404, "model_not_found")
    responses = generate(sim.urls(), RESPONSES, model="gpt-9")
    assert (responses.status, responses.json()["error"]["param"]) == (400, "model")


def test_reasoning_models_refuse_sampling_and_others_do_not(sim: SimulatorThread) -> None:
    assert (
        generate(sim.urls(), CHAT, temperature=0.1).json()["error"]["code"] == "unsupported_value"
    )
    assert (
        generate(sim.urls(), CHAT, max_tokens=9).json()["error"]["code"] == "unsupported_parameter"
    )
    assert generate(sim.urls(), CHAT, model="gpt-4o", temperature=0.1, max_tokens=9).status == 200


def test_a_prompt_beyond_the_window(sim: SimulatorThread) -> None:
    reply = generate(sim.urls(), RESPONSES, "x" * 4_000_000)
    assert reply.json()["error"]["code"] == "context_length_exceeded"


def test_a_response_of_the_past_is_not_kept(sim: SimulatorThread) -> None:
    reply = generate(sim.urls(), RESPONSES, previous_response_id="resp_1")
    assert (reply.status, reply.json()["error"]["code"]) == (400, "previous_response_not_found")


def test_an_upgrade_is_refused(sim: SimulatorThread) -> None:
    headers = {**BEARER, "upgrade": "websocket", "connection": "upgrade"}
    assert send("GET", f"{sim.base_url}/openai/v1/responses", headers=headers).status == 426


@pytest.mark.parametrize(
    ("name", "code"), [("broke", "insufficient_quota"), ("exhausted", "rate_limit_exceeded")]
)
def test_keys_with_nothing_left(sim: SimulatorThread, name: str, code: str) -> None:
    reply = generate(sim.urls(), CHAT, secret=f"sk-proj-sim-{name}")
    assert (reply.status, reply.json()["error"]["code"]) == (429, code)


def test_limits_stand_in_the_headers(sim: SimulatorThread) -> None:
    reply = generate(sim.urls(), CHAT)
    assert reply.headers["x-ratelimit-reset-tokens"] == "6m0s"
    assert reply.headers["x-request-id"].startswith("req_")


def test_reasoning_goes_back_sealed(sim: SimulatorThread) -> None:
    include: dict[str, Any] = {
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low", "summary": "auto"},
    }
    output = generate(sim.urls(), RESPONSES, "[[sim thinking]]", stream=False, **include).json()[
        "output"
    ]
    question = {"role": "user", "content": "x"}
    answers = [
        {k: v for k, v in item.items() if k != "content" or item["type"] == "message"}
        for item in output
    ]
    again = generate(sim.urls(), RESPONSES, input=[question, *answers, question], **include)
    assert again.status == 200, again.text
    answers[0]["encrypted_content"] = "gAAAAABforeign"
    foreign = generate(sim.urls(), RESPONSES, input=[question, *answers, question])
    assert foreign.json()["error"]["code"] == "invalid_encrypted_content"


def test_side_routes(sim: SimulatorThread) -> None:
    body = {"model": "gpt-6.1-sol", "input": "count me"}
    assert post(sim, "/v1/responses/input_tokens", body).json() == {
        "object": "response.input_tokens",
        "input_tokens": 2,
    }
    compact = post(sim, "/v1/responses/compact", body).json()
    assert compact["output"][0]["type"] == "compaction"
    assert post(sim, "/v1/responses/compact", {}).json()["error"]["param"] == "model"
    embedding = {
        "model": "text-embedding-3-small",
        "input": ["a", "b"],
        "encoding_format": "base64",
    }
    data = post(sim, "/v1/embeddings", embedding).json()["data"]
    assert [each["index"] for each in data] == [0, 1]
    assert struct.unpack("<4f", base64.b64decode(data[0]["embedding"])) == (0.5, -0.25, 0.125, 1.0)
    plain = post(sim, "/v1/embeddings", {"model": "text-embedding-3-small", "input": "a"}).json()
    assert plain["data"][0]["embedding"] == [0.5, -0.25, 0.125, 1.0]
    assert (
        post(sim, "/v1/embeddings", {"model": "text-embedding-3-small"}).json()["error"]["param"]
        == "input"
    )
    assert post(sim, "/v1/completions", {"model": "gpt-4o", "prompt": "x"}).status == 404
    assert post(sim, "/v1/nonsense", {}).json()["error"]["code"] == "unknown_url"
    assert post(sim, "/v1/responses", b"{").status == 400
    assert send("PUT", f"{sim.base_url}/openai/v1/responses", b"", BEARER).status == 405


def test_models_in_the_shape_of_the_credential(sim: SimulatorThread) -> None:
    listed = send("GET", f"{sim.base_url}/openai/v1/models", headers=BEARER).json()
    assert (listed["object"], set(listed["data"][0])) == (
        "list",
        {"id", "object", "created", "owned_by"},
    )
    one = send("GET", f"{sim.base_url}/openai/v1/models/gpt-5.5", headers=BEARER).json()
    assert one["id"] == "gpt-5.5"
    siwc = {"authorization": "Bearer siwc-sim-1"}
    catalogue = send("GET", f"{sim.base_url}/openai/v1/models", headers=siwc).json()
    assert "slug" in catalogue["models"][0]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stream": False}, "Stream must be set to true"),
        ({"store": True}, "Store must be set to false"),
        ({"input": "text"}, "Input must be a list"),
        ({"instructions": None}, "Instructions or developer messages are required"),
        ({"input": [{"role": "system", "content": "x"}]}, "System messages are not allowed"),
        ({"tools": [{"type": "image_generation"}]}, "Unsupported tool: image_generation"),
        (
            {"tools": [{"type": "function", "name": "a", "parameters": {}}]},
            "must be inside a namespace",
        ),
        *(({name: 1}, f"Unsupported parameter: {name}") for name in SIWC_DROPPED),
    ],
)
def test_a_shared_plan_refuses(sim: SimulatorThread, fields: dict[str, Any], words: str) -> None:
    reply = generate(sim.urls(), SIWC, **fields)
    assert (reply.status, reply.json()["error"]["code"]) == (
        400,
        "subscription_sharing_unsupported_capability",
    )
    assert words in reply.message


def test_a_shared_plan_has_codes_of_its_own(sim: SimulatorThread) -> None:
    def code(name: str) -> tuple[int, str]:
        reply = generate(sim.urls(), SIWC, secret=f"siwc-sim-{name}")
        return reply.status, reply.json()["error"]["code"]

    assert code("exhausted") == (429, "subscription_sharing_usage_limit_exceeded")
    assert code("not-eligible") == (403, "subscription_sharing_user_not_eligible")
    assert code("expired") == (401, "subscription_sharing_invalid_user")
    siwc = {"authorization": "Bearer siwc-sim-1"}
    chat = post(sim, "/v1/chat/completions", {}, siwc)
    assert (chat.status, chat.json()["error"]["code"]) == (
        403,
        "subscription_sharing_route_not_supported",
    )


def test_a_shared_plans_stream_has_no_content_type(sim: SimulatorThread) -> None:
    tools = [
        {
            "type": "namespace",
            "name": "ns",
            "tools": [{"type": "function", "name": "a", "parameters": {}}],
        }
    ]
    reply = generate(sim.urls(), SIWC, tools=tools)
    assert reply.status == 200
    assert "event-stream" not in reply.headers.get("content-type", "")
    assert json.loads(json.dumps(reply.payloads()[-1]))["type"] == "response.completed"
