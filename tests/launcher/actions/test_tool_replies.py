"""The doctor's own replies, read in each API."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from launcher.actions.tool_replies import END_MARKS, StreamRead, error_in, has_envelope, read_stream

DIALECTS = tuple(END_MARKS)


def sse(*payloads: Any) -> bytes:
    texts = [it if isinstance(it, str) else json.dumps(it) for it in payloads]
    return "".join(f": beat\n\nevent: x\ndata: {it}\n\n" for it in texts).encode()


WHOLE = {
    "anthropic-messages": sse(
        {"type": "message_start"},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {"type": "content_block_delta", "index": 0, "delta": {"text": "no arguments"}},
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use"}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '{"word":'}},
        {"type": "content_block_delta", "index": 1, "delta": {"partial_json": '"ping"}'}},
        {"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use"}},
        {"type": "content_block_delta", "index": 2, "delta": {"partial_json": '{"other":1}'}},
        {"type": "message_stop"},
    ),
    "openai-chat": sse(
        {"choices": [{"delta": {"content": "hm"}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": '{"word":'}}]}}]},
        {"choices": [{"delta": {"tool_calls": [
            {"index": 1, "function": {"arguments": "{}"}}, {"index": 0, "function": {"arguments": '"ping"}'}},
        ]}}]},
        "[DONE]",
    ),
    "openai-responses": sse(
        {"type": "response.created"},
        {"type": "response.output_item.done", "item": {"type": "message"}},
        {"type": "response.output_item.done", "item": {"type": "function_call", "arguments": '{"word":"ping"}'}},
        {"type": "response.completed", "response": {"status": "completed", "error": None}},
    ),
    "gemini": sse(
        {"candidates": [{"content": {"parts": [{"functionCall": {"name": "x", "args": {"word": "ping"}}}]}}]},
        {"candidates": [{"finishReason": "STOP"}]},
    ),
}  # fmt: skip
EVENTS = {"anthropic-messages": 9, "openai-chat": 4, "openai-responses": 4, "gemini": 2}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_whole_stream_with_a_call(dialect: str) -> None:
    found = read_stream(dialect, WHOLE[dialect])
    assert found == StreamRead(EVENTS[dialect], True, {"word": "ping"}, True, "")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_stream_without_its_last_event_has_not_ended(dialect: str) -> None:
    cut, _, _ = WHOLE[dialect].rpartition(b": beat")
    found = read_stream(dialect, cut)
    assert not found.ended
    assert found.called


@pytest.mark.parametrize("dialect", DIALECTS)
def test_arguments_that_are_no_json_and_none_at_all(dialect: str) -> None:
    broken = WHOLE[dialect].replace(b'ping\\"}', b"ping")
    if dialect != "gemini":  # whose arguments are no text
        found = read_stream(dialect, broken)
        assert (found.called, found.arguments) == (True, None)
    empty = sse({"type": "content_block_start", "index": 0, "content_block": {"type": "tool_use"}})
    found = read_stream("anthropic-messages", empty)
    assert (found.called, found.arguments) == (True, {})


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_error_in_the_stream_is_found(dialect: str) -> None:
    assert read_stream(dialect, sse({"error": {"message": "broken"}})).error == "broken"


@given(st.sampled_from(DIALECTS), st.binary(max_size=300) | st.builds(
    lambda values: sse(*values),
    st.lists(st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda it: st.lists(it, max_size=3) | st.dictionaries(
            st.sampled_from(["type", "choices", "delta", "item", "error", "index", "candidates", "content", "parts",
                             "tool_calls", "function", "response", "content_block", "functionCall"]), it, max_size=4),
        max_leaves=10,
    ), max_size=4),
))  # fmt: skip
def test_whatever_comes_is_read(dialect: str, content: bytes) -> None:
    """Nothing that something between may answer makes the doctor fail."""
    found = read_stream(dialect, content)
    assert found.events >= 0
    assert found.called or found.arguments is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"error": {"message": "a", "type": "b"}}, "a"),
        ({"error": {"type": "b"}}, "b"),
        ({"error": {}}, ""),
        ({"error": {"x": 1}}, "an error without words"),
        ({"error": "plain"}, "plain"),
        ([{"error": {"message": "in a list"}}], "in a list"),
        ({"response": {"error": {"message": "inside"}}}, "inside"),
        ({"choices": []}, ""),
        ("text", ""),
        (None, ""),
    ],
)
def test_the_words_of_an_error(value: Any, words: str) -> None:
    assert error_in(value) == words


def test_each_api_has_its_envelope() -> None:
    openai = {"error": {"message": "m", "type": "t"}}
    anthropic = {"type": "error", **openai}
    gemini = {"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}}
    fits = {
        dialect: [
            has_envelope(dialect, it) for it in (openai, anthropic, gemini, {"error": "x"}, None)
        ]
        for dialect in DIALECTS
    }
    assert fits == {
        "anthropic-messages": [False, True, False, False, False],
        "openai-chat": [True, True, False, False, False],
        "openai-responses": [True, True, False, False, False],
        "gemini": [False, False, True, False, False],
    }
