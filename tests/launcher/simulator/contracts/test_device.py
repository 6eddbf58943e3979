import json
from typing import Any
from urllib.parse import urlencode

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.authorizations import challenge_of
from launcher.simulator.contracts.clients import CODEX_CLIENT, QWEN_CLIENT
from support.simulator_client import Received, send

FORM = {"content-type": "application/x-www-form-urlencoded"}
JSON = {"content-type": "application/json"}
VERIFIER = "v" * 43
BEGIN = {
    "client_id": QWEN_CLIENT, "scope": "openid model.completion",
    "code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _quick(sim: SimulatorThread) -> None:
    sim.simulator.world.authorizations.device_interval_s = 0.0


def begin(sim: SimulatorThread, **words: str) -> Received:
    url = f"{sim.base_url}/qwen-auth/api/v1/oauth2/device/code"
    return send("POST", url, urlencode({**BEGIN, **words}).encode(), FORM)


def poll(sim: SimulatorThread, device_code: str, **words: str) -> Received:
    form = {
        "grant_type": "urn:ietf:params:oauth:grant-type:device_code", "client_id": QWEN_CLIENT,
        "device_code": device_code, "code_verifier": VERIFIER, **words,
    }  # fmt: skip
    url = f"{sim.base_url}/qwen-auth/api/v1/oauth2/token"
    return send("POST", url, urlencode(form).encode(), FORM)


def decide(sim: SimulatorThread, page: str, user_code: str, decision: str = "approve") -> int:
    form = urlencode({"user_code": user_code, "decision": decision}).encode()
    return send("POST", sim.base_url + page, form, FORM).status


def codex(sim: SimulatorThread, path: str, body: Any) -> Received:
    url = f"{sim.base_url}/openai-auth/api/accounts/deviceauth/{path}"
    return send("POST", url, json.dumps(body).encode(), JSON)


def test_qwen_waits_for_the_person(sim: SimulatorThread) -> None:
    given = begin(sim).json()
    assert given["verification_uri_complete"].startswith(given["verification_uri"])
    assert "value='" + given["user_code"] in send("GET", given["verification_uri_complete"]).text
    pending = poll(sim, given["device_code"])
    assert (pending.status, pending.json()["error"]) == (400, "authorization_pending")
    assert decide(sim, "/qwen-auth/authorize", given["user_code"]) == 200
    done = poll(sim, given["device_code"]).json()
    assert done["resource_url"] == "portal.qwen.ai"
    assert poll(sim, given["device_code"]).json()["error"] == "invalid_grant"


def test_qwen_s_person_may_say_no_or_nothing(sim: SimulatorThread) -> None:
    given = begin(sim).json()
    assert decide(sim, "/qwen-auth/authorize", given["user_code"], "deny") == 200
    assert poll(sim, given["device_code"]).json()["error"] == "access_denied"
    assert decide(sim, "/qwen-auth/authorize", given["user_code"]) == 400  # answered already
    late = begin(sim).json()
    sim.simulator.world.skew_s = 901.0
    assert poll(sim, late["device_code"]).json()["error"] == "expired_token"
    assert decide(sim, "/qwen-auth/authorize", late["user_code"]) == 400


def test_whoever_polls_too_fast_is_slowed_down(sim: SimulatorThread) -> None:
    sim.simulator.world.authorizations.device_interval_s = 60.0
    given = begin(sim).json()
    assert poll(sim, given["device_code"]).json()["error"] == "authorization_pending"
    fast = poll(sim, given["device_code"])
    assert (fast.status, fast.json()["error"]) == (429, "slow_down")


def test_slowing_down_can_be_scripted(sim: SimulatorThread) -> None:
    given = begin(sim).json()
    sim.script("slow-down", operation="device-poll")
    assert poll(sim, given["device_code"]).status == 429
    assert poll(sim, given["device_code"]).status == 400


@pytest.mark.parametrize(
    "words",
    [{"client_id": "x"}, {"scope": "admin"}, {"scope": ""}, {"code_challenge": "short"},
     {"code_challenge_method": "plain"}],
)  # fmt: skip
def test_qwen_gives_no_code_for_a_wrong_request(
    sim: SimulatorThread, words: dict[str, str]
) -> None:
    assert begin(sim, **words).status == 400


def test_a_poll_must_prove_that_it_began(sim: SimulatorThread) -> None:
    given = begin(sim).json()
    assert (
        poll(sim, given["device_code"], code_verifier="w" * 43).json()["error"] == "invalid_grant"
    )
    assert poll(sim, "unknown").json()["error"] == "invalid_grant"


def test_codex_gives_a_code_to_exchange(sim: SimulatorThread) -> None:
    given = codex(sim, "usercode", {"client_id": CODEX_CLIENT}).json()
    asked = {"device_auth_id": given["device_auth_id"], "user_code": given["user_code"]}
    assert codex(sim, "token", asked).status == 403
    assert "Code" in send("GET", f"{sim.base_url}/openai-auth/codex/device").text
    assert decide(sim, "/openai-auth/codex/device", given["user_code"]) == 200
    done = codex(sim, "token", asked).json()
    assert challenge_of(done["code_verifier"]) == done["code_challenge"]
    form = {
        "grant_type": "authorization_code", "code": done["authorization_code"],
        "client_id": CODEX_CLIENT, "code_verifier": done["code_verifier"],
        "redirect_uri": f"{sim.base_url}/openai-auth/deviceauth/callback",
    }  # fmt: skip
    tokens = send("POST", f"{sim.base_url}/openai-auth/oauth/token", urlencode(form).encode(), FORM)
    assert tokens.status == 200
    assert codex(sim, "token", asked).status == 403  # once


def test_codex_refuses_what_is_wrong(sim: SimulatorThread) -> None:
    assert codex(sim, "usercode", {"client_id": "x"}).status == 400
    assert codex(sim, "usercode", ["x"]).status == 400
    assert codex(sim, "token", {"device_auth_id": "x", "user_code": "y"}).status == 403
    url = f"{sim.base_url}/openai-auth/api/accounts/deviceauth/usercode"
    assert send("POST", url, b"{}", FORM).status == 400
    assert send("POST", url, b"{", JSON).status == 400
    assert send("GET", url).status == 405
