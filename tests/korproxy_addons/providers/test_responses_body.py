"""A Responses body for a backend that remembers nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.errors import catalogue
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.providers.codex import CHATGPT_REFUSED, SIWC_REFUSED
from korproxy_addons.providers.outgoing import Operation, Outgoing
from korproxy_addons.providers.responses_body import (
    ENCRYPTED,
    INSTRUCTIONS,
    BackendRules,
    backend_body,
)

RULES = BackendRules(refused=CHATGPT_REFUSED, keeps_tier=frozenset({"priority"}))
MESSAGE = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
FIT = {
    "model": "m",
    "instructions": "Be short.",
    "input": [MESSAGE],
    "store": False,
    "stream": True,
    "include": [ENCRYPTED],
    "prompt_cache_key": "k",
}


def outgoing(operation: Operation = Operation.GENERATE) -> Outgoing:
    return Outgoing(
        operation=operation, dialect="openai-responses", model="m", session_id="session-1"
    )


def prepared(body: dict[str, Any], call: Outgoing | None = None) -> dict[str, Any]:
    data = json.dumps(body).encode()
    result: dict[str, Any] = json.loads(backend_body(data, call or outgoing(), RULES))
    return result


def test_a_body_that_fits_is_the_same_object() -> None:
    body = json.dumps(FIT).encode()
    assert backend_body(body, outgoing(), RULES) is body


def test_what_the_backend_demands() -> None:
    body = prepared({"model": "alias", "input": "hi", "stream": False, "store": True, "tools": []})
    assert body == {
        "model": "m",
        "input": [MESSAGE],
        "stream": True,
        "store": False,
        "tools": [],
        "instructions": INSTRUCTIONS,
        "include": [ENCRYPTED],
        "prompt_cache_key": "session-1",
    }


@pytest.mark.parametrize("given", [None, "", "  ", 7])
def test_instructions_are_a_non_empty_text(given: object) -> None:
    assert prepared({**FIT, "instructions": given})["instructions"] == INSTRUCTIONS


@pytest.mark.parametrize(
    ("content", "said"),
    [("Be brief.", "Be brief."), ([{"type": "input_text", "text": "A"}, {"text": "B"}], "A\n\nB")],
)
@pytest.mark.parametrize("role", ["developer", "system"])
def test_a_developer_message_at_the_head_stands_as_instructions(
    role: str, content: object, said: str
) -> None:
    body = {**FIT, "input": [{"role": role, "content": content}, MESSAGE]}
    del body["instructions"]
    fitted = prepared(body)
    assert (fitted["instructions"], fitted["input"]) == (said, [MESSAGE])


@pytest.mark.parametrize("content", [[], [{"type": "input_image"}], "  ", 7])
def test_a_developer_message_without_words_stays_where_it_is(content: object) -> None:
    body = {**FIT, "input": [{"role": "developer", "content": content}]}
    del body["instructions"]
    fitted = prepared(body)
    assert (fitted["instructions"], len(fitted["input"])) == (INSTRUCTIONS, 1)


def test_a_shared_plan_takes_developer_messages_for_instructions() -> None:
    rules = BackendRules(refused=SIWC_REFUSED, wants_instructions=False)
    body = {**FIT, "input": [{"role": "developer", "content": "x"}]}
    del body["instructions"]
    assert "instructions" not in json.loads(
        backend_body(json.dumps(body).encode(), outgoing(), rules)
    )


@pytest.mark.parametrize(
    "field",
    [
        "max_output_tokens",
        "temperature",
        "top_p",
        "user",
        "metadata",
        "safety_identifier",
        "stream_options",
        "prompt_cache_retention",
        "truncation",
        "max_tokens",
        "max_completion_tokens",
    ],
)
def test_refused_fields_are_left_out_and_listed(field: str) -> None:
    call = outgoing()
    assert prepared({**FIT, field: {"a": 1}}, call) == FIT
    assert call.losses == [field]


def test_refused_fields_that_said_nothing_are_no_loss() -> None:
    call = outgoing()
    body = {**FIT, "background": False, "temperature": None, "metadata": {}}
    assert prepared(body, call) == FIT
    assert call.losses == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("previous_response_id", "resp_1"),
        ("conversation", "conv_1"),
        ("prompt", {"id": "pmpt_1"}),
        ("background", True),
    ],
)
def test_what_changes_the_meaning_is_refused_not_dropped(field: str, value: object) -> None:
    with pytest.raises(KorProxyError) as caught:
        prepared({**FIT, field: value})
    assert caught.value.spec is catalogue.CANNOT_TRANSLATE
    assert caught.value.param == field
    assert field not in prepared({**FIT, field: None})


def test_system_turns_become_developer_turns() -> None:
    items = [{"role": "system", "content": "a"}, {"type": "message", "role": "system"}, MESSAGE]
    roles = [it["role"] for it in prepared({**FIT, "input": items})["input"]]
    assert roles == ["developer", "developer", "user"]


def test_reasoning_goes_back_encrypted_and_without_ids() -> None:
    items = [
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAA"},
        {"type": "reasoning", "id": "rs_2", "summary": [{"type": "summary_text", "text": "x"}]},
        {"type": "reasoning", "summary": [], "encrypted_content": None},
        {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]
    assert prepared({**FIT, "input": items})["input"] == [
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "ok"},
    ]


def test_a_reference_to_a_stored_item_is_refused() -> None:
    with pytest.raises(KorProxyError) as caught:
        prepared({**FIT, "input": [{"type": "item_reference", "id": "msg_1"}]})
    assert caught.value.spec is catalogue.CANNOT_TRANSLATE


def test_texts_inside_items_stay_as_they_came() -> None:
    call = b'{"type":"function_call","call_id":"c","arguments":"{\\u0022a\\u0022: 1.0}"}'
    body = b'{"model":"m","input":[' + call + b',{"id":"x","n":1.50,"type":"z"}]}'
    result = backend_body(body, outgoing(), RULES)
    assert call in result
    assert b'{"n":1.50,"type":"z"}' in result


@pytest.mark.parametrize(
    ("tier", "kept", "losses"),
    [
        ("priority", True, []),
        ("auto", False, []),
        ("flex", False, ["service_tier"]),
    ],
)
def test_service_tiers(tier: str, kept: bool, losses: list[str]) -> None:
    call = outgoing()
    assert ("service_tier" in prepared({**FIT, "service_tier": tier}, call)) is kept
    assert call.losses == losses


def test_include_keeps_what_else_was_asked() -> None:
    assert prepared({**FIT, "include": ["a"]})["include"] == ["a", ENCRYPTED]
    assert prepared({**FIT, "include": "a"})["include"] == [ENCRYPTED]


def test_compaction_is_no_generation() -> None:
    body = {"model": "x", "input": [MESSAGE], "temperature": 1}
    assert prepared(body, outgoing(Operation.COMPACT)) == {"model": "m", "input": [MESSAGE]}


def test_no_session_adds_no_cache_key() -> None:
    call = Outgoing(operation=Operation.GENERATE, dialect="openai-responses", model="m")
    assert "prompt_cache_key" not in json.loads(backend_body(b"{}", call, RULES))


@pytest.mark.parametrize("given", [7, {"a": 1}, None, ["text", 7]])
def test_an_odd_input_is_the_upstreams_to_judge(given: object) -> None:
    assert prepared({**FIT, "input": given})["input"] == given


VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=4)


@given(
    st.dictionaries(st.text(min_size=1, max_size=8), VALUES | st.lists(VALUES, max_size=3)),
    st.lists(st.dictionaries(st.text(max_size=6), VALUES, max_size=4), max_size=4),
)
def test_unknown_fields_survive(extra: dict[str, Any], items: list[dict[str, Any]]) -> None:
    known = {*FIT, *CHATGPT_REFUSED, "service_tier"}
    fields = {f"x_{name}": value for name, value in extra.items() if name not in known}
    given_items = [{f"x_{name}": value for name, value in it.items()} for it in items]
    body = prepared({**fields, "input": given_items})
    assert {name: body[name] for name in fields} == fields
    assert body["input"] == given_items


# --- function tools


FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}


def moved(**fields: Any) -> Any:
    rules = BackendRules(refused=frozenset(), tools_as_item=True)
    body = {"model": "m", "instructions": "i", "input": "hi", **fields}
    outgoing = Outgoing(operation=Operation.GENERATE, dialect="openai-responses", model="m")
    return json.loads(backend_body(json.dumps(body).encode(), outgoing, rules))


def test_a_plan_that_wants_functions_in_an_item_gets_them_there() -> None:
    found = moved(tools=[FUNCTION, {"type": "web_search"}])
    assert found["tools"] == [{"type": "web_search"}]
    assert found["input"][0] == {
        "type": "additional_tools",
        "role": "developer",
        "tools": [FUNCTION],
    }
    assert found["input"][1]["role"] == "user"


def test_instructions_are_found_before_the_tools_come_in_front() -> None:
    words = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    found = moved(tools=[FUNCTION], instructions=None, input=words)
    assert found["instructions"] == "Be brief."
    assert [item.get("type") for item in found["input"]] == ["additional_tools", None]
    assert "tools" not in found


@pytest.mark.parametrize("tools", [None, [], [{"type": "namespace", "name": "n", "tools": []}]])
def test_without_functions_nothing_moves(tools: Any) -> None:
    found = moved(tools=tools)
    assert found["input"][0]["role"] == "user"
    assert found.get("tools") == tools
