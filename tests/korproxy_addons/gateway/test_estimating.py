"""Counts without an upstream: when, how they are marked, and what real replies teach."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from korproxy_addons.dialects.model import Usage
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.estimating import (
    EVERY,
    LACKING_S,
    LEARNED_BYTES,
    MOST_MODELS,
    Estimates,
    decoded,
)
from support.answers import CHAT, GEMINI, MESSAGES, RESPONSES, completion, message
from support.asking import Question, question
from support.fake_sink import FakeSink
from support.fake_upstream import FakeReply, FakeUpstream, json_reply
from support.legs import Rig, accounts_of, config_of, exchange_for

WORDS = "one two three four five six seven eight"


def by_words(_model: str) -> Callable[[str], int]:
    """A tokenizer that counts words."""
    return lambda text: len(text.split())


def counting(dialect: str, text: str = WORDS, **extra: Any) -> Question:
    """A dialect's question for a count."""
    asked = question(dialect, "m", text, **extra)
    match dialect:
        case "anthropic-messages":
            return Question("/v1/messages/count_tokens", asked.body, asked.headers)
        case "openai-responses":
            return Question("/v1/responses/input_tokens", asked.body, asked.headers)
    return Question("/v1beta/models/m:countTokens", asked.body, asked.headers)


def rig(upstream: FakeUpstream, dialect: str = CHAT, **extra: Any) -> Rig:
    return Rig(accounts_of({"a": dialect}, **extra), upstream)


def number(dialect: str, reply: Any) -> int:
    return int(reply["totalTokens" if dialect == GEMINI else "input_tokens"])


@pytest.mark.parametrize("dialect", [MESSAGES, RESPONSES, GEMINI])
def test_t171_a_count_without_an_upstream_that_counts_is_estimated_and_says_so(
    dialect: str,
) -> None:
    """Chat has no question for a count, so an upstream that speaks nothing else is not asked."""
    upstream = FakeUpstream()
    sink, exchange = rig(upstream).ask(counting(dialect))
    assert sink.status == 200
    assert 8 <= number(dialect, sink.json) <= 30
    assert sink.headers["x-korproxy-estimate"] == "true"
    assert "estimated" in sink.why
    assert (upstream.calls, exchange.attempts) == ([], [])


def test_t171_system_and_tools_count_and_base64_does_not() -> None:
    """Only messages would be far too few, the characters of a picture far too many."""

    def tokens(**extra: Any) -> int:
        return number(MESSAGES, rig(FakeUpstream()).ask(counting(MESSAGES, **extra))[0].json)

    tool = {"name": "look", "description": WORDS * 20, "input_schema": {"type": "object"}}
    picture = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 8000}
    turn = {"role": "user", "content": [{"type": "image", "source": picture}]}
    plain = tokens()
    assert tokens(system=WORDS * 20) > plain + 100
    assert tokens(tools=[tool]) > plain + 100
    assert tokens(messages=[turn]) < 4000


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_upstream_that_turns_out_not_to_count_is_not_asked_again_for_a_while(
    status: int,
) -> None:
    now = [0.0]
    upstream = FakeUpstream(a=[json_reply({"detail": "no"}, status) for _ in range(2)])
    one = rig(upstream, MESSAGES)
    one.services = _with(one, Estimates(by_words, lambda: now[0]))
    for calls in (1, 1):
        sink, _ = one.ask(counting(MESSAGES))
        assert (sink.status, sink.headers["x-korproxy-estimate"]) == (200, "true")
        assert len(upstream.calls) == calls
    now[0] = LACKING_S + 1
    one.ask(counting(MESSAGES))
    assert len(upstream.calls) == 2


@pytest.mark.parametrize(
    ("status", "text"), [(404, "model: m"), (400, "prompt is odd"), (403, "no")]
)
def test_any_other_error_of_the_upstream_is_told(status: int, text: str) -> None:
    """A 404 that names the model is about the model."""
    body = {"type": "error", "error": {"type": "not_found_error", "message": text}}
    sink, _ = rig(FakeUpstream(a=[json_reply(body, status)]), MESSAGES).ask(counting(MESSAGES))
    assert sink.status >= 400
    assert "x-korproxy-estimate" not in sink.headers


def test_the_upstreams_own_count_is_no_estimate() -> None:
    reply = json_reply({"input_tokens": 77}, x_korproxy_estimate="true")
    sink, exchange = rig(FakeUpstream(a=[reply]), MESSAGES).ask(counting(MESSAGES))
    assert (sink.json, exchange.attempts[0].status) == ({"input_tokens": 77}, 200)
    assert "x-korproxy-estimate" not in sink.headers
    assert "estimated" not in sink.why


def test_a_request_that_cannot_be_read_is_refused_and_not_estimated() -> None:
    asked = counting(MESSAGES, messages=[{"role": "user", "content": 7}])
    sink, exchange = rig(FakeUpstream()).ask(asked)
    assert exchange.error is not None
    assert (sink.status, exchange.error.spec) == (400, catalogue.FIELD_INVALID)


def test_a_chatgpt_plan_which_counts_nothing_is_estimated_for() -> None:
    account = {
        "id": "a", "provider": "codex", "access": "chatgpt", "consent": True,
        "account_id": "acct", "secret": "plain:ey.a",
    }  # fmt: skip
    one = Rig(config_of({"accounts": [account]}), FakeUpstream())
    asked = counting(RESPONSES)
    asked.body["model"] = "gpt-6.1-sol"
    sink, _ = one.ask(asked)
    assert (sink.status, sink.json["object"]) == (200, "response.input_tokens")


# --- learning


def usage(tokens: int, tool_use_tokens: int = 0) -> Usage:
    return Usage(input_tokens=tokens, tool_use_tokens=tool_use_tokens)


async def learnt(stated: Usage | None, *, replies: int = 1, text: str = "", **extra: Any) -> int:
    """A count of the same prompt before and after some of its replies stated their usage; their difference."""
    estimates = Estimates(by_words)
    asked = question(MESSAGES, "m", text or "word " * 1000, **extra)
    exchange = exchange_for(accounts_of({"a": CHAT}), asked)
    before = await estimates.count(decoded(exchange), "m")
    for _ in range(replies):
        estimates.heard(exchange, "m", stated)
        await estimates.settled()
    return await estimates.count(decoded(exchange), "m") - before


def test_t171_what_replies_state_moves_the_next_estimate_towards_it() -> None:
    assert 150 < asyncio.run(learnt(usage(2000))) < 250
    assert asyncio.run(learnt(usage(2500, tool_use_tokens=500))) < 250


def test_it_learns_from_every_tenth_reply_only() -> None:
    once = asyncio.run(learnt(usage(2000)))
    assert asyncio.run(learnt(usage(2000), replies=EVERY)) == once
    assert asyncio.run(learnt(usage(2000), replies=EVERY + 1)) > once


@pytest.mark.parametrize(
    "stated", [None, usage(0), usage(100_000), Usage(input_tokens=2000, estimated=True)]
)
def test_what_is_no_measure_teaches_nothing(stated: Usage | None) -> None:
    assert asyncio.run(learnt(stated)) == 0


@pytest.mark.parametrize(
    "extra",
    [
        {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
        {
            "messages": [
                {"role": "user", "content": "word " * 1000},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "server_tool_use", "id": "srv", "name": "web_search", "input": {}}
                    ],
                },
                {"role": "user", "content": "go on"},
            ]
        },
        {"text": "word " * (LEARNED_BYTES // 5)},
    ],
    ids=["hosted tool", "its result", "a huge prompt"],
)
def test_a_prompt_that_is_not_all_in_the_request_teaches_nothing(extra: dict[str, Any]) -> None:
    assert asyncio.run(learnt(usage(4000), **extra)) == 0


def test_a_conversation_that_the_service_keeps_teaches_nothing() -> None:
    async def run() -> float:
        estimates = Estimates(by_words)
        asked = question(RESPONSES, "m", "word " * 1000, previous_response_id="resp_1")
        exchange = exchange_for(accounts_of({"a": RESPONSES}), asked)
        before = await estimates.count(decoded(exchange), "m")
        estimates.heard(exchange, "m", usage(2000))
        await estimates.settled()
        return await estimates.count(decoded(exchange), "m") - before

    assert asyncio.run(run()) == 0


def test_models_nobody_asked_to_count_cost_nothing() -> None:
    async def run() -> None:
        estimates = Estimates(lambda _: pytest.fail("counted"))
        exchange = exchange_for(accounts_of({"a": CHAT}), question(MESSAGES, "m"))
        estimates.heard(exchange, "m", usage(2000))
        await estimates.settled()

    asyncio.run(run())


def test_a_tokenizer_that_fails_hurts_no_reply() -> None:
    async def run() -> None:
        works = [True]

        def counter(_model: str) -> Callable[[str], int]:
            assert works[0], "broken"
            return len

        estimates = Estimates(counter)
        exchange = exchange_for(accounts_of({"a": CHAT}), question(MESSAGES, "m"))
        await estimates.count(decoded(exchange), "m")
        works[0] = False
        estimates.heard(exchange, "m", usage(2000))
        await estimates.settled()

    asyncio.run(run())


def test_only_so_many_models_are_remembered() -> None:
    async def run() -> int:
        estimates = Estimates(by_words)
        exchange = exchange_for(accounts_of({"a": CHAT}), question(MESSAGES, "m", "word " * 1000))
        request = decoded(exchange)
        before = await estimates.count(request, "m")
        estimates.heard(exchange, "m", usage(2000))
        await estimates.settled()
        for other in range(MOST_MODELS):
            await estimates.count(request, f"other-{other}")
        return await estimates.count(request, "m") - before

    assert asyncio.run(run()) == 0


def test_the_gateway_learns_from_the_replies_it_carries() -> None:
    """The usage of a passed and of a translated reply reaches the estimates."""
    for upstream_id, body in ((MESSAGES, message()), (CHAT, completion())):
        key = "input_tokens" if upstream_id == MESSAGES else "prompt_tokens"
        body["usage"][key] = 2000
        lacking = json_reply({"detail": "no"}, 404)
        replies: list[FakeReply] = [lacking] if upstream_id == MESSAGES else []
        one = rig(FakeUpstream(a=[*replies, json_reply(body)]), upstream_id)

        async def run(one: Rig = one) -> tuple[int, int]:
            one.services = _with(one, Estimates(by_words))
            long = "word " * 1000
            counts = []
            for _ in range(2):
                sink = await one.serve(exchange_for(one.config, counting(MESSAGES, long)))
                counts.append(sink.json["input_tokens"])
                if len(counts) == 1:
                    answer = exchange_for(one.config, question(MESSAGES, "m", long))
                    assert (await one.serve(answer, FakeSink())).status == 200
                    await one.services.estimates.settled()
            return counts[0], counts[1]

        first, second = asyncio.run(run())
        assert 150 < second - first < 250


def _with(one: Rig, estimates: Estimates) -> Any:
    return replace(one.services, estimates=estimates)


# --- compactions


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_upstream_that_turns_out_not_to_compact_is_asked_for_a_summary(status: int) -> None:
    answer = {
        "id": "resp_up", "object": "response", "status": "completed", "model": "m",
        "output": [{"type": "message", "id": "m1", "role": "assistant",
                    "content": [{"type": "output_text", "text": "All done.", "annotations": []}]}],
    }  # fmt: skip
    upstream = FakeUpstream(a=[json_reply({"detail": "no"}, status), json_reply(answer)])
    one = rig(upstream, RESPONSES)
    asked = Question("/v1/responses/compact", {"model": "m", "input": "x"})
    sink, exchange = one.ask(asked)
    assert (sink.status, sink.json["object"]) == (200, "response.compaction")
    assert [call.url.rpartition("/")[2] for call in upstream.calls] == ["compact", "responses"]
    assert [attempt.status for attempt in exchange.attempts] == [status, 200]
    upstream.script["a.example"] = [json_reply(answer)]
    assert one.ask(asked)[0].status == 200
    assert len(upstream.calls) == 3


def test_a_summary_that_is_not_found_either_is_an_error() -> None:
    no = {"error": {"message": "no"}}
    upstream = FakeUpstream(a=[json_reply(no, 404), json_reply(no, 404)])
    sink, _ = rig(upstream, RESPONSES).ask(
        Question("/v1/responses/compact", {"model": "m", "input": "x"})
    )
    assert (sink.status, len(upstream.calls)) == (404, 2)
