"""Quota endpoints: the question as the provider wants it, and its answer in windows."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Reply, Request
from korproxy_addons.providers.outgoing import AccountFacts
from korproxy_addons.providers.quota import DAY_S, FIVE_HOURS_S, Window
from korproxy_addons.providers.quota_answers import (
    ask_chatgpt,
    ask_claude,
    ask_code_assist,
    ask_compatible,
)
from korproxy_addons.providers.quota_headers import credits_left

NOW = 1_800_000_000.0
URL = "https://quota.example/usage"
FACTS = AccountFacts(
    id="a", label="Mine", base_url="https://quota.example", project="corp", account_id="acc-1"
)
ASKS = (ask_claude, ask_chatgpt, ask_code_assist, ask_compatible)


def answered(
    ask: Any, reply: Reply, facts: AccountFacts = FACTS
) -> tuple[Request, tuple[Window, ...]]:
    questions = ask(facts, URL, NOW)
    request = next(questions)
    try:
        questions.send(reply)
    except StopIteration as done:
        return request, done.value
    raise AssertionError("it asks more than once")


def windows(ask: Any, body: Any) -> dict[tuple[str, str], Window]:
    _, found = answered(ask, Reply(200, {}, msgspec.json.encode(body)))
    return {it.key: it for it in found}


def test_a_claude_plan() -> None:
    body = {
        "five_hour": {"utilization": 12.5, "resets_at": "2027-01-15T08:01:00.123456Z"},
        "seven_day": {"utilization": 30.0, "resets_at": None},
        "seven_day_sonnet": {"utilization": 8, "resets_at": None},
        "seven_day_opus": None,
        "iguana_necktie": {"utilization": 1.0, "resets_at": None},
        "limits": [
            {"percent": 5, "resets_at": None, "scope": {"model": {"display_name": "Fable"}}},
            {"percent": 6, "scope": None},
            "nonsense",
        ],
        "extra_usage": {
            "is_enabled": True, "monthly_limit": 2000, "used_credits": 500, "utilization": 25.0,
        },
    }  # fmt: skip
    found = windows(ask_claude, body)
    assert found["5h", "*"].used_share == 0.125
    assert found["5h", "*"].reset_at == pytest.approx(NOW + 60.123456)
    assert found["5h", "*"].length_s == FIVE_HOURS_S
    assert found["weekly", "*"].used_share == 0.3
    assert found["weekly", "claude-sonnet-*"].used_share == 0.08
    assert found["weekly", "claude-fable-*"].used_share == 0.05
    assert found["extra usage", "*"] == Window(
        "extra usage", 0.25, 500.0, 2000.0, unit="credits", seen_at=NOW
    )
    assert len(found) == 5


def test_a_claude_plan_is_asked_with_the_logins_beta() -> None:
    request, found = answered(ask_claude, Reply(200, {}, b"{}"))
    assert (request.method, request.url) == ("GET", URL)
    assert ("anthropic-beta", "oauth-2025-04-20") in request.headers
    assert found == ()


def test_a_chatgpt_plan() -> None:
    window = {
        "used_percent": 18, "limit_window_seconds": 18000, "reset_after_seconds": 9000,
        "reset_at": 1_800_009_000,
    }  # fmt: skip
    body = {
        "rate_limit": {"primary_window": window, "secondary_window": None},
        "additional_rate_limits": [
            {"limit_name": "gpt-6-astra", "rate_limit": {"primary_window": window}},
            {"limit_name": "", "rate_limit": {"primary_window": window}},
            {"limit_name": "x", "rate_limit": {"limit_reached": False}},
        ],
        "credits": {"has_credits": True, "balance": "7.5"},
    }
    found = windows(ask_chatgpt, body)
    assert found["5h", "*"].used_share == 0.18
    assert found["5h", "*"].reset_at == 1_800_009_000.0
    assert found["5h", "gpt-6-astra*"].used_share == 0.18
    assert found["credits", "*"] == credits_left(7.5, NOW)
    assert len(found) == 3
    request, _ = answered(ask_chatgpt, Reply(200, {}, b"{}"))
    assert ("chatgpt-account-id", "acc-1") in request.headers


def test_a_code_assist_licence() -> None:
    bucket = {
        "modelId": "gemini-3.8-flash", "tokenType": "REQUESTS", "remainingAmount": "940",
        "remainingFraction": 0.94, "resetTime": "2027-01-15T08:01:00Z",
    }  # fmt: skip
    body = {
        "buckets": [
            bucket,
            {**bucket, "modelId": "g-2", "remainingFraction": 0, "remainingAmount": "0"},
            {**bucket, "modelId": ""},
            {**bucket, "remainingFraction": None},
        ]
    }
    found = windows(ask_code_assist, body)
    first = found["daily", "gemini-3.8-flash"]
    assert first.used_share == pytest.approx(0.06)
    assert (first.used, first.limit, first.unit) == (60.0, 1000.0, "requests")
    assert (first.reset_at, first.length_s) == (NOW + 60, DAY_S)
    assert found["daily", "g-2"].used_share == 1.0
    assert found["daily", "g-2"].limit is None
    assert len(found) == 2
    request, _ = answered(ask_code_assist, Reply(200, {}, b"{}"))
    assert (request.method, request.body) == ("POST", b'{"project":"corp"}')


def test_a_code_assist_licence_without_its_project_is_not_asked() -> None:
    facts = AccountFacts(id="a", label="Mine", base_url="https://quota.example")
    with pytest.raises(KorProxyError) as failed:
        next(ask_code_assist(facts, URL, NOW))
    assert failed.value.spec is catalogue.PROJECT_REQUIRED


def test_a_plan_by_key_is_told_by_its_form() -> None:
    glm = {"data": {"limits": [{"type": "TOKENS_LIMIT", "unit": 3, "number": 5, "percentage": 40}]}}
    kimi = {"usage": {"limit": "2048", "used": "214"}}
    assert windows(ask_compatible, glm)["5h", "*"].used_share == 0.4
    assert windows(ask_compatible, kimi)["weekly", "*"].used == 214.0
    assert windows(ask_compatible, {"balance": 3}) == {}


@pytest.mark.parametrize(
    ("code", "spec"),
    [
        (401, catalogue.ACCOUNT_REJECTED),
        (1001, catalogue.ACCOUNT_REJECTED),
        (500, catalogue.UPSTREAM_ERROR),
        (None, catalogue.UPSTREAM_ERROR),
    ],
)
def test_a_no_inside_a_200_is_no_empty_plan(code: object, spec: catalogue.ErrorSpec) -> None:
    body = msgspec.json.encode({"success": False, "code": code, "msg": "no"})
    with pytest.raises(KorProxyError) as failed:
        answered(ask_compatible, Reply(200, {}, body))
    assert failed.value.spec is spec


@pytest.mark.parametrize("ask", ASKS)
@pytest.mark.parametrize(
    ("reply", "spec"),
    [
        (Reply(401, {}, b""), catalogue.ACCOUNT_REJECTED),
        (Reply(403, {}, b""), catalogue.ACCOUNT_REJECTED),
        (Reply(429, {"retry-after": "7"}, b""), catalogue.RATE_LIMITED),
        (Reply(500, {}, b""), catalogue.UPSTREAM_ERROR),
        (Reply(200, {}, b"<html>"), catalogue.UPSTREAM_INVALID_REPLY),
        (Reply(200, {}, b"[]"), catalogue.UPSTREAM_INVALID_REPLY),
    ],
)
def test_what_is_no_answer_is_an_error(ask: Any, reply: Reply, spec: catalogue.ErrorSpec) -> None:
    with pytest.raises(KorProxyError) as failed:
        answered(ask, reply)
    assert failed.value.spec is spec
    assert failed.value.retry_after_s == (7.0 if reply.status == 429 else None)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["five_hour", "limits", "percent", "scope", "model", "rate_limit", "primary_window",
                 "used_percent", "limit_window_seconds", "buckets", "remainingFraction", "modelId",
                 "usage", "limit", "used", "data", "percentage", "type", "utilization", "window",
                 "duration", "timeUnit", "detail", "credits", "balance", "extra_usage", "is_enabled"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip


@pytest.mark.parametrize("ask", ASKS)
@given(body=st.dictionaries(st.text(max_size=6), _JSON, max_size=3) | _JSON)
def test_whatever_json_comes_nothing_else_breaks(ask: Any, body: Any) -> None:
    try:
        _, found = answered(ask, Reply(200, {}, msgspec.json.encode(body)))
    except KorProxyError:
        return
    for window in found:
        window.at(NOW).pace(NOW)
