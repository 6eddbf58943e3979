import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.authorizations import Asked, challenge_of
from launcher.simulator.contracts import clients
from launcher.simulator.contracts.consent import accounts
from support.simulator_client import Received, send

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
VERIFIER = "v" * 43
ENDPOINTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "subscription": (
        "/claude-auth/v1/oauth/token", JSON,
        {"client_id": clients.CLAUDE_CLIENT, "state": "the-state"},
    ),
    "chatgpt": ("/openai-auth/oauth/token", FORM, {"client_id": clients.CODEX_CLIENT}),
    "siwc": (
        "/openai-auth/api/accounts/oauth/token", FORM,
        {"client_id": clients.SIWC_CLIENT, "resource": "https://api.openai.com/v1"},
    ),
    "code-assist": (
        "/google-auth/token", FORM, {"client_id": clients.GOOGLE_CLIENT, "client_secret": "s"},
    ),
    "login": (
        "/iflow-auth/oauth/token", FORM, {"client_id": clients.IFLOW_CLIENT, "client_secret": "s"},
    ),
}  # fmt: skip
REDIRECT = "http://localhost:1455/auth/callback"


@pytest.fixture(params=ENDPOINTS)
def access(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def issue(sim: SimulatorThread, access: str) -> str:
    world = sim.simulator.world
    ids = {"siwc": clients.SIWC_FIRST}
    asked = Asked(
        access, ids.get(access, ENDPOINTS[access][2]["client_id"]), REDIRECT, "the-state",
        frozenset({"user:inference"}), challenge_of(VERIFIER), "the-nonce",
    )  # fmt: skip
    person = accounts(access)[0]
    return world.authorizations.issue(world.ids, asked, person, asked.scopes, world.now())


def exchange(sim: SimulatorThread, access: str, code: str, **words: str) -> Received:
    path, encoding, needed = ENDPOINTS[access]
    encoding = words.pop("encoding", encoding)
    form = {
        "grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT,
        "code_verifier": VERIFIER, **needed, **words,
    }  # fmt: skip
    body = json.dumps(form) if encoding == JSON else urlencode(form)
    headers = {"content-type": encoding}
    if access == "login":
        headers["authorization"] = "Basic " + base64.b64encode(b"i:s").decode()
    return send("POST", sim.base_url + path, body.encode(), headers)


def error(reply: Received) -> str:
    found: Any = reply.json()["error"]
    return str(found["code"] if isinstance(found, dict) else found)


def test_a_code_becomes_tokens_that_can_be_refreshed(sim: SimulatorThread, access: str) -> None:
    reply = exchange(sim, access, issue(sim, access))
    assert reply.status == 200, reply.text
    body = reply.json()
    world = sim.simulator.world
    assert world.logins.find(body["access_token"], world.now()) is not None
    grant = world.logins.grant(body["refresh_token"])
    assert grant is not None
    assert not grant.used


def test_a_code_works_once_and_the_second_try_ends_the_first_login(
    sim: SimulatorThread, access: str
) -> None:
    code = issue(sim, access)
    body = exchange(sim, access, code).json()
    assert error(exchange(sim, access, code)) == "invalid_grant"
    grant = sim.simulator.world.logins.grant(body["refresh_token"])
    assert grant is not None
    assert grant.family.revoked


@pytest.mark.parametrize(
    "words", [{"redirect_uri": "http://localhost:1/x"}, {"code_verifier": "w" * 43}, {"code": "x"}]
)
def test_whoever_cannot_prove_it_gets_nothing(
    sim: SimulatorThread, access: str, words: dict[str, str]
) -> None:
    code = words.get("code") or issue(sim, access)
    rest = {name: it for name, it in words.items() if name != "code"}
    assert error(exchange(sim, access, code, **rest)) == "invalid_grant"


def test_a_code_gets_old(sim: SimulatorThread, access: str) -> None:
    code = issue(sim, access)
    sim.simulator.world.skew_s = 601.0
    assert error(exchange(sim, access, code)) == "invalid_grant"


def test_the_encoding_is_enforced_for_codes_too(sim: SimulatorThread, access: str) -> None:
    other = FORM if ENDPOINTS[access][1] == JSON else JSON
    reply = exchange(sim, access, issue(sim, access), encoding=other)
    assert (reply.status, error(reply)) == (400, "invalid_request")


def test_claude_wants_the_state_again(sim: SimulatorThread) -> None:
    reply = exchange(sim, "subscription", issue(sim, "subscription"), state="other")
    assert error(reply) == "invalid_grant"


def test_a_code_of_another_way_in_is_unknown(sim: SimulatorThread) -> None:
    assert error(exchange(sim, "chatgpt", issue(sim, "subscription"))) == "invalid_grant"


def test_chatgpt_s_identity_is_made_for_this_login(sim: SimulatorThread) -> None:
    body = exchange(sim, "siwc", issue(sim, "siwc")).json()
    payload = body["id_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    assert claims["iss"] == "https://auth.openai.com"
    assert (claims["aud"], claims["nonce"]) == (clients.SIWC_CLIENT, "the-nonce")


def test_a_refresh_token_that_comes_twice_ends_the_whole_login(sim: SimulatorThread) -> None:
    first = exchange(sim, "chatgpt", issue(sim, "chatgpt")).json()["refresh_token"]
    path, _, needed = ENDPOINTS["chatgpt"]

    def refresh(token: str) -> Received:
        form = {"grant_type": "refresh_token", "refresh_token": token, **needed}
        headers = {"content-type": JSON}
        return send("POST", sim.base_url + path, json.dumps(form).encode(), headers)

    second = refresh(first).json()["refresh_token"]
    assert error(refresh(first)) == "refresh_token_reused"
    assert error(refresh(second)) == "refresh_token_invalidated"
