"""One attempt: what goes out, what of the reply reaches the client, and when it can still be somebody else's turn."""

import asyncio
import gzip
import json
import zlib
from collections.abc import Callable
from typing import Any

import brotli
import pytest
import zstandard
from mitmproxy.test import tflow

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.attempt import ERROR_BODY_BYTES, Attempting
from korproxy_addons.gateway.attempt_failure import AttemptFailedError
from korproxy_addons.gateway.flow_record import MASK, FlowRecord
from korproxy_addons.providers.failure import Verdict
from korproxy_addons.routing.rules import Candidate
from support.answers import (
    CHAT,
    MESSAGE_FRAMES,
    MESSAGES,
    answer,
    completion,
    event,
    message,
    messages_error,
    refusal,
    stream,
)
from support.asking import Question, payloads, question
from support.fake_sink import FakeSink
from support.fake_upstream import FakeReply, FakeUpstream, event_stream, json_reply
from support.legs import Rig, accounts_of, config_of, exchange_for

TWO = {"a": MESSAGES, "b": MESSAGES}


def ask(*, stream: bool = False, dialect: str = MESSAGES, **extra: Any) -> Question:
    return question(dialect, "m", stream=stream, **extra)


def rig(upstream: FakeUpstream, dialects: dict[str, str] | None = None, **extra: Any) -> Rig:
    return Rig(accounts_of(dialects or TWO, **extra), upstream)


def attempt(one: Rig, asked: Question, account_id: str = "a", **words: Any) -> AttemptFailedError:
    """How one attempt fails, without the leg around it; nothing may have reached the client."""

    async def run() -> AttemptFailedError:
        exchange = exchange_for(one.config, asked, **words)
        sink, record = FakeSink(), FlowRecord(tflow.tflow())
        candidate = Candidate(account_id, exchange.model or "")
        attempting = Attempting(exchange, candidate, sink, record, one.wire, one.clock)
        with pytest.raises(AttemptFailedError) as failed:
            await attempting.run()
        assert not sink.committed
        return failed.value

    return asyncio.run(run())


# --- what goes out


def test_the_call_carries_the_accounts_credential_and_none_of_the_clients() -> None:
    upstream = FakeUpstream(a=[answer()])
    asked = ask()
    asked.headers.update({"authorization": "Bearer client", "cookie": "c=1", "x-korproxy-key": "k"})
    rig(upstream).ask(asked)
    sent = dict(upstream.calls[0].headers)
    assert sent["x-api-key"] == "sk-a"
    assert not {"authorization", "cookie", "x-korproxy-key"} & sent.keys()
    assert sent["accept-encoding"] == "identity"


def test_the_flow_shows_what_went_out_but_for_the_credential() -> None:
    flow = tflow.tflow()
    one = rig(FakeUpstream(a=[answer()]))

    async def run() -> None:
        exchange = exchange_for(one.config, ask())
        record = FlowRecord(flow)
        await Attempting(exchange, Candidate("a", "m"), FakeSink(), record, one.wire).run()

    asyncio.run(run())
    assert flow.request.url == "https://a.example/v1/messages"
    assert flow.request.headers["x-api-key"] == MASK
    assert flow.server_conn.peername == ("192.0.2.1", 443)


def test_the_exchange_knows_what_each_attempt_was() -> None:
    lost = refusal(429, retry_after="60")
    _, exchange = rig(FakeUpstream(a=[lost], b=[answer()])).ask(ask())
    first, second = exchange.attempts
    assert (first.number, first.account_label, first.provider, first.access) == (
        1,
        "Account a",
        "a",
        "api-key",
    )
    assert (first.url, first.dialect, first.model) == (
        "https://a.example/v1/messages",
        MESSAGES,
        "m",
    )
    assert (first.status, first.error_code) == (429, catalogue.RATE_LIMITED.code)
    assert first.first_byte_ms is None
    assert first.sent_ms is not None
    assert second.sent_ms is not None
    assert first.sent_ms <= second.sent_ms
    assert (second.number, second.status, second.error_code) == (2, 200, None)
    assert exchange.first_byte_ms == second.first_byte_ms
    assert lost.released


@pytest.mark.parametrize("streamed", [True, False])
def test_the_exchange_knows_what_the_reply_came_to(streamed: bool) -> None:
    reply = stream() if streamed else answer()
    sink, exchange = rig(FakeUpstream(a=[reply])).ask(ask(stream=streamed))
    assert exchange.usage is not None
    assert exchange.usage.input_tokens == 3
    assert exchange.finish == "stop"
    assert exchange.bytes_out == len(sink.body)
    assert exchange.stream_error == ""
    assert reply.released


def test_what_the_provider_had_to_leave_out_is_said() -> None:
    account = {
        "id": "plan", "provider": "codex", "access": "chatgpt", "account_id": "acc",
        "secret": "plain:t", "consent": True, "base_url": "https://plan.example",
    }  # fmt: skip
    upstream = FakeUpstream(plan=[codex_stream()])
    one = Rig(config_of({"accounts": [account]}), upstream)
    sink, exchange = one.ask(question("openai-responses", "gpt-6.1-sol", temperature=0.5))
    assert sink.status == 200
    assert "lost:temperature" in sink.why
    assert exchange.losses == ["temperature"]
    assert "temperature" not in upstream.sent()


def test_what_a_provider_has_no_words_for_is_no_failure_of_its_account() -> None:
    """It is found while the call is made ready; nothing has gone out, nobody else's turn is used up."""
    upstream = FakeUpstream()
    one = chatgpt(upstream)
    asked = question("openai-responses", "gpt-6.1-sol", conversation="conv_0")
    sink, exchange = one.ask(asked)
    assert (sink.status, upstream.calls, one.pool.snapshot()) == (400, [], {})
    assert sink.headers["x-korproxy-error"] == catalogue.CANNOT_TRANSLATE.code
    assert {it.error_code for it in exchange.attempts} == {catalogue.CANNOT_TRANSLATE.code}
    assert sink.why == ["fill-first"]


def test_an_upstream_that_has_them_is_asked_instead() -> None:
    plan = {
        "id": "plan", "provider": "codex", "access": "chatgpt", "account_id": "acc",
        "secret": "plain:t", "consent": True, "base_url": "https://plan.example",
    }  # fmt: skip
    more = {
        "dialect": "openai-responses", "base_url": "https://b.example", "models": ["gpt-6.1-sol"],
        "list_models": False,
    }  # fmt: skip
    upstream = FakeUpstream(b=[json_reply({"id": "resp_1", "object": "response", "output": []})])
    accounts = [plan, {"id": "b", "provider": "b", "secret": "plain:sk-b"}]
    one = Rig(config_of({"providers": {"b": more}, "accounts": accounts}), upstream)
    asked = question("openai-responses", "gpt-6.1-sol", previous_response_id="resp_0")
    assert (one.ask(asked)[0].status, upstream.hosts) == (200, ["b"])


# --- stream or whole


def codex_stream(*first: bytes) -> FakeReply:
    """What the ChatGPT backend answers: always a stream."""
    item = {
        "type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
        "content": [{"type": "output_text", "text": "Aye", "annotations": []}],
    }  # fmt: skip
    base = {"id": "resp_1", "object": "response", "created_at": 1, "model": "gpt-6.1-sol"}
    usage = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {**base, "status": "in_progress", "output": []}},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {
            "type": "response.output_text.delta", "item_id": "msg_1", "output_index": 0,
            "content_index": 0, "delta": "Aye",
        },
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": "response.completed",
            "response": {**base, "status": "completed", "output": [item], "usage": usage},
        },
    ]  # fmt: skip
    numbered = [event({**it, "sequence_number": number}) for number, it in enumerate(events)]
    return event_stream(*first, *numbered)


def chatgpt(upstream: FakeUpstream) -> Rig:
    accounts = [
        {
            "id": name, "provider": "codex", "access": "chatgpt", "account_id": "acc",
            "secret": f"plain:{name}", "consent": True, "base_url": f"https://{name}.example",
        }
        for name in ("a", "b")
    ]  # fmt: skip
    return Rig(config_of({"accounts": accounts}), upstream)


def test_an_upstream_that_only_streams_serves_a_client_that_wants_it_whole() -> None:
    upstream = FakeUpstream(a=[codex_stream()])
    sink, exchange = chatgpt(upstream).ask(question("openai-responses", "gpt-6.1-sol"))
    assert upstream.sent()["stream"] is True
    assert upstream.header("accept") == "text/event-stream"
    assert (sink.status, sink.headers["content-type"]) == (200, "application/json")
    assert sink.headers["content-length"] == str(len(sink.body))
    assert sink.json["output"][0]["content"][0]["text"] == "Aye"
    assert exchange.usage is not None


def test_an_upstream_that_answers_whole_serves_a_client_that_wants_a_stream() -> None:
    sink, _ = rig(FakeUpstream(a=[answer()])).ask(ask(stream=True))
    assert (sink.status, sink.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert [it["type"] for it in payloads(sink.body)][-1] == "message_stop"


def test_a_stream_that_does_not_say_so_is_one() -> None:
    """By its content type it could be anything; a stream was asked for."""
    reply = FakeReply(*MESSAGE_FRAMES, content_type="text/plain")
    sink, _ = rig(FakeUpstream(a=[reply])).ask(ask(stream=True))
    assert sink.body == b"".join(MESSAGE_FRAMES)


def test_a_small_whole_reply_goes_with_its_length_and_unchanged() -> None:
    body = json.dumps({**message(), "x_future": 1}).encode()
    sink, _ = rig(FakeUpstream(a=[FakeReply(body[:7], body[7:])])).ask(ask())
    assert (sink.body, sink.headers["content-length"]) == (body, str(len(body)))


def test_a_large_whole_reply_is_passed_on_as_it_comes() -> None:
    """No more of it is held than what tells an error from an answer."""
    piece = b"x" * 300_000
    start, end = b'{"type":"message","content":[{"type":"text","text":"', b'"}]}'
    reply = FakeReply(start, *[piece] * 7, end)
    sink, _ = rig(FakeUpstream(a=[reply])).ask(ask())
    assert sink.body == start + piece * 7 + end
    assert "content-length" not in sink.headers
    assert len(sink.pieces) > 2


def test_a_large_whole_reply_that_breaks_off_cannot_pass_for_a_whole_one() -> None:
    cut = KorProxyError(catalogue.STREAM_CUT, "reset")
    reply = FakeReply(b'{"type":"message"', b"x" * (2 << 20), cut)
    sink, exchange = rig(FakeUpstream(a=[reply], b=[answer()])).ask(ask())
    assert (sink.status, sink.ended) == (200, False)
    assert sink.cut_reason
    assert exchange.attempts[-1].account_id == "a"


def test_a_large_whole_reply_across_dialects_keeps_its_chance_to_fail() -> None:
    """Nothing of it can be said before its end, so nothing is committed before."""
    text = json.dumps(completion("x" * (2 << 20))).encode()
    broken = [FakeReply(text[:1000], text[1000:-9]) for _ in range(2)]
    upstream = FakeUpstream(a=broken, b=[answer()])
    sink, _ = rig(upstream, {"a": CHAT, "b": MESSAGES}).ask(ask())
    assert (sink.status, sink.json["content"][0]["text"]) == (200, "Aye")
    assert upstream.hosts[-1] == "b"


# --- content codings


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdCompressor().compress(data)


CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstd,
}


@pytest.mark.parametrize("coding", CODINGS)
@pytest.mark.parametrize("streamed", [True, False])
def test_a_coding_nobody_asked_for_is_taken_off(coding: str, streamed: bool) -> None:
    plain = b"".join(MESSAGE_FRAMES) if streamed else json.dumps(message()).encode()
    packed = CODINGS[coding](plain)
    kind = "text/event-stream" if streamed else "application/json"
    pieces = [packed[at : at + 5] for at in range(0, len(packed), 5)]
    reply = FakeReply(*pieces, content_type=kind, headers={"content-encoding": coding})
    sink, _ = rig(FakeUpstream(a=[reply])).ask(ask(stream=streamed))
    assert sink.body == plain
    assert "content-encoding" not in sink.headers


@pytest.mark.parametrize("coding", CODINGS)
def test_a_reply_that_ends_inside_its_coding_is_not_whole(coding: str) -> None:
    packed = CODINGS[coding](json.dumps(message("a long enough answer " * 20)).encode())
    reply = FakeReply(packed[:-6], headers={"content-encoding": coding})
    failed = attempt(rig(FakeUpstream(a=[reply])), ask())
    assert failed.failure.spec is catalogue.UPSTREAM_INVALID_REPLY


@pytest.mark.parametrize(
    ("coding", "body"), [("gzip", b"no gzip at all"), ("compress", b"\x1f\x9d\x90")]
)
def test_a_coding_that_cannot_be_taken_off_is_a_failure_of_the_attempt(
    coding: str, body: bytes
) -> None:
    reply = FakeReply(body, headers={"content-encoding": coding})
    failed = attempt(rig(FakeUpstream(a=[reply])), ask())
    assert failed.failure.spec is catalogue.UPSTREAM_INVALID_REPLY
    assert reply.aborted


def test_an_errors_coding_is_taken_off_too() -> None:
    body = json.dumps(messages_error("invalid_request_error", "said so")).encode()
    reply = FakeReply(gzip.compress(body), status=400, headers={"content-encoding": "gzip"})
    sink, _ = rig(FakeUpstream(a=[reply])).ask(ask())
    assert (sink.status, sink.body) == (400, body)
    assert "content-encoding" not in sink.headers


def test_an_error_of_few_bytes_cannot_become_a_gigabyte() -> None:
    bomb = gzip.compress(b"x" * (64 * ERROR_BODY_BYTES))
    assert len(bomb) < ERROR_BODY_BYTES
    # Whoever unpacks all of it meets what cannot be unpacked.
    reply = FakeReply(bomb + b"garbage", status=400, headers={"content-encoding": "gzip"})
    failed = attempt(rig(FakeUpstream(a=[reply])), ask())
    assert failed.answer is not None
    assert len(failed.answer.body) == ERROR_BODY_BYTES


def test_an_error_whose_body_cannot_be_read_still_has_its_status() -> None:
    for reply in (
        FakeReply(b"no gzip", status=529, headers={"content-encoding": "gzip"}),
        FakeReply(b"x" * (ERROR_BODY_BYTES + 1), status=529),
        FakeReply(KorProxyError(catalogue.STREAM_CUT, "reset"), status=529),
    ):
        failed = attempt(rig(FakeUpstream(a=[reply])), ask())
        assert failed.failure.spec is catalogue.UPSTREAM_OVERLOADED
        assert failed.answer is not None
        assert (failed.answer.status, failed.answer.body) == (529, b"")


# --- errors that call themselves 200


def test_an_error_as_a_streams_first_event_is_the_next_accounts_turn() -> None:
    ping = b'event: ping\ndata: {"type": "ping"}\n\n'
    error = event(messages_error("rate_limit_error", "enough for today"))
    bad = event_stream(ping, error)
    upstream = FakeUpstream(a=[bad, event_stream(ping, error)], b=[stream()])
    sink, exchange = rig(upstream).ask(ask(stream=True))
    assert (sink.status, sink.body) == (200, b"".join(MESSAGE_FRAMES))
    assert upstream.hosts[-1] == "b"
    assert exchange.attempts[0].error_code == catalogue.RATE_LIMITED.code
    assert bad.aborted


def codex_prelude() -> tuple[bytes, ...]:
    response = {"id": "r", "object": "response", "status": "in_progress", "output": []}
    return tuple(
        event({"type": f"response.{kind}", "sequence_number": n, "response": response})
        for n, kind in enumerate(("created", "in_progress"))
    )


def test_an_error_behind_the_announcements_of_a_reply_is_still_the_next_accounts_turn() -> None:
    error = {"code": "rate_limit_exceeded", "message": "Rate limit reached; try again in 60s."}
    failed = event(
        {"type": "response.failed", "sequence_number": 2, "response": {"id": "r", "error": error}}
    )
    for cut in (1, 3):
        pieces = codex_prelude() if cut == 3 else (b"".join(codex_prelude()),)
        upstream = FakeUpstream(a=[event_stream(*pieces, failed)], b=[codex_stream()])
        sink, _ = chatgpt(upstream).ask(question("openai-responses", "gpt-6.1-sol", stream=True))
        assert (sink.status, upstream.hosts) == (200, ["a", "b"])
        assert b"response.failed" not in sink.body


def test_an_error_event_is_told_as_an_error_of_the_dialect_and_not_as_the_event() -> None:
    error = {"code": "rate_limit_exceeded", "message": "Rate limit reached; try again in 60s."}
    failed = event({"type": "response.failed", "response": {"id": "r", "error": error}})
    upstream = FakeUpstream(a=[event_stream(failed)], b=[event_stream(failed)])
    sink, _ = chatgpt(upstream).ask(question("openai-responses", "gpt-6.1-sol", stream=True))
    assert (sink.status, sink.headers["content-type"]) == (429, "application/json")
    assert sink.json["error"]["code"] == "rate_limit_exceeded"
    assert "type" not in sink.json


def test_a_first_event_that_is_no_json_across_dialects_is_a_failure_of_the_attempt() -> None:
    reply = event_stream(b"data: {broken\n\n")
    failed = attempt(rig(FakeUpstream(a=[reply]), {"a": CHAT}), ask(stream=True))
    assert failed.failure.spec is catalogue.UPSTREAM_INVALID_REPLY


def test_a_whole_body_that_is_an_error_is_the_next_accounts_turn() -> None:
    error = json_reply(messages_error("authentication_error", "invalid x-api-key"))
    upstream = FakeUpstream(a=[error], b=[answer()])
    sink, exchange = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts) == (200, ["a", "b"])
    assert exchange.attempts[0].status == 200
    assert exchange.attempts[0].error_code == catalogue.ACCOUNT_REJECTED.code


def test_an_empty_reply_is_a_failure_of_the_attempt() -> None:
    failed = attempt(rig(FakeUpstream(a=[event_stream()])), ask(stream=True))
    assert failed.failure.spec is catalogue.STREAM_CUT


def test_a_reply_that_breaks_off_before_its_first_event_is_a_failure_of_the_attempt() -> None:
    cut = KorProxyError(catalogue.IDLE_TIMEOUT, "no data for 240 s")
    failed = attempt(rig(FakeUpstream(a=[event_stream(b"data: {", cut)])), ask(stream=True))
    assert failed.failure.spec is catalogue.IDLE_TIMEOUT
    assert failed.cause is cut


def test_a_redirect_is_not_followed() -> None:
    reply = FakeReply(status=302, headers={"location": "https://elsewhere.example/"})
    upstream = FakeUpstream(a=[reply])
    failed = attempt(rig(upstream), ask())
    assert failed.failure.spec is catalogue.UPSTREAM_INVALID_REPLY
    assert len(upstream.calls) == 1


# --- setting an account up


def test_an_account_that_its_provider_refuses_to_set_up_is_the_next_accounts_turn() -> None:
    accounts = [
        {
            "id": name, "provider": "gemini", "access": "code-assist", "consent": True,
            "secret": f"plain:ya29.{name}", "base_url": f"https://{name}.example",
        }
        for name in ("a", "b")
    ]  # fmt: skip
    refused = {"error": {"code": 403, "message": "not for you", "status": "PERMISSION_DENIED"}}
    known = {"currentTier": {"id": "standard-tier"}, "cloudaicompanionProject": "p"}
    part = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Aye"}]}}]}
    upstream = FakeUpstream(
        a=[json_reply(refused, 403)],
        b=[json_reply(known), json_reply({"response": part})],
    )
    one = Rig(config_of({"accounts": accounts}), upstream)
    sink, _ = one.ask(question("gemini", "gemini-3.8-flash"), tool="GeminiCLI/0.61.0")
    assert (sink.status, upstream.hosts) == (200, ["a", "b", "b"])


def test_a_login_refused_while_it_is_set_up_needs_its_owner() -> None:
    account = {
        "id": "a", "provider": "gemini", "access": "code-assist", "consent": True,
        "secret": "plain:ya29.a", "base_url": "https://a.example",
    }  # fmt: skip
    expired = {"error": {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}}
    one = Rig(config_of({"accounts": [account]}), FakeUpstream(a=[json_reply(expired, 401)]))
    failed = attempt(one, question("gemini", "gemini-3.8-flash"))
    assert failed.failure.verdict is Verdict.NEEDS_LOGIN
    assert failed.failure.spec is catalogue.ACCOUNT_REJECTED


@pytest.mark.parametrize(
    "asked",
    [
        Question("/v1/embeddings", {"model": "m", "input": "x"}),
        Question("/v1beta/models/m:embedContent", {"content": {"parts": [{"text": "x"}]}}),
    ],
    ids=lambda it: it.path,
)
def test_what_an_upstream_does_not_offer_is_not_asked_of_it(asked: Question) -> None:
    upstream = FakeUpstream()
    sink, _ = rig(upstream, {"a": MESSAGES}).ask(asked)
    assert sink.headers["x-korproxy-error"] == catalogue.NOT_OFFERED.code
    assert upstream.calls == []
