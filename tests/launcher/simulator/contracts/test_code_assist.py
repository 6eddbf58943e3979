"""`cloudcode-pa.googleapis.com`: the envelope, the tiers, the onboarding."""

from typing import Any

import pytest

from launcher.simulator import SimulatorThread
from support.simulator_client import Received, generate, send

WAY = ("gemini", "code-assist")
METADATA = {"metadata": {"pluginType": "GEMINI"}}
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]}


def post(sim: SimulatorThread, method: str, body: Any, name: str = "1") -> Received:
    headers = {"authorization": f"Bearer ya29.sim-{name}"}
    return send("POST", f"{sim.base_url}/code-assist/v1internal:{method}", body, headers)


def test_the_reply_is_wrapped(sim: SimulatorThread) -> None:
    whole = generate(sim.urls(), WAY, stream=False).json()
    assert list(whole) == ["response", "traceId", "consumedCredits", "remainingCredits"]
    assert whole["response"]["candidates"][0]["finishReason"] == "STOP"
    streamed = generate(sim.urls(), WAY)
    assert all("response" in chunk for chunk in streamed.payloads())
    assert b"\r\n\r\n" in streamed.body


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"model": "gemini-3.8-flash", "request": CONTENTS}, 400, "project is required"),
        (
            {"model": "gemini-3.8-flash", "project": "mine", "request": CONTENTS},
            403,
            "Permission denied on resource",
        ),
        (
            {"model": "gemini-2.5-pro", "project": "corp-proj", "request": CONTENTS},
            404,
            "not found",
        ),
        (
            {"model": "gemini-3.8-flash", "project": "corp-proj", **CONTENTS},
            400,
            'Unknown name "contents"',
        ),
        (
            {"model": "gemini-3.8-flash", "project": "corp-proj", "request": {}},
            400,
            "contents is not specified",
        ),
        (
            {
                "model": "gemini-3.8-flash",
                "project": "corp-proj",
                "request": {**CONTENTS, "stream": True},
            },
            400,
            'Unknown name "stream"',
        ),
    ],
)
def test_bodies_it_refuses(sim: SimulatorThread, body: Any, status: int, words: str) -> None:
    reply = post(sim, "generateContent", body)
    assert (reply.status, words in reply.message) == (status, True), reply.text


def test_credentials_it_refuses(sim: SimulatorThread) -> None:
    url = f"{sim.base_url}/code-assist/v1internal:loadCodeAssist"
    assert send("POST", url, METADATA, {"authorization": "Bearer AQ.sim-1"}).status == 401
    assert (
        post(sim, "loadCodeAssist", METADATA, "expired").json()["error"]["status"]
        == "UNAUTHENTICATED"
    )
    both = {"authorization": "Bearer ya29.sim-1", "x-goog-api-key": "AQ.sim-1"}
    assert "Multiple authentication credentials" in send("POST", url, METADATA, both).message


def test_a_licence_has_a_tier_and_a_project(sim: SimulatorThread) -> None:
    found = post(sim, "loadCodeAssist", METADATA).json()
    assert (found["currentTier"]["id"], found["cloudaicompanionProject"]) == (
        "standard-tier",
        "corp-proj",
    )
    assert post(sim, "loadCodeAssist", {}).status == 400


def test_a_personal_login_is_not_supported_any_more(sim: SimulatorThread) -> None:
    found = post(sim, "loadCodeAssist", METADATA, "free").json()
    assert found["ineligibleTiers"][0]["reasonCode"] == "UNSUPPORTED_CLIENT"
    assert "currentTier" not in found
    assert post(sim, "onboardUser", {"tierId": "free-tier"}, "free").status == 403


def test_onboarding_takes_three_polls(sim: SimulatorThread) -> None:
    assert "currentTier" not in post(sim, "loadCodeAssist", METADATA, "new").json()
    body = {"tierId": "standard-tier", "cloudaicompanionProject": "corp-proj", **METADATA}
    name = post(sim, "onboardUser", body, "new").json()["name"]
    url = f"{sim.base_url}/code-assist/v1internal/{name}"
    headers = {"authorization": "Bearer ya29.sim-new"}
    polls = [send("GET", url, headers=headers).json() for _ in range(3)]
    assert [poll["done"] for poll in polls] == [False, False, True]
    assert polls[-1]["response"]["cloudaicompanionProject"]["id"] == "corp-proj"
    assert "currentTier" in post(sim, "loadCodeAssist", METADATA, "new").json()
    assert send("GET", f"{url}x", headers=headers).status == 404


def test_onboarding_wants_a_project_exactly_where_the_tier_does(sim: SimulatorThread) -> None:
    assert post(sim, "onboardUser", {"tierId": "standard-tier"}).status == 400
    assert (
        post(sim, "onboardUser", {"tierId": "free-tier", "cloudaicompanionProject": "x"}).status
        == 400
    )
    assert post(sim, "onboardUser", {"tierId": "gold"}).status == 400


def test_a_spent_licence_says_until_when(sim: SimulatorThread) -> None:
    error = generate(sim.urls(), WAY, secret="ya29.sim-exhausted").json()["error"]
    info, retry = error["details"]
    assert (info["reason"], info["domain"]) == ("QUOTA_EXHAUSTED", "cloudcode-pa.googleapis.com")
    assert info["metadata"]["quotaResetDelay"] == retry["retryDelay"] == "33740.91s"
    assert error["message"].endswith("Resets in 9h22m20s.")
    assert info["metadata"]["quotaResetTimeStamp"] == "2026-11-18T20:29:00Z"


def test_no_licence(sim: SimulatorThread) -> None:
    assert "(#3501)" in generate(sim.urls(), WAY, secret="ya29.sim-unlicensed").message


def test_quota_counting_and_telemetry(sim: SimulatorThread) -> None:
    bucket = post(sim, "retrieveUserQuota", {"project": "corp-proj"}).json()["buckets"][0]
    assert bucket["remainingFraction"] == 0.94
    spent = post(sim, "retrieveUserQuota", {}, "exhausted").json()["buckets"][0]
    assert spent["remainingFraction"] == 0
    counted = post(
        sim, "countTokens", {"request": {"model": "models/gemini-3.8-flash", **CONTENTS}}
    )
    assert counted.json()["totalTokens"] > 0
    assert post(sim, "countTokens", {"project": "p", "request": CONTENTS}).status == 400
    assert (
        post(sim, "countTokens", {"request": {"model": "gemini-3.8-flash", **CONTENTS}}).status
        == 404
    )
    assert post(sim, "listExperiments", {}).json() == {}
    assert post(sim, "nonsense", {}).status == 404
