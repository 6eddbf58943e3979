"""What real clients need of requests and routes: the rules by their numbers; each one has broken a real tool."""

import gzip
import http.client
import json
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from support.asking import Question, Response, ask, payloads, question, said, send
from support.gateway import SimulatedGateway
from support.gemini_sdk import needs_sdk
from support.raw_http import RawConnection, head
from support.raw_http import asked as raw_asked

pytestmark = pytest.mark.e2e

KEY = "canary-client-key-3b9d"
JSON = {"content-type": "application/json"}
NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
ANSWER = "[[sim text=Aye]]"


def bare(dialect: str, *, stream: bool = False) -> Question:
    """A question without any key."""
    asked = question(dialect, NATIVE[dialect], ANSWER, stream=stream)
    return Question(asked.path, asked.body)


def under(version: str, asked: Question) -> Question:
    """The same Gemini question under another version."""
    return Question(asked.path.replace("/v1beta/", f"/{version}/"), asked.body, asked.headers)


COUNT = bare("anthropic-messages").body | {"messages": [{"role": "user", "content": "count me"}]}
COUNT_GEMINI = Question("/v1beta/models/gemini-3.8-flash:countTokens", bare("gemini").body)
ROUTES = {
    **{dialect: bare(dialect) for dialect in NATIVE},
    **{f"{dialect} stream": bare(dialect, stream=True) for dialect in NATIVE},
    "gemini v1": under("v1", bare("gemini")),
    "gemini v1 stream": under("v1", bare("gemini", stream=True)),
    "count": Question(
        "/v1/messages/count_tokens", {key: COUNT[key] for key in ("model", "messages")}
    ),
    "count gemini": COUNT_GEMINI,
    "count gemini v1": under("v1", COUNT_GEMINI),
    "count responses": Question("/v1/responses/input_tokens", bare("openai-responses").body),
}
KEY_PLACES = {
    "bearer": {"authorization": f"Bearer {KEY}"},
    "bearer, new version": {"authorization": f"Bearer {KEY}", "anthropic-version": "2026-10-21"},
    "lower-case bearer": {"authorization": f"bearer {KEY}"},
    "x-api-key": {"x-api-key": KEY},
    "x-goog-api-key": {"x-goog-api-key": KEY},
    "query": {},
    "all": {"authorization": f"Bearer {KEY}", "x-api-key": KEY, "x-goog-api-key": KEY},
    "none": {},
}


def keyed(asked: Question, place: str) -> Question:
    """The same question with the key in a place."""
    path = asked.path
    if place in ("query", "all"):
        path += ("&" if "?" in path else "?") + f"key={KEY}"
    return Question(path, asked.body, {**asked.headers, **KEY_PLACES[place]})


@pytest.mark.parametrize("place", KEY_PLACES)
@pytest.mark.parametrize("route", ROUTES)
def test_rule_1_a_key_is_taken_in_every_place_on_every_route(
    engine: SimulatedGateway, route: str, place: str
) -> None:
    """Whichever way a tool shows its key, it is served, and the key goes no further."""
    reply = ask(engine.url, keyed(ROUTES[route], place))
    assert reply.status == 200, reply.body
    entries = engine.sim.wait(lambda found: bool(found) and found[-1].ended_at is not None)
    assert KEY not in json.dumps([it.as_json(with_body=True) for it in entries])


@pytest.mark.parametrize("place", KEY_PLACES)
@pytest.mark.parametrize("path", ["/v1/models", "/v1beta/models", "/v1/models/glm-5"])
def test_rule_1_holds_for_lists_too(engine: SimulatedGateway, path: str, place: str) -> None:
    asked = keyed(Question(path, {}), place)
    reply = send(engine.url, "GET", asked.path, None, asked.headers)
    assert reply.status == 200, reply.body
    assert KEY not in json.dumps([it.as_json(with_body=True) for it in engine.sim.ledger.entries])


@pytest.mark.parametrize("version", ["v1", "v1beta"])
@pytest.mark.parametrize(
    "verb", ["generateContent", "streamGenerateContent?alt=sse", "countTokens"]
)
@pytest.mark.parametrize("model", ["gemini-3.8-flash", "claude-sonnet-5-5"])
def test_rule_2_gemini_lives_under_both_versions(
    engine: SimulatedGateway, version: str, verb: str, model: str
) -> None:
    """The same answer under `/v1` and `/v1beta`, whoever serves it."""
    asked = question("gemini", model, ANSWER)
    path = f"/{version}/models/{model}:{verb}"
    reply = ask(engine.url, Question(path, asked.body, asked.headers))
    assert reply.status == 200, reply.body
    if verb == "countTokens":
        assert reply.json["totalTokens"] > 0
    else:
        assert said("gemini", reply, stream="stream" in verb) == "Aye"


class TestRule3:
    """`GET /v1/models` has four owners, and each reads its own form."""

    def test_openai(self, engine: SimulatedGateway) -> None:
        openai = pytest.importorskip("openai")
        with openai.OpenAI(base_url=f"{engine.url}/v1", api_key=KEY, max_retries=0) as client:
            listed = {it.id: it for it in client.models.list()}
            assert set(NATIVE.values()) <= set(listed)
            assert listed["glm-5"].object == "model"
            assert isinstance(listed["glm-5"].created, int)
            assert client.models.retrieve("glm-5").id == "glm-5"
            with pytest.raises(openai.NotFoundError, match="KP-REQ"):
                client.models.retrieve("glm-unheard-of")

    def test_anthropic(self, engine: SimulatedGateway) -> None:
        anthropic = pytest.importorskip("anthropic")
        with anthropic.Anthropic(base_url=engine.url, api_key=KEY, max_retries=0) as client:
            page = client.models.list(limit=1000)
            listed = {it.id: it for it in page}
            assert set(NATIVE.values()) <= set(listed)
            one = listed["claude-sonnet-5-5"]
            assert (one.type, bool(one.display_name), one.created_at.year > 2000) == (
                "model", True, True,
            )  # fmt: skip
            assert client.models.retrieve("glm-5").id == "glm-5"
        raw = send(engine.url, "GET", "/v1/models", None, {"anthropic-version": "2026-10-21"}).json
        assert (raw["first_id"], raw["last_id"]) == (raw["data"][0]["id"], raw["data"][-1]["id"])
        assert raw["has_more"] is False

    @pytest.mark.parametrize("version", ["v1", "v1beta"])
    def test_gemini(self, engine: SimulatedGateway, version: str) -> None:
        types = needs_sdk()
        from google import genai

        options = types.HttpOptions(base_url=engine.url, api_version=version)
        with genai.Client(api_key=KEY, http_options=options) as client:
            listed = {it.name: it for it in client.models.list()}
            assert {f"models/{name}" for name in NATIVE.values()} <= set(listed)
            actions = listed["models/gemini-3.8-flash"].supported_actions
            assert actions is not None
            assert "generateContent" in actions
            assert client.models.get(model="glm-5").name == "models/glm-5"

    def test_codex(self, engine: SimulatedGateway) -> None:
        """The catalogue: `slug` in place of `id`, and what Codex cannot read an entry without."""
        reply = send(engine.url, "GET", "/v1/models?client_version=0.169.0", None, {})
        listed = {it["slug"]: it for it in reply.json["models"]}
        assert set(NATIVE.values()) <= set(listed)
        assert {listed[name]["visibility"] for name in NATIVE.values()} == {"list"}
        for entry in listed.values():
            assert entry["visibility"] in ("list", "hide")
            assert entry["display_name"]
            assert entry["context_window"] > 0
            levels = entry["supported_reasoning_levels"]
            assert all({"effort", "description"} <= set(level) for level in levels)

    def test_whoever_says_more_than_one(self, engine: SimulatedGateway) -> None:
        """In the order of the rule: the query, Gemini's header, Anthropic's, else OpenAI's form."""
        both = {"anthropic-version": "2023-06-01", "x-goog-api-key": KEY}
        first = send(engine.url, "GET", "/v1/models?client_version=1", None, both).json
        assert "slug" in first["models"][0]
        second = send(engine.url, "GET", "/v1/models", None, both).json
        assert second["models"][0]["name"].startswith("models/")


@pytest.mark.parametrize("path", ["/v1/responses", "/responses", "/backend-api/codex/responses"])
def test_rule_4_what_is_no_sound_upgrade_is_refused_so_that_codex_posts_at_once(
    engine: SimulatedGateway, path: str
) -> None:
    """426, with a body that says why; the connection serves the POST that follows. Sound ones: test_responses_socket.py."""
    host = f"127.0.0.1:{engine.gateway.port}"
    upgrade = {
        "Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
        "Sec-WebSocket-Version": "8", "Sec-WebSocket-Key": "c2l4dGVlbiBieXRlcyEhIQ==",
        "openai-beta": "responses_websockets=2026-02-06", "Authorization": f"Bearer {KEY}",
    }  # fmt: skip
    reply = raw_asked(engine.gateway.port, f"GET {path}", upgrade)
    assert (reply.status, reply.header("x-korproxy-error"), reply.header("upgrade")) == (
        426, catalogue.UPGRADE_REQUIRED.code, "websocket",
    )  # fmt: skip
    assert reply.json["error"]["message"]
    assert engine.sim.ledger.entries == []
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request("GET", path, headers=upgrade)
        refused = connection.getresponse()
        assert (refused.status, bool(refused.read())) == (426, True)
        used = connection.sock
        asked = question("openai-responses", NATIVE["openai-responses"], ANSWER)
        connection.request("POST", path, json.dumps(asked.body), JSON)
        assert connection.getresponse().status == 200
        assert connection.sock is used
    finally:
        connection.close()


SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
GEMINI_CASES: dict[str, dict[str, Any]] = {
    "camel": {
        "systemInstruction": {"parts": [{"text": "be terse"}]},
        "tools": [{"functionDeclarations": [{"name": "look", "description": "d", "parameters": SCHEMA}]}],
        "generationConfig": {"maxOutputTokens": 500, "stopSequences": ["END"]},
    },
    "snake": {
        "system_instruction": {"parts": [{"text": "be terse"}]},
        "tools": [{"function_declarations": [{"name": "look", "description": "d", "parameters": SCHEMA}]}],
        "generation_config": {"max_output_tokens": 500, "stop_sequences": ["END"]},
    },
    "snake schema in camel": {
        "systemInstruction": {"parts": [{"text": "be terse"}]},
        "tools": [{"functionDeclarations": [
            {"name": "look", "description": "d", "parameters_json_schema": SCHEMA}]}],
        "generationConfig": {"maxOutputTokens": 500, "stop_sequences": ["END"]},
    },
    "json schema": {
        "systemInstruction": {"parts": [{"text": "be terse"}]},
        "tools": [{"functionDeclarations": [
            {"name": "look", "description": "d", "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {"maxOutputTokens": 500, "stopSequences": ["END"]},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", GEMINI_CASES)
@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "qwen3.8-max", "gpt-6.1-sol"])
def test_rule_9_gemini_bodies_are_read_in_both_cases(
    engine: SimulatedGateway, case: str, model: str
) -> None:
    """System text, tools with their schema, settings: none is lost on the way to another dialect."""
    call, answer = ("functionCall", "functionResponse")
    if case == "snake":
        call, answer = ("function_call", "function_response")
    turns = [
        {"role": "user", "parts": [{"text": "the weather?"}]},
        {"role": "model", "parts": [{call: {"name": "look", "args": {"city": "Turku"}}}]},
        {"role": "user", "parts": [{answer: {"name": "look", "response": {"out": "rain"}}}]},
        {"role": "user", "parts": [{"text": '[[sim tool=look args={"city":"Oulu"}]]'}]},
    ]
    asked = Question(
        f"/v1beta/models/{model}:generateContent", {"contents": turns} | GEMINI_CASES[case]
    )
    reply = ask(engine.url, asked, **{"x-goog-api-key": KEY})
    assert reply.status == 200, reply.body
    parts = reply.json["candidates"][0]["content"]["parts"]
    called = [it["functionCall"] for it in parts if "functionCall" in it]
    assert [(it["name"], it["args"]) for it in called] == [("look", {"city": "Oulu"})]
    sent = engine.sim.ledger.entries[-1].body or ""
    for word in ("be terse", "Turku", "rain", '"city"', '"required"', "500"):
        assert word in sent.replace("\\", ""), word


@pytest.mark.parametrize("case", GEMINI_CASES)
def test_rule_9_a_native_gemini_body_passes_in_its_own_case(
    engine: SimulatedGateway, case: str
) -> None:
    """What was snake case stays so: the upstream reads both."""
    body = bare("gemini").body | GEMINI_CASES[case]
    asked = Question("/v1beta/models/sim-gemini%2Fsim-large:generateContent", body)
    reply = ask(engine.url, asked, **{"x-goog-api-key": KEY})
    assert reply.status == 200, reply.body
    assert json.loads(engine.sim.ledger.entries[-1].body or "") == body


@pytest.mark.parametrize("size", [90_000, 1_500_000], ids=["90 KB", "1.5 MB"])
@pytest.mark.parametrize("crossing", [False, True], ids=["native", "crossing"])
@pytest.mark.parametrize("dialect", NATIVE)
def test_rule_12_first_turns_are_long(
    engine: SimulatedGateway, dialect: str, crossing: bool, size: int
) -> None:
    """Tens of kilobytes are ordinary, and no limit stands at a megabyte."""
    model = (
        NATIVE["gemini" if dialect == "openai-chat" else "openai-chat"]
        if crossing
        else NATIVE[dialect]
    )
    asked = question(dialect, model, "long words " * (size // 11) + ANSWER, stream=True)
    reply = ask(engine.url, asked)
    assert (reply.status, said(dialect, reply, stream=True)) == (200, "Aye"), reply.body[:500]
    assert engine.sim.ledger.entries[-1].body_bytes > size - 100


UNKNOWN: dict[str, dict[str, Any]] = {
    "openai-chat": {"x_new": {"a": [1, None, 1e400]}, "store": False, "top_k": 3},
    "openai-responses": {
        "client_metadata": {"session": "s"}, "prompt_cache_key": "k", "store": False,
        "include": ["reasoning.encrypted_content"],
    },
    "anthropic-messages": {
        "context_management": {"edits": [{"type": "clear_tool_uses_20250919"}]},
        "output_config": {"effort": "low"}, "thinking": {"type": "adaptive"},
        "metadata": {"user_id": '{"device":"d"}'},
    },
    "gemini": {"labels": {"team": "x"}, "cachedContent": "cachedContents/1"},
}  # fmt: skip


@pytest.mark.parametrize("dialect", NATIVE)
def test_rule_13_unknown_fields_pass(engine: SimulatedGateway, dialect: str) -> None:
    """Fields of today's and tomorrow's tools reach an upstream of the same dialect letter by letter."""
    name = {
        "openai-chat": "chat",
        "openai-responses": "responses",
        "anthropic-messages": "anthropic",
    }
    model = f"sim-{name.get(dialect, 'gemini')}/sim-large"
    asked = question(dialect, model, ANSWER)
    extra = json.loads(json.dumps(UNKNOWN[dialect]).replace("Infinity", "1")) | {
        "x_future": "é\u2028"
    }
    asked.body |= extra
    headers = {"anthropic-beta": "context-management-2025-06-27,new-2027-01-01"}
    reply = ask(engine.url, asked, **headers)
    assert reply.status == 200, reply.body
    entry = engine.sim.ledger.entries[-1]
    sent = json.loads(entry.body or "")
    assert {key: sent[key] for key in extra} == extra
    if dialect == "anthropic-messages":
        assert entry.header("anthropic-beta") == headers["anthropic-beta"]


def test_rule_14_one_connection_serves_many_requests(engine: SimulatedGateway) -> None:
    """Of every kind in turn: streams, whole replies, errors, lists."""
    connection = http.client.HTTPConnection("127.0.0.1", engine.gateway.port, timeout=30)
    try:
        used = None
        for turn in range(3):
            for dialect in NATIVE:
                asked = bare(dialect, stream=turn != 1)
                connection.request("POST", asked.path, json.dumps(asked.body), JSON)
                reply = connection.getresponse()
                assert (reply.status, reply.version) == (200, 11)
                assert b"Aye" in reply.read()
                used = used or connection.sock
                assert connection.sock is used
            for path in ("/v1/models", "/nothing"):
                connection.request("GET", path)
                connection.getresponse().read()
                assert connection.sock is used
    finally:
        connection.close()


def test_rule_14_a_new_connection_for_each_request_works_as_well(engine: SimulatedGateway) -> None:
    """As Codex does; `Connection: close` is honoured."""
    host = {"Host": f"127.0.0.1:{engine.gateway.port}", "Connection": "close"}
    for dialect in NATIVE:
        asked = bare(dialect, stream=True)
        body = json.dumps(asked.body).encode()
        with RawConnection(engine.gateway.port) as connection:
            fields = {**host, "Content-Length": str(len(body))}
            connection.send(head(f"POST {asked.path} HTTP/1.1", fields) + body)
            everything = connection.rest()  # until the other end closes
        assert everything.startswith(b"HTTP/1.1 200 ")
        assert b"Aye" in everything


@pytest.mark.parametrize("accepts", [None, "identity", "gzip, deflate", "gzip, deflate, br, zstd"])
@pytest.mark.parametrize("upstream_compresses", [False, True])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_rule_14_nothing_is_compressed_unless_asked(
    engine: SimulatedGateway, accepts: str | None, upstream_compresses: bool, stream: bool
) -> None:
    """A client that names no coding reads plain bytes, whatever the upstream made of them."""
    fields = {"Host": f"127.0.0.1:{engine.gateway.port}", **JSON}
    if accepts is not None:
        fields["Accept-Encoding"] = accepts
    for dialect in NATIVE:
        if upstream_compresses:
            engine.sim.script("gzip")
        asked = bare(dialect, stream=stream)
        body = json.dumps(asked.body).encode()
        reply = raw_asked(engine.gateway.port, f"POST {asked.path}", fields, body)
        coding = reply.header("content-encoding")
        assert reply.status == 200
        assert coding in ("", "identity") or (accepts is not None and coding in accepts)
        plain = gzip.decompress(reply.body) if coding == "gzip" else reply.body
        assert said(dialect, Response(200, {}, plain), stream=stream) == "Aye"
        assert engine.sim.ledger.entries[-1].header("accept-encoding") == "identity"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/api/hello"),
        ("GET", "/api/hello"),
        ("POST", "/api/event_logging/batch"),
        ("POST", "/v1/telemetry"),
        ("GET", "/v1/me"),
        ("GET", "/.well-known/oauth-authorization-server"),
        ("POST", "/v1internal:nothingOfThisName"),
        ("GET", "/favicon.ico"),
        ("GET", "/v1/organizations/x/usage"),
        ("PROPFIND", "/"),
    ],
)
def test_rule_15_side_paths_are_answered_at_once(
    engine: SimulatedGateway, method: str, path: str
) -> None:
    """An unknown path is 404 or 405 in JSON, and no provider is asked; a HEAD gets no body."""
    body = b"{}" if method == "POST" else None
    reply = send(engine.url, method, path, body, {"authorization": f"Bearer {KEY}", **JSON})
    assert reply.status in (404, 405)
    assert reply.headers["content-type"] == "application/json"
    assert (reply.body == b"") == (method == "HEAD")
    assert engine.sim.ledger.entries == []


@pytest.mark.parametrize("method", ["HEAD", "GET"])
def test_rule_15_a_probe_of_the_root_finds_somebody(engine: SimulatedGateway, method: str) -> None:
    """Claude Code and others look there first."""
    reply = send(engine.url, method, "/")
    assert (reply.status, reply.body == b"") == (200, method == "HEAD")
    assert int(reply.headers["content-length"]) > 0
    assert engine.sim.ledger.entries == []
    assert payloads(reply.body) == []
