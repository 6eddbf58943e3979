"""Who is asked, in which order, how often; and what the client is told when nobody answers."""

import asyncio
import dataclasses
import json
import logging
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.accounts.failover import MOST_ATTEMPTS, MOST_TIME_S
from korproxy_addons.accounts.health import REMEMBERED_S, State
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.io.upstream import UpstreamCall, UpstreamReply
from korproxy_addons.providers.failure import Failure, Scope, Source, Verdict
from support.answers import CHAT, MESSAGE_FRAMES, MESSAGES, answer, completion, refusal
from support.asking import Question, question
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
    assert sink.why == ["fill-first"]
    assert "x-korproxy-error" not in sink.headers
    assert [(it.account_id, it.status, it.error_code) for it in exchange.attempts] == [
        ("a", 200, None)
    ]


def test_an_account_at_its_limit_is_followed_by_the_next() -> None:
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer(), answer()])
    one = rig(upstream)
    sink, exchange = one.ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (
        200,
        ["a", "b"],
        ["fill-first", "failover:429"],
    )
    assert sink.headers["x-korproxy-account"] == "Account b"
    assert [it.error_code for it in exchange.attempts] == [catalogue.RATE_LIMITED.code, None]
    assert one.slept == []
    # The limited account is left alone until the time its provider named, and a while longer.
    one.ask(ask())
    assert upstream.hosts == ["a", "b", "b"]
    one.clock.advance(REMEMBERED_S)
    upstream.script["a.example"].append(answer())
    one.ask(ask(prompt="Something else"))
    assert upstream.hosts == ["a", "b", "b", "a"]


def test_a_breakdown_is_tried_once_more_on_the_same_account_then_on_the_next() -> None:
    upstream = FakeUpstream(a=[refusal(500), refusal(500)], b=[answer()])
    one = rig(upstream)
    sink, _ = one.ask(ask())
    assert (sink.status, upstream.hosts) == (200, ["a", "a", "b"])
    assert sink.why == ["fill-first", "retry:500", "failover:500"]
    assert one.slept == [0.25]


def test_a_breakdown_that_passes_is_not_told_of_but_in_the_reason() -> None:
    upstream = FakeUpstream(a=[refusal(529), answer()])
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (200, ["a", "a"], ["fill-first", "retry:529"])


def test_a_connection_that_fails_is_tried_again_and_then_elsewhere() -> None:
    lost = KorProxyError(catalogue.CONNECTION_LOST, "a.example closed the connection")
    upstream = FakeUpstream(a=[lost, lost], b=[answer()])
    sink, exchange = rig(upstream).ask(ask())
    assert sink.status == 200
    assert exchange.attempts[0].error_code == catalogue.CONNECTION_LOST.code
    assert upstream.hosts[-1] == "b"
    assert sink.why[-1] == f"failover:{catalogue.CONNECTION_LOST.code}"


@pytest.mark.parametrize("body", [b"", b'{"content": ['])
def test_a_whole_answer_that_is_no_json_is_asked_for_elsewhere(body: bytes) -> None:
    """Also where the bytes would pass as they are."""
    upstream = FakeUpstream(a=[FakeReply(body), FakeReply(body)], b=[answer()])
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts[-1]) == (200, "b")
    assert sink.json["content"]


def test_attempts_are_bounded_however_many_accounts_there_are() -> None:
    many = {f"acc{number}": MESSAGES for number in range(20)}
    upstream = FakeUpstream(
        **{name: [refusal(500, f"by {name}") for _ in range(3)] for name in many}
    )
    sink, exchange = rig(upstream, many).ask(ask())
    assert len(upstream.calls) == len(exchange.attempts) == MOST_ATTEMPTS
    assert len(set(upstream.hosts)) == MOST_ATTEMPTS, "nobody twice while others were not asked"
    # The last one's words are what the client is told.
    assert (sink.status, sink.json["error"]["message"]) == (500, "by acc9")


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_what_the_provider_finds_fault_with_is_asked_of_nobody_else(status: int) -> None:
    upstream = FakeUpstream(a=[refusal(status)], b=[answer()])
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, upstream.hosts, sink.why) == (status, ["a"], ["fill-first"])
    assert sink.json["error"]["message"] == "said so"


def test_an_answer_lifts_no_limit_that_came_while_it_was_under_way() -> None:
    """A long stream ends well: it says nothing about what a later request has met since."""

    class Limited(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            one.clock.advance(10)
            one.pool.failed("a", "m", cooled(one.clock() + 600), one.clock())
            return await super().send(call)

    one = rig(Limited(a=[answer()]))
    assert one.ask(ask())[0].status == 200
    assert not one.pool.usable("a", "m", one.clock())


# --- logins


def secret_file_config(access: dict[str, Any], *names: str) -> dict[str, Any]:
    return {
        "accounts": [
            {"id": name, "secret": f"file:{name}", "base_url": f"https://{name}.example", **access}
            for name in names
        ]
    }


CODE_ASSIST = {"provider": "gemini", "access": "code-assist", "project": "p", "consent": True}
GEMINI_CLI = "GeminiCLI/0.61.0"


def gemini(prompt: str = "hello") -> Question:
    return question("gemini", "gemini-3.8-flash", prompt)


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
    sink, _ = one.ask(gemini(), tool=GEMINI_CLI)
    assert (sink.status, sink.why) == (200, ["only-account", "retry:401"])
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
    sink, _ = one.ask(gemini(), tool=GEMINI_CLI)
    assert (sink.status, upstream.hosts) == (200, ["a", "a", "b"])
    assert sink.why == ["fill-first", "retry:401", "failover:401"]
    assert one.pool.snapshot()["a", "*"].state is State.NEEDS_LOGIN
    # However much time passes, it is not asked again ...
    one.clock.advance(10 * 24 * 3600)
    one.ask(gemini(), tool=GEMINI_CLI)
    assert upstream.hosts == ["a", "a", "b", "b"]
    # ... until its owner has put another token there.
    (tmp_path / "a").write_text("ya29.after-login")
    upstream.script["a.example"].append(google_answer())
    one.ask(gemini("Something else"), tool=GEMINI_CLI)
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
    assert (sink.status, upstream.hosts, sink.why) == (
        200,
        ["a", "b"],
        ["fill-first", "failover:200"],
    )
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
    for seconds in (300, 90.2):
        until = datetime.fromtimestamp(now + seconds).astimezone().isoformat(timespec="seconds")
        assert f"until {until}" in sink.json["error"]["message"]


def test_the_strategy_is_the_reason_where_there_was_a_choice() -> None:
    """A conversation that stays has another one, and so has an account that is the only one."""
    one = rig(FakeUpstream(a=[answer(), answer()]))
    assert [one.ask(ask())[0].why for _ in range(2)] == [["fill-first"], ["sticky"]]
    alone = rig(FakeUpstream(a=[answer()]), {"a": MESSAGES})
    assert alone.ask(ask())[0].why == ["only-account"]


def test_where_something_else_decided_the_only_account_needs_no_word() -> None:
    alone = rig(FakeUpstream(a=[answer()]), {"a": MESSAGES})
    assert alone.ask(ask("a/m"))[0].why == ["pinned"]


def test_who_would_have_come_first_is_named_with_what_keeps_him() -> None:
    one = rig(FakeUpstream(b=[answer()]))
    one.pool.failed("a", "m", cooled(one.clock() + 60), one.clock())
    assert one.ask(ask())[0].why == ["fill-first", "skipped:a:rate_limited"]


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
    one.clock.advance(0.1)
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


# --- groups, trials, and what is told in the end


def in_two_groups(upstream: FakeUpstream) -> Rig:
    groups = [{"id": "default", "accounts": ["a"]}, {"id": "spare", "accounts": ["b"]}]
    profiles = [{"id": "default", "group": ["default", "spare"]}]
    return rig(upstream, groups=groups, profiles=profiles)


def test_the_next_group_serves_where_the_first_fails() -> None:
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[answer()])
    sink, exchange = in_two_groups(upstream).ask(ask())
    assert (sink.status, upstream.hosts, exchange.group) == (200, ["a", "b"], "spare")


def test_each_attempt_is_made_of_what_the_client_sent() -> None:
    """Of another dialect, after one of the client's own: a translation is never translated."""
    upstream = FakeUpstream(a=[refusal(429, retry_after="60")], b=[json_reply(completion())])
    sink, _ = rig(upstream, {"a": MESSAGES, "b": CHAT}).ask(ask())
    first, second = (json.loads(call.body) for call in upstream.calls)
    assert sink.status == 200
    assert first["messages"] == [{"role": "user", "content": "hello"}]
    assert "max_tokens" in first
    assert second["messages"][0]["role"] == "user"
    assert sink.json["type"] == "message"


def test_of_several_failures_the_client_is_told_the_one_that_helps_most() -> None:
    """When the limit ends is worth more than that the other is out of order; who was asked is in the reasons."""
    upstream = FakeUpstream(
        a=[refusal(429, "wait", retry_after="60")], b=[refusal(500), refusal(500)]
    )
    sink, _ = rig(upstream).ask(ask())
    assert (sink.status, sink.headers["retry-after"]) == (429, "60")
    assert sink.json["error"]["message"] == "wait"
    assert [it for it in sink.why if it.startswith("tried:")] == ["tried:a:429", "tried:b:500"]


def test_a_quota_that_is_used_up_is_told_as_such() -> None:
    one = rig(FakeUpstream())
    for account, wait in (("a", 300), ("b", 900)):
        spent = dataclasses.replace(cooled(one.clock() + wait), spec=catalogue.QUOTA_EXHAUSTED)
        one.pool.failed(account, "m", spent, one.clock())
    sink, _ = one.ask(ask())
    assert sink.headers["x-korproxy-error"] == catalogue.QUOTA_EXHAUSTED.code
    assert (sink.status, sink.headers["retry-after"]) == (429, "300")


def test_nothing_more_is_begun_when_the_client_has_waited_long_enough() -> None:
    class Slow(FakeUpstream):
        async def send(self, call: UpstreamCall) -> UpstreamReply:
            one.clock.advance(MOST_TIME_S)
            return await super().send(call)

    upstream = Slow(a=[refusal(429, retry_after="60")], b=[answer()])
    one = rig(upstream)
    exchange = exchange_for(one.config, ask())
    exchange.received_at = one.clock()
    sink = asyncio.run(one.serve(exchange))
    assert (sink.status, upstream.hosts) == (429, ["a"])


def test_a_stream_that_breaks_off_is_held_against_its_account() -> None:
    """Too late for this client; the next one is served by another."""
    upstream = FakeUpstream(a=[event_stream(*MESSAGE_FRAMES[:3])], b=[answer()])
    one = rig(upstream)
    sink, exchange = one.ask(ask(stream=True))
    assert (sink.status, upstream.hosts) == (200, ["a"])
    assert exchange.stream_error
    assert one.pool.snapshot()["a", "m"].state is State.RATE_LIMITED
    one.ask(ask())
    assert upstream.hosts == ["a", "b"]
