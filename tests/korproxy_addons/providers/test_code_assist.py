"""Code Assist's envelope, and the search for the project."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.catalogue import ErrorSpec
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.calls import Pause, Reply, Request
from korproxy_addons.providers.code_assist import (
    POLL_LIMIT,
    discover_project,
    unwrap_envelope,
    wrap_envelope,
)
from korproxy_addons.providers.outgoing import AccountFacts, Operation, Outgoing

BASE = "https://cloudcode-pa.googleapis.com"


def account(project: str = "corp-proj") -> AccountFacts:
    return AccountFacts(id="a", label="Work", base_url=BASE, project=project)


def outgoing(operation: Operation = Operation.GENERATE) -> Outgoing:
    return Outgoing(
        operation=operation,
        dialect="gemini",
        model="models/gemini-3.8-flash",
        session_id="s-1",
        prompt_id="p-1",
    )


def test_the_envelope() -> None:
    body = b'{"contents":[{"parts":[{"text":"\\u00e4"}]}],"generationConfig":{"topP":1.0},"x":1}'
    wrapped = wrap_envelope(body, outgoing(), account())
    assert json.loads(wrapped) == {
        "model": "gemini-3.8-flash",
        "project": "corp-proj",
        "user_prompt_id": "p-1",
        "request": {**json.loads(body), "session_id": "s-1"},
    }
    assert body[:-1] in wrapped


def test_the_clients_own_session_stays_and_its_model_goes_into_the_envelope() -> None:
    body = b'{"model":"models/x","session_id":"mine"}'
    request = json.loads(wrap_envelope(body, outgoing(), account()))["request"]
    assert request == {"session_id": "mine"}


def test_counting_names_the_model_and_no_project() -> None:
    contents = [{"parts": [{"text": "x"}]}]
    for body in (
        {"contents": contents},
        {"generateContentRequest": {"model": "models/y", "contents": contents}},
    ):
        call = outgoing(Operation.COUNT_TOKENS)
        assert json.loads(wrap_envelope(json.dumps(body).encode(), call, account(""))) == {
            "request": {"model": "models/gemini-3.8-flash", "contents": contents}
        }


def test_t171_counting_takes_system_text_and_tools_along() -> None:
    system = {"parts": [{"text": "Be brief."}]}
    tools = [{"functionDeclarations": [{"name": "f"}]}]
    contents = [{"role": "user", "parts": [{"text": "x"}]}]
    inner = {"systemInstruction": system, "tools": tools, "contents": contents}
    body = json.dumps({"generateContentRequest": inner}).encode()
    call = outgoing(Operation.COUNT_TOKENS)
    request = json.loads(wrap_envelope(body, call, account("")))["request"]
    first, *rest = request["contents"]
    assert rest == contents
    assert [json.loads(part["text"]) for part in first["parts"]] == [system, tools]
    assert set(request) == {"model", "contents"}


def test_without_a_project_nothing_is_sent() -> None:
    with pytest.raises(KorProxyError) as caught:
        wrap_envelope(b"{}", outgoing(), account(""))
    assert caught.value.spec is catalogue.PROJECT_REQUIRED


@pytest.mark.parametrize(
    ("data", "unwrapped"),
    [
        (b'{"response":{"candidates":[1.0]},"traceId":null}', b'{"candidates":[1.0]}'),
        (b'{"response": {"a":1},"consumedCredits":[]}', b'{"a":1}'),
        (b'{"response":{"a":1},"traceId":"t"}', b'{"a":1,"responseId":"t"}'),
        (b'{"response":{"responseId":"r"},"traceId":"t"}', b'{"responseId":"r"}'),
        (b'{"totalTokens":5}', b'{"totalTokens":5}'),
        (b'{"error":{"code":429}}', b'{"error":{"code":429}}'),
        (b'{"response":null}', b'{"response":null}'),
        (b"garbage", b"garbage"),
        (b'{"response":7,"traceId":"t"}', b"7"),
    ],
)
def test_unwrapping(data: bytes, unwrapped: bytes) -> None:
    assert unwrap_envelope(data) == unwrapped


@given(st.binary(max_size=60))
def test_any_bytes_are_unwrapped_to_something(data: bytes) -> None:
    unwrap_envelope(data)
    unwrap_envelope(b'{"response":' + data)


@given(
    st.dictionaries(
        st.text(max_size=5).filter(lambda it: it not in {"model", "session_id"}),
        st.integers() | st.text(max_size=4) | st.lists(st.booleans(), max_size=2),
    )
)
def test_unknown_fields_survive(fields: dict[str, Any]) -> None:
    wrapped = wrap_envelope(json.dumps(fields).encode(), outgoing(), account())
    assert json.loads(wrapped)["request"] == {**fields, "session_id": "s-1"}


class Play:
    """Drives a discovery with scripted replies; keeps what it asked for."""

    def __init__(self, project: str, *replies: Reply) -> None:
        self.asked: list[Request] = []
        self.pauses: list[float] = []
        self.project: str | None = None
        generator = discover_project(account(project))
        left = list(replies)
        step = next(generator)
        try:
            while True:
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    step = generator.send(None)
                else:
                    self.asked.append(step)
                    step = generator.send(left.pop(0) if len(left) > 1 else left[0])
        except StopIteration as stop:
            self.project = stop.value


def ok(value: object) -> Reply:
    return Reply(200, {}, json.dumps(value).encode())


TIER = {"currentTier": {"id": "standard-tier"}}


def test_a_login_with_a_tier_has_its_project() -> None:
    play = Play("", ok({**TIER, "cloudaicompanionProject": "found"}))
    assert play.project == "found"
    (request,) = play.asked
    assert (request.method, request.url) == ("POST", f"{BASE}/v1internal:loadCodeAssist")
    assert json.loads(request.body) == {
        "metadata": {
            "ideType": "IDE_UNSPECIFIED",
            "platform": "PLATFORM_UNSPECIFIED",
            "pluginType": "GEMINI",
        }
    }


def test_a_configured_project_is_named_and_stands_in() -> None:
    play = Play("mine", ok(TIER))
    assert play.project == "mine"
    question = json.loads(play.asked[0].body)
    assert question["cloudaicompanionProject"] == "mine"
    assert question["metadata"]["duetProject"] == "mine"


def test_vpc_service_controls_are_taken_for_a_standard_tier() -> None:
    hidden = Reply(403, {}, b'{"error":{"details":[{"reason":"SECURITY_POLICY_VIOLATED"}]}}')
    assert Play("mine", hidden).project == "mine"
    with pytest.raises(KorProxyError) as caught:
        Play("", hidden)
    assert caught.value.spec is catalogue.PROJECT_REQUIRED


def test_setting_up_polls_until_it_is_done() -> None:
    play = Play(
        "mine",
        ok({"allowedTiers": [{"id": "a"}, {"id": "standard-tier", "isDefault": True}]}),
        ok({"name": "operations/abc", "done": False}),
        ok({"name": "operations/abc", "done": False}),
        ok({"name": "operations/abc", "done": False}),
        ok({"done": True, "response": {"cloudaicompanionProject": {"id": "made"}}}),
    )
    assert play.project == "made"
    assert play.pauses == [5.0, 5.0, 5.0]
    order, *polls = play.asked[1:]
    assert order.url == f"{BASE}/v1internal:onboardUser"
    body = json.loads(order.body)
    assert (body["tierId"], body["cloudaicompanionProject"]) == ("standard-tier", "mine")
    assert {(it.method, it.url) for it in polls} == {("GET", f"{BASE}/v1internal/operations/abc")}


def test_the_free_tier_is_ordered_without_a_project() -> None:
    play = Play("mine", ok({"allowedTiers": [{"id": "free-tier"}]}), ok({"done": True}))
    assert "cloudaicompanionProject" not in json.loads(play.asked[1].body)
    assert play.project == "mine"


def test_a_set_up_without_end_is_given_up() -> None:
    replies = ok({"allowedTiers": [{"id": "t"}]}), ok({"name": "operations/x", "done": False})
    with pytest.raises(KorProxyError) as caught:
        Play("", *replies)
    assert caught.value.spec is catalogue.UPSTREAM_UNAVAILABLE
    assert POLL_LIMIT == 60


@pytest.mark.parametrize(
    ("replies", "spec", "detail"),
    [
        ([ok(TIER)], catalogue.PROJECT_REQUIRED, "Work"),
        (
            [ok({"ineligibleTiers": [
                {"reasonCode": "UNSUPPORTED_CLIENT", "reasonMessage": "Move to Antigravity"}]})],
            catalogue.ROUTE_RETIRED,
            "Move to Antigravity",
        ),
        (
            [ok({"ineligibleTiers": [7, {"reasonCode": "VALIDATION_REQUIRED",
                "reasonMessage": "Confirm", "validationUrl": "https://v.example"}]})],
            catalogue.ACCOUNT_ACTION_NEEDED,
            "https://v.example",
        ),
        (
            [ok({"ineligibleTiers": [{"reasonCode": "RESTRICTED_AGE"}]})],
            catalogue.POLICY_REFUSED,
            "RESTRICTED_AGE",
        ),
        ([ok({})], catalogue.POLICY_REFUSED, "no tier"),
        (
            [ok({"allowedTiers": [{"id": "t", "userDefinedCloudaicompanionProject": True}]})],
            catalogue.PROJECT_REQUIRED,
            "Work",
        ),
        (
            [ok({"allowedTiers": [{"id": "t"}]}), ok({"done": True, "error": {"message": "no"}})],
            catalogue.UPSTREAM_ERROR,
            "no",
        ),
        (
            [ok({"allowedTiers": [{"id": "t"}]}), ok({"done": True, "response": {}})],
            catalogue.PROJECT_REQUIRED,
            "Work",
        ),
        ([Reply(401)], catalogue.ACCOUNT_REJECTED, "401"),
        ([Reply(403, {}, b'{"error":{"message":"denied"}}')], catalogue.POLICY_REFUSED, "denied"),
        (
            [Reply(403, {}, b'{"error":{"details":[{"reason":"VALIDATION_REQUIRED"}]}}')],
            catalogue.ACCOUNT_ACTION_NEEDED,
            "403",
        ),
        ([Reply(500)], catalogue.UPSTREAM_ERROR, "500"),
        ([Reply(200, {}, b"<html>")], catalogue.UPSTREAM_INVALID_REPLY, "Work"),
        ([ok([])], catalogue.UPSTREAM_INVALID_REPLY, "Work"),
    ],
)  # fmt: skip
def test_what_stands_in_the_way_is_named(
    replies: list[Reply], spec: ErrorSpec, detail: str
) -> None:
    with pytest.raises(KorProxyError) as caught:
        Play("", *replies)
    assert caught.value.spec is spec
    assert detail in caught.value.detail


def test_a_driver_must_reply() -> None:
    generator = discover_project(account())
    next(generator)
    with pytest.raises(KorProxyError):
        generator.send(None)
