"""KorProxy's own keys: asked for where the user wants it, taken in every place, and never passed on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from korproxy_addons.errors import catalogue
from support.asking import Question, Response, ask, question, send
from support.gateway import SimulatedGateway

pytestmark = pytest.mark.e2e

KEY = "kp-local-canary-31c9f0d2a7"
OTHER_KEY = "another-right-key-77b1"
NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
MODEL = {"model": "claude-sonnet-5-5", "messages": [{"role": "user", "content": "hi"}]}
# Every route there is, and some that are none: whoever has no key learns nothing about either.
ROUTES = [
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
    ("POST", "/v1/responses"),
    ("GET", "/v1/responses"),
    ("POST", "/v1/responses/compact"),
    ("POST", "/v1/responses/input_tokens"),
    ("POST", "/v1/messages"),
    ("POST", "/v1/messages/count_tokens"),
    ("POST", "/v1beta/models/m:generateContent"),
    ("POST", "/v1beta/models/m:streamGenerateContent?alt=sse"),
    ("POST", "/v1/models/m:countTokens"),
    ("POST", "/v1beta/openai/chat/completions"),
    ("POST", "/backend-api/codex/responses"),
    ("GET", "/v1/models"),
    ("GET", "/v1beta/models"),
    ("GET", "/v1/models/claude-sonnet-5-5"),
    ("GET", "/metrics"),
    ("GET", "/v0/management/config"),
    ("GET", "/nothing"),
    ("PUT", "/v1/messages"),
    ("GET", "//_korproxy/health"),
    ("GET", "/_korproxy/health/../../metrics"),
    ("GET", "/_korproxy/anything"),
]
PLACES = {
    "bearer": {"authorization": "Bearer KEY"},
    "lower-case bearer": {"authorization": "bearer KEY"},
    "x-api-key": {"x-api-key": "KEY"},
    "x-goog-api-key": {"x-goog-api-key": "KEY"},
    "query": {},
    "beside another": {"authorization": "Bearer some-placeholder", "x-api-key": "KEY"},
}
NEARLY = [
    "", "wrong", KEY[:-1], f"{KEY}x", KEY.upper(), f"{KEY},{OTHER_KEY}", "Bearer", "None", "*",
    f"x+{KEY}", "sk-placeholder",
]  # fmt: skip


def shown(asked: Question, place: str, key: str) -> Question:
    """The question with a key in a place, and none elsewhere."""
    path = asked.path
    if place == "query":
        path += ("&" if "?" in path else "?") + f"key={key}"
    kept = {name: value for name, value in asked.headers.items() if "key" not in value}
    fields = {name: value.replace("KEY", key) for name, value in PLACES[place].items()}
    return Question(path, asked.body, {**kept, **fields})


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway that wants a key."""
    home: Path = tmp_path_factory.mktemp("home")
    for name, key in (("one", KEY), ("two", OTHER_KEY)):
        (home / name).write_text(key)
    keys = [{"id": name, "secret": f"file:{name}"} for name in ("one", "two")]
    extra = {"local_keys": {"required": True, "keys": keys}}
    with SimulatedGateway(home, extra) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_asked(request: pytest.FixtureRequest) -> None:
    if "locked" in request.fixturenames:
        request.getfixturevalue("locked").sim.reset()


def refused(locked: SimulatedGateway, reply: Response) -> None:
    """Assert that the key was at fault, and that no provider was asked."""
    spec = catalogue.LOCAL_KEY_REFUSED
    assert (reply.status, reply.headers["x-korproxy-error"]) == (401, spec.code), reply.body
    assert locked.sim.ledger.entries == []


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_every_route_wants_a_key(locked: SimulatedGateway, method: str, path: str) -> None:
    """Those that are none too: a stranger learns nothing but that."""
    body = json.dumps(MODEL).encode() if method == "POST" else None
    for headers in ({}, {"authorization": "Bearer wrong-key"}):
        refused(locked, send(locked.url, method, path, body, headers))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dialect", NATIVE)
def test_a_wrong_key_is_refused_in_the_dialects_envelope(
    locked: SimulatedGateway, dialect: str, place: str
) -> None:
    """A tool shows its user what is wrong, in words."""
    reply = ask(locked.url, shown(question(dialect, NATIVE[dialect]), place, "wrong-key-5512"))
    refused(locked, reply)
    error = reply.json["error"]
    assert "local key" in error["message"].lower()
    assert "wrong-key-5512" not in reply.body.decode()
    match dialect:
        case "anthropic-messages":
            assert (reply.json["type"], error["type"]) == ("error", "authentication_error")
        case "gemini":
            assert (error["code"], error["status"]) == (401, "UNAUTHENTICATED")
        case _:
            assert {"message", "type", "param", "code"} <= set(error)


@pytest.mark.parametrize("key", NEARLY)
def test_what_is_nearly_a_key_is_none(locked: SimulatedGateway, key: str) -> None:
    """A part of it, more than it, several, or none at all."""
    for place in PLACES:
        asked = question("openai-chat", NATIVE["openai-chat"])
        refused(locked, ask(locked.url, shown(asked, place, key)))


@pytest.mark.parametrize("key", [KEY, OTHER_KEY], ids=["one", "other"])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("dialect", NATIVE)
def test_the_right_key_passes_in_every_place_and_goes_no_further(
    locked: SimulatedGateway, dialect: str, place: str, key: str
) -> None:
    """Any of the keys, wherever the tool puts it; the provider sees the account's credential alone."""
    for model in (NATIVE[dialect], "glm-5"):
        reply = ask(locked.url, shown(question(dialect, model), place, key))
        assert reply.status == 200, reply.body
    seen = json.dumps([it.as_json(with_body=True) for it in locked.sim.ledger.entries])
    assert len(locked.sim.ledger.entries) >= 2
    assert key not in seen
    assert "some-placeholder" not in seen


@pytest.mark.parametrize(("path", "headers"), [
    ("/v1/models", {}), ("/v1/models", {"anthropic-version": "2023-06-01"}), ("/v1beta/models", {}),
    ("/metrics", {}),
])  # fmt: skip
def test_lists_and_metrics_open_with_a_key(
    locked: SimulatedGateway, path: str, headers: dict[str, str]
) -> None:
    reply = send(locked.url, "GET", path, None, {**headers, "x-api-key": KEY})
    assert reply.status == 200


def test_health_is_for_supervisors_that_have_no_key(locked: SimulatedGateway) -> None:
    """It is open, and names no account."""
    ask(locked.url, shown(question("openai-chat", NATIVE["openai-chat"]), "bearer", KEY))
    reply = send(locked.url, "GET", "/_korproxy/health")
    assert (reply.status, reply.json["status"], reply.json["accounts"]) == (200, "ok", [])
    assert send(locked.url, "HEAD", "/").status == 200


def test_keys_are_not_logged(locked: SimulatedGateway) -> None:
    """Neither the right one nor a wrong one."""
    asked = question("openai-chat", NATIVE["openai-chat"])
    for key in (KEY, "wrong-key-that-is-not-known-9921"):
        for place in PLACES:
            reply = ask(locked.url, shown(asked, place, key))
            locked.gateway.wait_for_log(reply.headers["x-korproxy-request-id"])
    log = (locked.home / "logs" / "gateway.jsonl").read_text()
    assert log.count("exchange finished") >= 2 * len(PLACES)
    assert KEY not in log
    assert "wrong-key-that-is-not-known-9921" not in log


@pytest.mark.parametrize("key", ["sk-placeholder", "korproxy", "x", "none", "dummy key"])
@pytest.mark.parametrize("place", PLACES)
def test_by_default_any_placeholder_works(engine: SimulatedGateway, place: str, key: str) -> None:
    """Tools insist on some key; without a word in the config nobody looks at it."""
    key = key.replace(" ", "+") if place == "query" else key
    for dialect, model in NATIVE.items():
        reply = ask(engine.url, shown(question(dialect, model), place, key))
        assert reply.status == 200, reply.body


def test_by_default_no_key_at_all_works(engine: SimulatedGateway) -> None:
    for dialect, model in NATIVE.items():
        asked = question(dialect, model)
        assert ask(engine.url, Question(asked.path, asked.body)).status == 200
