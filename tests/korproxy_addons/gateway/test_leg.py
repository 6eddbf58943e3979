"""One exchange from the cleared request to the reply's last byte, whatever happens on the way."""

import asyncio
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from support.answers import (
    CHAT,
    MESSAGE_FRAMES,
    MESSAGES,
    answer,
    chat_refusal,
    completion,
    event,
    refusal,
    stream,
)
from support.asking import Question, question
from support.fake_sink import FakeSink
from support.fake_upstream import FakeReply, FakeUpstream, event_stream, json_reply
from support.legs import Rig, accounts_of, config_of, exchange_for

TWO = {"a": MESSAGES, "b": MESSAGES}


def ask(model: str = "m", *, stream: bool = False, **extra: Any) -> Question:
    return question(MESSAGES, model, stream=stream, **extra)


def rig(upstream: FakeUpstream, dialects: dict[str, str] | None = None, **extra: Any) -> Rig:
    return Rig(accounts_of(dialects or TWO, **extra), upstream)


# --- dialects


def test_each_attempt_is_made_from_the_clients_own_body_for_its_own_upstream() -> None:
    upstream = FakeUpstream(
        chat=[chat_refusal(429, retry_after="60")],
        messages=[answer()],
    )
    one = rig(upstream, {"chat": CHAT, "messages": MESSAGES})
    asked = ask(x_future={"n": 1}, system="be brief")
    sink, exchange = one.ask(asked)
    assert sink.status == 200
    assert "max_tokens" in asked.body
    first, second = upstream.sent(0), upstream.sent(1)
    assert first["messages"][0]["content"] == "be brief"
    assert "x_future" not in first
    assert second == asked.body
    assert [it.dialect for it in exchange.attempts] == [CHAT, MESSAGES]
    assert [call.url for call in upstream.calls] == [
        "https://chat.example/chat/completions",
        "https://messages.example/v1/messages",
    ]
    # What only the first would not have seen is not said of the second's answer.
    assert (exchange.losses, sink.why) == ([], ["fill-first", "failover:429"])


def test_a_limit_that_slows_an_account_down_is_waited_for_when_that_one_is_asked() -> None:
    slow = {"name": "b-slow", "account": "b", "requests": 1, "per": "day", "action": "slow"}
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer(), answer(), answer()])
    one = rig(upstream, {"a": MESSAGES, "b": MESSAGES}, quota_rules=[{**slow, "slow_s": 3}])
    one.services.limiter.configure(one.config)
    assert one.ask(ask("b/m"))[0].why == ["pinned"]
    assert one.slept == []
    sink, _ = one.ask(ask())
    assert (sink.status, one.slept) == (200, [3.0])
    assert sink.why == ["fill-first", "failover:429", "slowed:b-slow"]


def test_an_upstream_without_words_for_a_request_leaves_it_to_one_that_has_them() -> None:
    upstream = FakeUpstream(chat=[json_reply(completion())])
    one = rig(upstream, {"messages": MESSAGES, "chat": CHAT})
    sink, exchange = one.ask(question(CHAT, "m", logprobs=True))
    assert (sink.status, upstream.hosts) == (200, ["chat"])
    assert [it.account_id for it in exchange.attempts] == ["chat"]


def test_where_no_upstream_has_the_words_the_client_is_told_which_are_missing() -> None:
    upstream = FakeUpstream()
    one = rig(upstream, {"messages": MESSAGES, "more": MESSAGES})
    sink, exchange = one.ask(question(CHAT, "m", logprobs=True))
    assert (sink.status, exchange.attempts) == (400, [])
    assert sink.headers["x-korproxy-error"] == catalogue.CANNOT_TRANSLATE.code
    assert "logprobs" in sink.json["error"]["message"]


def test_a_failure_is_told_rather_than_that_the_rest_could_not_be_asked() -> None:
    upstream = FakeUpstream(chat=[chat_refusal(429, retry_after="60")])
    one = rig(upstream, {"chat": CHAT, "messages": MESSAGES})
    sink, _ = one.ask(question(CHAT, "m", logprobs=True))
    assert (sink.status, sink.headers["retry-after"]) == (429, "60")


def test_with_degradation_allowed_what_is_lost_is_said() -> None:
    upstream = FakeUpstream(messages=[answer()])
    one = rig(upstream, {"messages": MESSAGES}, allow_degradation=True)
    sink, exchange = one.ask(question(CHAT, "m", logprobs=True))
    assert (sink.status, sink.why) == (200, ["only-account", "lost:logprobs"])
    assert exchange.losses
    assert exchange.losses[0].startswith("logprobs")


# --- models


def test_a_pinned_account_alone_is_asked() -> None:
    upstream = FakeUpstream(b=[refusal(429, retry_after="60")])
    sink, _ = rig(upstream).ask(ask("b/m"))
    assert (sink.status, sink.why) == (429, ["pinned"])
    assert upstream.sent()["model"] == "m"


def test_an_alias_is_named_as_the_reason() -> None:
    upstream = FakeUpstream(a=[answer()])
    sink, _ = rig(upstream, aliases={"fast": "m"}).ask(ask("fast"))
    assert (sink.why, upstream.sent()["model"]) == (["alias", "fill-first"], "m")


def listing(models: list[str]) -> FakeReply:
    return json_reply({"data": [{"id": it, "type": "model"} for it in models], "has_more": False})


def listing_config() -> Any:
    provider = {"dialect": MESSAGES, "base_url": "https://a.example", "models": ["m"]}
    account = {"id": "a", "provider": "a", "secret": "plain:sk-a"}
    return config_of({"providers": {"a": provider}, "accounts": [account]})


def test_a_model_nobody_lists_is_asked_for_at_the_providers_first() -> None:
    upstream = FakeUpstream(a=[listing(["m-new"]), answer()])
    one = Rig(listing_config(), upstream)
    sink, _ = one.ask(ask("m-new"))
    assert (sink.status, [call.method for call in upstream.calls]) == (200, ["GET", "POST"])


def test_an_unknown_model_is_refused_with_what_comes_close() -> None:
    upstream = FakeUpstream(a=[listing(["claude-sonnet-5"])])
    sink, exchange = Rig(listing_config(), upstream).ask(ask("claude-sonet-5"))
    assert (sink.status, exchange.attempts) == (404, [])
    assert sink.headers["x-korproxy-error"] == catalogue.UNKNOWN_MODEL.code
    assert "claude-sonnet-5" in sink.json["error"]["message"]


def list_of(path: str, *, method: str = "GET", **headers: str) -> tuple[FakeSink, FakeUpstream]:
    upstream = FakeUpstream(a=[listing(["m-live"])])
    one = Rig(listing_config(), upstream)
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    sink, _ = one.ask(Question(path, {}, fields), method=method)
    return sink, upstream


def test_the_list_of_models_holds_what_is_known_and_what_the_provider_says() -> None:
    sink, _ = list_of("/v1/models", anthropic_version="2023-06-01")
    assert [it["id"] for it in sink.json["data"]] == ["m", "m-live"]
    sink, _ = list_of("/v1beta/models")
    assert [it["name"] for it in sink.json["models"]] == ["models/m", "models/m-live"]


def test_one_model_is_described_or_unknown() -> None:
    assert list_of("/v1/models/m-live")[0].json["id"] == "m-live"
    sink, _ = list_of("/v1/models/m-dead")
    assert (sink.status, sink.headers["x-korproxy-error"]) == (404, catalogue.UNKNOWN_MODEL.code)


def test_a_head_request_gets_the_length_and_no_body() -> None:
    sink, _ = list_of("/v1/models", method="HEAD")
    assert (sink.status, sink.body, sink.ended) == (200, b"", True)
    assert int(sink.headers["content-length"]) > 20


# --- counts


def test_a_prompt_is_counted_by_an_upstream_of_another_dialect() -> None:
    upstream = FakeUpstream(a=[json_reply({"totalTokens": 12})])
    one = rig(upstream, {"a": "gemini"})
    sink, _ = one.ask(Question("/v1/messages/count_tokens", ask().body))
    assert (sink.status, sink.json) == (200, {"input_tokens": 12})
    assert upstream.calls[0].url == "https://a.example/v1beta/models/m:countTokens"


# --- what must not happen


def test_nothing_is_asked_twice_after_the_first_byte() -> None:
    cut = KorProxyError(catalogue.STREAM_CUT, "reset")
    reply = stream()
    reply._pieces[3:] = [cut]
    upstream = FakeUpstream(a=[reply], b=[stream()])
    sink, exchange = rig(upstream).ask(ask(stream=True))
    assert upstream.hosts == ["a"]
    assert (sink.status, sink.ended) == (200, True)
    assert b"event: error" in sink.pieces[-1]
    assert catalogue.STREAM_CUT.code.encode() in sink.pieces[-1]
    assert exchange.stream_error == catalogue.STREAM_CUT.code


def test_without_any_account_the_client_is_told_how_to_add_one() -> None:
    sink, _ = Rig(config_of({}), FakeUpstream()).ask(ask())
    assert sink.headers["x-korproxy-error"] == catalogue.NO_ACCOUNT.code


def test_a_request_that_not_every_check_let_pass_goes_nowhere() -> None:
    upstream = FakeUpstream()
    one = rig(upstream)
    exchange = exchange_for(one.config, ask())
    exchange.cleared = False
    sink = asyncio.run(one.serve(exchange))
    assert (sink.status, upstream.calls) == (500, [])
    assert sink.headers["x-korproxy-error"] == catalogue.INTERNAL.code


def test_a_login_kept_for_its_own_tool_serves_no_other() -> None:
    account = {
        "id": "plan", "provider": "claude", "access": "subscription", "consent": True,
        "secret": "plain:sk-ant-oat01-x", "base_url": "https://plan.example",
    }  # fmt: skip
    upstream = FakeUpstream(plan=[answer()])
    one = Rig(config_of({"accounts": [account]}), upstream)
    sink, _ = one.ask(ask("claude-sonnet-5-5"))
    assert sink.headers["x-korproxy-error"] == catalogue.LOGIN_FOR_OTHER_TOOL.code
    assert upstream.calls == []
    sink, _ = one.ask(ask("claude-sonnet-5-5"), tool="claude-cli/2.1")
    assert sink.status == 200


class Broken(FakeUpstream):
    """Has a mistake in it."""

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        raise LookupError("planted-canary")


def test_a_mistake_of_ours_is_an_error_in_the_clients_dialect(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sink, _ = rig(Broken()).ask(ask())
    assert (sink.status, sink.json["type"], sink.ended) == (500, "error", True)
    assert "canary" not in sink.body.decode()
    assert [it.getMessage() for it in caplog.records] == ["internal error"]


@pytest.mark.parametrize("stream", [True, False])
def test_a_mistake_after_the_first_byte_ends_the_reply_as_an_error(
    stream: bool, caplog: pytest.LogCaptureFixture
) -> None:
    class BreaksLater(FakeSink):
        async def data(self, chunk: bytes) -> None:
            if not self.pieces or b"KP-SYS" in chunk:
                await super().data(chunk)
                return
            raise LookupError("planted-canary")

    whole = FakeReply(b"{", b" " * (2 << 20), b"}")
    reply = event_stream(*MESSAGE_FRAMES) if stream else whole
    one = rig(FakeUpstream(a=[reply]))
    sink = asyncio.run(one.serve(exchange_for(one.config, ask(stream=stream)), BreaksLater()))
    assert reply.aborted
    if stream:
        assert sink.ended
        assert catalogue.INTERNAL.code in sink.pieces[-1].decode()
        assert b"canary" not in sink.body
    else:
        assert sink.cut_reason
    assert "internal error" in caplog.text


def test_an_error_after_the_first_byte_is_nobody_elses_turn() -> None:
    class Refuses(FakeSink):
        async def data(self, chunk: bytes) -> None:
            if self.pieces and b"KP-" not in chunk:
                raise KorProxyError(catalogue.INTERNAL, "planted")
            await super().data(chunk)

    one = rig(upstream := FakeUpstream(a=[stream()], b=[stream()]))
    sink = asyncio.run(one.serve(exchange_for(one.config, ask(stream=True)), Refuses()))
    assert upstream.hosts == ["a"]
    assert catalogue.INTERNAL.code.encode() in sink.pieces[-1]


def test_a_stream_as_one_json_array_has_no_place_for_an_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Breaks(FakeSink):
        broken = False

        async def data(self, chunk: bytes) -> None:
            if self.pieces and not self.broken:
                self.broken = True
                raise LookupError("planted")
            await super().data(chunk)

    part = {"candidates": [{"content": {"role": "model", "parts": [{"text": "A"}]}}]}
    reply = event_stream(event(part), event(part))
    one = rig(FakeUpstream(a=[reply]), {"a": "gemini"})
    asked = question("gemini", "m", stream=True)
    asked.path = asked.path.removesuffix("?alt=sse")
    sink = asyncio.run(one.serve(exchange_for(one.config, asked), Breaks()))
    assert sink.pieces[0].startswith(b"[")
    assert (sink.ended, bool(sink.cut_reason)) == (False, True)
    assert "internal error" in caplog.text


def test_where_not_even_the_refusal_can_be_said_the_connection_is_dropped(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Dumb(FakeSink):
        async def head(self, status: int, headers: Any) -> None:
            raise LookupError("planted")

    one = rig(FakeUpstream(a=[answer()]))
    sink = asyncio.run(one.serve(exchange_for(one.config, ask()), Dumb()))
    assert sink.cut_reason
    assert "internal error" in caplog.text


# --- the client's own login


def own_login(upstream: FakeUpstream) -> Rig:
    account = {
        "id": "own", "provider": "claude", "access": "own-login", "base_url": "https://own.example",
    }  # fmt: skip
    return Rig(config_of({"accounts": [account]}), upstream)


def with_own_login(one: Rig) -> FakeSink:
    asked = question(MESSAGES, "claude-sonnet-5-5")
    asked.headers = {
        "authorization": "Bearer sk-ant-oat01-clients-own",
        "anthropic-version": "2023-06-01",
        "x-korproxy-key": "kp-local-1",
    }
    exchange = exchange_for(one.config, asked, tool="claude-cli/2.1")
    exchange.own_login = True
    return asyncio.run(one.serve(exchange))


def test_a_tools_own_login_is_relayed_and_its_refusal_too() -> None:
    upstream = FakeUpstream(own=[answer(), refusal(401, "OAuth token has expired"), answer()])
    one = own_login(upstream)
    assert with_own_login(one).status == 200
    assert upstream.header("authorization") == "Bearer sk-ant-oat01-clients-own"
    assert upstream.header("x-korproxy-key") is None
    refused = with_own_login(one)
    # The vendor's own tool must see its vendor's own words: it logs in again by them.
    assert (refused.status, refused.json["error"]["message"]) == (401, "OAuth token has expired")
    # One client's login says nothing about the next one's.
    assert one.pool.snapshot() == {}
    assert with_own_login(one).status == 200


def test_a_tools_own_login_is_asked_once_the_tool_itself_tries_again() -> None:
    upstream = FakeUpstream(own=[refusal(529)])
    assert with_own_login(own_login(upstream)).status == 529
    assert len(upstream.calls) == 1


# --- the client leaves


class Leaving(FakeUpstream):
    """Its client leaves as soon as an upstream has begun to answer."""

    sink = FakeSink()

    async def send(self, call: UpstreamCall) -> UpstreamReply:
        asyncio.get_running_loop().call_soon(self.sink.leave)
        return await super().send(call)


@pytest.mark.parametrize("status", [200, 500])
def test_a_client_that_leaves_while_the_upstream_thinks_frees_it(status: int) -> None:
    """The same for a reply that turns out to be an error, whose body is still to come."""

    async def run() -> tuple[FakeReply, Exchange]:
        reply = FakeReply(asyncio.Event(), status=status)
        upstream = Leaving(a=[reply], b=[answer()])
        one = rig(upstream)
        exchange = exchange_for(one.config, ask())
        upstream.sink = FakeSink()
        await one.serve(exchange, upstream.sink)
        return reply, exchange

    reply, exchange = asyncio.run(run())
    assert reply.aborted
    assert "client-gone" in exchange.why
    assert len(exchange.attempts) == 1


def test_a_client_that_leaves_in_the_middle_of_a_stream_frees_the_upstream() -> None:
    reply = stream()
    one = rig(FakeUpstream(a=[reply]))
    asyncio.run(one.serve(exchange_for(one.config, ask(stream=True)), FakeSink(leaves_after=2)))
    assert reply.aborted
    assert reply.unread > 0
