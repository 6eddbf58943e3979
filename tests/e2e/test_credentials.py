"""Where a credential goes: to its own account's address, by the one request that was asked for, and nowhere else."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from support import config_file
from support.asking import CLIENT_KEY, DIALECTS, Question, ask, question, send
from support.gateway import SimulatedGateway
from support.listener import CHAT_REPLY, Answer, Listener

pytestmark = pytest.mark.e2e

KEYS = {"first": "canary-first-key-81c2", "second": "canary-second-key-4d07"}
MODELS = json.dumps({"object": "list", "data": [{"id": "m-live", "object": "model"}]}).encode()
ADDRESSES = ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]")


@dataclass(slots=True)
class Two:
    """A gateway with two providers that note what they hear."""

    url: str
    first: Listener
    second: Listener

    def heard_keys(self) -> list[set[str]]:
        """Which of the two keys each of them has heard."""
        return [
            {key for key in KEYS.values() for it in listener.heard if key in it.text}
            for listener in (self.first, self.second)
        ]


@pytest.fixture(scope="module")
def listeners() -> Iterator[tuple[Listener, Listener]]:
    with Listener() as first, Listener() as second:
        yield first, second


@pytest.fixture
def two(engine: SimulatedGateway, listeners: tuple[Listener, Listener]) -> Two:
    """The two providers, known to the gateway; `loop-...` leads to the gateway itself."""
    first, second = listeners
    for listener in listeners:
        listener.forget()
        listener.pages = {"/v1/models": Answer(body=MODELS)}
    if "first" not in config_file.read(engine.home)["providers"]:
        for name, key in KEYS.items():
            (engine.home / "secrets" / name).write_text(key)
        config_file.change(engine.gateway, lambda it: add_accounts(it, first, second, engine))
    return Two(engine.url, first, second)


def add_accounts(
    settings: dict[str, Any], first: Listener, second: Listener, running: SimulatedGateway
) -> None:
    """Settings for the two, and for addresses that are the gateway's own."""
    own = {
        f"loop-{number}": f"http://{address}:{running.gateway.port}/v1"
        for number, address in enumerate(ADDRESSES)
    }
    own["loop-launcher"] = "http://127.0.0.1:1338/v1"
    bases = {"first": f"{first.url}/v1", "second": f"{second.url}/v1", **own}
    for name, base in bases.items():
        settings["providers"][name] = {
            "dialect": "openai-chat", "base_url": base, "local": True, "list_models": name in KEYS,
            "models": [f"m-{name}", "m-shared"] if name in KEYS else [f"m-{name}"],
        }  # fmt: skip
        secret = f"file:secrets/{name if name in KEYS else 'first'}"
        settings["accounts"].append({"id": name, "provider": name, "secret": secret})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_address_hears_its_own_accounts_key(two: Two, dialect: str) -> None:
    """Two accounts, two addresses: neither hears the other's key, and nobody hears the client's."""
    for name in KEYS:
        reply = ask(two.url, question(dialect, f"m-{name}"))
        assert reply.status == 200, reply.body
    assert two.heard_keys() == [{KEYS["first"]}, {KEYS["second"]}]
    assert CLIENT_KEY not in "".join(it.text for it in (*two.first.heard, *two.second.heard))


def test_a_second_try_elsewhere_takes_its_own_key_along(two: Two) -> None:
    """When the first account is out, the request goes to the second with nothing of the first."""
    error = json.dumps({"error": {"message": "slow down", "type": "rate_limit"}}).encode()
    two.first.answer = Answer(429, error)
    reply = ask(two.url, question("openai-chat", "m-shared"))
    assert (reply.status, reply.headers["x-korproxy-account"]) == (200, "second"), reply.body
    assert two.heard_keys() == [{KEYS["first"]}, {KEYS["second"]}]


def test_a_question_for_models_takes_only_its_own_key_along(two: Two) -> None:
    """The same holds for what the gateway asks by itself."""
    reply = ask(two.url, question("openai-chat", "m-live"))
    assert (reply.status, reply.json["choices"]) == (200, CHAT_REPLY["choices"]), reply.body
    assert "/v1/models" in {it.target for it in two.first.heard}
    assert two.heard_keys()[0] == {KEYS["first"]}
    assert two.heard_keys()[1] <= {KEYS["second"]}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(two: Two, status: int) -> None:
    """Another address that a provider names gets neither the credential nor the prompt; nor does the client get it."""
    target = f"{two.second.url}/v1/chat/completions"
    two.first.answer = Answer(status, b"", (("location", target),))
    for dialect in ("openai-chat", "anthropic-messages"):
        reply = ask(two.url, question(dialect, "first/m-first"))
        assert reply.status >= 500
        assert reply.headers["x-korproxy-error"] == catalogue.UPSTREAM_INVALID_REPLY.code
        assert "location" not in reply.headers
        assert str(two.second.port) not in reply.body.decode()
    assert two.first.heard
    assert two.second.heard == []


def test_a_client_cannot_name_the_address(two: Two) -> None:
    """Whatever a request says about addresses, it goes where the config says."""
    asked = question("openai-chat", "first/m-first")
    for name in ("base_url", "api_base", "user_config", "endpoint", "host", "proxy"):
        asked.body[name] = two.second.url
    asked.body["litellm_params"] = {"api_base": two.second.url}
    host = f"127.0.0.1:{two.second.port}"
    headers = {
        "x-forwarded-host": host, "forwarded": f"host={host}", "x-original-url": two.second.url,
        "x-rewrite-url": two.second.url, "x-upstream": two.second.url, "x-host": host,
        "x-korproxy-account": "second", "openai-base-url": two.second.url,
    }  # fmt: skip
    query = f"?base_url={two.second.url}&api_base={two.second.url}"
    reply = ask(two.url, Question(asked.path + query, asked.body, {**asked.headers, **headers}))
    assert reply.status == 200, reply.body
    assert two.second.heard == []
    assert host not in str([it.headers for it in two.first.heard])


@pytest.mark.parametrize("number", [*range(len(ADDRESSES)), "launcher"])
def test_an_account_that_leads_back_to_us_is_a_loop(two: Two, number: int | str) -> None:
    """By whatever name: 508 after one step, not a storm."""
    for dialect in DIALECTS:
        reply = ask(two.url, question(dialect, f"m-loop-{number}"))
        code = reply.headers["x-korproxy-error"]
        assert (reply.status, code) == (508, catalogue.LOOP.code), reply.body
        assert "canary" not in reply.body.decode()
    metrics = send(two.url, "GET", "/metrics").body.decode()
    assert f'code="{catalogue.LOOP.code}"' in metrics
