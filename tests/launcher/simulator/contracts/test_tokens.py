"""Refreshing a login: what each token endpoint wants and gives."""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.contracts import clients
from support.simulator_client import Received, credential_headers, generate, send

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
REFRESH = {"grant_type": "refresh_token"}
CLAUDE = ("/claude-auth/v1/oauth/token", {"client_id": clients.CLAUDE_CLIENT})
CODEX = ("/openai-auth/oauth/token", {"client_id": clients.CODEX_CLIENT})
SIWC = (
    "/openai-auth/api/accounts/oauth/token",
    {"client_id": clients.SIWC_CLIENT, "resource": "https://api.openai.com/v1"},
)
GOOGLE = ("/google-auth/token", {"client_id": clients.GOOGLE_CLIENT, "client_secret": "s"})
QWEN = ("/qwen-auth/api/v1/oauth2/token", {"client_id": clients.QWEN_CLIENT})
IFLOW = ("/iflow-auth/oauth/token", {"client_id": clients.IFLOW_CLIENT, "client_secret": "s"})
ALL = {
    "claude": (CLAUDE, JSON, "sk-ant-ort01-sim-1"),
    "codex-json": (CODEX, JSON, "rt_sim-1"),
    "codex-form": (CODEX, FORM, "rt_sim-1"),
    "siwc": (SIWC, FORM, "siwc-rt-sim-1"),
    "google": (GOOGLE, FORM, "1//0e-sim-1"),
    "qwen": (QWEN, FORM, "qwen-rt-sim-1"),
    "iflow": (IFLOW, FORM, "iflow-rt-sim-1"),
}


def refresh(
    sim: SimulatorThread,
    endpoint: tuple[str, dict[str, str]],
    encoding: str,
    token: str,
    **words: str,
) -> Received:
    path, needed = endpoint
    form = {**REFRESH, **needed, "refresh_token": token, **words}
    data = json.dumps(form) if encoding == JSON else urlencode(form)
    headers = {"content-type": encoding}
    if endpoint == IFLOW:
        headers["authorization"] = "Basic " + base64.b64encode(b"id:secret").decode()
    return send("POST", sim.base_url + path, data.encode(), headers)


@pytest.mark.parametrize("name", ALL)
def test_a_refresh_gives_a_new_token(sim: SimulatorThread, name: str) -> None:
    endpoint, encoding, token = ALL[name]
    reply = refresh(sim, endpoint, encoding, token)
    assert reply.status == 200, reply.text
    rotated = reply.json().get("refresh_token")
    assert (rotated is None) == (name == "google")
    assert rotated != token


@pytest.mark.parametrize("name", sorted(set(ALL) - {"codex-json", "codex-form"}))
def test_the_content_type_is_enforced(sim: SimulatorThread, name: str) -> None:
    endpoint, encoding, token = ALL[name]
    reply = refresh(sim, endpoint, FORM if encoding == JSON else JSON, token)
    assert (reply.status, reply.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_client_or_an_unknown_token(sim: SimulatorThread, name: str) -> None:
    endpoint, encoding, token = ALL[name]
    client = refresh(sim, endpoint, encoding, token, client_id="somebody")
    unknown = refresh(sim, endpoint, encoding, "nobody")
    assert client.status == 400
    assert "invalid_client" in client.text
    assert unknown.status in {400, 401}
    assert refresh(sim, endpoint, encoding, token, grant_type="password").status == 400


@pytest.mark.parametrize("name", sorted(set(ALL) - {"google"}))
def test_a_refresh_token_works_once_and_a_second_time_ends_the_login(
    sim: SimulatorThread, name: str
) -> None:
    endpoint, encoding, token = ALL[name]
    first = refresh(sim, endpoint, encoding, token).json()
    again = refresh(sim, endpoint, encoding, token)
    assert again.status in {400, 401}
    # whoever holds the new one may be the thief: the whole login is over
    assert refresh(sim, endpoint, encoding, first["refresh_token"]).status in {400, 401}
    if name.startswith("codex"):
        assert again.json()["error"]["code"] == "refresh_token_reused"


def test_googles_refresh_token_stays(sim: SimulatorThread) -> None:
    assert refresh(sim, GOOGLE, FORM, "1//0e-sim-1").status == 200
    assert refresh(sim, GOOGLE, FORM, "1//0e-sim-1").status == 200


def test_claude_states_the_end_of_the_grant_and_does_not_move_it(sim: SimulatorThread) -> None:
    first = refresh(sim, CLAUDE, JSON, "sk-ant-ort01-sim-1").json()
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (28_800, 2_419_200)
    world = sim.simulator.world
    world.skew_s = 86_400
    second = refresh(sim, CLAUDE, JSON, first["refresh_token"]).json()
    assert second["refresh_token_expires_in"] == 2_419_200 - 86_400
    world.skew_s = 2_419_200
    third = refresh(sim, CLAUDE, JSON, second["refresh_token"])
    assert (third.status, third.json()["error_description"]) == (400, "Refresh token expired")


def test_claude_gives_no_more_than_was_granted(sim: SimulatorThread) -> None:
    token = "sk-ant-ort01-sim-1"
    assert (
        refresh(sim, CLAUDE, JSON, token, scope="user:inference org:admin").json()["error"]
        == "invalid_scope"
    )
    assert refresh(sim, CLAUDE, JSON, token, scope="user:inference").status == 200


@pytest.mark.parametrize(
    ("way_in", "name"),
    [
        (("claude", "subscription"), "claude"),
        (("openai", "siwc"), "siwc"),
        (("gemini", "code-assist"), "google"),
    ],
)
def test_a_new_token_works_until_its_time_is_over(
    sim: SimulatorThread, way_in: tuple[str, str], name: str
) -> None:
    endpoint, encoding, token = ALL[name]
    given = refresh(sim, endpoint, encoding, token).json()
    assert generate(sim.urls(), way_in, secret=given["access_token"]).status == 200
    sim.simulator.world.skew_s = given["expires_in"] + 1
    assert generate(sim.urls(), way_in, secret=given["access_token"]).status == 401


def test_a_new_chatgpt_token_names_its_account(sim: SimulatorThread) -> None:
    given = refresh(sim, CODEX, JSON, "rt_sim-expired").json()
    assert set(given) == {"id_token", "access_token", "refresh_token"}
    payload = given["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    account_id = claims["https://api.openai.com/auth"]["chatgpt_account_id"]
    assert claims["exp"] > 1_795_000_000
    way = ("openai", "chatgpt")
    assert (
        generate(sim.urls(), way, secret=given["access_token"], account_id=account_id).status == 200
    )


def test_iflow_wants_basic_and_gives_a_key_beside_the_token(sim: SimulatorThread) -> None:
    path, needed = IFLOW
    form = urlencode({**REFRESH, **needed, "refresh_token": "iflow-rt-sim-1"}).encode()
    assert send("POST", sim.base_url + path, form, {"content-type": FORM}).status == 401
    token = refresh(sim, IFLOW, FORM, "iflow-rt-sim-1").json()["access_token"]
    info = send(
        "GET", f"{sim.base_url}/iflow-auth/api/oauth/getUserInfo?accessToken={token}"
    ).json()
    assert info["data"]["apiKey"] == "sk-iflow-sim-1"
    none = send("GET", f"{sim.base_url}/iflow-auth/api/oauth/getUserInfo?accessToken=x").json()
    assert none["success"] is False


def test_googles_userinfo(sim: SimulatorThread) -> None:
    url = f"{sim.base_url}/google-auth/oauth2/v2/userinfo"
    headers = credential_headers(sim.urls()["gemini", "code-assist"], "code-assist")
    assert send("GET", url, headers=headers).json()["email"] == "1@example.com"
    assert send("GET", url).status == 401


def test_a_fault_leaves_the_refresh_token_unused(sim: SimulatorThread) -> None:
    sim.script("429", operation="refresh", retry_after=5)
    assert refresh(sim, CLAUDE, JSON, "sk-ant-ort01-sim-1").headers["retry-after"] == "5"
    assert refresh(sim, CLAUDE, JSON, "sk-ant-ort01-sim-1").status == 200


def test_bodies_that_are_none(sim: SimulatorThread) -> None:
    def raw(data: bytes) -> Any:
        return send("POST", sim.base_url + CLAUDE[0], data, {"content-type": JSON})

    assert raw(b"{").status == 400
    assert raw(b"[]").status == 400
    assert send("GET", sim.base_url + CLAUDE[0]).status == 404
