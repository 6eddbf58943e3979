"""The other routes that real tools take: Gemini CLI's Google login, Codex's compaction and backend path, slips of base URLs."""

import json
from typing import Any

import pytest

from launcher.demo.settings import DemoAccount, demo_accounts
from launcher.simulator.server import Simulator
from support.asking import CLIENT_KEY, Question, Response, ask, payloads, question, said, send
from support.gateway import SimulatedGateway

pytestmark = pytest.mark.e2e

ACCOUNTS = demo_accounts(Simulator().urls())
LICENCE = next(it for it in ACCOUNTS if it.access == "code-assist")
ASKED = [it for it in ACCOUNTS if it.serves_any_tool]
EACH = pytest.mark.parametrize("account", ASKED, ids=lambda it: it.id)
EACH_OF_GEMINI_CLI = pytest.mark.parametrize("account", [*ASKED, LICENCE], ids=lambda it: it.id)
GOOGLE = {"authorization": "Bearer ya29.canary-google-login", "user-agent": "GeminiCLI/0.61.0"}
CHAT_HABIT = {"authorization": f"Bearer {CLIENT_KEY}"}


def wrapped(method: str, model: str, text: str = "[[sim text=Aye]]", **extra: Any) -> Question:
    """A question as Gemini CLI sends it with a Google login."""
    request = {
        "contents": [{"role": "user", "parts": [{"text": text}]}],
        "session_id": "session-1",
        **extra,
    }
    body: dict[str, Any] = {"model": model, "project": "p", "user_prompt_id": "up-1"}
    if method == "countTokens":
        body, request = {}, {"model": f"models/{model}", "contents": request["contents"]}
    query = "?alt=sse" if method.startswith("stream") else ""
    return Question(f"/v1internal:{method}{query}", {**body, "request": request}, dict(GOOGLE))


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@EACH_OF_GEMINI_CLI
def test_t163_gemini_cli_s_google_login_reaches_every_provider(
    engine: SimulatedGateway, account: DemoAccount, stream: bool
) -> None:
    """Its envelope comes off, each answer goes back into one, and its own token stays here."""
    method = "streamGenerateContent" if stream else "generateContent"
    reply = ask(engine.url, wrapped(method, account.pinned_model))
    assert reply.status == 200, reply.body
    answers = payloads(reply.body) if stream else [reply.json]
    assert all(set(it) == {"response"} for it in answers)
    inner = [it["response"] for it in answers]
    texts = [
        part["text"]
        for chunk in inner
        for part in chunk["candidates"][0].get("content", {}).get("parts", ())
        if "text" in part and not part.get("thought")
    ]
    assert "".join(texts) == "Aye"
    assert inner[-1]["candidates"][0]["finishReason"] == "STOP"
    assert inner[-1]["usageMetadata"]["promptTokenCount"] > 0
    kind = reply.headers["content-type"].partition(";")[0]
    assert kind == ("text/event-stream" if stream else "application/json")
    entry = engine.sim.wait(lambda entries: bool(entries) and entries[-1].finished)[-1]
    assert "canary-google-login" not in json.dumps([entry.headers, entry.query, entry.body])
    if account.access == "code-assist":
        body = json.loads(entry.body or "")
        assert (body["user_prompt_id"], body["request"]["session_id"]) == ("up-1", "session-1")


@pytest.mark.parametrize("dialect", ["anthropic-messages", "gemini"])
def test_a_code_assist_licence_is_for_gemini_cli_alone(
    engine: SimulatedGateway, dialect: str
) -> None:
    """Google's terms forbid other programs to use it, whatever dialect they speak."""
    reply = ask(engine.url, question(dialect, LICENCE.pinned_model))
    assert (reply.status, reply.headers["x-korproxy-error"]) == (400, "KP-AUTH-012")
    assert engine.sim.ledger.entries == []


@EACH_OF_GEMINI_CLI
def test_its_count_has_no_envelope(engine: SimulatedGateway, account: DemoAccount) -> None:
    reply = ask(engine.url, wrapped("countTokens", account.pinned_model, "one two three"))
    assert reply.status == 200, reply.body
    assert reply.json["totalTokens"] > 0


def test_a_stream_without_sse_is_one_array_of_envelopes(engine: SimulatedGateway) -> None:
    asked = wrapped("streamGenerateContent", "claude-sonnet-5-5")
    reply = ask(engine.url, Question(asked.path.partition("?")[0], asked.body, asked.headers))
    assert reply.status == 200
    assert all(set(it) == {"response"} for it in reply.json)


def test_its_errors_are_google_s(engine: SimulatedGateway) -> None:
    for asked in (
        wrapped("generateContent", "no-such-model"),
        Question("/v1internal:generateContent", {"model": "m"}, GOOGLE),
        Question("/v1internal:unheardOf", {}, GOOGLE),
    ):
        reply = ask(engine.url, asked)
        assert reply.status in (400, 404)
        error = reply.json["error"]
        assert error["code"] == reply.status
        assert error["status"] in ("NOT_FOUND", "INVALID_ARGUMENT")


def test_what_it_asks_before_a_session_is_answered_without_any_upstream(
    engine: SimulatedGateway,
) -> None:
    metadata = {"metadata": {"pluginType": "GEMINI"}}
    loaded = ask(engine.url, Question("/v1internal:loadCodeAssist", metadata, GOOGLE)).json
    project = loaded["cloudaicompanionProject"]
    assert loaded["currentTier"]["id"]
    for method in ("onboardUser", "retrieveUserQuota", "listExperiments", "fetchAdminControls"):
        reply = ask(engine.url, Question(f"/v1internal:{method}", {"project": project}, GOOGLE))
        assert reply.status == 200, method
    assert engine.sim.ledger.entries == []


# --- Codex


def compacted(
    engine: SimulatedGateway, model: str, path: str = "/v1/responses/compact"
) -> Response:
    body = {
        "model": model,
        "instructions": "Be brief.",
        "input": [
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "go"}]},
            {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c1", "output": "done"},
        ],
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
    }
    return ask(engine.url, Question(path, body, CHAT_HABIT))


@EACH
def test_a_codex_session_can_be_compacted_at_every_provider_and_goes_on(
    engine: SimulatedGateway, account: DemoAccount
) -> None:
    reply = compacted(engine, account.pinned_model)
    assert reply.status == 200, reply.body
    output = reply.json["output"]
    assert output[-1]["type"] in ("compaction", "compaction_summary")
    asked = question("openai-responses", account.pinned_model, stream=True, store=False)
    go_on = {"type": "message", "role": "user", "content": "[[sim text=Onwards]]"}
    asked.body["input"] = [*output, go_on]
    again = ask(engine.url, asked)
    assert (again.status, said("openai-responses", again, stream=True)) == (200, "Onwards")


@pytest.mark.parametrize(
    "account",
    # One that speaks Responses answers such an item itself.
    [it for it in ASKED if it.dialect != "openai-responses"],
    ids=lambda it: it.id,
)
def test_a_compaction_by_a_last_item_is_one_item(
    engine: SimulatedGateway, account: DemoAccount
) -> None:
    asked = question("openai-responses", account.pinned_model, stream=True, store=False)
    asked.body["input"] = [{"role": "user", "content": "go"}, {"type": "compaction_trigger"}]
    reply = ask(engine.url, asked)
    events = payloads(reply.body)
    done = [it["item"]["type"] for it in events if it["type"] == "response.output_item.done"]
    assert (reply.status, done, events[-1]["type"]) == (200, ["compaction"], "response.completed")


@EACH
def test_codex_s_own_path_is_the_same_route(engine: SimulatedGateway, account: DemoAccount) -> None:
    asked = question("openai-responses", account.pinned_model, "[[sim text=Aye]]", stream=True)
    asked.path = "/backend-api/codex/responses"
    reply = ask(engine.url, asked)
    assert (reply.status, said("openai-responses", reply, stream=True)) == (200, "Aye")


def test_compaction_is_there_too(engine: SimulatedGateway) -> None:
    path = "/backend-api/codex/responses/compact"
    assert compacted(engine, "claude-sonnet-5-5", path).status == 200


# --- slips


SLIPS = {
    "openai-chat": (
        "/chat/completions", "/v1/v1/chat/completions", "/v1beta/openai/chat/completions",
        "//v1/chat/completions", "/openai/v1/chat/completions", "/v1/chat/completions/",
    ),
    "openai-responses": ("/responses", "/v1/v1/responses", "/v1beta/openai/responses"),
    "anthropic-messages": ("/messages", "/v1/v1/messages", "/v1/messages?beta=true"),
    "gemini": (
        "/models/{}:generateContent", "/v1/models/{}:generateContent",
        "/v1beta/v1beta/models/{}:generateContent",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("dialect", "path"), [(name, path) for name, paths in SLIPS.items() for path in paths]
)
@pytest.mark.parametrize("model", ["claude-sonnet-5-5", "gpt-6.1-sol"])
def test_t175_a_base_url_with_a_slip_works(
    engine: SimulatedGateway, dialect: str, path: str, model: str
) -> None:
    asked = question(dialect, model, "[[sim text=Aye]]")
    reply = ask(engine.url, Question(path.format(model), asked.body, asked.headers))
    assert (reply.status, said(dialect, reply, stream=False)) == (200, "Aye")


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@EACH
def test_t18_a_responses_body_on_the_chat_path_is_answered_in_chat(
    engine: SimulatedGateway, account: DemoAccount, stream: bool
) -> None:
    """Cursor does that with GPT-5-class models, and wants chat chunks with their usage."""
    body: dict[str, Any] = {
        "model": account.pinned_model,
        "input": [{"role": "user", "content": "[[sim text=Aye]]"}],
        "include": ["reasoning.encrypted_content"],
        "reasoning": {"effort": "low"},
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}],
        "store": False,
    }
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    reply = ask(engine.url, Question("/v1/chat/completions", body, CHAT_HABIT))
    assert (reply.status, said("openai-chat", reply, stream=stream)) == (200, "Aye"), reply.body
    if stream:
        chunks = payloads(reply.body)
        assert {it["object"] for it in chunks} == {"chat.completion.chunk"}
        assert chunks[-1]["usage"]["prompt_tokens"] > 0
        assert reply.body.rstrip().endswith(b"data: [DONE]")


# --- what only some upstreams have


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/completions"])
@EACH
def test_embeddings_and_old_completions_pass_or_are_refused_clearly(
    engine: SimulatedGateway, account: DemoAccount, path: str
) -> None:
    body = {"model": account.pinned_model, "input": "x", "prompt": "x"}
    body.pop("prompt" if path.endswith("embeddings") else "input")
    reply = ask(engine.url, Question(path, body, CHAT_HABIT))
    offered = {
        "/v1/embeddings": {"codex-api-key", "qwen-api-key", "sim-chat"},
        "/v1/completions": {"codex-api-key", "sim-chat"},
    }[path]
    if account.id in offered:
        # Passed on: what the model is no good for, the upstream says itself.
        assert reply.headers.get("x-korproxy-error") != "KP-REQ-717", reply.body
        assert len(engine.sim.ledger.entries) == 1
    else:
        assert (reply.status, reply.headers["x-korproxy-error"]) == (404, "KP-REQ-717")
        assert engine.sim.ledger.entries == []
        assert "no such operation" in reply.json["error"]["message"]


# --- conversations that the upstream does not remember


@pytest.mark.parametrize("stream", [True, False], ids=["stream", "whole"])
@EACH
def test_t145_previous_response_id_works_at_every_provider(
    engine: SimulatedGateway, account: DemoAccount, stream: bool
) -> None:
    def answer_id(reply: Response) -> str:
        assert reply.status == 200, reply.body
        body = payloads(reply.body)[-1]["response"] if stream else reply.json
        return str(body["id"])

    def ask_for(prompt: str, **extra: Any) -> Response:
        asked = question("openai-responses", account.pinned_model, prompt, stream=stream, **extra)
        return ask(engine.url, asked)

    first = answer_id(ask_for("My name is Kora. [[sim text=Noted]]"))
    second = ask_for("Who am I? [[sim text=Kora]]", previous_response_id=first)
    entry = engine.sim.wait(lambda entries: bool(entries) and entries[-1].finished)[-1]
    if account.id == "codex-api-key":
        # OpenAI keeps its own; the simulated one keeps none, and says so in its own words.
        assert json.loads(entry.body or "")["previous_response_id"] == first
        assert second.json["error"]["code"] == "previous_response_not_found"
        return
    assert said("openai-responses", second, stream=stream) == "Kora"
    answer_id(second)
    for words in ("My name is Kora", "Noted", "Who am I?"):
        assert words in (entry.body or "")
    path = f"/v1/responses/{first}"
    assert send(engine.url, "GET", path, headers=CHAT_HABIT).json["id"] == first
    assert send(engine.url, "DELETE", path, headers=CHAT_HABIT).json["deleted"] is True
    gone = ask_for("And now?", previous_response_id=first)
    assert gone.status == 400
    if account.id != "sim-responses":  # an upstream that may remember is asked
        assert gone.json["error"]["code"] == "previous_response_not_found"


@pytest.mark.parametrize(
    ("path", "body", "model", "found"),
    [
        ("/v1/embeddings", {"input": ["a", "b"]}, "text-embedding-3-small", "embedding"),
        ("/v1/completions", {"prompt": "x"}, "gpt-3.5-turbo-instruct", "text_completion"),
    ],
)
def test_embeddings_and_old_completions_answer_where_there_are_some(
    engine: SimulatedGateway, path: str, body: dict[str, Any], model: str, found: str
) -> None:
    asked = Question(path, {"model": f"codex@codex-api-key/{model}", **body}, CHAT_HABIT)
    reply = ask(engine.url, asked)
    assert reply.status == 200, reply.body
    assert f'"object":"{found}"' in reply.body.decode().replace(" ", "")
    if "prompt" in body:
        streamed = ask(engine.url, Question(path, {**asked.body, "stream": True}, CHAT_HABIT))
        assert streamed.headers["content-type"].startswith("text/event-stream")
        assert streamed.body.rstrip().endswith(b"data: [DONE]")
