"""`previous_response_id` where the upstream remembers nothing: what is kept, for whom, how long, and what goes up."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.config.conversations import ConversationSettings
from korproxy_addons.config.schema import LocalKey
from korproxy_addons.errors import catalogue
from korproxy_addons.gateway.conversations import Conversations, owner_of
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.conversation_shelf import ConversationShelf
from korproxy_addons.io.database import Database, open_database
from support.answers import CHAT, MESSAGES, RESPONSES, completion
from support.asking import Question, payloads, question
from support.clock import FakeClock
from support.fake_sink import FakeSink
from support.fake_upstream import event_stream, json_reply
from support.legs import Rig, accounts_of, config_of, exchange_for
from support.talks import Talk

HOUR_S = 3600


@pytest.mark.parametrize("upstream_id", [CHAT, MESSAGES])
def test_t145_a_client_that_sends_only_what_is_new_is_understood(upstream_id: str) -> None:
    talk = Talk(upstream_id)
    first = talk.say("one").json["id"]
    second = talk.say("two", first).json["id"]
    third = talk.say("three", second)
    assert talk.sent == ["one", "Answer 0", "two", "Answer 1", "three"]
    assert third.status == 200
    assert "lost:previous_response_id" not in third.why
    assert third.json["previous_response_id"] == second


def test_a_conversation_may_fork() -> None:
    talk = Talk()
    first = talk.say("one").json["id"]
    talk.say("two", first)
    talk.say("other two", first)
    assert talk.sent == ["one", "Answer 0", "other two"]


def test_a_streamed_answer_is_kept_too() -> None:
    talk = Talk()
    frames = payloads(talk.say("one", stream=True).body)
    previous = frames[-1]["response"]["id"]
    talk.say("two", previous)
    assert talk.sent == ["one", "Answer 0", "two"]


def test_t145_a_result_finds_its_call() -> None:
    """Copilot sends nothing but the new output."""
    call = completion("")
    call["choices"][0]["message"] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
        ],
    }
    call["choices"][0]["finish_reason"] = "tool_calls"
    talk = Talk()
    talk.upstream.script["a.example"].insert(0, json_reply(call))
    tools = [{"type": "function", "name": "f", "parameters": {"type": "object"}}]
    first = talk.say("use it", tools=tools).json["id"]
    result = {"type": "function_call_output", "call_id": "call_1", "output": "done"}
    assert talk.say([result], first, tools=tools).status == 200
    roles = [item["role"] for item in talk.upstream.sent()["messages"]]
    assert roles == ["user", "assistant", "tool"]


def test_an_unknown_id_is_refused_in_openai_s_words() -> None:
    talk = Talk()
    refused = talk.say("two", "resp_nobody")
    assert refused.status == 400
    error = refused.json["error"]
    assert (error["type"], error["code"], error["param"]) == (
        "invalid_request_error",
        "previous_response_not_found",
        "previous_response_id",
    )
    assert "Previous response with id 'resp_nobody' not found" in error["message"]
    assert refused.headers["x-korproxy-error"] == catalogue.PREVIOUS_RESPONSE_NOT_FOUND.code
    assert talk.upstream.calls == []


def test_an_id_unknown_here_is_passed_to_an_upstream_that_remembers() -> None:
    talk = Talk(RESPONSES)
    talk.say("two", "resp_theirs")
    assert talk.upstream.sent()["previous_response_id"] == "resp_theirs"


def test_an_upstream_that_remembers_keeps_its_own() -> None:
    """What OpenAI answers is not kept here a second time."""
    account = {
        "id": "a",
        "provider": "codex",
        "secret": "plain:sk-a",
        "base_url": "https://a.example",
    }
    answer = {"id": "resp_up", "object": "response", "status": "completed", "output": []}
    talk = Talk()
    talk.rig = Rig(config_of({"accounts": [account]}), talk.upstream)
    talk.rig.services = replace(talk.rig.services, conversations=talk.kept)
    talk.upstream.script["a.example"] = [json_reply(answer), json_reply(answer)]
    talk.send(question(RESPONSES, "gpt-6.1-sol", "one"))
    talk.send(question(RESPONSES, "gpt-6.1-sol", "two", previous_response_id="resp_up"))
    assert talk.upstream.sent()["previous_response_id"] == "resp_up"
    assert talk.upstream.sent()["input"] == "two"
    assert talk.get("resp_up").status == 404


def test_what_was_kept_here_is_told_in_full_to_an_upstream_that_remembers() -> None:
    """The conversation began elsewhere: the id means nothing to it."""
    talk = Talk()
    first = talk.say("one").json["id"]
    other = Talk(RESPONSES, memory=talk.kept)
    other.say("two", first)
    body = other.upstream.sent()
    assert "previous_response_id" not in body
    assert [item["role"] for item in body["input"]] == ["user", "assistant", "user"]


def test_what_the_client_does_not_want_kept_is_not() -> None:
    talk = Talk()
    first = talk.say("one", store=False).json["id"]
    assert talk.say("two", first).status == 400


def test_what_the_user_does_not_want_kept_is_not() -> None:
    talk = Talk(**_settings(keep="off"))
    first = talk.say("one").json["id"]
    assert talk.say("two", first).status == 400


def test_a_connection_may_have_its_answers_kept_all_the_same() -> None:
    """On a WebSocket `store` is false, and the next turn still goes on from the last."""
    talk = Talk()

    async def run(previous: str) -> FakeSink:
        asked = question(RESPONSES, "m", "x", store=False)
        if previous:
            asked.body["previous_response_id"] = previous
        exchange = exchange_for(talk.rig.config, asked)
        exchange.seed, exchange.keep_reply, exchange.owner = f"s{previous}", True, "socket:1"
        return await talk.rig.serve(exchange)

    first = asyncio.run(run("")).json["id"]
    assert asyncio.run(run(first)).status == 200
    assert talk.say("mine?", first).status == 400


def test_nobody_reads_what_another_key_was_told() -> None:
    talk = Talk()
    first = talk.say("one", key="a").json["id"]
    for other in ("b", ""):
        assert talk.say("two", first, key=other).status == 400
        assert talk.get(first, key=other).status == 404
        assert talk.get(first, key=other, method="DELETE").status == 404
    assert talk.say("two", first, key="a").status == 200


def test_an_owner_is_the_key_that_was_shown() -> None:
    exchange = exchange_for(accounts_of({"a": CHAT}), question(RESPONSES, "m"))
    assert owner_of(exchange) == ""
    exchange.local_key = LocalKey(id="tool", sha256="0" * 64)
    assert owner_of(exchange) == "key:tool"
    exchange.owner = "socket:1"
    assert owner_of(exchange) == "socket:1"


# --- bounds


def test_an_answer_expires() -> None:
    talk = Talk(**_settings(max_hours=1))
    first = talk.say("one").json["id"]
    talk.clock.advance(HOUR_S - 1)
    second = talk.say("two", first).json["id"]
    talk.clock.advance(HOUR_S - 1)  # the first was used since
    assert talk.say("three", first).status == 200
    talk.clock.advance(HOUR_S + 1)
    assert talk.say("four", second).status == 400


def test_of_too_many_the_longest_unused_go() -> None:
    talk = Talk(replies=6, **_settings(max_answers=2))
    first = talk.say("one").json["id"]
    second = talk.say("two").json["id"]
    talk.say("more", first, store=False)
    talk.say("three")
    assert talk.say("x", second).status == 400
    assert talk.say("x", first).status == 200


def test_a_conversation_is_forgotten_from_its_end() -> None:
    """Else a long one would lose its beginning, and all of it with that."""
    talk = Talk(replies=6, **_settings(max_answers=2))
    first = talk.say("one").json["id"]
    second = talk.say("two", first).json["id"]
    talk.say("more", second, store=False)
    talk.say("another")
    assert talk.say("x", second).status == 400
    assert talk.say("x", first).status == 200


def test_of_too_many_bytes_too() -> None:
    talk = Talk(replies=5, **_settings(max_megabytes=1))
    first = talk.say("x" * 600_000).json["id"]
    second = talk.say("y" * 600_000).json["id"]
    assert talk.say("z", first).status == 400
    assert talk.say("z", second, store=False).status == 200


def test_what_is_larger_than_all_is_not_kept_and_is_answered() -> None:
    talk = Talk(**_settings(max_megabytes=1))
    answered = talk.say("x" * 1_100_000)
    assert answered.status == 200
    assert talk.say("y", answered.json["id"]).status == 400


def test_a_config_that_keeps_nothing_forgets_what_was_kept() -> None:
    talk = Talk()
    first = talk.say("one").json["id"]
    talk.kept.configure(ConversationSettings(keep="off"))
    assert talk.say("two", first).status == 400


def _settings(**values: Any) -> dict[str, Any]:
    return {"conversations": values}


# --- on disk


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """An open database."""
    found = open_database(tmp_path)
    found.open()
    yield found
    found.close()


def on_disk(database: Database, keep: str = "disk") -> Talk:
    clock = FakeClock()
    memory = Conversations(ConversationShelf(database), clock)
    talk = Talk(memory=memory, **_settings(keep=keep))
    talk.clock = clock
    return talk


def test_on_disk_a_conversation_outlives_the_process(database: Database) -> None:
    talk = on_disk(database)
    first = talk.say("one").json["id"]
    second = talk.say("two", first).json["id"]
    assert database.flush()
    later = on_disk(database)
    assert later.say("three", second).status == 200
    assert later.sent == ["one", "Answer 0", "two", "Answer 1", "three"]
    assert later.get(first, method="DELETE").status == 200
    assert database.flush()
    assert on_disk(database).say("x", first).status == 400


def test_no_content_is_on_disk_unless_the_user_wants_it(database: Database, tmp_path: Path) -> None:
    talk = on_disk(database, "memory")
    first = talk.say("a canary sentence").json["id"]
    talk.say("two", first)
    assert database.flush()
    for path in tmp_path.iterdir():
        assert b"canary" not in path.read_bytes(), path.name
    assert database.read("SELECT * FROM conversations") == []


def test_what_lay_on_disk_goes_when_the_user_no_longer_wants_it(database: Database) -> None:
    talk = on_disk(database)
    talk.say("one")
    talk.kept.configure(ConversationSettings(keep="memory"))
    assert database.flush()
    assert database.read("SELECT * FROM conversations") == []


# --- counts and plans


def test_a_count_includes_what_was_said_before() -> None:
    talk = Talk()
    first = talk.say("word " * 500).json["id"]
    asked = question(RESPONSES, "m", "short", previous_response_id=first)
    counted = talk.send(Question("/v1/responses/input_tokens", asked.body))
    assert counted.json["input_tokens"] > 500
    unknown = question(RESPONSES, "m", "short", previous_response_id="resp_no")
    assert talk.send(Question("/v1/responses/input_tokens", unknown.body)).status == 400


def test_a_chatgpt_plan_which_keeps_nothing_goes_on_too() -> None:
    account = {
        "id": "a", "provider": "codex", "access": "chatgpt", "consent": True,
        "account_id": "acct", "secret": "plain:ey.a", "base_url": "https://a.example",
    }  # fmt: skip
    talk = Talk()
    talk.rig = Rig(config_of({"accounts": [account]}), talk.upstream)
    talk.rig.services = replace(talk.rig.services, conversations=talk.kept)
    item = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    frames = [
        {"type": "response.created", "response": {"id": "resp_up", "output": []}},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"id": "resp_up", "output": []}},
    ]
    body = b"".join(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)
    talk.upstream.script["a.example"] = [event_stream(body), event_stream(body)]
    for previous in ("", "resp_up"):
        asked = question(RESPONSES, "gpt-6.1-sol", "hi", stream=True)
        if previous:
            asked.body["previous_response_id"] = previous
        assert talk.send(asked).status == 200
    sent = talk.upstream.sent()
    assert "previous_response_id" not in sent
    assert [item["role"] for item in sent["input"]] == ["user", "assistant", "user"]
    assert sent["store"] is False


def test_exchanges_of_other_dialects_have_no_memory() -> None:
    async def run() -> Exchange:
        exchange = exchange_for(accounts_of({"a": CHAT}), question(MESSAGES, "m"))
        await Conversations().recall(exchange)
        return exchange

    assert asyncio.run(run()).recall is None
