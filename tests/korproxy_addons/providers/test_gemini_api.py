"""The Gemini API's paths and bodies."""

import json

import pytest

from korproxy_addons.config.habits import COMPATIBLE_GEMINI
from korproxy_addons.errors import catalogue
from korproxy_addons.providers.base import AccountFacts, Operation, Outgoing
from korproxy_addons.providers.failure import Scope
from korproxy_addons.providers.gemini_api import GeminiAccess

ACCESS = GeminiAccess(
    id="api-key", name="x", habits=(COMPATIBLE_GEMINI,), base_url="https://x.example"
)
ACCOUNT = AccountFacts(id="a", label="a", base_url="https://x.example")


def outgoing(
    operation: Operation = Operation.GENERATE,
    *,
    model: str = "gemini-3.8-flash",
    client_model: str | None = None,
    stream: bool = False,
) -> Outgoing:
    return Outgoing(
        operation=operation,
        dialect="gemini",
        model=model,
        client_model=client_model,
        stream=stream,
        client_query="key=canary&alt=json",
    )


@pytest.mark.parametrize(
    ("call", "path"),
    [
        (outgoing(), "/v1beta/models/gemini-3.8-flash:generateContent"),
        (outgoing(stream=True), "/v1beta/models/gemini-3.8-flash:streamGenerateContent?alt=sse"),
        (outgoing(Operation.COUNT_TOKENS), "/v1beta/models/gemini-3.8-flash:countTokens"),
        (outgoing(Operation.EMBEDDINGS), "/v1beta/models/gemini-3.8-flash:embedContent"),
        (outgoing(Operation.MODELS), "/v1beta/models?pageSize=1000"),
        (outgoing(model="models/gemini-x"), "/v1beta/models/gemini-x:generateContent"),
        (outgoing(model="a/b?c"), "/v1beta/models/a%2Fb%3Fc:generateContent"),
    ],
)
def test_paths(call: Outgoing, path: str) -> None:
    assert ACCESS.url(ACCOUNT, call) == "https://x.example" + path


def test_what_is_not_offered() -> None:
    assert ACCESS.path(Operation.COMPACT, "m") is None
    assert ACCESS.path(Operation.GENERATE, "m", dialect="openai-chat") is None
    unlisted = GeminiAccess(
        id="x", name="x", habits=(COMPATIBLE_GEMINI,), base_url="https://x", listed=False
    )
    assert unlisted.path(Operation.MODELS, "") is None
    assert (ACCESS.lists_models, unlisted.lists_models) == (True, False)


@pytest.mark.parametrize(
    "body", [b'{"contents": [ ]}', b'{"contents":[],"model":"models/gemini-3.8-flash"}']
)
def test_a_body_without_another_model_is_the_same_object(body: bytes) -> None:
    assert ACCESS.prepare(body, outgoing(client_model="alias"), ACCOUNT) is body


def test_a_model_in_the_body_is_renamed_too() -> None:
    body = b'{"model":"models/a","generateContentRequest":{"model":"models/a","contents":[1.0]}}'
    prepared = ACCESS.prepare(body, outgoing(Operation.COUNT_TOKENS, client_model="a"), ACCOUNT)
    assert json.loads(prepared) == {
        "model": "models/gemini-3.8-flash",
        "generateContentRequest": {"model": "models/gemini-3.8-flash", "contents": [1.0]},
    }
    assert b"[1.0]" in prepared


def test_the_clients_own_model_leaves_the_body_unread() -> None:
    body = b"not looked at"
    assert ACCESS.prepare(body, outgoing(client_model="gemini-3.8-flash"), ACCOUNT) is body


def test_limits_are_read_googles_way() -> None:
    body = b'{"error":{"code":429,"message":"Please retry in 34.07s.","status":"R"}}'
    failure = ACCESS.read_failure(429, {}, body, model="m", now=0.0)
    assert (failure.spec, failure.scope) == (catalogue.RATE_LIMITED, Scope.MODEL)
    assert failure.retry_after_s == 34.07
    page = ACCESS.read_failure(503, {}, b"<html></html>", model="m", now=0.0)
    assert page.spec is catalogue.EDGE_CHALLENGE
    hidden = ACCESS.read_hidden_failure(
        b'{"error":{"code":503,"message":"m","status":"UNAVAILABLE"}}', model="m", now=0.0
    )
    assert hidden is not None
    assert (hidden.spec, hidden.status) == (catalogue.UPSTREAM_OVERLOADED, 200)
