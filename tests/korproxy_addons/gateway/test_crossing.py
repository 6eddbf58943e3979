"""Which dialect an upstream is asked in, what must not be lost on the way, and the head under which its reply comes."""

import json
from typing import Any

import pytest

from korproxy_addons.dialects import dialect
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.crossing import (
    BYTES_PER_TOKEN,
    LARGEST_ESTIMATED_BYTES,
    Crossing,
    crossing_to,
)
from korproxy_addons.gateway.reply_road import Forms
from korproxy_addons.providers.outgoing import Operation
from korproxy_addons.providers.resolve import resolve_accounts
from support.answers import CHAT, GEMINI, MESSAGES, RESPONSES
from support.asking import DIALECTS, Question, payloads, question
from support.fake_upstream import EVENTS, JSON, FakeReply
from support.legs import accounts_of, config_of, exchange_for

OPENAI = {"accounts": [{"id": "a", "provider": "codex", "secret": "plain:sk-a"}]}


def crossing(
    asked: Question,
    upstream: str = "",
    *,
    model: str = "m",
    body: bytes | None = None,
    **extra: Any,
) -> Crossing:
    """To a user-added upstream of a dialect, or to OpenAI by key, which speaks two."""
    config = accounts_of({"a": upstream}, **extra) if upstream else config_of({**OPENAI, **extra})
    exchange = exchange_for(config, asked, body=body)
    return crossing_to(exchange, resolve_accounts(config)[0], model)


@pytest.mark.parametrize("dialect_id", DIALECTS)
def test_a_body_passes_where_its_upstream_speaks_its_dialect(dialect_id: str) -> None:
    asked = question(dialect_id, "m", x_future=1)
    found = crossing(asked, dialect_id)
    assert found.encoded.passed
    assert found.decoded is None
    assert found.outgoing.native
    assert found.encoded.body == found.exchange.client.body


@pytest.mark.parametrize("client", DIALECTS)
@pytest.mark.parametrize("upstream", DIALECTS)
def test_any_other_is_encoded_for_its_upstream(client: str, upstream: str) -> None:
    if client == upstream:
        return
    found = crossing(question(client, "any"), upstream, model="theirs")
    assert (found.outgoing.dialect, found.outgoing.native) == (upstream, False)
    assert (found.outgoing.model, found.outgoing.client_model) == ("theirs", "theirs")
    assert found.decoded is not None


@pytest.mark.parametrize(
    ("client", "asked_in"), [(CHAT, CHAT), (RESPONSES, RESPONSES), (GEMINI, RESPONSES)]
)
def test_of_several_dialects_of_an_upstream_the_clients_own_is_taken_else_the_first(
    client: str, asked_in: str
) -> None:
    assert (
        crossing(question(client, "gpt-6.1-sol"), model="gpt-6.1-sol").outgoing.dialect == asked_in
    )


def test_what_would_change_the_answer_is_refused_unless_the_user_allows_it() -> None:
    asked = question(CHAT, "m", logprobs=True, n=2)
    with pytest.raises(KorProxyError) as refused:
        crossing(asked, MESSAGES)
    assert refused.value.spec is catalogue.CANNOT_TRANSLATE
    for feature in ("logprobs", "n"):
        assert feature in refused.value.detail
    allowed = crossing(asked, MESSAGES, allow_degradation=True)
    assert {str(loss.feature) for loss in allowed.encoded.losses} >= {"logprobs", "n"}


def test_what_would_not_change_the_answer_is_only_listed() -> None:
    found = crossing(question(CHAT, "m", seed=1), MESSAGES)
    assert [str(loss.feature) for loss in found.encoded.losses] == ["seed"]


@pytest.mark.parametrize(
    ("asked", "upstream"),
    [
        (Question("/v1/embeddings", {"model": "m", "input": "x"}), MESSAGES),
        (Question("/v1/embeddings", {"model": "m", "input": "x"}), GEMINI),
        (Question("/v1/messages/count_tokens", question(MESSAGES, "m").body), CHAT),
    ],
)
def test_what_an_upstream_has_no_such_thing_for_is_not_offered(
    asked: Question, upstream: str
) -> None:
    with pytest.raises(KorProxyError) as refused:
        crossing(asked, upstream)
    assert refused.value.spec is catalogue.NOT_OFFERED


def test_a_count_crosses_between_dialects_that_both_know_it() -> None:
    found = crossing(Question("/v1/messages/count_tokens", question(MESSAGES, "m").body), GEMINI)
    assert found.outgoing.operation is Operation.COUNT_TOKENS
    assert b'"contents"' in found.encoded.body


def test_a_body_of_another_dialect_than_its_path_is_read_as_what_it_is() -> None:
    """Some tools send Responses bodies to the Chat path (T18); they are answered in the path's dialect."""
    asked = Question("/v1/chat/completions", {"model": "gpt-6.1-sol", "input": "hello"})
    found = crossing(asked, model="gpt-6.1-sol")
    assert (found.exchange.dialect, found.outgoing.dialect) == (CHAT, RESPONSES)
    assert found.encoded.passed


# --- stream or whole


@pytest.mark.parametrize(
    ("content_type", "asked_for", "streamed"),
    [
        (EVENTS, True, True),
        ("text/event-stream; charset=utf-8", False, True),
        ("Text/Event-Stream", True, True),
        (JSON, True, False),
        ("", True, True),
        ("text/plain", True, True),
        ("application/octet-stream", True, True),
        ("text/plain", False, False),
    ],
)
def test_a_replys_content_type_says_whether_it_streams(
    content_type: str, asked_for: bool, streamed: bool
) -> None:
    found = crossing(question(MESSAGES, "m", stream=asked_for), MESSAGES)
    forms = found.forms(FakeReply(content_type=content_type))
    assert forms == Forms(upstream_streamed=streamed, client_streamed=asked_for)


# --- the head


def head(client: str, upstream: str, forms: Forms, **headers: str) -> dict[str, str]:
    found = crossing(question(client, "m", stream=forms.client_streamed), upstream)
    kind = EVENTS if forms.upstream_streamed else "application/json; charset=utf-8"
    fields = found.reply_headers(FakeReply(content_type=kind, headers=headers), forms)
    assert len({name.lower() for name, _ in fields}) == len(fields), fields
    return dict(fields)


THEIRS = {
    "request-id": "req_1",
    "anthropic-ratelimit-requests-remaining": "9",
    "set-cookie": "s=1",
    "content-length": "1234",
    "content-encoding": "gzip",
    "cache-control": "max-age=60",
    "access-control-allow-origin": "*",
    "x-korproxy-why": "forged",
}


@pytest.mark.parametrize("streamed", [True, False])
def test_headers_of_the_same_dialect_pass_but_for_what_is_not_the_providers_to_say(
    streamed: bool,
) -> None:
    found = head(MESSAGES, MESSAGES, Forms(streamed, streamed), **THEIRS)
    assert found["request-id"] == "req_1"
    assert found["anthropic-ratelimit-requests-remaining"] == "9"
    assert found["x-korproxy-why"] == ""
    assert not found.keys() & {
        "set-cookie", "content-length", "content-encoding", "access-control-allow-origin",
    }  # fmt: skip
    if streamed:
        assert (found["cache-control"], found["x-accel-buffering"]) == ("no-cache", "no")
        assert found["content-type"] == dialect(MESSAGES).content_type(streamed=True)
    else:
        assert "cache-control" not in found
        assert found["content-type"] == "application/json; charset=utf-8"


def test_headers_of_another_dialect_do_not() -> None:
    found = head(CHAT, MESSAGES, Forms(upstream_streamed=False, client_streamed=False), **THEIRS)
    assert not found.keys() & {"request-id", "anthropic-ratelimit-requests-remaining"}
    assert found["content-type"] == dialect(CHAT).content_type(streamed=False)


def test_a_reply_that_changes_its_form_has_a_content_type_of_ours() -> None:
    found = head(MESSAGES, MESSAGES, Forms(upstream_streamed=True, client_streamed=False))
    assert found["content-type"] == dialect(MESSAGES).content_type(streamed=False)


# --- the way back


def streamed_start(body: bytes) -> int:
    """The input tokens that a Chat upstream's stream begins with for an Anthropic client."""
    found = crossing(question(MESSAGES, "m", stream=True), CHAT, body=body)
    translator = found.translator(Forms(upstream_streamed=True, client_streamed=True))
    chunk = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"A"}}]}\n\n'
    first = payloads(translator.feed(chunk))[0]
    return int(first["message"]["usage"]["input_tokens"])


def test_a_prompts_tokens_are_estimated_where_they_must_be_said_first() -> None:
    def body(size: int) -> bytes:
        text = b'{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"%b"}]}'
        return text % (b"x" * (size - len(text) + 2))

    assert streamed_start(body(4000)) == 4000 // BYTES_PER_TOKEN
    # So much of a prompt is pictures, of which this rule knows nothing.
    assert streamed_start(body(LARGEST_ESTIMATED_BYTES + 1)) == 0


def test_the_answer_names_the_model_as_the_client_did() -> None:
    found = crossing(question(MESSAGES, "provider/alias"), CHAT, model="theirs")
    translator = found.translator(Forms(upstream_streamed=False, client_streamed=False))
    translator.feed(
        b'{"model":"theirs","choices":[{"message":{"content":"A"},"finish_reason":"stop"}]}'
    )
    assert b'"provider/alias"' in translator.close()


def test_a_providers_envelope_is_taken_off() -> None:
    account = {
        "id": "a", "provider": "gemini", "access": "code-assist", "consent": True,
        "project": "p", "secret": "plain:ya29.a",
    }  # fmt: skip
    config = config_of({"accounts": [account]})
    exchange = exchange_for(config, question(GEMINI, "gemini-3.8-flash"))
    found = crossing_to(exchange, resolve_accounts(config)[0], "gemini-3.8-flash")
    translator = found.translator(Forms(upstream_streamed=False, client_streamed=False))
    out = translator.feed(b'{"response":{"candidates":[]}}') + translator.close()
    assert out == b'{"candidates":[]}'


# --- compaction


@pytest.mark.parametrize("upstream", [CHAT, MESSAGES, GEMINI])
def test_a_compaction_is_a_summary_where_an_upstream_has_none(upstream: str) -> None:
    """Codex has no other way once it has asked for it."""
    asked = Question("/v1/responses/compact", {"model": "m", "input": "x"})
    found = crossing(asked, upstream)
    assert (found.outgoing.operation, found.summary) == (Operation.GENERATE, True)
    assert b"Write a summary" in found.encoded.body
    assert "summarised" in found.exchange.why


def test_a_compaction_passes_where_its_upstream_has_one() -> None:
    found = crossing(Question("/v1/responses/compact", {"model": "m", "input": "x"}), RESPONSES)
    assert (found.outgoing.operation, found.summary) == (Operation.COMPACT, False)
    assert found.encoded.passed


def test_a_plan_without_the_path_is_asked_in_its_own_dialect() -> None:
    account = {"id": "a", "provider": "codex", "access": "siwc", "secret": "plain:ey.a"}
    config = config_of({"accounts": [account]})
    asked = Question("/v1/responses/compact", {"model": "gpt-6.1-sol", "input": "x"})
    exchange = exchange_for(config, asked)
    found = crossing_to(exchange, resolve_accounts(config)[0], "gpt-6.1-sol")
    assert (found.outgoing.operation, found.outgoing.dialect) == (Operation.GENERATE, RESPONSES)
    assert not found.outgoing.native
    assert b"Write a summary" in found.encoded.body


@pytest.mark.parametrize(("upstream", "summary"), [(CHAT, True), (RESPONSES, False)])
def test_a_trigger_in_the_input_is_the_same_question(upstream: str, summary: bool) -> None:
    asked = question(RESPONSES, "m")
    asked.body["input"] = [{"role": "user", "content": "x"}, {"type": "compaction_trigger"}]
    found = crossing(asked, upstream)
    assert found.summary is summary
    assert (b"compaction_trigger" in found.encoded.body) is not summary


# --- an envelope of the client's


def test_an_answer_goes_back_into_the_client_s_envelope() -> None:
    """Ingress has taken the request out of it."""
    asked = question(GEMINI, "m")
    body = json.dumps({**asked.body, "model": "m"}).encode()
    config = accounts_of({"a": CHAT})
    exchange = exchange_for(config, Question("/v1internal:generateContent", {}), body=body)
    found = crossing_to(exchange, resolve_accounts(config)[0], "m")
    translator = found.translator(Forms(upstream_streamed=False, client_streamed=False))
    translator.feed(b'{"choices":[{"message":{"content":"A"},"finish_reason":"stop"}]}')
    assert translator.close().startswith(b'{"response":{')
