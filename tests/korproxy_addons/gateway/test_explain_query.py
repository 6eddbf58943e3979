"""From a question to the request it is about: a model's name, a saved request, or a past exchange."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.accounts.fleet import Fleet
from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.gateway.explain_query import Query, answer
from korproxy_addons.gateway.explaining import Explanation
from support.asking import DIALECTS, question
from support.explaining import NOW, known


def outcomes(found: Explanation) -> list[tuple[str, str]]:
    return [(it.rule, it.outcome) for it in found.rules]


# --- a model's name


def test_a_model_s_name_will_do() -> None:
    found = answer(Query(model="m", profile="work"), known())
    assert (found.chosen, found.profile, found.profile_by) == ("a", "work", "header")
    assert outcomes(found) == [("night", "no match"), ("seen", "no match"), ("short", "parameters")]
    assert found.parameters == {"effort": "low"}
    assert found.request["dialect"] == "openai-chat"
    assert found.request["input_tokens"] == 0
    assert [it.group for it in found.groups] == ["default", "last"]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_it_may_be_asked_in_any_dialect(dialect: str) -> None:
    assert answer(Query(model="m", dialect=dialect), known()).request["dialect"] == dialect


def test_facts_can_be_said() -> None:
    query = Query(model="m", profile="work", tool="cline", kind="vision", input_tokens=500)
    found = answer(query, known())
    assert found.rule == "seen"
    assert (found.request["tool"], found.request["kinds"]) == ("cline", ["chat", "vision"])
    assert found.request["input_tokens"] == 500
    found = answer(Query(model="m", profile="work", at="2026-11-22T00:00:30"), known())
    assert found.rule == "night"


@pytest.mark.parametrize(
    ("query", "by"),
    [
        (Query(model="m", headers={"x-korproxy-profile": "day JOB"}), "header"),
        (Query(model="m", key="tool"), "key"),
        (Query(model="m", project="/src/job/x"), "folder"),
        (Query(model="m", project="/src/other", project_word="work"), "project-file"),
    ],
)
def test_a_profile_is_named_in_every_way(query: Query, by: str) -> None:
    found = answer(query, known())
    assert (found.profile, found.profile_by) == ("work", by)
    assert found.why[0] == "profile:work"


def test_without_a_word_it_is_the_active_one() -> None:
    found = answer(Query(model="m"), known())
    assert (found.profile, found.profile_by, found.why) == ("default", "active", ("fill-first",))


@pytest.mark.parametrize(
    ("query", "spec"),
    [
        (Query(), catalogue.FIELD_INVALID),
        (Query(model="m", dialect="klingon"), catalogue.FIELD_INVALID),
        (Query(model="m", at="noon"), catalogue.FIELD_INVALID),
        (Query(model="m", kind="odd"), catalogue.FIELD_INVALID),
        (Query(model="m", profile="x"), catalogue.PROFILE_UNKNOWN),
        (Query(model="m", key="x"), catalogue.LOCAL_KEY_UNKNOWN),
        (Query(exchange="x"), catalogue.EXCHANGE_UNKNOWN),
        (Query(request="no json"), catalogue.FIELD_INVALID),
        (Query(request="[1]"), catalogue.FIELD_INVALID),
        (Query(request="{}"), catalogue.FIELD_INVALID),
        (Query(request="GET /v1/models HTTP/1.1\n\n"), catalogue.FIELD_INVALID),
        (Query(request="POST /v1/x HTTP/1.1\n\n{}"), catalogue.UNKNOWN_PATH),
    ],
)
def test_a_question_without_sense_is_told(query: Query, spec: object) -> None:
    with pytest.raises(KorProxyError) as caught:
        answer(query, known())
    assert caught.value.spec is spec


# --- saved requests


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_http_request_is_read_as_the_gateway_would(dialect: str) -> None:
    asked = question(dialect, "m", "word " * 400)
    head = [f"POST /p/work{asked.path} HTTP/1.1", "Host: localhost", "User-Agent: cline/3"]
    head += [f"{name}: {value}" for name, value in asked.headers.items()]
    text = "\r\n".join([*head, "", json.dumps(asked.body)])
    found = answer(Query(request=text), known())
    assert (found.profile, found.profile_by) == ("work", "path")
    assert (found.request["dialect"], found.request["model"], found.request["tool"]) == (
        dialect, "m", "cline",
    )  # fmt: skip
    assert 450 < found.request["input_tokens"] < 600
    assert outcomes(found)[-1] == ("short", "no match")


@pytest.mark.parametrize(
    ("body", "dialect"),
    [
        ({"messages": []}, "openai-chat"),
        ({"messages": [], "system": "x"}, "anthropic-messages"),
        ({"input": "x"}, "openai-responses"),
        ({"contents": []}, "gemini"),
    ],
)
def test_a_bare_body_s_dialect_is_guessed(body: dict[str, Any], dialect: str) -> None:
    found = answer(Query(request=json.dumps({"model": "m", **body})), known())
    assert (found.request["dialect"], found.chosen) == (dialect, "a")
    found = answer(Query(request=json.dumps(body), model="n", dialect="gemini"), known())
    assert (found.request["dialect"], found.request["model"]) == ("gemini", "n")


@given(st.text(max_size=60))
def test_any_text_is_answered_or_refused(text: str) -> None:
    try:
        answer(Query(request=text), known())
    except KorProxyError:
        return


# --- the past


def row(**changes: Any) -> tuple[Any, ...]:
    values: dict[str, Any] = {
        "id": "i", "request_id": "r", "started_at": NOW - 60, "operation": "generate",
        "client_dialect": "gemini", "tool": "cline", "project": "/src/job", "profile": "work",
        "local_key": "", "kind": "chat+vision", "requested_model": "m", "model": "m",
        "account": "b", "route_group": "default", "rule": "", "why": "sticky", "input_tokens": 80,
        "cached_tokens": 20, "cache_write_tokens": 1, "status": 200, "outcome": "ok", "code": "",
        "attempts": '[{"account": "b"}]',
    }  # fmt: skip
    return tuple({**values, **changes}.values())


def test_a_past_exchange_is_judged_by_what_was_recorded() -> None:
    found = answer(Query(exchange="r"), known([row()]))
    assert (found.profile, found.profile_by, found.rule, found.chosen) == (
        "work",
        "record",
        "seen",
        "c",
    )
    assert (found.request["dialect"], found.request["tool"]) == ("gemini", "cline")
    assert (found.request["input_tokens"], found.request["project"]) == (101, "/src/job")
    assert found.request["at"].startswith("2027-01-15T07:59")
    assert (found.recorded["account"], found.recorded["why"]) == ("b", "sticky")
    assert found.recorded["attempts"] == [{"account": "b"}]
    assert any("not kept" in it for it in found.notes)


def test_it_can_be_asked_what_another_profile_would_do() -> None:
    found = answer(Query(exchange="r", profile="default"), known([row()]))
    assert (found.profile, found.profile_by, found.rules) == ("default", "header", ())


def test_a_profile_that_is_gone_since_is_told() -> None:
    with pytest.raises(KorProxyError) as caught:
        answer(Query(exchange="r"), known([row(profile="gone")]))
    assert caught.value.spec is catalogue.PROFILE_UNKNOWN


def test_models_that_providers_have_named_count_where_they_are_known() -> None:
    one = known()
    assert "lists" in answer(Query(model="m"), one).notes[0]
    assert answer(Query(model="new"), one).chosen == ""
    one.live = {"c": one.accounts["c"].models[:0]}
    assert answer(Query(model="m"), one).notes == ()


def test_nothing_is_changed_by_asking() -> None:
    fleet = Fleet()
    for _ in range(3):
        found = answer(
            Query(model="m", profile="default"),
            known(fleet=fleet, groups=[{"id": "default", "strategy": "round-robin"}], profiles=[]),
        )
        assert found.chosen == "a"
