"""Every scenario does what it explains."""

import base64
import os
import socket
import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from launcher.simulator import SCENARIOS, Scenario, SimulatorThread
from launcher.simulator.contracts.clients import CLAUDE_CLIENT, CODEX_CLIENT
from support.consenting import decide, landed
from support.simulator_client import Received, generate, send

WAYS = {
    "claude": ("claude", "api-key"),
    "chatgpt": ("openai", "chatgpt"),
    "code-assist": ("gemini", "code-assist"),
    "gemini": ("gemini", "api-key"),
    "qwen": ("qwen", "api-key"),
    "qwen-portal": ("qwen", "oauth"),
    "iflow": ("iflow", "api-key"),
}


def play(sim: SimulatorThread, name: str, **words: Any) -> Received:
    """Start a scenario and send the generation request it is about."""
    return ask(sim, sim.scenario(name), **words)


def ask(sim: SimulatorThread, scenario: Scenario, **words: Any) -> Received:
    way = WAYS[scenario.host]
    if scenario.secret.startswith("sk-ant-oat01-"):
        way = ("claude", "subscription")
    usual = {"secret": scenario.secret, "model": scenario.model, "account_id": scenario.account_id}
    return generate(sim.urls(), way, **{**usual, **words})


def refresh(sim: SimulatorThread, scenario: Scenario) -> Received:
    paths = {
        "claude-auth": ("/v1/oauth/token", CLAUDE_CLIENT),
        "openai-auth": ("/oauth/token", CODEX_CLIENT),
    }
    path, client = paths[scenario.host]
    body = {"grant_type": "refresh_token", "refresh_token": scenario.secret, "client_id": client}
    return send("POST", f"{sim.base_url}/{scenario.host}{path}", body)


def test_two_refreshes_at_once(sim: SimulatorThread) -> None:
    scenario = sim.scenario("two-refreshes-at-once")
    replies = [refresh(sim, scenario), refresh(sim, scenario)]
    assert [reply.status for reply in replies] == [200, 401]
    assert replies[1].json()["error"]["code"] == "refresh_token_reused"


def test_refresh_429_then_ok(sim: SimulatorThread) -> None:
    scenario = sim.scenario("refresh-429-then-ok")
    first = refresh(sim, scenario)
    assert (first.status, first.headers["retry-after"], refresh(sim, scenario).status) == (
        429,
        "5",
        200,
    )


def test_claude_grant_wall(sim: SimulatorThread) -> None:
    reply = refresh(sim, sim.scenario("claude-grant-wall"))
    assert reply.json() == {"error": "invalid_grant", "error_description": "Refresh token expired"}
    assert generate(sim.urls(), ("claude", "subscription")).status == 401


def test_claude_7d_oi_rejected(sim: SimulatorThread) -> None:
    scenario = sim.scenario("claude-7d-oi-rejected")
    spent = ask(sim, scenario)
    assert spent.status == 429
    prefix = "anthropic-ratelimit-unified-"
    words = [
        spent.headers[prefix + name]
        for name in ("7d_oi-status", "5h-status", "7d-status", "status")
    ]
    assert words == ["rejected", "allowed", "allowed", "rejected"]
    assert int(spent.headers["retry-after"]) + 1_795_000_000 == int(
        spent.headers[prefix + "7d_oi-reset"]
    )
    assert ask(sim, scenario).status == 429, "as long as it lasts"
    assert ask(sim, scenario, model="claude-sonnet-5-5").status == 200


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("extra-usage-400", "draw from your extra usage"),
        ("claude-code-only-400", "only authorized for use"),
    ],
)
def test_policies_of_claude(sim: SimulatorThread, name: str, words: str) -> None:
    reply = play(sim, name)
    assert (reply.status, reply.json()["error"]["type"]) == (400, "invalid_request_error")
    assert words in reply.message
    assert generate(sim.urls(), ("claude", "api-key")).status == 200


def test_codex_usage_limit(sim: SimulatorThread) -> None:
    reply = play(sim, "codex-usage-limit")
    assert reply.json()["error"]["type"] == "usage_limit_reached"
    assert reply.headers["x-codex-primary-used-percent"] == "100"


def test_codex_empty_output(sim: SimulatorThread) -> None:
    events = play(sim, "codex-empty-output").payloads()
    assert events[-1]["response"]["output"] == []
    assert events[-2]["item"]["content"][0]["text"].startswith("Hello!")


def upgrade(sim: SimulatorThread, scenario: Scenario) -> Any:
    """An open connection on which an upgrade was asked for, and the head of the reply."""
    parts = urlsplit(sim.base_url)
    client = socket.create_connection((parts.hostname, parts.port or 80), timeout=10)
    key = base64.b64encode(os.urandom(16)).decode()
    client.sendall(
        f"GET /chatgpt/backend-api/codex/responses HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {scenario.secret}\r\n"
        f"chatgpt-account-id: {scenario.account_id}\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
        f"sec-websocket-version: 13\r\nsec-websocket-key: {key}\r\n\r\n".encode()
    )
    head = client.recv(65_536)
    client.sendall(b"\x81\x82\0\0\0\0{}")
    return client, head


def test_websocket_426(sim: SimulatorThread) -> None:
    scenario = sim.scenario("websocket-426")
    client, head = upgrade(sim, scenario)
    client.close()
    assert head.startswith(b"HTTP/1.1 426")
    assert ask(sim, scenario).status == 200


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("websocket-60-minutes", 1000, b"websocket_connection_limit_reached"),
        ("websocket-1009", 1009, b""),
    ],
)
def test_sockets_that_end(sim: SimulatorThread, name: str, code: int, words: bytes) -> None:
    client, head = upgrade(sim, sim.scenario(name))
    assert head.startswith(b"HTTP/1.1 101")
    received = b""
    while struct.pack("!BBH", 0x88, 2, code) not in received:
        received += client.recv(65_536)
    client.close()
    assert words in received
    client, head = upgrade(sim, sim.simulator.scenario("websocket-426"))
    client.close()
    assert head.startswith(b"HTTP/1.1 426"), "once"


def code_assist(sim: SimulatorThread, scenario: Scenario, method: str, body: Any) -> Any:
    headers = {"authorization": f"Bearer {scenario.secret}"}
    return send("POST", f"{sim.base_url}/code-assist/v1internal:{method}", body, headers).json()


def test_google_unsupported_client(sim: SimulatorThread) -> None:
    reply = code_assist(
        sim, sim.scenario("google-unsupported-client"), "loadCodeAssist", {"metadata": {}}
    )
    assert reply["ineligibleTiers"][0]["reasonCode"] == "UNSUPPORTED_CLIENT"


def test_onboard_three_polls(sim: SimulatorThread) -> None:
    scenario = sim.scenario("onboard-three-polls")
    body = {"tierId": "standard-tier", "cloudaicompanionProject": scenario.account_id}
    name = code_assist(sim, scenario, "onboardUser", body)["name"]
    headers = {"authorization": f"Bearer {scenario.secret}"}
    url = f"{sim.base_url}/code-assist/v1internal/{name}"
    assert [send("GET", url, headers=headers).json()["done"] for _ in range(3)] == [
        False,
        False,
        True,
    ]


def test_google_quotas(sim: SimulatorThread) -> None:
    day = play(sim, "google-per-day-short-delay").json()["error"]["details"]
    assert "PerDay" in day[0]["violations"][0]["quotaId"]
    assert day[-1]["retryDelay"] == "34.07s"
    licence = play(sim, "google-quota-exhausted").json()["error"]["details"]
    assert licence[0]["reason"] == "QUOTA_EXHAUSTED"


def test_credentials_that_look_like_others(sim: SimulatorThread) -> None:
    assert play(sim, "coding-plan-wrong-host").json()["error"]["code"] == "invalid_api_key"
    assert play(sim, "qwen-oauth-inference-401").message == "invalid access token or token expired"
    assert play(sim, "qwen-arrears").json()["error"]["code"] == "Arrearage"
    hidden = play(sim, "iflow-error-in-200")
    assert (hidden.status, hidden.json()["status"]) == (200, "434")
    blocked = play(sim, "blocked-aiza-key").json()["error"]
    assert blocked["details"][0]["reason"] == "ACCESS_TOKEN_TYPE_UNSUPPORTED"
    scenario = sim.scenario("two-google-credentials")
    both = ask(sim, scenario, headers={"authorization": f"Bearer {scenario.secret}"})
    assert both.message.startswith("Multiple authentication credentials received.")


def test_edge_html_403(sim: SimulatorThread) -> None:
    reply = play(sim, "edge-html-403")
    assert (reply.status, reply.body[:9]) == (403, b"<!DOCTYPE")


def test_retry_after_date(sim: SimulatorThread) -> None:
    reply = play(sim, "retry-after-date")
    assert (reply.status, reply.headers["retry-after"]) == (429, "Wed, 18 Nov 2026 11:07:10 GMT")


def test_stall(sim: SimulatorThread) -> None:
    scenario = sim.scenario("stall")
    with pytest.raises(TimeoutError):
        send(
            "POST",
            f"{sim.base_url}/claude/v1/messages",
            {
                "model": "claude-sonnet-5-5",
                "max_tokens": 9,
                "stream": True,
                "messages": [{"role": "user", "content": "x"}],
            },
            {"x-api-key": scenario.secret, "anthropic-version": "2023-06-01"},
            timeout_s=0.1,
        )
    (entry,) = sim.wait(lambda entries: entries[0].client_gone_at is not None)
    assert entry.sent_frames == 2


@pytest.mark.parametrize(("name", "minutes"), [("clock-skew", 16), ("clock-skew-behind", 56)])
def test_wrong_clocks(sim: SimulatorThread, name: str, minutes: int) -> None:
    assert f":{minutes}:40" in play(sim, name).headers["date"]


def siwc_login(sim: SimulatorThread) -> Received:
    query = {
        "response_type": "code", "client_id": "dynamic_agent_client", "state": "s", "nonce": "n",
        "redirect_uri": "http://127.0.0.1:5/auth/callback", "code_challenge": "c" * 43,
        "code_challenge_method": "S256", "resource": "https://api.openai.com/v1",
        "ext_agent_host_id": "urn:uuid:1", "scope": "openid chatgpt.tokens.use.direct",
    }  # fmt: skip
    return decide(f"{sim.base_url}/openai-auth/api/accounts/authorize?{urlencode(query)}")


def test_siwc_callback_without_client_id(sim: SimulatorThread) -> None:
    sim.scenario("siwc-callback-without-client-id")
    assert "client_id" not in landed(siwc_login(sim))
    assert "client_id" in landed(siwc_login(sim))


def test_siwc_scope_without_plan(sim: SimulatorThread) -> None:
    sim.scenario("siwc-scope-without-plan")
    code = landed(siwc_login(sim))["code"]
    assert sim.simulator.world.authorizations.codes[code].scopes == {"openid"}


def test_names(sim: SimulatorThread) -> None:
    text = Path(__file__).read_text("utf-8").replace("_", "-")
    assert [name for name in SCENARIOS if name not in text] == []
    with pytest.raises(ValueError, match="no such scenario: x"):
        sim.scenario("x")
    assert set(SCENARIOS["stall"].as_json()) == {
        "name",
        "explains",
        "host",
        "secret",
        "account_id",
        "model",
        "skew_s",
    }
