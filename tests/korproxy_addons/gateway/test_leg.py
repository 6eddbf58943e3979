"""Who is asked, in which order, how often; and what the client is told when nobody answers."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.accounts.failover import MOST_ATTEMPTS
from korproxy_addons.accounts.pool import State
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.exchange import Exchange
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from support.answers import (
    CHAT,
    MESSAGE_FRAMES,
    MESSAGES,
    answer,
    chat_refusal,
    completion,
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


def cooled(until: float | None, verdict: Verdict = Verdict.COOL) -> Failure:
    """A provider's own word that an account has had enough."""
    return Failure(
        spec=catalogue.RATE_LIMITED,
        scope=Scope.ACCOUNT,
        verdict=verdict,
        reset_at=until,
        source=Source.HEADER,
    )


# --- who is asked


def test_the_first_account_of_the_config_serves() -> None:
    upstream = FakeUpstream(a=[answer()])
    sink, exchange = rig(upstream).ask(ask())
    assert (sink.status, sink.ended, upstream.hosts) == (200, True, ["a"])
    assert sink.headers["x-korproxy-account"] == "Account a"
    assert sink.headers["x-korproxy-request-id"] == "kp-test"
    assert sink.why == []
    assert "x-korproxy-error" not in sink.headers
    assert [(it.account_id, it.status, it.error_code) for it in exchange.attempts] == [
        ("a", 200, None)
    ]


def test_an_account_at_its_limit_is_followed_by_the_next() -> None:
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer(), answer()])
    one = rig(upstream)
    sink, exchange = one.ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (200, ["a", "b"], ["failover:429"])
    assert sink.headers["x-korproxy-account"] == "Account b"
    assert [it.error_code for it in exchange.attempts] == [catalogue.RATE_LIMITED.code, None]
    assert one.slept == []
    # The limited account is left alone until the time its provider named.
    one.ask(ask())
    assert upstream.hosts == ["a", "b", "b"]
    one.clock.advance(61)
    upstream.script["a.example"].append(answer())
    one.ask(ask())
    assert upstream.hosts == ["a", "b", "b", "a"]


def test_a_breakdown_is_tried_once_more_on_the_same_account_then_on_the_next() -> None:
    upstream = FakeUpstream(a=[refusal(500), refusal(500)], b=[answer()])
    one = rig(upstream)
    sink, _ = one.ask(ask())
    assert (sink.status, upstream.hosts) == (200, ["a", "a", "b"])
    assert sink.why == ["retry:500", "failover:500"]
    assert one.slept == [0.25]


def test_a_breakdown_that_passes_is_not_told_of_but_in_the_reason() -> None:
    upstream = FakeUpstream(a=[refusal(529), answer()])
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (200, ["a", "a"], ["retry:529"])


def test_a_connection_that_fails_is_tried_again_and_then_elsewhere() -> None:
    lost = KorProxyError(catalogue.CONNECTION_LOST, "a.example closed the connection")
    upstream = FakeUpstream(a=[lost, lost], b=[answer()])
    sink, exchange = rig(upstream).ask(ask())
    assert sink.status == 200
    assert exchange.attempts[0].error_code == catalogue.CONNECTION_LOST.code
    assert upstream.hosts[-1] == "b"
    assert sink.why[-1] == f"failover:{catalogue.CONNECTION_LOST.code}"


def test_attempts_are_bounded_however_many_accounts_there_are() -> None:
    many = {f"acc{number}": MESSAGES for number in range(9)}
    upstream = FakeUpstream(
        **{name: [refusal(500, f"by {name}") for _ in range(3)] for name in many}
    )
    sink, exchange = rig(upstream, many).ask(ask())
    assert len(upstream.calls) == len(exchange.attempts) == MOST_ATTEMPTS
    assert upstream.hosts == ["acc0", "acc0", "acc1", "acc1"]
    # The last one's words are what the client is told.
    assert (sink.status, sink.json["error"]["message"]) == (500, "by acc1")


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_what_the_provider_finds_fault_with_is_asked_of_nobody_else(status: int) -> None:
    upstream = FakeUpstream(a=[refusal(status)], b=[answer()])
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (status, ["a"], [])
    assert sink.json["error"]["message"] == "said so"


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


# --- logins


def secret_file_config(access: dict[str, Any], *names: str) -> dict[str, Any]:
    return {
        "accounts": [
            {"id": name, "secret": f"file:{name}", "base_url": f"https://{name}.example", **access}
            for name in names
        ]
    }


CODE_ASSIST = {"provider": "gemini", "access": "code-assist", "project": "p", "consent": True}


def gemini() -> Question:
    return question("gemini", "gemini-3.8-flash")


def google_answer() -> FakeReply:
    part = {"candidates": [{"content": {"role": "model", "parts": [{"text": "Aye"}]}}]}
    return json_reply({"response": part})


def google_401() -> FakeReply:
    error = {"code": 401, "message": "expired", "status": "UNAUTHENTICATED"}
    return json_reply({"error": error}, 401)


def test_a_refused_token_is_read_anew_and_serves(tmp_path: Path) -> None:
    """Another program refreshed it meanwhile: the file holds the new one."""
    (tmp_path / "a").write_text("ya29.old")

    class Renewing(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            (tmp_path / "a").write_text("ya29.new")
            return await super().send(call)

    upstream = Renewing(a=[google_401(), google_answer()])
    one = Rig(config_of(secret_file_config(CODE_ASSIST, "a")), upstream, tmp_path)
    sink, _ = one.ask(gemini())
    assert (sink.status, sink.why) == (200, ["retry:401"])
    assert [upstream.header("authorization", n) for n in (0, 1)] == [
        "Bearer ya29.old",
        "Bearer ya29.new",
    ]
    assert one.pool.snapshot() == {}


def test_a_token_that_is_refused_twice_needs_its_owner(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"ya29.{name}")
    upstream = FakeUpstream(a=[google_401(), google_401()], b=[google_answer(), google_answer()])
    one = Rig(config_of(secret_file_config(CODE_ASSIST, "a", "b")), upstream, tmp_path)
    sink, _ = one.ask(gemini())
    assert (sink.status, upstream.hosts) == (200, ["a", "a", "b"])
    assert sink.why == ["retry:401", "failover:401"]
    assert one.pool.snapshot()["a", "*"].state is State.NEEDS_LOGIN
    # However much time passes, it is not asked again ...
    one.clock.advance(10 * 24 * 3600)
    one.ask(gemini())
    assert upstream.hosts == ["a", "a", "b", "b"]
    # ... until its owner has put another token there.
    (tmp_path / "a").write_text("ya29.after-login")
    upstream.script["a.example"].append(google_answer())
    one.ask(gemini())
    assert upstream.hosts[-1] == "a"
    assert upstream.header("authorization") == "Bearer ya29.after-login"


def iflow_expired() -> FakeReply:
    return json_reply({"status": "439", "msg": "Your API key has expired", "body": None})


IFLOW = {"provider": "iflow"}


def test_a_key_that_nobody_can_refresh_gives_way_to_the_next_account(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(f"sk-{name}")
    upstream = FakeUpstream(a=[iflow_expired()], b=[json_reply(completion())])
    one = Rig(config_of(secret_file_config(IFLOW, "a", "b")), upstream, tmp_path)
    sink, _ = one.ask(question(CHAT, "glm-5"))
    assert (sink.status, upstream.hosts, sink.why) == (200, ["a", "b"], ["failover:200"])
    assert one.pool.snapshot()["a", "*"].state is State.NEEDS_LOGIN


def test_a_rotated_key_is_taken_up_though_nobody_can_refresh_it(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("sk-old")

    class Rotating(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            (tmp_path / "a").write_text("sk-new")
            return await super().send(call)

    upstream = Rotating(a=[iflow_expired(), json_reply(completion())])
    one = Rig(config_of(secret_file_config(IFLOW, "a")), upstream, tmp_path)
    sink, _ = one.ask(question(CHAT, "glm-5"))
    assert (sink.status, upstream.header("authorization")) == (200, "Bearer sk-new")


def test_a_wrong_key_goes_on_with_the_next_account_and_is_never_a_401() -> None:
    upstream = FakeUpstream(a=[refusal(401)], b=[refusal(401)])
    one = rig(upstream)
    sink, _ = one.ask(ask())
    assert upstream.hosts == ["a", "b"]
    assert (sink.status, sink.headers["x-korproxy-error"]) == (
        catalogue.ACCOUNT_REJECTED.status,
        catalogue.ACCOUNT_REJECTED.code,
    )
    assert {it.state for it in one.pool.snapshot().values()} == {State.NEEDS_LOGIN}


def test_a_secret_that_is_not_there_is_the_next_accounts_turn(tmp_path: Path) -> None:
    (tmp_path / "b").write_text("sk-b")
    upstream = FakeUpstream(b=[json_reply(completion())])
    one = Rig(config_of(secret_file_config(IFLOW, "a", "b")), upstream, tmp_path)
    sink, exchange = one.ask(question(CHAT, "glm-5"))
    assert (sink.status, upstream.hosts) == (200, ["b"])
    assert exchange.attempts[0].error_code == catalogue.SECRET_UNAVAILABLE.code


# --- rest


def test_where_all_accounts_rest_the_client_is_told_until_when_and_who() -> None:
    one = rig(FakeUpstream())
    now = one.clock()
    one.pool.failed("a", "m", cooled(now + 300), now)
    one.pool.failed("b", "m", cooled(now + 90.2), now)
    sink, _ = one.ask(ask())
    assert (sink.status, sink.headers["retry-after"]) == (429, "91")
    assert sink.headers["x-korproxy-error"] == catalogue.RATE_LIMITED.code
    assert sink.json["error"]["type"] == "rate_limit_error"
    for words in ("Account a", "Account b", "rate_limited", catalogue.RATE_LIMITED.code):
        assert words in sink.json["error"]["message"]


def test_where_only_their_owner_can_help_no_time_is_named() -> None:
    one = rig(FakeUpstream(), {"a": MESSAGES})
    one.pool.failed("a", "m", cooled(None, Verdict.NEEDS_LOGIN), one.clock())
    sink, _ = one.ask(ask())
    assert sink.status == catalogue.ACCOUNT_REJECTED.status
    assert "retry-after" not in sink.headers
    assert "needs_login" in sink.json["error"]["message"]


def test_a_rest_that_is_only_our_guess_keeps_nobody_from_the_last_account() -> None:
    upstream = FakeUpstream(a=[answer(), answer()])
    one = rig(upstream, {"a": MESSAGES})
    guess = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
    one.pool.failed("a", "m", guess, one.clock())
    assert not one.pool.usable("a", "m", one.clock())
    sink, _ = one.ask(ask())
    assert sink.status == 200
    assert one.pool.snapshot() == {}


def test_a_guessed_rest_is_tried_when_the_better_account_fails() -> None:
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer()])
    one = rig(upstream)
    guess = Failure(spec=catalogue.RATE_LIMITED, scope=Scope.ACCOUNT, verdict=Verdict.COOL)
    one.pool.failed("b", "m", guess, one.clock())
    sink, _ = one.ask(ask())
    assert (sink.status, upstream.hosts) == (200, ["a", "b"])


def test_a_limit_of_one_model_leaves_the_others_alone() -> None:
    one = rig(FakeUpstream(a=[answer()]), {"a": MESSAGES})
    scoped = Failure(
        spec=catalogue.RATE_LIMITED,
        scope=Scope.MODEL,
        verdict=Verdict.COOL,
        reset_at=one.clock() + 60,
        model_glob="other-*",
    )
    one.pool.failed("a", "other-1", scoped, one.clock())
    assert one.ask(ask())[0].status == 200


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
    assert (exchange.losses, sink.why) == ([], ["failover:429"])


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
    assert (sink.status, sink.why) == (200, ["lost:logprobs"])
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
    assert (sink.why, upstream.sent()["model"]) == (["alias"], "m")


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


# --- what must not happen


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


def test_each_failed_attempt_is_logged_with_what_comes_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    rig(FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer()])).ask(ask())
    records = [it for it in caplog.records if it.getMessage() == "attempt failed"]
    fields: dict[str, Any] = records[0].__dict__["fields"]
    assert len(records) == 1
    assert fields["account"] == "a"
    assert (fields["status"], fields["next"], fields["attempt"]) == (429, "next_account", 1)
    assert "sk-a" not in str(fields)


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
