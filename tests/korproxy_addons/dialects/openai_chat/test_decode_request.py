import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import (
    ChatRequest,
    Continuation,
    FormatKind,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
)
from korproxy_addons.dialects.openai_chat.decode_request import decode_request, peek_request
from korproxy_addons.errors.catalogue import (
    FIELD_INVALID,
    MODEL_MISSING,
    NOT_JSON,
    NOT_UTF8,
    TOO_DEEP,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from support.chat_wire import asked

SAY = {"model": "m", "messages": [{"role": "user", "content": "a"}]}


def peek(body: Any, **inbound: Any) -> Peek:
    return peek_request(Inbound(json.dumps(body).encode(), **inbound))


def test_peek_reads_model_stream_and_session() -> None:
    assert peek(SAY) == Peek("m", stream=False)
    keyed = peek({**SAY, "stream": True, "prompt_cache_key": "k", "user": "u"})
    assert keyed == Peek("m", stream=True, session="k")
    assert peek({**SAY, "user": "u"}).session == "u"
    assert peek(SAY, path_model="p").model == "p"


def test_t18_a_responses_body_is_noticed() -> None:
    assert peek({"model": "m", "input": "hi"}).body_dialect == "openai-responses"
    assert peek({"model": "m", "input": [], "messages": None}).body_dialect == "openai-responses"
    assert peek({**SAY, "input": "hi"}).body_dialect == ""
    assert peek({**SAY, "input": None}).body_dialect == ""


@pytest.mark.parametrize(
    ("body", "spec", "param"),
    [
        (b"{}", MODEL_MISSING, "model"),
        (b'{"model":""}', MODEL_MISSING, "model"),
        (b'{"model":null}', MODEL_MISSING, "model"),
        (b'{"model":5}', FIELD_INVALID, "model"),
        (b'{"model":"m","stream":"yes"}', FIELD_INVALID, "stream"),
        (b"[]", FIELD_INVALID, None),
        (b"{", NOT_JSON, None),
        (b'{"model":"\xff"}', NOT_UTF8, None),
    ],
)
def test_t170_peek_names_what_is_wrong(body: bytes, spec: ErrorSpec, param: str | None) -> None:
    with pytest.raises(KorProxyError) as caught:
        peek_request(Inbound(body))
    assert (caught.value.spec, caught.value.param) == (spec, param)


def test_the_least_there_is() -> None:
    message = Message(Role.USER, (TextPart("a"),))
    assert asked(SAY) == ChatRequest("openai-chat", "m", (message,))


def test_all_fields() -> None:
    found = asked(
        {
            **SAY,
            "max_completion_tokens": 9,
            "max_tokens": 5,
            "stop": "s",
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 4,
            "seed": 1,
            "presence_penalty": 0.1,
            "frequency_penalty": 0.2,
            "logit_bias": {"5": 1},
            "logprobs": True,
            "top_logprobs": 3,
            "n": 2,
            "stream": True,
            "stream_options": {"include_usage": True, "include_obfuscation": False},
            "prompt_cache_key": "k",
            "user": "u",
            "safety_identifier": "s",
            "metadata": {"a": "b", "n": 1},
            "service_tier": "flex",
            "verbosity": "low",
            "modalities": ["Text", "audio"],
            "store": True,
            "brand_new": {"x": 1.0},
            "nothing": None,
        }
    )
    assert found.max_output_tokens == 9, "T115"
    assert found.stop == ("s",), "T119"
    assert found.sampling == Sampling(0.5, 0.9, 4, 1, 0.1, 0.2, Raw(b'{"5": 1}'))
    assert (found.logprobs, found.choices) == (3, 2)
    assert (found.stream, found.stream_usage) == (True, True)
    assert (found.cache_key, found.user) == ("k", "u")
    assert found.metadata == {"a": "b", "n": "1"}
    assert (found.service_tier, found.verbosity) == ("flex", "low")
    assert found.modalities == ("text", "audio")
    assert found.continuation == Continuation(store=True)
    assert found.native == {
        "brand_new": Raw(b'{"x": 1.0}'),
        "stream_options.include_obfuscation": Raw(b"false"),
        "safety_identifier": Raw(b'"s"'),
    }


def test_t08_anthropics_system_is_read_block_by_block() -> None:
    assert asked({**SAY, "system": "a"}).system == (TextPart("a"),)
    blocks = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert asked({**SAY, "system": blocks}).system == (TextPart("a"), TextPart("b"))


def test_t119_stops_may_be_a_list_with_empty_entries() -> None:
    assert asked({**SAY, "stop": ["a", "", "b"]}).stop == ("a", "b")
    assert asked({**SAY, "stop": ""}).stop == ()


def test_log_probabilities_are_asked_for_by_a_switch() -> None:
    assert asked({**SAY, "top_logprobs": 3}).logprobs is None
    assert asked({**SAY, "logprobs": True}).logprobs == 0


OFF = ThinkingMode.DISABLED
ON = ThinkingMode.ADAPTIVE
BUDGET = ThinkingMode.BUDGET


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"reasoning_effort": "high"}, Reasoning(effort="high")),
        ({"reasoning_effort": "brand-new"}, Reasoning(effort="brand-new")),
        ({"reasoning_effort": "none"}, Reasoning(OFF, "none")),
        ({"enable_thinking": False, "thinking_budget": 9}, Reasoning(OFF)),
        ({"enable_thinking": True}, Reasoning(ON)),
        ({"thinking_budget": 9}, Reasoning(BUDGET, budget_tokens=9)),
        ({"thinking": {"type": "disabled"}}, Reasoning(OFF)),
        ({"thinking": {"type": "disabled"}, "reasoning_effort": "low"}, Reasoning(OFF)),
        ({"thinking": {"type": "enabled"}, "reasoning_effort": "low"}, Reasoning(ON, "low")),
        ({"thinking": {"type": "enabled", "budget_tokens": 9}}, Reasoning(BUDGET, budget_tokens=9)),
        ({"thinking": {"type": "auto"}}, Reasoning(ON)),
        ({"thinking_budget": 0}, Reasoning(OFF)),
        ({"thinking_budget": -1}, Reasoning(ON)),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning(effort="low", show=False)),
        ({"reasoning": {"max_tokens": 9}}, Reasoning(BUDGET, budget_tokens=9)),
        ({"reasoning": {"enabled": False}}, Reasoning(OFF)),
        ({"reasoning": {"enabled": True, "summary": "auto"}}, Reasoning(ON, summary="auto")),
        ({"reasoning": {"effort": "none"}}, Reasoning(OFF, "none")),
        ({"reasoning": {}}, Reasoning()),
    ],
)
def test_t84_t87_reasoning_in_every_form(
    fields: dict[str, Any], expected: Reasoning | None
) -> None:
    assert asked({**SAY, **fields}).reasoning == expected


def test_nested_fields_known_nowhere_are_carried() -> None:
    found = asked({**SAY, "thinking": {"type": "enabled", "clear_thinking": False}})
    assert found.native == {"thinking.clear_thinking": Raw(b"false")}


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"type": "text"}, None),
        (None, None),
        ({"type": "json_object"}, OutputFormat(FormatKind.JSON)),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"a": 1.0}, "strict": True},
            },
            OutputFormat(FormatKind.SCHEMA, Raw(b'{"a": 1.0}'), "n", strict=True),
        ),
        ({"type": "json_schema", "json_schema": {}}, OutputFormat(FormatKind.SCHEMA)),
    ],
)
def test_t131_structured_output(form: Any, expected: OutputFormat | None) -> None:
    assert asked({**SAY, "response_format": form}).output == expected


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"stop": [5]}, "stop[0]"),
        ({"response_format": {"type": "yaml"}}, "response_format.type"),
        ({"response_format": {"type": "json_schema"}}, "response_format.type"),
        ({"system": [5]}, "system[0]"),
    ],
)
def test_t170_what_is_wrong_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(KorProxyError) as caught:
        asked({**SAY, **fields})
    assert (caught.value.spec, caught.value.param) == (FIELD_INVALID, param)


def test_a_body_without_an_end_of_depth_is_refused() -> None:
    deep = b'{"model":"m","messages":[{"role":"user","content":' + b"[" * 9999
    with pytest.raises(KorProxyError) as caught:
        decode_request(Inbound(deep))
    assert caught.value.spec in {TOO_DEEP, NOT_JSON, FIELD_INVALID}


FIELDS = [
    "model",
    "messages",
    "role",
    "content",
    "tools",
    "tool_calls",
    "function",
    "name",
    "arguments",
    "id",
    "type",
    "text",
    "image_url",
    "url",
    "tool_choice",
    "tool_call_id",
    "response_format",
    "json_schema",
    "schema",
    "stop",
    "stream_options",
    "input",
    "cache_control",
    "reasoning",
    "thinking",
    "system",
    "source",
    "data",
    "file",
    "custom",
    "parameters",
    "metadata",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(["user", "assistant", "tool", "text", "function", "image_url", "file", "m", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=25,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(FIELDS), JSON), JSON)
def test_t170_any_json_is_a_request_or_an_error_of_ours(body: dict[str, Any], message: Any) -> None:
    body = {**body, "model": "m", "messages": [message, body]}
    try:
        asked(body)
    except KorProxyError as error:
        assert error.spec in {FIELD_INVALID, TOO_DEEP}  # noqa: PT017


@given(st.binary(max_size=60))
def test_t170_any_bytes_are_an_error_of_ours(body: bytes) -> None:
    with pytest.raises(KorProxyError):
        decode_request(Inbound(body))
    with pytest.raises(KorProxyError):
        peek_request(Inbound(body))
