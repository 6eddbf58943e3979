"""`generativelanguage.googleapis.com`: what it takes, what it refuses, in Google's envelope."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import Received, generate, send

WAY = ("gemini", "api-key")
GENERATE = "/v1beta/models/gemini-3.8-flash:generateContent"
BODY = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}
KEY = {"x-goog-api-key": "AQ.sim-1"}


def post(sim: SimulatorThread, path: str, headers: dict[str, str], body: Any = None) -> Received:
    return send("POST", f"{sim.base_url}/gemini{path}", BODY if body is None else body, headers)


def reason(reply: Received) -> str:
    return str(reply.json()["error"]["details"][0]["reason"])


def test_a_wrong_key_is_a_bad_request(sim: SimulatorThread) -> None:
    reply = post(sim, GENERATE, {"x-goog-api-key": "AIza-nobody"})
    assert (reply.status, reply.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert reply.message == "API key not valid. Please pass a valid API key."
    assert reason(reply) == "API_KEY_INVALID"


@pytest.mark.parametrize(
    "headers",
    [
        {"x-goog-api-key": "AIzaSim-blocked"},
        {"x-goog-api-key": "ya29.sim-1"},
        {"authorization": "Bearer AQ.sim-1"},
    ],
)
def test_what_is_no_key_any_more_looks_like_a_missing_login(
    sim: SimulatorThread, headers: dict[str, str]
) -> None:
    reply = post(sim, GENERATE, headers)
    assert (reply.status, reply.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert reason(reply) == "ACCESS_TOKEN_TYPE_UNSUPPORTED"


def test_one_credential_exactly(sim: SimulatorThread) -> None:
    twice = "Multiple authentication credentials received. Please pass only one."
    assert post(sim, f"{GENERATE}?key=AQ.sim-1", KEY).message == twice
    assert post(sim, GENERATE, {**KEY, "authorization": "Bearer x"}).message == twice
    assert post(sim, GENERATE, {"x": "y"}).status == 403
    assert post(sim, f"{GENERATE}?key=AQ.sim-1", {"x": "y"}).status == 200
    assert post(sim, GENERATE, {"x-goog-api-key": "AIzaSim-1"}).status == 200


def test_unknown_names_are_listed_with_their_places(sim: SimulatorThread) -> None:
    tools = [
        {"functionDeclarations": [{"name": "a", "parameters": {"type": "object", "$schema": "x"}}]}
    ]
    error = post(sim, GENERATE, KEY, {**BODY, "tools": tools}).json()["error"]
    assert error["message"].startswith('Invalid JSON payload received. Unknown name "$schema" at ')
    assert (
        error["details"][0]["fieldViolations"][0]["field"]
        == "tools[0].function_declarations[0].parameters"
    )


def test_paths_and_models(sim: SimulatorThread) -> None:
    assert post(sim, "/v1/models/gemini-3.8-flash:generateContent", KEY).status == 200
    assert (
        post(sim, "/v1beta/models/models%2Fgemini-3.8-flash%3AgenerateContent", KEY).status == 200
    )
    gone = post(sim, "/v1beta/models/gemini-2.5-flash:generateContent", KEY)
    assert (gone.status, gone.json()["error"]["status"]) == (404, "NOT_FOUND")
    assert post(sim, "/v1beta/models/gemini-3.8-flash:nonsense", KEY).status == 404
    assert post(sim, "/v1beta/openai/chat/completions", KEY).status == 404
    assert post(sim, GENERATE, KEY, b"{").status == 400
    assert post(sim, GENERATE, KEY, b"[]").status == 400
    assert send("GET", f"{sim.base_url}/gemini{GENERATE}", headers=KEY).status == 404


def test_without_sse_a_stream_is_an_array(sim: SimulatorThread) -> None:
    reply = post(sim, GENERATE.replace("generate", "streamGenerate"), KEY)
    assert reply.headers["content-type"].startswith("application/json")
    chunks = reply.json()
    assert chunks[-1]["candidates"][0]["finishReason"] == "STOP"
    assert len(chunks) > 2


def test_counting_in_both_forms_equals_the_bill(sim: SimulatorThread) -> None:
    count = GENERATE.replace("generateContent", "countTokens")
    plain = post(sim, count, KEY).json()["totalTokens"]
    inner = {"model": "models/gemini-3.8-flash", **BODY}
    assert post(sim, count, KEY, {"generateContentRequest": inner}).json()["totalTokens"] == plain
    billed = post(sim, GENERATE, KEY).json()["usageMetadata"]["promptTokenCount"]
    assert billed == plain
    assert post(sim, count, KEY, {**BODY, "tools": []}).status == 400
    assert post(sim, count, KEY, {}).status == 400


def test_a_spent_day_has_a_short_delay(sim: SimulatorThread) -> None:
    error = generate(sim.urls(), WAY, secret="AQ.sim-exhausted").json()["error"]
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    assert "PerDay" in error["details"][0]["violations"][0]["quotaId"]
    assert error["details"][-1]["retryDelay"] == "34.07s"


def test_a_prompt_beyond_the_window(sim: SimulatorThread) -> None:
    assert (
        "exceeds the maximum number of tokens" in generate(sim.urls(), WAY, "x" * 4_300_000).message
    )


def test_pages_of_models(sim: SimulatorThread) -> None:
    def get(query: str) -> Any:
        return send("GET", f"{sim.base_url}/gemini/v1beta/models{query}", headers=KEY).json()

    first = get("?pageSize=5")
    second = get(f"?pageSize=5&pageToken={first['nextPageToken']}")
    assert (len(first["models"]), len(second["models"]), "nextPageToken" in second) == (5, 3, False)
    assert get("/gemini-3.8-flash")["name"] == "models/gemini-3.8-flash"
    assert get("/gemini-2.0-flash")["error"]["code"] == 404


def test_a_replayed_call_needs_its_signature(sim: SimulatorThread) -> None:
    tools = [
        {"functionDeclarations": [{"name": "read", "parametersJsonSchema": {"type": "object"}}]}
    ]
    question = {"role": "user", "parts": [{"text": "[[sim tool=read]]"}]}
    first = generate(sim.urls(), WAY, stream=False, contents=[question], tools=tools).json()
    content = first["candidates"][0]["content"]
    call_id = content["parts"][0]["functionCall"]["id"]
    result = {"functionResponse": {"name": "read", "id": call_id, "response": {"output": "x = 1"}}}
    turns = [question, content, {"role": "user", "parts": [result]}]
    second = generate(sim.urls(), WAY, stream=False, contents=turns, tools=tools).json()
    assert second["candidates"][0]["content"]["parts"] == [{"text": "The tool answered: x = 1"}]
    del content["parts"][0]["thoughtSignature"]
    third = generate(sim.urls(), WAY, stream=False, contents=turns, tools=tools)
    assert "missing a thought_signature" in third.message


def test_embeddings_and_probes(sim: SimulatorThread) -> None:
    embed = post(sim, "/v1beta/models/gemini-embedding-001:embedContent", KEY, {"content": {}})
    assert len(embed.json()["embedding"]["values"]) == 4
    assert send("GET", f"{sim.base_url}/gemini/").status == 404
