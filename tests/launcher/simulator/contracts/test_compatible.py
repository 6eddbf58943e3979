"""Endpoints users add themselves."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import WayIn, generate, send

WAYS = [("compatible", name) for name in ("chat", "responses", "anthropic", "gemini")]
HEADERS = {"authorization": "Bearer sk-compat-sim-1"}


@pytest.mark.parametrize("way_in", WAYS, ids="-".join)
def test_unknown_fields_and_models_are_taken_and_unknown_keys_are_not(
    sim: SimulatorThread, way_in: WayIn
) -> None:
    assert generate(sim.urls(), way_in, model="whatever", nonsense=1).status == 200
    refused = generate(sim.urls(), way_in, secret="sk-nobody")
    assert (refused.status, refused.message) == (401, "Invalid API key")


@pytest.mark.parametrize(
    ("way_in", "fields"),
    [
        (WAYS[0], {"messages": [{"role": "developer", "content": "x"}]}),
        (WAYS[1], {"input": None}),
        (WAYS[1], {"previous_response_id": "resp_1"}),
        (WAYS[2], {"max_tokens": None}),
        (WAYS[2], {"messages": None}),
        (WAYS[3], {"contents": []}),
    ],
)
def test_what_even_they_refuse(sim: SimulatorThread, way_in: WayIn, fields: dict[str, Any]) -> None:
    assert generate(sim.urls(), way_in, **fields).status == 400


def test_models_in_each_shape(sim: SimulatorThread) -> None:
    def models(host: str, version: str = "v1") -> Any:
        return send("GET", f"{sim.base_url}/{host}/{version}/models", headers=HEADERS).json()

    assert models("compat-chat")["data"][0]["id"] == "sim-small"
    assert models("compat-responses")["object"] == "list"
    assert models("compat-anthropic")["first_id"] == "sim-small"
    assert models("compat-gemini", "v1beta")["models"][0]["name"] == "models/sim-small"


def test_side_routes(sim: SimulatorThread) -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{sim.base_url}/compat-anthropic/v1/messages/count_tokens"
    assert send("POST", url, body, HEADERS).json()["input_tokens"] > 0
    url = f"{sim.base_url}/compat-gemini/v1beta/models/m:countTokens"
    assert send("POST", url, {"contents": ["12345"]}, HEADERS).json() == {"totalTokens": 2}
    assert (
        send("POST", f"{sim.base_url}/compat-gemini/v1beta/models/m:nonsense", {}, HEADERS).status
        == 404
    )
    assert send("POST", f"{sim.base_url}/compat-gemini/nonsense", {}, HEADERS).status == 404
    assert send("POST", f"{sim.base_url}/compat-chat/v1/nonsense", {}, HEADERS).status == 404
    assert send("GET", f"{sim.base_url}/compat-chat/v1/nonsense", headers=HEADERS).status == 404
    assert (
        send("POST", f"{sim.base_url}/compat-chat/v1/chat/completions", b"{", HEADERS).status == 400
    )


@pytest.mark.parametrize("way_in", WAYS, ids="-".join)
def test_failures_have_the_envelope_of_the_dialect(sim: SimulatorThread, way_in: WayIn) -> None:
    sim.script("529", access=way_in[1] if way_in[1] == "chat" else "*", count=1)
    error = generate(sim.urls(), way_in).json()["error"]
    names = {"anthropic": ["type", "message"], "gemini": ["code", "message", "status"]}
    assert list(error) == names.get(way_in[1], ["message", "type", "code"])
