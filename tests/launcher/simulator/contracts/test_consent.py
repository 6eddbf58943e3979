from urllib.parse import urlencode

import pytest

from launcher.simulator import SimulatorThread
from launcher.simulator.authorizations import challenge_of
from launcher.simulator.contracts.clients import CLIENTS, SIWC_CLIENT, Client
from launcher.simulator.contracts.consent import account_named, account_names, accounts
from support.consenting import decide, landed
from support.simulator_client import send

VERIFIER = "v" * 43
REDIRECTS = {
    "subscription": "http://localhost:5/callback",
    "chatgpt": "http://localhost:1455/auth/callback",
    "siwc": "http://127.0.0.1:5/auth/callback",
    "code-assist": "http://127.0.0.1:5/oauth2callback",
    "login": "http://localhost:11451/oauth2callback",
}
ALL = pytest.mark.parametrize("client", CLIENTS, ids=lambda it: it.access)


def query(client: Client, **words: str) -> dict[str, str]:
    found = {name: value or "something" for name, value in client.needed}
    found |= {"client_id": client.ids[0], client.redirect_field: REDIRECTS[client.access]}
    if client.scopes:
        found["scope"] = " ".join(sorted(client.scopes))
    if client.pkce:
        found |= {"code_challenge": challenge_of(VERIFIER), "code_challenge_method": "S256"}
    found |= {"state": "the-state", **words}
    return {name: value for name, value in found.items() if value}


def url(sim: SimulatorThread, client: Client, **words: str) -> str:
    host, path = client.page
    return f"{sim.base_url}/{host}{path}?{urlencode(query(client, **words))}"


@ALL
def test_a_yes_leads_back_with_a_code(sim: SimulatorThread, client: Client) -> None:
    reply = decide(url(sim, client))
    assert reply.headers["location"].startswith(REDIRECTS[client.access] + "?")
    words = landed(reply)
    assert words["state"] == "the-state"
    assert words["code"] in sim.simulator.world.authorizations.codes
    assert words.get("client_id") == (SIWC_CLIENT if client.access == "siwc" else None)


@ALL
def test_a_no_leads_back_with_an_error(sim: SimulatorThread, client: Client) -> None:
    words = landed(decide(url(sim, client), "deny"))
    assert (words["error"], words["state"]) == ("access_denied", "the-state")
    assert not sim.simulator.world.authorizations.codes


@ALL
def test_a_stranger_is_not_led_anywhere(sim: SimulatorThread, client: Client) -> None:
    for words in (
        {"client_id": "somebody"},
        {client.redirect_field: "http://localhost:5/elsewhere"},
        {client.redirect_field: "https://evil.example/callback"},
    ):
        assert send("GET", url(sim, client, **words)).status == 400


@ALL
def test_whatever_is_needed_must_be_there(sim: SimulatorThread, client: Client) -> None:
    lacking = [name for name, _ in client.needed] + (["code_challenge"] if client.pkce else [])
    for name in lacking:
        words = landed(send("GET", url(sim, client, **{name: ""})))
        assert words["error"] == "invalid_request"
        assert name in words["error_description"]


def test_a_plain_challenge_is_refused(sim: SimulatorThread) -> None:
    claude = CLIENTS[0]
    words = landed(send("GET", url(sim, claude, code_challenge_method="plain")))
    assert words["error"] == "invalid_request"


def test_permissions_that_nobody_knows_are_refused(sim: SimulatorThread) -> None:
    assert landed(send("GET", url(sim, CLIENTS[0], scope="user:admin")))["error"] == "invalid_scope"


def test_a_page_counts_once(sim: SimulatorThread) -> None:
    address = url(sim, CLIENTS[0])
    ticket = send("GET", address).text.partition("name=ticket value='")[2].partition("'")[0]
    form = urlencode({"ticket": ticket, "decision": "deny"}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    assert send("POST", address, form, headers).status == 302
    assert send("POST", address, form, headers).status == 400


@pytest.mark.parametrize("access", ["subscription", "code-assist"])
def test_a_code_may_be_shown_for_pasting(sim: SimulatorThread, access: str) -> None:
    client = next(it for it in CLIENTS if it.access == access)
    reply = decide(url(sim, client, **{client.redirect_field: client.manual[0]}))
    words = landed(reply)
    shown = send("GET", reply.headers["location"]).text
    assert f"<code id=code>{words['code']}" in shown
    assert ("#the-state" in shown) == (access == "subscription")


def test_a_person_may_grant_less(sim: SimulatorThread) -> None:
    code = landed(decide(url(sim, CLIENTS[0]), without="user:inference"))["code"]
    granted = sim.simulator.world.authorizations.codes[code].scopes
    assert "user:inference" not in granted
    assert "user:profile" in granted


def test_scripts_spoil_the_way_back(sim: SimulatorThread) -> None:
    sim.script("foreign-state", operation="consent")
    assert landed(decide(url(sim, CLIENTS[0])))["state"] == "not-the-state"
    sim.script("no-client-id", operation="consent")
    assert "client_id" not in landed(decide(url(sim, CLIENTS[2])))
    sim.script("503", operation="authorize")
    assert send("GET", url(sim, CLIENTS[0])).status == 503


def test_people_are_named() -> None:
    for client in CLIENTS:
        names = account_names(client.access)
        assert len(names) == len(accounts(client.access)) > 0
        assert account_named(client.access, names[-1]) == accounts(client.access)[-1]
        assert account_named(client.access, "nobody") == accounts(client.access)[0]
