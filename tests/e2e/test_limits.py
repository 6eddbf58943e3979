"""The user's own limits through a real gateway: what is refused says why, in the words of each dialect."""

import hashlib
import json
import re
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from korproxy_addons.errors import catalogue
from support import config_file
from support.asking import Question, Response, ask, question, send
from support.gateway import GatewayProcess, SimulatedGateway
from support.waiting import until

pytestmark = pytest.mark.e2e

NATIVE = {
    "openai-chat": "qwen3.8-max",
    "openai-responses": "gpt-6.1-sol",
    "anthropic-messages": "claude-sonnet-5-5",
    "gemini": "gemini-3.8-flash",
}
RESET = r"resets at \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d \(in \d+ (s|min|h|d)\)"
KEYS = {
    "paced": {"requests_per_minute": 2},
    "small": {"tokens_per_day": 10},
    "dear": {"cost_usd_per_month": 0.000001},
    "alone": {"concurrency": 1},
    "narrow": {"models": ["qwen*"]},
}


def agent_of(dialect: str) -> str:
    """A tool of its own for each test: its requests are counted apart."""
    return {
        "openai-chat": "QwenCode/1",
        "openai-responses": "codex_cli_rs/1",
        "gemini": "GeminiCLI/1",
    }.get(dialect, "claude-cli/2")


RULES: list[dict[str, Any]] = [
    {"name": "tool-requests", "tool": "*", "requests": 2, "per": "month"},
    {"name": "aider-tokens", "tool": "aider", "tokens": 5, "per": "week"},
    {"name": "sonnet", "account": "claude-api-key", "requests": 1, "per": "day"},
    {
        "name": "cline-slow",
        "tool": "cline",
        "requests": 1,
        "per": "day",
        "action": "slow",
        "slow_s": 0.5,
    },
]


def settings() -> dict[str, Any]:
    keys = [
        {"id": name, "sha256": hashlib.sha256(key_of(name).encode()).hexdigest(), "limits": limits}
        for name, limits in KEYS.items()
    ]
    # Requests of the tests with keys name no tool.
    return {"local_keys": {"keys": keys}, "quota_rules": RULES[:1]}


def key_of(name: str) -> str:
    return f"kp-local-{name}-31c9f0d2a7"


@pytest.fixture(scope="module")
def limited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedGateway]:
    """A gateway with limits."""
    with SimulatedGateway(tmp_path_factory.mktemp("home"), settings()) as running:
        yield running


def asked_with(
    name: str, dialect: str = "openai-chat", prompt: str = "hello", **words: Any
) -> Question:
    """A question with a local key where its dialect puts one."""
    found = question(dialect, NATIVE[dialect], prompt, **words)
    found.headers = {
        field: value.replace("korproxy-local-key", key_of(name))
        for field, value in found.headers.items()
    }
    return found


def message_of(reply: Response) -> str:
    """The error's text in the envelope of its dialect."""
    error = reply.json[0]["error"] if isinstance(reply.json, list) else reply.json["error"]
    return str(error["message"])


def in_envelope(dialect: str, reply: Response) -> None:
    """Assert that a refusal is one that the dialect's clients know."""
    assert reply.status == 429
    error = reply.json["error"]
    match dialect:
        case "anthropic-messages":
            assert (reply.json["type"], error["type"]) == ("error", "rate_limit_error")
        case "gemini":
            assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
        case _:
            assert {"message", "type", "param", "code"} <= set(error)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", NATIVE)
def test_a_refusal_names_rule_limit_use_and_reset_in_each_dialect(
    limited: SimulatedGateway, dialect: str, *, stream: bool
) -> None:
    """With a status that says the same, and the time to wait where clients look for it."""
    asked = question(dialect, NATIVE[dialect], stream=stream)
    asked.headers["user-agent"] = agent_of(dialect)
    if not stream:
        for _ in range(2):
            assert ask(limited.url, asked).status == 200
    limited.sim.reset()
    reply = ask(limited.url, asked)
    in_envelope(dialect, reply)
    said = message_of(reply)
    for words in ("“tool-requests”", "2 requests per month", "2 requests used"):
        assert words in said
    assert re.search(RESET, said)
    assert int(reply.headers["retry-after"]) > 90
    assert reply.headers["x-should-retry"] == "false"
    assert reply.headers["x-korproxy-error"] == catalogue.LIMIT_REACHED.code
    assert limited.sim.ledger.entries == []


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_keys_pace_may_be_waited_for(limited: SimulatedGateway, dialect: str) -> None:
    """Each client is told in its own words for how long; the first dialect uses the limit up for all."""
    for _ in range(3):
        reply = ask(limited.url, asked_with("paced", dialect))
    in_envelope(dialect, reply)
    said = message_of(reply)
    for words in (
        "“requests_per_minute”",
        "2 requests per last minute",
        "key paced",
        "2 requests used",
    ):
        assert words in said
    assert re.search(RESET, said)
    assert 0 < int(reply.headers["retry-after"]) <= 61
    assert "x-should-retry" not in reply.headers
    assert reply.headers["x-korproxy-error"] == catalogue.LIMIT_PACE.code


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("small", ("“tokens_per_day”", "10 tokens per day", "key small", "tokens used")),
        ("dear", ("“cost_usd_per_month”", "$0.00 per month", "key dear", "used")),
    ],
)
def test_what_the_provider_told_is_what_counts(
    limited: SimulatedGateway, name: str, words: tuple[str, ...]
) -> None:
    asked = asked_with(name, "anthropic-messages", "[[sim tokens=30]]")
    assert ask(limited.url, asked).status == 200
    reply = until(lambda: it if (it := ask(limited.url, asked)).status != 200 else None)
    assert reply.status == 429
    said = message_of(reply)
    for it in words:
        assert it in said
    assert re.search(RESET, said)


@pytest.mark.parametrize("dialect", NATIVE)
def test_a_key_for_one_request_at_a_time(limited: SimulatedGateway, dialect: str) -> None:
    """The next one is served as soon as the first has ended, well or not."""
    slow = asked_with("alone", dialect, "[[sim tokens=40 piece=4]]", stream=True)
    limited.sim.reset()
    limited.sim.script("held", after=2)
    with ThreadPoolExecutor(1) as other:
        running = other.submit(ask, limited.url, slow)
        limited.sim.wait(lambda entries: any(it.sent_frames == 2 for it in entries))
        reply = ask(limited.url, asked_with("alone", dialect))
        in_envelope(dialect, reply)
        said = message_of(reply)
        for words in (
            "“concurrency”",
            "1 request at the same time",
            "key alone",
            "1 running",
            "resets",
        ):
            assert words in said
        assert reply.headers["retry-after"] == "1"
        limited.sim.release()
        assert running.result().status == 200
    until(lambda: ask(limited.url, asked_with("alone", dialect)).status == 200 or None)


def test_a_key_for_some_models(limited: SimulatedGateway) -> None:
    assert ask(limited.url, asked_with("narrow")).status == 200
    for dialect in ("openai-responses", "anthropic-messages", "gemini"):
        reply = ask(limited.url, asked_with("narrow", dialect))
        assert reply.status == 403
        assert reply.headers["x-korproxy-error"] == catalogue.KEY_MODEL_REFUSED.code
        assert "“models” allows qwen*" in message_of(reply)


def test_the_ledger_knows_whose_key_it_was(limited: SimulatedGateway) -> None:
    reply = ask(limited.url, asked_with("narrow"))
    request_id = reply.headers["x-korproxy-request-id"]
    lines = limited.gateway.wait_for_log(request_id)
    assert not any(key_of("narrow") in json.dumps(line) for line in lines)


def test_rules_come_and_go_without_a_restart(tmp_path: Path) -> None:
    """An account's, one that slows down, and what was used before a rule was made counts for it."""
    with SimulatedGateway(tmp_path, {"quota_rules": []}) as running:
        asked = question("anthropic-messages", NATIVE["anthropic-messages"])
        assert ask(running.url, asked).status == 200
        until(lambda: (tmp_path / "korproxy.db").exists() or None)
        until(lambda: ledger_rows(tmp_path) or None)

        def edit(config: dict[str, Any]) -> None:
            config["quota_rules"] = RULES[1:]

        assert config_file.change(running.gateway, edit)["event"] == "config reloaded"
        reply = ask(running.url, asked)
        assert reply.status == 429
        for words in (
            "“sonnet”",
            "1 request per day",
            "account claude-api-key",
            "1 request used",
        ):
            assert words in message_of(reply)
        chat = question("openai-chat", NATIVE["openai-chat"])
        chat.headers["user-agent"] = "Cline/3"
        assert ask(running.url, chat).status == 200
        slowed = ask(running.url, chat)
        assert slowed.status == 200
        assert "slowed:cline-slow" in slowed.headers["x-korproxy-why"]
        chat.headers["user-agent"] = "aider/1"
        assert ask(running.url, chat).status == 200
        until(lambda: ask(running.url, chat).status == 429 or None)


def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    """Not even after kill -9."""
    rules = [{"name": "few", "requests": 2, "per": "month"}]
    asked = question("openai-chat", NATIVE["openai-chat"])
    with SimulatedGateway(tmp_path, {"quota_rules": rules}) as running:
        for _ in range(2):
            assert ask(running.url, asked).status == 200
        until(lambda: ledger_rows(tmp_path) == 2 or None)
        running.gateway.process.kill()
        running.gateway.process.wait()
        with GatewayProcess(tmp_path) as again:
            reply = ask(again.url, asked)
    assert reply.status == 429
    assert "2 requests used" in message_of(reply)


def test_a_limit_may_send_requests_to_another_group(tmp_path: Path) -> None:
    extra = {
        "groups": [{"id": "spare", "accounts": ["qwen-coding-plan"]}],
        "quota_rules": [
            {"name": "over", "requests": 1, "per": "day", "action": "reroute", "to": "spare"}
        ],
    }
    with SimulatedGateway(tmp_path, extra) as running:
        asked = question("openai-chat", "qwen3-coder-plus")
        first, second = ask(running.url, asked), ask(running.url, asked)
    assert (first.status, second.status) == (200, 200), second.body
    assert "rerouted:over" in second.headers["x-korproxy-why"]
    assert second.headers["x-korproxy-account"] == "simulated qwen-coding-plan"
    assert first.headers["x-korproxy-account"] != second.headers["x-korproxy-account"]


def test_a_client_that_runs_away_is_stopped(tmp_path: Path) -> None:
    """The one, not the others; and it is counted."""
    with SimulatedGateway(tmp_path, {"runaway": {"repeats": 5, "window_s": 30.0}}) as running:
        replies = [ask(running.url, question(it, NATIVE[it])) for it in NATIVE for _ in range(6)]
        assert [it.status for it in replies] == [200, 200, 200, 200, 200, 429] * 4
        for dialect, reply in zip(NATIVE, replies[5::6], strict=True):
            in_envelope(dialect, reply)
            said = message_of(reply)
            for words in ("“runaway.repeats”", "5 times in 30 s", "number 6", "resets in"):
                assert words in said
            assert reply.headers["x-korproxy-error"] == catalogue.RUNAWAY.code
        assert (
            ask(running.url, question("openai-chat", NATIVE["openai-chat"], "else")).status == 200
        )
        metrics = send(running.url, "GET", "/metrics").body.decode()
        assert 'korproxy_errors_total{code="KP-RATE-406"} 4.0' in metrics


def ledger_rows(home: Path) -> int:
    connection = sqlite3.connect(f"{(home / 'korproxy.db').as_uri()}?mode=ro", uri=True)
    try:
        return int(connection.execute("SELECT count(*) FROM exchanges").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_an_upstream_that_is_the_gateway_itself_is_named_and_not_asked(
    tmp_path: Path, host: str
) -> None:
    """One round, not thousands."""
    with SimulatedGateway(tmp_path) as running:

        def edit(config: dict[str, Any]) -> None:
            config["providers"]["mirror"] = {
                "dialect": "openai-chat",
                "base_url": f"http://{host}:{running.gateway.port}/v1",
                "local": True,
                "models": ["looking-glass"],
                "list_models": False,
            }
            config["accounts"].append({"id": "m", "provider": "mirror", "secret": "file:secrets/x"})

        (tmp_path / "secrets" / "x").write_text("key")
        assert config_file.change(running.gateway, edit)["event"] == "config reloaded"
        reply = ask(running.url, question("openai-chat", "looking-glass"))
        assert (reply.status, reply.headers["x-korproxy-error"]) == (508, catalogue.LOOP.code)
        assert "come back to KorProxy itself" in message_of(reply)
        until(lambda: ledger_rows(tmp_path) or None)
        assert ledger_rows(tmp_path) == 1
