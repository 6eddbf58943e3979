import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from korproxy_addons.dialects.base import Inbound
from korproxy_addons.dialects.gemini.decode_request import decode_request, peek_request
from korproxy_addons.dialects.model import (
    ChoiceMode,
    MediaPart,
    Message,
    Role,
    TextPart,
    ToolChoice,
)
from korproxy_addons.errors.exceptions import KorProxyError
from support.gemini_wire import MODEL, inbound, request

HI = {"role": "user", "parts": [{"text": "hi"}]}
FULL = {
    "contents": [HI],
    "systemInstruction": {"role": "user", "parts": [{"text": "be"}, {"text": "kind"}]},
    "tools": [{"functionDeclarations": [{"name": "f", "description": "d"}]}],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    "generationConfig": {"maxOutputTokens": 5},
    "safetySettings": [{"category": "c", "threshold": "t"}],
    "cachedContent": "cachedContents/x",
    "serviceTier": "FLEX",
}


def snake(value: Any) -> Any:
    if isinstance(value, list):
        return [snake(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        "".join(f"_{c.lower()}" if c.isupper() else c for c in key): snake(each)
        for key, each in value.items()
    }


def test_a_whole_request() -> None:
    asked = request(FULL)
    assert (asked.source, asked.model, asked.stream_usage) == ("gemini", MODEL, True)
    assert asked.messages == (Message(Role.USER, (TextPart("hi"),)),)
    assert asked.system == (TextPart("be"), TextPart("kind"))
    assert [tool.name for tool in asked.tools] == ["f"]
    assert asked.tool_choice == ToolChoice(ChoiceMode.REQUIRED)
    assert asked.max_output_tokens == 5
    assert asked.service_tier == "flex"
    assert set(asked.native) == {"safetySettings", "cachedContent"}


def test_both_cases_mean_the_same_at_every_level() -> None:
    assert request(snake(FULL)) == request(FULL)
    mixed = {**FULL, "toolConfig": None, "tool_config": snake(FULL["toolConfig"])}
    assert request(mixed) == request(FULL)


def test_t182_null_is_nothing() -> None:
    asked = request(dict.fromkeys(FULL) | {"contents": [HI]})
    assert asked == request({"contents": [HI]})
    assert asked.tools == ()


def test_t32_a_choice_without_tools_is_none() -> None:
    assert request({**FULL, "tools": []}).tool_choice is None


@pytest.mark.parametrize("key", ["generateContentRequest", "generate_content_request"])
def test_t172_a_question_for_a_count_holds_the_request(key: str) -> None:
    inner = {**FULL, "model": "models/gemini-x"}
    assert request({key: inner}) == request(FULL)
    asked = decode_request(inbound({key: inner}, path_model=""))
    assert asked.model == "gemini-x"
    assert peek_request(inbound({key: inner}, path_model="")).model == "gemini-x"


def test_system_text_may_be_a_string() -> None:
    assert request({"system_instruction": "be kind"}).system == (TextPart("be kind"),)


def test_a_system_content_with_an_image_is_a_system_message() -> None:
    image = {"inlineData": {"mimeType": "image/png", "data": "AAAA"}}
    asked = request({"systemInstruction": {"parts": [{"text": "see"}, image]}, "contents": [HI]})
    assert asked.system == ()
    assert asked.messages[0].role is Role.SYSTEM
    assert isinstance(asked.messages[0].parts[1], MediaPart)


@pytest.mark.parametrize("stream", [True, False, None])
def test_t174_model_and_stream_stand_in_the_path(stream: bool | None) -> None:
    peek = peek_request(inbound({"sessionId": "s", "model": "other"}, path_stream=stream))
    assert (peek.model, peek.stream, peek.session) == (MODEL, bool(stream), "s")
    assert request({}).model == MODEL


@pytest.mark.parametrize("model", ["models/gemini-x", "gemini-x"])
def test_the_model_may_stand_in_the_body(model: str) -> None:
    peek = peek_request(inbound({"model": model, "session_id": "t"}, path_model=""))
    assert (peek.model, peek.session) == ("gemini-x", "t")


@pytest.mark.parametrize("body", [{}, {"model": ""}, {"model": "models/"}, {"model": None}])
def test_a_model_is_needed(body: Any) -> None:
    for read in (peek_request, decode_request):
        with pytest.raises(KorProxyError) as refused:
            read(inbound(body, path_model=""))
        assert refused.value.param == "model"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "KP-REQ-702"),
        (b"{", "KP-REQ-702"),
        (b"[]", "KP-REQ-705"),
        (b'{"a":"\xff"}', "KP-REQ-703"),
        (b'{"a":' * 10_000 + b"1" + b"}" * 10_000, "KP-REQ-704"),
        (b'{"contents":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "KP-REQ-704"),
    ],
)
def test_t170_bodies_that_cannot_be_read(body: bytes, code: str) -> None:
    for read in (peek_request, decode_request):
        with pytest.raises(KorProxyError) as refused:
            read(Inbound(body, path_model=MODEL))
        assert refused.value.spec.code == code


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"contents": 5}, "contents"),
        ({"systemInstruction": 5}, "systemInstruction"),
        ({"systemInstruction": {"parts": [{"text": 5}]}}, "systemInstruction.parts[0].text"),
        ({"tools": 5}, "tools"),
        ({"toolConfig": 5}, "toolConfig"),
        ({"generationConfig": 5}, "generationConfig"),
        ({"serviceTier": 5}, "serviceTier"),
    ],
)
def test_t170_a_wrong_field_is_named(body: Any, param: str) -> None:
    with pytest.raises(KorProxyError) as refused:
        request(body)
    assert (refused.value.spec.code, refused.value.param) == ("KP-REQ-705", param)


def test_t178_half_an_emoji_is_replaced() -> None:
    body = b'{"contents":[{"parts":[{"text":"a\\ud83d"}]}]}'
    asked = decode_request(Inbound(body, path_model=MODEL))
    assert asked.messages[0].parts == (TextPart("a\ufffd"),)


NAMES = st.sampled_from(
    ["contents", "role", "parts", "text", "functionCall", "function_response", "args", "name",
     "tools", "functionDeclarations", "parameters", "generationConfig", "thinkingConfig", "id",
     "systemInstruction", "inlineData", "data", "mimeType", "response", "toolConfig", "x"]
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=25,
)


@settings(deadline=None, max_examples=150)
@given(st.dictionaries(NAMES, JSON, max_size=5))
def test_any_json_is_a_request_or_a_named_error(body: dict[str, Any]) -> None:
    """T170"""
    refused = None
    try:
        request(body)
    except KorProxyError as error:
        refused = error
    assert refused is None or (refused.spec.code == "KP-REQ-705" and refused.param)


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=60))
def test_any_bytes_are_refused_by_name(body: bytes) -> None:
    try:
        json.loads(body)
    except ValueError:
        with pytest.raises(KorProxyError):
            decode_request(Inbound(body, path_model=MODEL))


def test_a_model_in_the_body_is_text() -> None:
    with pytest.raises(KorProxyError) as refused:
        peek_request(inbound({"model": 5}))
    assert refused.value.param == "model"
