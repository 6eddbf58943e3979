"""What a provider says against a request reaches a tool of the same dialect word for word, with our code beside it."""

import json
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest

from korproxy_addons.errors.catalogue import CATALOGUE
from support import config_file
from support.asking import DIALECTS, Response, ask, question
from support.gateway import GatewayProcess
from support.listener import Answer, Listener

pytestmark = pytest.mark.e2e

STATUSES = (400, 402, 404, 408, 409, 413, 418, 422, 429, 500, 502, 503, 529)
ENVELOPES: dict[str, dict[str, Any]] = {
    "openai-chat": {"error": {"message": "no", "type": "odd_error", "param": None, "code": "odd"}},
    "openai-responses": {"error": {"message": "no", "type": "odd_error", "code": "odd"}},
    "anthropic-messages": {"type": "error", "error": {"type": "odd_error", "message": "no"}},
    "gemini": {
        "error": {"code": 499, "message": "no", "status": "ODD", "details": [{"@type": "x"}]}
    },
}
OWN = {"x-korproxy-error", "x-korproxy-request-id"}


class Roads:
    """A gateway whose provider, one for each dialect and status, says no."""

    def __init__(self, gateway: GatewayProcess, provider: Listener) -> None:
        self.gateway = gateway
        self.provider = provider

    def ask(self, dialect: str, status: int, body: bytes, *, stream: bool) -> Response:
        fields = (
            ("content-type", "application/json; charset=utf-8"),
            ("request-id", "req_of_the_provider"),
            ("x-ratelimit-remaining-tokens", "0"),
            ("x-odd", "kept"),
        )
        self.provider.answer = Answer(status, body, fields)
        name = f"{dialect}-{status}-{'stream' if stream else 'whole'}"
        return ask(self.gateway.url, question(dialect, f"{name}/m", stream=stream))


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Roads]:
    home = tmp_path_factory.mktemp("home")
    (home / "key").write_text("sk-canary-key-0001")
    (home / "key").chmod(0o600)
    with Listener() as provider:
        config_file.write(home, settings(provider.url))
        with GatewayProcess(home) as gateway:
            yield Roads(gateway, provider)


def settings(url: str) -> dict[str, Any]:
    """Each with an account of its own: what one refusal leaves behind concerns no other."""
    base = {"anthropic-messages": "", "gemini": "/v1beta"}
    names = {
        f"{dialect}-{status}-{how}": dialect
        for dialect, status, how in product(DIALECTS, STATUSES, ("whole", "stream"))
    }
    providers = {
        name: {
            "dialect": dialect, "base_url": f"{url}{base.get(dialect, '/v1')}", "local": True,
            "list_models": False, "models": ["m"],
        }
        for name, dialect in names.items()
    }  # fmt: skip
    accounts = [{"id": it, "provider": it, "secret": "file:key"} for it in names]
    return {"version": 1, "providers": providers, "accounts": accounts}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_refusal_is_heard_word_for_word(roads: Roads, dialect: str, stream: bool) -> None:
    """Status, bytes (blanks, order and unknown fields included) and the provider's own headers."""
    for status in STATUSES:
        body = (
            b"  " + json.dumps(ENVELOPES[dialect] | {"unknown": [1, {"a": None}]}).encode() + b"\n"
        )
        reply = roads.ask(dialect, status, body, stream=stream)
        assert (reply.status, reply.body) == (status, body)
        assert reply.headers["content-type"] == "application/json; charset=utf-8"
        assert reply.headers["request-id"] == "req_of_the_provider"
        assert reply.headers["x-ratelimit-remaining-tokens"] == "0"
        assert reply.headers["x-odd"] == "kept"
        assert reply.headers["x-korproxy-error"] in CATALOGUE
        assert reply.headers["x-korproxy-request-id"]


def test_beside_it_stand_only_headers_of_ours(roads: Roads) -> None:
    body = json.dumps(ENVELOPES["openai-chat"]).encode()
    reply = roads.ask("openai-chat", 400, body, stream=False)
    added = {it for it in reply.headers if it.startswith("x-korproxy-")}
    assert added >= OWN
    known = {
        "content-type",
        "request-id",
        "x-ratelimit-remaining-tokens",
        "x-odd",
        "content-length",
    }
    assert reply.headers.keys() - added - known <= {"date", "connection", "x-content-type-options"}
