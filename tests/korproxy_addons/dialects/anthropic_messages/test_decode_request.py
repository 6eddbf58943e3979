import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.anthropic_messages import DIALECT
from korproxy_addons.dialects.base import Inbound, Peek
from korproxy_addons.dialects.model import (
    FormatKind,
    Message,
    OutputFormat,
    Reasoning,
    Role,
    Sampling,
    TextPart,
    ThinkingMode,
    UnknownPart,
)
from korproxy_addons.errors.catalogue import (
    FIELD_INVALID,
    MODEL_MISSING,
    NOT_JSON,
    NOT_UTF8,
    TOO_DEEP,
)
from korproxy_addons.errors.exceptions import KorProxyError
from korproxy_addons.errors.kinds import ErrorSpec
from support.anthropic_wire import MODEL, plain, request_of


def peek(**body: Any) -> Peek:
    return DIALECT.peek_request(Inbound(json.dumps(body).encode()))


def refused(body: bytes) -> KorProxyError:
    with pytest.raises(KorProxyError) as caught:
        DIALECT.decode_request(Inbound(body))
    return caught.value


def test_a_glance_reads_model_stream_and_session() -> None:
    assert peek(model="m", stream=True, metadata={"user_id": "u"}) == Peek("m", True, "u")
    assert peek(model="m", stream=None, metadata=None, messages="not looked at") == Peek("m", False)


@pytest.mark.parametrize(
    ("body", "spec", "param"),
    [
        (b"{}", MODEL_MISSING, "model"),
        (b'{"model":""}', MODEL_MISSING, "model"),
        (b'{"model":null}', MODEL_MISSING, "model"),
        (b'{"model":5}', FIELD_INVALID, "model"),
        (b'{"model":"m","stream":"yes"}', FIELD_INVALID, "stream"),
        (b"{", NOT_JSON, None),
        (b"[]", FIELD_INVALID, None),
    ],
)
def test_a_glance_at_a_body_that_is_none(body: bytes, spec: ErrorSpec, param: str | None) -> None:
    with pytest.raises(KorProxyError) as caught:
        DIALECT.peek_request(Inbound(body))
    assert (caught.value.spec, caught.value.param) == (spec, param)


def test_every_field_finds_its_place() -> None:
    request = request_of(
        system="Be brief.",
        max_tokens=100,
        stop_sequences=["END"],
        stream=True,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        metadata={"user_id": "u", "of_tomorrow": 1},
        service_tier="standard_only",
        output_config={
            "effort": "low",
            "format": {"type": "json_schema", "schema": {"type": "object"}},
        },
        context_management={"edits": []},
    )
    assert plain(request) == plain(request_of()) | {
        "system": plain((TextPart("Be brief."),)),
        "max_output_tokens": 100,
        "stop": ["END"],
        "stream": True,
        "sampling": plain(Sampling(0.5, 0.9, 5)),
        "user": "u",
        "service_tier": "standard_only",
        "reasoning": plain(Reasoning(effort="low")),
        "output": plain(OutputFormat(FormatKind.SCHEMA)) | {"schema": {"type": "object"}},
        "native": {"context_management": {"edits": []}, "metadata.of_tomorrow": 1},
    }
    assert (request.source, request.model) == ("anthropic-messages", MODEL)


def test_t182_null_is_nothing_in_every_field() -> None:
    nulls = dict.fromkeys(
        (
            "system",
            "max_tokens",
            "metadata",
            "stop_sequences",
            "stream",
            "temperature",
            "top_p",
            "top_k",
            "tools",
            "tool_choice",
            "thinking",
            "output_config",
            "output_format",
            "service_tier",
            "of_tomorrow",
        )
    )
    assert request_of(**nulls) == request_of()
    inner = {"effort": None, "format": None}
    assert request_of(output_config=inner, metadata={"user_id": None}) == request_of()


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        (
            {"type": "enabled", "budget_tokens": 2048},
            Reasoning(ThinkingMode.BUDGET, budget_tokens=2048, show=True),
        ),
        ({"type": "adaptive"}, Reasoning(ThinkingMode.ADAPTIVE, show=True)),
        ({"type": "auto"}, Reasoning(ThinkingMode.ADAPTIVE, show=True)),
        ({"type": "enabled"}, Reasoning(ThinkingMode.ADAPTIVE, show=True)),
        (
            {"type": "adaptive", "display": "summarized"},
            Reasoning(ThinkingMode.ADAPTIVE, summary="auto", show=True),
        ),
        (
            {"type": "adaptive", "display": "omitted"},
            Reasoning(ThinkingMode.ADAPTIVE, show=False),
        ),
        ({"type": "disabled"}, Reasoning(ThinkingMode.DISABLED)),
    ],
)
def test_t84_thinking_in_all_its_forms(thinking: dict[str, Any], expected: Reasoning) -> None:
    assert request_of(thinking=thinking).reasoning == expected


def test_thinking_of_a_form_that_nobody_knows_is_kept_for_its_own_dialect() -> None:
    request = request_of(thinking={"type": "between_tools"})
    assert request.reasoning is None
    assert plain(request.native) == {"thinking": {"type": "between_tools"}}


def test_t08_system_blocks_stay_apart() -> None:
    request = request_of(
        system=[
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral"}},
            {"type": "text", "text": "b"},
        ]
    )
    assert [(part.text, part.cache is not None) for part in request.system] == [
        ("a", True),
        ("b", False),
    ]


def test_t07_a_system_message_inside_the_conversation_keeps_its_place() -> None:
    addition = {"type": "tool_addition", "tool": {"type": "tool_reference", "name": "go"}}
    request = request_of(
        messages=[
            {"role": "user", "content": "a"},
            {"role": "system", "content": [{"type": "text", "text": "s"}, addition]},
        ]
    )
    assert request.messages[0] == Message(Role.USER, (TextPart("a"),))
    assert request.messages[1].role is Role.SYSTEM
    assert [type(part) for part in request.messages[1].parts] == [TextPart, UnknownPart]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"messages": "text"}, "messages"),
        ({"messages": ["text"]}, "messages[0]"),
        ({"messages": [{"content": "a"}]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": "a"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": ["a"]}]}, "messages[0].content[0]"),
        (
            {"messages": [{"role": "user", "content": [{"type": "text", "text": 5}]}]},
            "messages[0].content[0].text",
        ),
        ({"system": [{"type": "image"}]}, "system[0].source"),
        ({"system": [{"type": "thinking", "thinking": "a"}]}, "system[0].type"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"tools": [{"description": "nameless"}]}, "tools[0].name"),
        ({"tools": [{"name": "a"}], "tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        ({"tools": [{"name": "a"}], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"metadata": []}, "metadata"),
    ],
)
def test_t170_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    body = {"model": MODEL, "messages": [], **fields}
    error = refused(json.dumps(body).encode())
    assert (error.spec, error.param) == (FIELD_INVALID, param)


@pytest.mark.parametrize(
    ("body", "spec"),
    [
        (b"", NOT_JSON),
        (b'{"messages":[', NOT_JSON),
        (b"null", FIELD_INVALID),
        (b'{"messages":[],"a":"\xff"}', NOT_UTF8),
        (b'{"messages":[{"role":"user","content":' + b"[" * 100_000, TOO_DEEP),
        (b'{"messages":[],"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", TOO_DEEP),
    ],
)
def test_t170_a_body_that_is_none(body: bytes, spec: ErrorSpec) -> None:
    assert refused(body).spec is spec


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from(["", "text", "user", "tool_use"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "role", "content", "text", "input", "id", "name", "source", "tool_use_id"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["system", "messages", "tools", "tool_choice", "thinking", "output_config", "metadata", "x"]
)


def outcome(body: bytes) -> ErrorSpec | None:
    """What a body is refused for; None if it is read."""
    try:
        DIALECT.decode_request(Inbound(body))
    except KorProxyError as error:
        return error.spec
    return None


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=3), st.lists(JSON, max_size=3))
def test_any_json_is_a_request_or_our_error(fields: dict[str, Any], content: list[Any]) -> None:
    messages = [{"role": "user", "content": content}]
    body = json.dumps({"model": "m", "messages": messages, **fields}).encode()
    assert outcome(body) in {None, FIELD_INVALID}
