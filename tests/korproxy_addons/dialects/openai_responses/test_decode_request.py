import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import ChoiceMode as Mode
from korproxy_addons.dialects.model import (
    Continuation,
    CustomTool,
    FormatKind,
    FunctionTool,
    HostedTool,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    ToolChoice,
)
from korproxy_addons.dialects.openai_responses.decode_request import decoded_request, peeked
from korproxy_addons.errors.exceptions import KorProxyError
from support.responses_wire import MODEL, asked

CORPUS = Path(__file__).parents[3] / "corpus" / "openai-responses"


def peek(**fields: Any) -> Peek:
    return peeked(Inbound(json.dumps(fields).encode()))


def test_what_routing_needs() -> None:
    assert peek(model="m", stream=True, input="x", prompt_cache_key="k") == Peek(
        "m", stream=True, session="k"
    )
    assert peek(model="m", stream=None, input=[]) == Peek("m", stream=False)


def test_a_chat_body_is_recognised() -> None:
    """T18"""
    assert peek(model="m", messages=[]).body_dialect == "openai-chat"
    assert peek(model="m", messages=[], input="x").body_dialect == ""


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (b'{"model":5}', "KP-REQ-705", "model"),
        (b'{"model":"m","stream":"yes"}', "KP-REQ-705", "stream"),
        (b'{"model":null}', None, "model"),
        (b'{"model":""}', None, "model"),
        (b"{", None, None),
        (b"[]", None, ""),
    ],
)
def test_a_body_that_cannot_be_routed(body: bytes, code: str | None, param: str | None) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        peeked(Inbound(body))
    assert found.value.status == 400
    assert (found.value.param or "") == (param or "")
    assert code is None or found.value.spec.code.startswith("KP-REQ")


def test_a_string_is_a_users_message() -> None:
    """T148"""
    request = asked(input="Hi", instructions="Be brief.")
    assert request.messages == (Message(Role.USER, (TextPart("Hi"),)),)
    assert request.system == (TextPart("Be brief."),)
    assert (request.source, request.model) == ("openai-responses", MODEL)


def test_every_setting() -> None:
    request = asked(
        stream=True,
        max_output_tokens=100,
        temperature=0.5,
        top_p=1,
        parallel_tool_calls=False,
        tool_choice="required",
        tools=[{"type": "function", "name": "f"}],
        reasoning={"effort": "high", "summary": "auto"},
        text={"verbosity": "low", "format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
        store=False,
        prompt_cache_key="k",
        user="u",
        metadata={"a": "b"},
        service_tier="flex",
    )  # fmt: skip
    assert request.stream
    assert request.stream_usage
    assert request.max_output_tokens == 100
    assert request.sampling == Sampling(temperature=0.5, top_p=1.0)
    assert request.parallel is False
    assert request.tool_choice == ToolChoice(Mode.REQUIRED)
    assert request.reasoning == Reasoning(effort="high", summary="auto", show=True)
    assert request.output == OutputFormat(
        FormatKind.SCHEMA, Raw(b'{"type": "object"}'), "n", strict=True
    )
    assert request.verbosity == "low"
    assert request.continuation == Continuation(store=False)
    assert (request.cache_key, request.user, request.service_tier) == ("k", "u", "flex")
    assert request.metadata == {"a": "b"}
    assert request.native == {}


def test_null_is_absent_everywhere() -> None:
    """T182"""
    names = (
        "stream", "max_output_tokens", "temperature", "top_p", "parallel_tool_calls", "tool_choice",
        "tools", "reasoning", "text", "store", "prompt_cache_key", "user", "metadata", "include",
        "previous_response_id", "conversation", "instructions", "truncation", "new_field",
    )  # fmt: skip
    assert asked(**dict.fromkeys(names)) == asked()


@pytest.mark.parametrize("tools", [None, []])
def test_without_tools_nothing_is_said_of_calling_them(tools: Any) -> None:
    """T32"""
    request = asked(tools=tools, tool_choice="auto", parallel_tool_calls=True)
    assert (request.tools, request.tool_choice, request.parallel) == ((), None, None)


@pytest.mark.parametrize(
    ("reasoning", "found"),
    [
        ({}, None),
        ({"effort": None, "summary": None}, None),
        ({"effort": "none"}, Reasoning(ThinkingMode.DISABLED, effort="none")),
        ({"effort": "brand-new"}, Reasoning(effort="brand-new")),
        ({"generate_summary": "concise"}, Reasoning(summary="concise", show=True)),
    ],
)
def test_reasoning(reasoning: Any, found: Reasoning | None) -> None:
    """T87: unknown words are kept, never read as others."""
    assert asked(reasoning=reasoning).reasoning == found


def test_fields_of_this_dialect_alone_are_native() -> None:
    request = asked(
        truncation="auto",
        client_metadata={"a": 1},
        reasoning={"effort": "low", "context": "all_turns"},
        text={"new": 1},
        include=["reasoning.encrypted_content", "web_search_call.action.sources"],
    )
    assert {name: bytes(raw) for name, raw in request.native.items()} == {
        "truncation": b'"auto"',
        "client_metadata": b'{"a": 1}',
        "reasoning.context": b'"all_turns"',
        "text.new": b"1",
        "include": b'["web_search_call.action.sources"]',
    }


def test_logprobs_in_both_ways() -> None:
    assert asked(include=["message.output_text.logprobs"]).logprobs == 0
    assert asked(include=["message.output_text.logprobs"], top_logprobs=3).logprobs == 3
    assert asked().logprobs is None


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ({"previous_response_id": "resp_1"}, Continuation(previous_response_id="resp_1")),
        ({"conversation": "conv_1"}, Continuation(conversation="conv_1")),
        ({"conversation": {"id": "conv_1"}}, Continuation(conversation="conv_1")),
    ],
)
def test_what_the_service_is_believed_to_keep(fields: Any, found: Continuation) -> None:
    """T145"""
    request = asked(**{**fields, "input": None})
    assert request.continuation == found
    assert request.messages == ()


def test_a_question_without_a_word_is_a_question() -> None:
    """T148, T176: OpenAI answers it."""
    empty = [{"role": "user", "content": ""}]
    for said in ("", empty, [*empty, {"role": "assistant", "content": ""}]):
        assert asked(input=said).messages == (Message(Role.USER, (TextPart(""),)),)
    assert asked(input=empty, previous_response_id="resp_1").messages == ()
    assert asked(input=[*empty, {"role": "user", "content": "Hi"}]).messages == (
        Message(Role.USER, (TextPart("Hi"),)),
    )


def test_a_choice_that_names_a_server_is_kept_whole() -> None:
    choice = {"type": "mcp", "server_label": "s", "name": "x"}
    request = asked(tools=[{"type": "mcp", "server_label": "s"}], tool_choice=choice)
    assert json.loads(bytes(request.native["tool_choice"])) == choice


def test_who_asks_by_either_name() -> None:
    assert asked(safety_identifier="s").user == "s"
    assert asked(safety_identifier="s", user="u").user == "u"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"role": "user", "content": [{"type": 1}]}]}, "input[0].content[0].type"),
        ({"tools": {}}, "tools"),
        ({"tools": [{"type": "function"}]}, "tools[0].name"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_output_tokens": 1.5}, "max_output_tokens"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"reasoning": {"effort": 3}}, "reasoning.effort"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"conversation": 5}, "conversation"),
    ],
)
def test_a_mistake_names_its_field(fields: dict[str, Any], param: str) -> None:
    """T170"""
    with pytest.raises(KorProxyError) as found:
        asked(**fields)
    assert found.value.param == param
    assert found.value.status == 400


def test_bytes_that_are_no_utf8() -> None:
    """T170: also in pieces that are not looked into."""
    body = b'{"model":"m","input":"x","tools":[{"type":"function","name":"f","parameters":{"a":"\xff"}}]}'
    with pytest.raises(KorProxyError, match="KP-REQ"):
        decoded_request(Inbound(body))


def test_half_an_emoji_in_a_message() -> None:
    """T178"""
    request = decoded_request(
        Inbound(b'{"model":"m","input":[{"role":"user","content":"a\\ud83d"}]}')
    )
    assert request.messages[0].parts == (TextPart("a\ufffd"),)


def test_what_codex_sends() -> None:
    """T139, T141"""
    body = (CORPUS / "codex-backend" / "request.json").read_bytes()
    request = decoded_request(Inbound(body))
    assert [type(tool) for tool in request.tools] == [
        FunctionTool,
        CustomTool,
        FunctionTool,
        HostedTool,
    ]
    assert [message.role for message in request.messages] == [Role.DEVELOPER, Role.USER]
    assert request.native.keys() == {"tools.namespaces"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=6,
)
WORDS = st.sampled_from(
    ["message", "reasoning", "function_call", "function_call_output", "custom_tool_call", "compaction",
     "additional_tools", "tool_search_call", "tool_search_output", "user", "assistant", "function", "custom",
     "namespace", "input_text", "input_image", "input_file", "client"]
)  # fmt: skip
ITEM = st.dictionaries(
    st.sampled_from(
        ["type", "role", "content", "call_id", "name", "arguments", "output", "summary", "tools", "id",
         "encrypted_content", "input", "execution", "namespace", "text", "image_url"]
    ),
    WORDS | JSON | st.lists(st.dictionaries(st.sampled_from(["type", "text", "name", "tools"]), WORDS, max_size=3), max_size=2),
    max_size=6,
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {"model": st.just("m")},
        optional={
            "input": st.lists(ITEM, max_size=4) | JSON,
            "tools": st.lists(ITEM, max_size=3) | JSON,
            "tool_choice": ITEM | JSON,
            "reasoning": JSON,
            "text": JSON,
            "conversation": JSON,
            "include": JSON,
            "instructions": JSON,
        },
    )
)
def test_any_json_is_a_request_or_a_400(body: dict[str, Any]) -> None:
    """T170, invariant 11"""
    try:
        request = decoded_request(Inbound(json.dumps(body).encode()))
    except KorProxyError as error:
        assert error.status == 400  # noqa: PT017 - allowed, not awaited
        return
    assert request.model == "m"
    assert all(message.parts for message in request.messages if message.role is not Role.USER)
