"""What a body says, in every dialect; whatever else it is, it is read without an error."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from korproxy_addons.routing.traits import PICTURE_TOKENS, Traits, read_traits

PIXELS = "iVBOR" * 4000


def traits(**body: Any) -> Traits:
    return read_traits(json.dumps(body).encode())


def said(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"role": "user", "content": list(parts)}]


@pytest.mark.parametrize(
    "body",
    [
        {"messages": said({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXELS}"}})},
        {"messages": said({"type": "image", "source": {"type": "base64", "media_type": "image/png",
                                                       "data": PIXELS}})},
        {"messages": said({"type": "tool_result", "tool_use_id": "t", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXELS}}]})},
        {"input": said({"type": "input_image", "image_url": f"data:image/png;base64,{PIXELS}"})},
        {"input": [{"type": "function_call_output", "output": [
            {"type": "input_image", "image_url": f"data:image/png;base64,{PIXELS}"}]}]},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "image/png", "data": PIXELS}}]}]},
        {"contents": [{"parts": [{"inline_data": {"data": PIXELS, "mime_type": "image/png"}}]}]},
        {"contents": {"parts": [{"inlineData": {"mimeType": "image/png", "data": PIXELS}}]}},
        {"request": {"contents": [{"parts": [{"functionResponse": {"parts": [
            {"inlineData": {"mimeType": "image/png", "data": PIXELS}}]}}]}]}},
    ],
)  # fmt: skip
def test_one_picture_is_found_and_its_bytes_are_no_words(body: dict[str, Any]) -> None:
    found = traits(**body)
    assert found.pictures == 1
    assert PICTURE_TOKENS <= found.input_tokens < PICTURE_TOKENS + 100


@pytest.mark.parametrize(
    "body",
    [
        {"messages": said({"type": "text", "text": '{"type": "image_url", "image_url": {"url": "x"}}'})},
        {"messages": [{"role": "user", "content": '"type": "image"'}]},
        {"messages": said({"type": "document", "source": {"media_type": "application/pdf", "data": PIXELS}})},
        {"contents": [{"parts": [{"inlineData": {"mimeType": "application/pdf", "data": PIXELS}}]}]},
        {"tools": [{"name": "t", "input_schema": {"properties": {"image": {"type": "string"}}}}]},
    ],
)  # fmt: skip
def test_what_only_speaks_of_pictures_has_none(body: dict[str, Any]) -> None:
    found = traits(**body)
    assert found.pictures == 0
    assert found.input_tokens < 200


def test_words_are_a_quarter_of_their_bytes() -> None:
    body = {"messages": said({"type": "text", "text": "word " * 8000})}
    assert 9_900 < traits(**body).input_tokens < 10_200


FUNCTION = {"type": "function", "function": {"name": "f"}}


@pytest.mark.parametrize(
    ("body", "tools", "web_search"),
    [
        ({}, False, False),
        ({"tools": []}, False, False),
        ({"tools": None}, False, False),
        ({"tools": [FUNCTION]}, True, False),
        ({"functions": [{"name": "f"}]}, True, False),
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, False, True),
        ({"tools": [{"name": "t", "input_schema": {}}, {"type": "web_search_20250305"}]}, True, True),
        ({"tools": [{"type": "web_search_preview"}]}, False, True),
        ({"tools": [{"googleSearch": {}}]}, False, True),
        ({"tools": [{"google_search": {}}, {"functionDeclarations": [{"name": "f"}]}]}, True, True),
        ({"web_search_options": {}}, False, True),
    ],
)  # fmt: skip
def test_tools_and_web_search(body: dict[str, Any], tools: bool, web_search: bool) -> None:
    found = traits(**body)
    assert (found.tools, found.web_search) == (tools, web_search)


@pytest.mark.parametrize(
    "body",
    [
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        {"thinking": {"type": "adaptive"}},
        {"reasoning_effort": "low"},
        {"reasoning": {"effort": "high", "summary": "auto"}},
        {"reasoning": {"enabled": True}},
        {"reasoning": {"max_tokens": 2000}},
        {"enable_thinking": True},
        {"thinking_budget": 100},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": -1}}},
        {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH"}}},
        {"generation_config": {"thinking_config": {"thinking_budget": 8}}},
    ],
)
def test_a_wish_for_reasoning_is_seen(body: dict[str, Any]) -> None:
    assert traits(**body).thinking


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"thinking": {"type": "disabled"}},
        {"reasoning_effort": "none"},
        {"reasoning_effort": "minimal"},
        {"reasoning": None},
        {"reasoning": {"summary": "auto"}},
        {"enable_thinking": False},
        {"thinking_budget": 0},
        {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0, "includeThoughts": True}}},
        {"generationConfig": {"temperature": 1}},
    ],
)
def test_no_wish_for_reasoning_is_none(body: dict[str, Any]) -> None:
    assert not traits(**body).thinking


@pytest.mark.parametrize(
    ("body", "limit", "shape"),
    [
        ({"messages": [], "max_tokens": 7}, 7, "chat"),
        ({"messages": [], "max_completion_tokens": 8}, 8, "chat"),
        ({"input": "x", "max_output_tokens": 9}, 9, ""),
        ({"contents": [], "generationConfig": {"maxOutputTokens": 10}}, 10, "chat"),
        ({"prompt": "x", "max_tokens": True}, None, "completion"),
        ({"content": {"parts": []}, "max_tokens": "many"}, None, "embedding"),
    ],
)
def test_limit_and_shape(body: dict[str, Any], limit: int | None, shape: str) -> None:
    found = traits(**body)
    assert (found.max_tokens, found.shape) == (limit, shape)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["messages", "content", "parts", "type", "source", "tools", "request", "thinking", "contents",
             "inlineData", "generationConfig", "thinkingConfig", "output", "functionResponse", "input"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON)
def test_any_json_is_read(value: Any) -> None:
    found = read_traits(json.dumps(value).encode())
    assert found.input_tokens >= 0


@given(st.binary(max_size=200))
def test_any_bytes_are_read(body: bytes) -> None:
    assert read_traits(body).pictures == 0


def test_deep_nesting_is_read() -> None:
    body = b'{"messages":' + b'[{"content":' * 3000 + b'"x"' + b"}]" * 3000 + b"}"
    assert read_traits(body).pictures == 0
    assert read_traits(b'{"messages":' + b"[" * 100_000) == Traits()
